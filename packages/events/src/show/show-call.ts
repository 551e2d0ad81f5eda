import type { CallHead, CallPart, CallPartKind, CallRecord, CallSummary } from '../call.ts'
import type { ToolRun, Turn } from '../event.ts'
import { assembleLive } from './live-transcript.ts'
import { outcomeFields, type CallView } from './outcome-fields.ts'

/**
 * The record of a call as the API shows it.
 *
 * @param parts all stored parts of the call, in any order.
 * @param view what is known about the agent; without it nothing is coerced and origins rest on the params alone.
 */
export function showCall(head: CallHead, parts: readonly CallPart[], view: CallView = {}): CallRecord {
  const params = ofKind(parts, 'params')[0]?.data ?? null
  const outcome = ofKind(parts, 'outcome')[0]?.data ?? {}
  const turns = ofKind(parts, 'final')[0]?.data ?? assembleLive(ofKind(parts, 'live'))
  const tools = ofKind(parts, 'tool').sort((one, other) =>
    one.at === other.at ? one.seq - other.seq : one.at - other.at,
  )
  return {
    ...identityOf(head),
    params,
    ...courseOf(head),
    transcriptText: transcriptText(turns),
    transcript: turns.map(({ speaker, text, at }) => ({ speaker, text, at: iso(at) })),
    outcome: outcomeFields(outcome, params, view),
    tools: tools.map(({ data }) => showTool(data)),
    ...traceOf(head),
  }
}

/** The record without its params, transcript, outcome and tools, as the API shows it in lists. */
export function summarizeCall(head: CallHead): CallSummary {
  return { ...identityOf(head), ...courseOf(head), ...traceOf(head) }
}

/** Who. The three parts of a summary stand in the order in which the API documents the fields. */
function identityOf(head: CallHead) {
  return {
    callId: head.callId,
    status: head.status,
    agentId: head.agentId?.value ?? null,
    agentName: head.agentName?.value ?? null,
    projectId: head.projectId?.value ?? null,
    conversationId: head.conversationId?.value ?? null,
    sources: [...head.sources],
    direction: head.direction?.value ?? null,
    channel: head.channel?.value ?? null,
    userNumber: head.userNumber?.value ?? null,
    agentNumber: head.agentNumber?.value ?? null,
  }
}

/** When, and what is left of it. A time that the payload reports wins over the time of the event. */
function courseOf(head: CallHead) {
  const startedAt = head.startedReportedAt?.value ?? head.startedEventAt
  const answeredAt = head.answeredReportedAt?.value ?? head.answeredEventAt
  const endedAt = head.endedReportedAt?.value ?? head.endedEventAt
  const reported = head.durationSeconds?.value ?? null
  const measured = secondsBetween(answeredAt, endedAt) ?? secondsBetween(startedAt, endedAt)
  return {
    startedAt: iso(startedAt),
    answeredAt: iso(answeredAt),
    endedAt: iso(endedAt),
    ringSeconds: head.ringSeconds?.value ?? secondsBetween(startedAt, answeredAt),
    durationSeconds: reported ?? measured,
    durationSource: durationSource(reported, measured),
    recordingUrl: head.recordingUrl?.value ?? null,
    transcriptSource: transcriptSource(head),
  }
}

/** What was seen of it. */
function traceOf(head: CallHead) {
  return {
    eventCount: head.eventCount,
    firstEventAt: new Date(head.firstEventAt).toISOString(),
    lastEventAt: new Date(head.lastEventAt).toISOString(),
    truncated: head.truncated,
  }
}

function durationSource(reported: number | null, measured: number | null): CallSummary['durationSource'] {
  if (reported !== null) return 'reported'
  return measured === null ? null : 'measured'
}

function transcriptSource(head: CallHead): CallSummary['transcriptSource'] {
  if (head.final !== null) return 'final'
  return head.liveTurns > 0 ? 'live' : 'none'
}

/** One line a turn, `Speaker: text`. */
export function transcriptText(turns: readonly Pick<Turn, 'speaker' | 'text'>[]): string {
  return turns.map(({ speaker, text }) => `${speaker}: ${text}`).join('\n')
}

function showTool({
  name,
  input,
  output,
  success,
  error,
  durationMs,
  at,
}: ToolRun): CallRecord['tools'][number] {
  return { name, input, output, success, error, durationMs, at: iso(at) }
}

function ofKind<K extends CallPartKind>(
  parts: readonly CallPart[],
  kind: K,
): Extract<CallPart, { kind: K }>[] {
  return parts.filter((part): part is Extract<CallPart, { kind: K }> => part.kind === kind)
}

/** Null also where the end is before the start: clocks of two machines measured nothing then. */
function secondsBetween(startMs: number | null, endMs: number | null): number | null {
  return startMs === null || endMs === null || endMs < startMs ? null : (endMs - startMs) / 1000
}

function iso(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString()
}
