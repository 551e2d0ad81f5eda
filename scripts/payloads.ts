import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { format, resolveConfig } from 'prettier'
import {
  knownEventTypes,
  readEnvelope,
  readFacts,
  type KnownEventType,
} from '../packages/events/src/index.ts'
import { webhookEventSchema } from '../packages/events/src/schemas/index.ts'
import { buildEvent } from '../packages/sender/src/index.ts'
import { repositoryRoot } from './repository.ts'

// Writes docs/payloads.md from the schemas, the fixtures, and what the sender builds.

export const payloadsPage = 'docs/payloads.md'

const fixtures = 'packages/events/fixtures'

/** What was sent elsewhere, for each type: the forms that differ. */
const samples: Record<KnownEventType, readonly string[]> = {
  'call.started': ['emulator-call-started'],
  'call.answered': ['emulator-call-answered'],
  'transcription.update': ['emulator-transcription-delta', 'simulator-transcription-cumulative'],
  'tool.executed': ['emulator-tool-executed'],
  'call.ended': ['documented-three-states'],
}

/** A call as a platform of one's own would publish it: what is given for each type, and how long after the start. */
const publications: Record<KnownEventType, { afterMs: number; data: Record<string, unknown> }> = {
  'call.started': { afterMs: 0, data: {} },
  'call.answered': { afterMs: 5000, data: { ringSeconds: 5 } },
  'transcription.update': { afterMs: 7000, data: { speaker: 'Agent', text: 'Hello!' } },
  'tool.executed': {
    afterMs: 20_000,
    data: {
      toolName: 'find_application',
      input: { application_id: '12345' },
      output: { found: true },
      success: true,
      duration: 412,
      error: null,
    },
  },
  'call.ended': {
    afterMs: 125_000,
    data: {
      transcription: [{ Agent: 'Hello!' }, { User: 'Hi. I would want 80,000.' }],
      outcomeResult: { expectedSalary: '80000', noticePeriod: null },
    },
  },
}

/** The parts of JSON Schema that the schemas of events come to. */
interface Shape {
  type?: string | string[]
  const?: string
  description?: string
  restsOn?: string
  properties?: Record<string, Shape>
  required?: string[]
  items?: Shape
}

/** The whole page, in the format of the repository. */
export async function writePayloads(): Promise<string> {
  const { oneOf: shapes = [] } = webhookEventSchema.toJSONSchema() as { oneOf?: Shape[] }
  const ofType = (type: KnownEventType): Shape => {
    const shape = shapes.find(({ properties }) => properties?.['eventType']?.const === type)
    if (shape === undefined) throw new Error(`webhookEventSchema has no ${type}`)
    return shape
  }
  const page = `<!-- Written by scripts/payloads.ts. Change the schemas of packages/events or the fixtures, and run it again. -->

# What every event looks like

The five types of event in the form that the platform documents, field by field, with samples. What else is read, and under which other names, is in [Events and calls](events.md); what is not documented, and what was made of it, in [Details of the platform](platform-details.md). As code it is \`webhookEventSchema\` of [@hookswitch/events](../packages/events/README.md).

A field is _documented_ where the platform's pages name it; _seen_ where they do not, and programs that send or receive its webhooks do; _chosen_ where the pages tell of it without naming it. Every object may have further fields, which are kept. The first sample of each type is what [publishing](be-the-platform.md#publish) makes of what a program gives; the others were made elsewhere.

## The envelope

The same for all types, in this order.

${table(rowsOf(ofType('call.ended'), '', true))}

The example of \`call.ended\` documents \`data.timestamp\` and \`data.data\`. For the other types these two were seen.

${knownEventTypes.map((type) => section(type, ofType(type))).join('\n\n')}

## All samples

What the tests of reading run on, to try a handler with: what the guide has, what other programs send, and what should not come but does.

${table(accepted())}

These are refused with [400](http.md#what-it-answers):

${table(refused())}
`
  const file = join(repositoryRoot, payloadsPage)
  return format(page, { ...(await resolveConfig(file)), filepath: file })
}

function section(type: KnownEventType, shape: Shape): string {
  const inner = shape.properties?.['data']?.properties?.['data'] ?? {}
  const rows = rowsOf(inner, '', false)
  const named =
    rows.length > 1
      ? `In \`data.data\`:\n\n${table(rows)}`
      : 'No field of its `data.data` is named anywhere; the [facts about the call](events.md#facts-about-the-call) are read.'
  const others = samples[type].map((name) => `${linkTo('accepted', name)}:\n\n${fence(readFixture(name))}`)
  return `## ${type}\n\n${[`${inner.description ?? ''} ${named}`, fence(published(type)), ...others].join('\n\n')}`
}

