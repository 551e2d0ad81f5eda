import type { CallRecord, OutcomeField } from '@hookswitch/events'
import type { CallTruth } from './truth.ts'

export interface Difference {
  /** `status`, `outcome.noticePeriod`, `tools[1]`; empty where the call as a whole is missing. */
  field: string
  expected: unknown
  found: unknown
}

/** The beginning of a call in the second form is in whole seconds, so that a time may be that much off. */
const secondMs = 1_000

const sameAsThey = [
  'status',
  'agentId',
  'agentName',
  'projectId',
  'conversationId',
  'direction',
  'userNumber',
  'agentNumber',
  'params',
  'ringSeconds',
  'durationSeconds',
  'recordingUrl',
  'transcriptSource',
  'eventCount',
] as const

/**
 * Field by field what differs between what a receiver must know and what it says, as its API shows the call.
 *
 * @param truth null where no event of the call was taken.
 * @param record null where the receiver does not know the call.
 */
export function differencesOf(truth: CallTruth | null, record: CallRecord | null): Difference[] {
  if (truth === null || record === null) {
    const isSame = truth === null && record === null
    return isSame
      ? []
      : [{ field: '', expected: truth?.eventCount ?? null, found: record?.eventCount ?? null }]
  }
  const differences: Difference[] = []
  const compare = (field: string, expected: unknown, found: unknown): void => {
    if (!isEqual(expected, found)) differences.push({ field, expected, found })
  }
  for (const name of sameAsThey) compare(name, truth[name], record[name])
  for (const name of ['startedAt', 'answeredAt', 'endedAt'] as const) {
    const found = record[name] === null ? null : Date.parse(record[name])
    const expected = truth[name]
    const isNear = expected !== null && found !== null && Math.abs(expected - found) < secondMs
    if (!isNear) compare(name, expected, found)
  }
  compare('truncated', false, record.truncated)
  compareTranscript(truth, record, compare)
  compareOutcome(truth, record, compare)
  compare('tools.length', truth.tools.length, record.tools.length)
  for (const [index, tool] of truth.tools.entries()) {
    const { at: _, ...found } = record.tools[index] ?? {}
    if (index < record.tools.length) compare(`tools[${index}]`, tool, found)
  }
  return differences
}

type Compare = (field: string, expected: unknown, found: unknown) => void

/** The first turn that differs says enough: one that is missing moves all the others. */
function compareTranscript(truth: CallTruth, record: CallRecord, compare: Compare): void {
  compare('transcript.length', truth.transcript.length, record.transcript.length)
  const turns = record.transcript.map(({ speaker, text }) => ({ speaker, text }))
  const first = truth.transcript.findIndex((turn, index) => !isEqual(turn, turns[index]))
  if (first !== -1 && first < turns.length)
    compare(`transcript[${first}]`, truth.transcript[first], turns[first])
  const text = truth.transcript.map((turn) => `${turn.speaker}: ${turn.text}`).join('\n')
  if (first === -1) compare('transcriptText', text, record.transcriptText)
}

function compareOutcome(truth: CallTruth, record: CallRecord, compare: Compare): void {
  for (const [name, value] of Object.entries(truth.outcome)) {
    const field: OutcomeField | undefined = record.outcome[name]
    // With an outcome schema for the agent the value is another one, and what was sent stands beside it.
    const found = field === undefined || field.state === 'absent' ? undefined : (field.raw ?? field.value)
    compare(`outcome.${name}`, value, found)
    if (found === undefined || field === undefined || truth.params === null) continue
    const isEchoed = Object.hasOwn(truth.params, name) && isEqual(truth.params[name], value)
    compare(`outcome.${name}.origin`, isEchoed ? 'echoed' : 'collected', field.origin)
  }
  for (const [name, field] of Object.entries(record.outcome)) {
    if (field.state !== 'absent' && !Object.hasOwn(truth.outcome, name)) {
      compare(`outcome.${name}`, undefined, field.value)
    }
  }
}

/** Equal as JSON, whatever the order of the keys. */
function isEqual(one: unknown, other: unknown): boolean {
  if (Object.is(one, other)) return true
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null) return false
  if (Array.isArray(one) !== Array.isArray(other)) return false
  const names = Object.keys(one)
  return (
    names.length === Object.keys(other).length &&
    names.every((name) => Object.hasOwn(other, name) && isEqual(memberOf(one, name), memberOf(other, name)))
  )
}

function memberOf(object: object, name: string): unknown {
  return (object as Record<string, unknown>)[name]
}
