import { readBody, summarizeCall, type CallHead, type CallSummary } from '@hookswitch/events'
import type { LaneRule } from '../deliver/destination.ts'

/** What names a lane: an event in its place, and its call as far as it is known. */
export interface LaneSubject {
  event: { id: string; seq: number; source: string; callId: string; type: string; body: Uint8Array }
  head: CallHead | null
  /** What was read of them for one destination is not read again for the next. */
  known?: { body?: unknown; call?: CallSummary | null }
}

/** A longer value names the lane by its beginning. */
const keyCharactersMax = 200

/**
 * The key of the lane in which an event is delivered. Within a destination two events with the same key go one after
 * the other. A path that leads to nothing, or to something that is not one text, number or boolean, means the call.
 */
export function laneKey(rule: LaneRule, subject: LaneSubject): string {
  if (rule === 'destination') return 'all'
  if (rule === 'none') return `event:${subject.event.id}`
  if (rule === 'call') return callLane(subject)
  const value = valueAt(rule.path, subject)
  return value === null ? callLane(subject) : `key:${value}`
}

function callLane({ event }: LaneSubject): string {
  return `call:${event.callId}`
}

function valueAt(path: string, subject: LaneSubject): string | null {
  const [root, ...steps] = path.split('.')
  const { event, head } = subject
  const known = (subject.known ??= {})
  let value: unknown
  if (root === 'call') {
    if (known.call === undefined) known.call = head === null ? null : summary(head)
    value = known.call
  } else if (steps[0] === 'body') {
    if (known.body === undefined) known.body = parsed(event.body)
    value = { body: known.body }
  } else value = event
  for (const step of steps) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return null
    value = (value as Record<string, unknown>)[step]
  }
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') return null
  const text = String(value).replaceAll('\0', '').trim().slice(0, keyCharactersMax).toWellFormed()
  return text === '' ? null : text
}

/** Null for a head that is damaged: its events go with their call, and hold up nothing. */
function summary(head: CallHead): CallSummary | null {
  try {
    return summarizeCall(head)
  } catch {
    return null
  }
}

function parsed(body: Uint8Array): unknown {
  const reading = readBody(body)
  return reading.ok ? reading.value : null
}

/** Fields that a lane may be named by; what is not here cannot be the same for two events of one lane. */
const callFields: ReadonlySet<string> = new Set([
  'callId',
  'agentId',
  'agentName',
  'projectId',
  'conversationId',
  'direction',
  'channel',
  'userNumber',
  'agentNumber',
])
const eventFields: ReadonlySet<string> = new Set(['callId', 'type', 'source', 'body'])

/** What is wrong with a lane's path, as an expectation; null if it is one. */
export function lanePathProblem(path: string): string | null {
  const [root, field, ...rest] = path.split('.')
  const known =
    root === 'call'
      ? field !== undefined && callFields.has(field) && rest.length === 0
      : root === 'event' &&
        field !== undefined &&
        eventFields.has(field) &&
        (field === 'body' ? rest.length > 0 && !rest.includes('') : rest.length === 0)
  return known
    ? null
    : `a path of the call (call.${[...callFields].join(', call.')}) or of the event (event.type, event.source, event.body.…)`
}
