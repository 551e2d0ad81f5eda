import { printable } from '../terminal/printable.ts'
import { formatTable, type Column } from '../terminal/table.ts'
import type { Terminal } from '../terminal/terminal.ts'
import { columnsOf } from '../terminal/width.ts'
import { wrapText } from '../terminal/wrap.ts'
import { localTime, zoneName } from '../time/moment.ts'
import type { ApiAgent, ApiAgentTestResult, ApiAgentWebhook, ApiHealth } from './agent-shapes.ts'

export function formatAgents(agents: readonly ApiAgent[], terminal: Terminal): string {
  const columns: Column<ApiAgent>[] = [
    { title: 'agent', text: ({ id }) => id, whole: true },
    { title: 'name', text: ({ name }) => name },
    {
      title: 'state',
      text: ({ webhook }) => (webhook === null ? 'no webhook' : stateText(webhook)),
      paint: (text, { webhook }) =>
        terminal.paint(
          webhook === null ? 'dim' : webhook.state.state === 'active' ? 'green' : 'yellow',
          text,
        ),
    },
    { title: 'events', text: ({ webhook }) => (webhook === null ? '–' : eventsText(webhook)) },
    { title: 'from', text: originText },
    { title: 'webhook', text: ({ webhook }) => webhook?.url ?? '–' },
  ]
  return formatTable(columns, agents, {
    columns: terminal.columns,
    paintTitle: (text) => terminal.paint('bold', text),
  })
}

/** What is set, how its endpoint does, and what becomes of it if that goes on. */
export function formatAgent(agent: ApiAgent, terminal: Terminal): string {
  const { name, id, project, outcomeSchema, webhook, createdAt, updatedAt } = agent
  const facts: Fact[] = [
    ['id', id],
    ['project', project],
    ['from', originText(agent)],
    ['outcome', outcomeSchema === null ? null : outcomeText(outcomeSchema)],
    ['webhook', webhook?.url ?? 'none: its events are kept and go nowhere'],
    ...(webhook === null ? [] : webhookFacts(webhook)),
    ['made', createdAt === null ? null : localTime(createdAt)],
    ['changed', updatedAt === null ? null : localTime(updatedAt)],
  ]
  const known = facts.filter((fact): fact is [string, string] => fact[1] !== null)
  const labelColumns = Math.max(...known.map(([label]) => label.length))
  return [
    terminal.paint('bold', printable(name)),
    ...known.map(
      ([label, text]) => `${terminal.paint('dim', label.padEnd(labelColumns))}  ${printable(text)}`,
    ),
    terminal.paint('dim', `Times are in ${zoneName()}.`),
  ].join('\n')
}

/** A line of prose longer than this is hard to read, however wide the terminal is. */
const proseColumnsMax = 100

/** Less of a sentence on a line is no sentence. */
const proseColumnsMin = 24

/** Each type with what came back, and with the sentence whole: it says what to do. */
export function formatTestResults(results: readonly ApiAgentTestResult[], terminal: Terminal): string {
  const rows = results.map(({ eventType, ok, sentence, attempt }) => ({
    type: printable(eventType),
    status: printable(String(attempt.status ?? attempt.cause ?? '–')),
    ms: `${attempt.durationMs} ms`,
    ok,
    sentence: printable(sentence),
  }))
  const widest = (key: 'type' | 'status' | 'ms'): number =>
    Math.max(0, ...rows.map((row) => columnsOf(row[key])))
  const [typeColumns, statusColumns, msColumns] = [widest('type'), widest('status'), widest('ms')]
  const left = typeColumns + statusColumns + msColumns + 6
  const room = Math.max(proseColumnsMin, Math.min(terminal.columns - left, proseColumnsMax))
  return rows
    .flatMap(({ type, status, ms, ok, sentence }) => {
      const padded = type + ' '.repeat(typeColumns - columnsOf(type))
      const head = `${terminal.paint(ok ? 'green' : 'red', padded)}  ${status.padEnd(statusColumns)}  ${ms.padStart(msColumns)}  `
      const [first = '', ...others] = wrapText(sentence, room)
      return [head + first, ...others.map((line) => ' '.repeat(left) + line)]
    })
    .join('\n')
}