/** A head row, and one for each field; those within objects and lists by their path. */
function rowsOf(shape: Shape, path: string, withRequired: boolean): string[][] {
  const head = ['field', 'type', ...(withRequired ? ['required'] : []), 'rests on', '']
  const rows = Object.entries(shape.properties ?? {}).flatMap(([name, field]) => {
    const at = `${path}${name}`
    const required = withRequired ? [(shape.required ?? []).includes(name) ? 'yes' : 'no'] : []
    const own = [`\`${at}\``, typeOf(field), ...required, field.restsOn ?? '', field.description ?? '']
    const below = withRequired && at === 'data.data' ? [] : rowsBelow(field, at, withRequired)
    // What data.data is, each type says of its own.
    if (at === 'data.data') own.splice(-2, 2, 'documented', 'What the sections below have.')
    else if (at === 'eventType') own[1] = 'text'
    return [own, ...below]
  })
  return path === '' ? [head, ...rows] : rows
}

function rowsBelow(field: Shape, path: string, withRequired: boolean): string[][] {
  if (field.items !== undefined) return rowsOf(field.items, `${path}[].`, withRequired)
  return field.properties === undefined ? [] : rowsOf(field, `${path}.`, withRequired)
}

const typeNames: Record<string, string> = {
  string: 'text',
  object: 'object',
  array: 'list',
  number: 'number',
  boolean: 'true or false',
  null: '`null`',
}

function typeOf({ type = 'any' }: Shape): string {
  return [type]
    .flat()
    .map((name) => typeNames[name] ?? name)
    .join(' or ')
}

/** What the sender builds of a publication. */
export function published(type: KnownEventType): Record<string, unknown> {
  const { afterMs, data } = publications[type]
  return buildEvent({
    eventType: type,
    callId: 'call_1',
    at: Date.parse('2026-01-31T12:00:00.000Z') + afterMs,
    projectId: 'project-1',
    agentId: 'agent-123',
    agentName: 'Recruiter',
    params: { application_id: '12345' },
    call: {
      conversationId: 'conv-1',
      direction: 'outbound',
      userNumber: '+12025550143',
      agentNumber: '+12025550100',
    },
    data,
  }).event
}

function accepted(): string[][] {
  const rows = namesIn('accepted').map((name) => {
    const body = readFixture(name)
    const reading = readEnvelope(body)
    if (!reading.ok) throw new Error(`${name} is refused, and lies among those that are accepted`)
    const { envelope } = reading
    const notes = [...envelope.issues, ...readFacts(envelope, body).issues]
    const fits = webhookEventSchema.safeParse(body).success ? 'yes' : 'no'
    return [linkTo('accepted', name), envelope.type, fits, listed(notes)]
  })
  return [['sample', 'type', 'fits the schema', '[noted](events.md#issues)'], ...rows]
}

function refused(): string[][] {
  const rows = namesIn('refused').map((name) => {
    const reading = readEnvelope(readFixture(name, 'refused'))
    if (reading.ok) throw new Error(`${name} is accepted, and lies among those that are refused`)
    return [linkTo('refused', name), listed(reading.issues)]
  })
  return [['sample', 'why'], ...rows]
}

/** A reader wants to know what kind of thing is wrong; one sample is wrong in a dozen ways. */
const listedMax = 2

function listed(issues: readonly { path: string; message: string }[]): string {
  const shown = issues
    .slice(0, listedMax)
    .map(({ path, message }) => `${path === '' ? 'the event' : `\`${path}\``} ${message}`)
  const more = issues.length - shown.length
  return [...shown, ...(more > 0 ? [`${more} more`] : [])].join('; ')
}

function table([head = [], ...rows]: string[][]): string {
  const line = (cells: string[]): string => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}

function fence(value: unknown): string {
  return `\`\`\`json\n${JSON.stringify(value, null, 2)}\n\`\`\``
}

function linkTo(folder: string, name: string): string {
  return `[${name}](../${fixtures}/${folder}/${name}.json)`
}

function namesIn(folder: string): string[] {
  return readdirSync(join(repositoryRoot, fixtures, folder)).map((file) => file.replace('.json', ''))
}

function readFixture(name: string, folder = 'accepted'): Record<string, unknown> {
  const text = readFileSync(join(repositoryRoot, fixtures, folder, `${name}.json`), 'utf8')
  return JSON.parse(text) as Record<string, unknown>
}

if (import.meta.main) writeFileSync(join(repositoryRoot, payloadsPage), await writePayloads())
