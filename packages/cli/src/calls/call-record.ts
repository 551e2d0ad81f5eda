import type { CallRecord, OutcomeField } from '@hookswitch/events'
import { printable, printableValue } from '../terminal/printable.ts'
import { formatTable } from '../terminal/table.ts'
import type { Terminal } from '../terminal/terminal.ts'
import { columnsOf } from '../terminal/width.ts'
import { wrapText } from '../terminal/wrap.ts'
import { formatSeconds } from '../time/duration.ts'
import { localClock, localTime, zoneName } from '../time/moment.ts'

/** A line of prose longer than this is hard to read, however wide the terminal is. */
const proseColumnsMax = 100

/** The record of a call as a person reads it: facts, outcome, tools, conversation. */
export function formatCall(call: CallRecord, terminal: Terminal): string {
  const title = `${terminal.paint('bold', printable(call.callId))}  ${call.status}`
  const sections = [
    [title, ...formatFacts(call, terminal)],
    formatOutcome(call, terminal),
    formatTools(call, terminal),
    formatTranscript(call, terminal),
  ]
  return sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n')
}

function formatFacts(call: CallRecord, terminal: Terminal): string[] {
  const named = (name: string | null, id: string | null): string | null =>
    name !== null && id !== null ? `${name} (${id})` : (name ?? id)
  const ring = call.ringSeconds === null ? '' : `, after ringing ${formatSeconds(call.ringSeconds)}`
  const facts: [label: string, text: string | null][] = [
    ['agent', named(call.agentName, call.agentId)],
    ['project', call.projectId],
    ['conversation', call.conversationId],
    ['source', call.sources.join(', ')],
    ['direction', call.direction],
    ['channel', call.channel],
    ['user number', call.userNumber],
    ['agent number', call.agentNumber],
    ['started', call.startedAt === null ? null : localTime(call.startedAt)],
    ['answered', call.answeredAt === null ? null : localTime(call.answeredAt) + ring],
    ['ended', call.endedAt === null ? null : localTime(call.endedAt)],
    [
      'duration',
      call.durationSeconds === null
        ? null
        : `${formatSeconds(call.durationSeconds)} (${call.durationSource ?? 'unknown'})`,
    ],
    ['recording', call.recordingUrl],
    ['params', call.params === null ? null : JSON.stringify(call.params)],
    ['events', `${call.eventCount}, ${localTime(call.firstEventAt)} to ${localTime(call.lastEventAt)}`],
    ['truncated', call.truncated ? 'yes: the record has reached its limits; the events are whole' : null],
  ]
  const known = facts.filter((fact): fact is [string, string] => fact[1] !== null)
  const labelColumns = Math.max(...known.map(([label]) => label.length))
  return [
    ...known.map(([label, text]) => {
      return `${terminal.paint('dim', label.padEnd(labelColumns))}  ${printable(text)}`
    }),
    terminal.paint('dim', `Times are in ${zoneName()}.`),
  ]
}

function formatOutcome({ outcome }: CallRecord, terminal: Terminal): string[] {
  const fields = Object.entries(outcome)
  if (fields.length === 0) return []
  const table = formatTable(
    [
      { title: 'outcome', text: ([name]) => name },
      {
        title: 'value',
        text: ([, field]) => outcomeText(field),
        paint: (text, [, { state }]) => (state === 'value' ? text : terminal.paint('dim', text)),
      },
      { title: 'origin', text: ([, { origin }]) => origin },
      ...(fields.some(([, field]) => outcomeNote(field) !== '')
        ? [{ title: 'note', text: ([, field]: [string, OutcomeField]) => outcomeNote(field) }]
        : []),
    ],
    fields,
    { columns: terminal.columns, paintTitle: (text) => terminal.paint('bold', text) },
  )
  return table.split('\n')
}

/** The three states, never mixed up: text that says "null" is in quotes. */
function outcomeText(field: OutcomeField): string {
  if (field.state === 'null') return 'null – the caller did not say'
  if (field.state === 'absent') return 'absent – not in the configuration or not sent'
  return JSON.stringify(field.value)
}

function outcomeNote(field: OutcomeField): string {
  if (field.state === 'absent') return ''
  const raw = field.raw === undefined ? [] : [`sent as ${JSON.stringify(field.raw)}`]
  const issue = field.issue === undefined ? [] : [field.issue]
  return [...raw, ...issue].join('; ')
}

function formatTools({ tools }: CallRecord, terminal: Terminal): string[] {
  if (tools.length === 0) return []
  const lines = tools.flatMap((tool) => {
    const result =
      tool.success === null
        ? []
        : [tool.success ? terminal.paint('green', 'succeeded') : terminal.paint('red', 'failed')]
    const head = [
      printable(tool.name),
      ...result,
      ...(tool.durationMs === null ? [] : [`${tool.durationMs} ms`]),
      ...(tool.at === null ? [] : [terminal.paint('dim', localClock(tool.at))]),
    ]
    return [
      `  ${head.join('  ')}`,
      `    input   ${printableValue(tool.input)}`,
      `    output  ${printableValue(tool.output)}`,
      ...(tool.error === null ? [] : [`    error   ${printable(tool.error)}`]),
    ]
  })
  return [terminal.paint('bold', 'tools'), ...lines]
}

function formatTranscript({ transcript, transcriptSource }: CallRecord, terminal: Terminal): string[] {
  if (transcript.length === 0) return []
  const labels = transcript.map(({ speaker }) => printable(speaker))
  const labelColumns = Math.min(20, Math.max(...labels.map(columnsOf)))
  const textColumns = Math.max(20, Math.min(terminal.columns, proseColumnsMax) - labelColumns - 4)
  const lines = transcript.flatMap(({ speaker, text }, index) => {
    const label = labels[index] ?? ''
    const padding = ' '.repeat(Math.max(0, labelColumns - columnsOf(label)))
    const painted = terminal.paint(speaker === 'Agent' ? 'cyan' : 'green', label) + padding
    return wrapText(printable(text), textColumns).map((line, number) => {
      return `  ${number === 0 ? painted : ' '.repeat(labelColumns)}  ${line}`
    })
  })
  const turns = transcript.length === 1 ? '1 turn' : `${transcript.length} turns`
  return [terminal.paint('bold', `transcript (${transcriptSource}, ${turns})`), ...lines]
}