type Fact = [label: string, text: string | null]

function webhookFacts(webhook: ApiAgentWebhook): Fact[] {
  const { state, retry, limits, destination, health } = webhook
  return [
    ['state', stateText(webhook)],
    ['why', state.state === 'held' ? state.detail : null],
    ['events', eventsText(webhook)],
    ['authorization', authorizationText(webhook)],
    ['signed', signedText(webhook)],
    ['retry', 'preset' in retry ? retry.preset : `after ${retry.delaysSeconds.join(', ')} s`],
    [
      'limits',
      [
        `${limits.concurrency} at once`,
        limits.perSecond === null ? null : `${limits.perSecond} per second`,
        limits.failingHours == null
          ? 'not held, however long it fails'
          : `held after ${limits.failingHours} h of failure`,
      ]
        .filter((part) => part !== null)
        .join(', '),
    ],
    ...(health === null ? [] : healthFacts(health)),
    ['destination', `${destination.name} (${destination.id})`],
  ]
}

function healthFacts({ hours, attempts, ...health }: ApiHealth): Fact[] {
  const { successRate, p95Ms, lastSuccessAt, lastFailure, failingSince, holdsAt } = health
  const tries = attempts === 1 ? '1 try' : `${attempts} tries`
  const rate = successRate === null ? '' : `, ${percentText(successRate)} successful`
  const p95 = p95Ms === null ? '' : `, 95 % within ${Math.round(p95Ms)} ms`
  const held = holdsAt === null ? '' : `; held at ${localTime(holdsAt)} unless something succeeds before`
  return [
    [`last ${hours} h`, attempts === 0 ? 'nothing was tried' : tries + rate + p95],
    ['last success', localTime(lastSuccessAt)],
    [
      'last failure',
      lastFailure === null ? '–' : `${localTime(lastFailure.at)}: ${failureText(lastFailure)}`,
    ],
    ['failing since', failingSince === null ? null : localTime(failingSince) + held],
  ]
}

function failureText({ status, cause, message }: NonNullable<ApiHealth['lastFailure']>): string {
  return [status, cause, message].filter((part) => part !== null).join(', ')
}

/** Never rounded up to all of them. */
function percentText(rate: number): string {
  return `${Math.floor(rate * 1_000) / 10} %`
}

function stateText({ state }: ApiAgentWebhook): string {
  if (state.state === 'active') return 'active'
  return `held: ${state.reason}${state.until === null ? '' : ` until ${localTime(state.until)}`}`
}

function eventsText({ events }: ApiAgentWebhook): string {
  return events?.join(', ') ?? 'all'
}

function originText({ origin }: ApiAgent): string {
  return origin === 'config' ? 'the config file' : 'the API'
}

/** The header as it is sent, without the secret. */
function authorizationText({ authKey, secrets }: ApiAgentWebhook): string {
  if (secrets === null) return 'cannot be read with this HOOKSWITCH_SECRET_KEY'
  return secrets.includes('authSecret') ? `${authKey ?? ''} …`.trim() : 'none'
}

function signedText({ signing }: ApiAgentWebhook): string {
  if (signing === null) return 'cannot be read with this HOOKSWITCH_SECRET_KEY'
  const keys = signing.map(({ version, publicKey, until }) =>
    [version, publicKey, until === null ? null : `until ${localTime(until)}`]
      .filter((part) => part !== null)
      .join(' '),
  )
  return keys.length === 0 ? 'no' : keys.join(', ')
}

/** The names of the fields that are collected; the schema itself is what `--json` is for. */
function outcomeText({ properties }: Record<string, unknown>): string {
  const names = typeof properties === 'object' && properties !== null ? Object.keys(properties) : []
  return names.length === 0 ? 'a schema without fields' : names.join(', ')
}
