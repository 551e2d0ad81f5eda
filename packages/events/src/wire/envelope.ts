import type { Dialect, Envelope, Issue } from '../event.ts'
import { isObject, kindOf, type JsonObject } from '../json.ts'
import { readTime } from './time.ts'

export type EnvelopeReading = { ok: true; envelope: Envelope } | { ok: false; issues: Issue[] }

const typeCharactersMax = 100
const callIdCharactersMax = 200

/** `call_end` was seen from live agents; the others are what its siblings would be called. */
const documentedTypes: ReadonlyMap<string, string> = new Map([
  ['call_start', 'call.started'],
  ['call_started', 'call.started'],
  ['call_answer', 'call.answered'],
  ['call_answered', 'call.answered'],
  ['call_end', 'call.ended'],
  ['call_ended', 'call.ended'],
  ['transcription_update', 'transcription.update'],
  ['transcription_updated', 'transcription.update'],
  ['transcript_update', 'transcription.update'],
  ['tool_execute', 'tool.executed'],
  ['tool_executed', 'tool.executed'],
])

/**
 * Reads who an event is about, what it is and when it happened, in either dialect. Refuses, with all reasons at
 * once and in the sender's own names, what has no usable type or call id. Never throws.
 */
export function readEnvelope(value: Record<string, unknown>): EnvelopeReading {
  const issues: Issue[] = []
  const dialect = dialectOf(value)
  const type = dialect === 'v1' ? value['eventType'] : value['event_type']
  const typeProblem = problemOfType(type)
  const { callId, path } = callIdOf(value, dialect)
  const callIdProblem = problemOfCallId(callId)
  if (typeProblem !== null || callIdProblem !== null) {
    const problems: Issue[] = []
    if (typeProblem !== null) {
      problems.push({ path: dialect === 'v1' ? 'eventType' : 'event_type', message: typeProblem })
    }
    if (callIdProblem !== null) problems.push({ path, message: callIdProblem })
    return { ok: false, issues: problems }
  }
  if (typeof callId === 'number') issues.push({ path, message: 'is a number, taken as text' })
  const sentType = type as string
  return {
    ok: true,
    envelope: {
      dialect,
      type: documentedTypes.get(sentType) ?? sentType,
      callId: String(callId),
      occurredAt: occurredAt(value, issues),
      issues,
    },
  }
}

function dialectOf(value: JsonObject): Dialect {
  if (value['eventType'] !== undefined) return 'v1'
  return value['event_type'] !== undefined || isObject(value['caller_info']) ? 'legacy' : 'v1'
}

/** The dialect's own place first, then wherever else senders put it; a missing one is missed in its own place. */
function callIdOf(value: JsonObject, dialect: Dialect): { callId: unknown; path: string } {
  const own = value['callId']
  if (dialect === 'v1' && own !== undefined) return { callId: own, path: 'callId' }
  const caller = value['caller_info']
  if (isObject(caller) && caller['call_id'] !== undefined) {
    return { callId: caller['call_id'], path: 'caller_info.call_id' }
  }
  if (value['call_id'] !== undefined) return { callId: value['call_id'], path: 'call_id' }
  return { callId: own, path: dialect === 'v1' || own !== undefined ? 'callId' : 'caller_info.call_id' }
}

function problemOfType(type: unknown): string | null {
  if (type === undefined) return 'is missing'
  if (typeof type !== 'string') return `is ${kindOf(type)}, expected a string`
  if (type.length === 0) return 'is empty'
  if (type.length > typeCharactersMax) {
    return `has ${type.length} characters, at most ${typeCharactersMax} are allowed`
  }
  for (let at = 0; at < type.length; at += 1) {
    const code = type.charCodeAt(at)
    if (code < 0x20 || code > 0x7e) return `has a character that is not printable ASCII, at offset ${at}`
  }
  return null
}

function problemOfCallId(callId: unknown): string | null {
  if (callId === undefined) return 'is missing'
  if (typeof callId === 'number') {
    if (!Number.isFinite(callId)) return 'is a number out of range, expected a string'
    // Its last digits are lost in parsing, and with them what tells two calls apart.
    if (Number.isInteger(callId) && !Number.isSafeInteger(callId)) {
      return 'is a number beyond 2^53, whose last digits JSON numbers lose, expected a string'
    }
    return null
  }
  if (typeof callId !== 'string') return `is ${kindOf(callId)}, expected a string`
  if (callId.length === 0) return 'is empty'
  const characters = callId.length > callIdCharactersMax ? charactersIn(callId) : callId.length
  if (characters > callIdCharactersMax) {
    return `has ${characters} characters, at most ${callIdCharactersMax} are allowed`
  }
  for (let at = 0; at < callId.length; at += 1) {
    const code = callId.charCodeAt(at)
    if (code < 0x20 || (code >= 0x7f && code <= 0x9f)) return `has a control character at offset ${at}`
  }
  return callId.isWellFormed() ? null : 'has half of a surrogate pair, expected well-formed Unicode'
}

/** A character outside the basic plane is two units of `length`; its second half is not counted. */
function charactersIn(text: string): number {
  let characters = 0
  for (let at = 0; at < text.length; at += 1) if ((text.charCodeAt(at) & 0xfc00) !== 0xdc00) characters += 1
  return characters
}

function occurredAt(value: JsonObject, issues: Issue[]): number | null {
  const data = value['data']
  const inner = isObject(data) ? readTime(data['timestamp'], 'data.timestamp', issues) : null
  return inner ?? readTime(value['timestamp'], 'timestamp', issues)
}
