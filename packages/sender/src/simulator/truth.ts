import type { Said, SimulatedCall, SimulatedEvent, SpokenTurn, ToolUse } from './simulated-call.ts'

/** What a correct receiver knows of a call: worked out from what was sent and taken, never from how it is received. */
export interface CallTruth {
  callId: string
  status: 'started' | 'answered' | 'ended'
  agentId: string
  agentName: string | null
  projectId: string | null
  conversationId: string | null
  direction: string | null
  userNumber: string | null
  agentNumber: string | null
  params: Record<string, unknown> | null
  /** Unix milliseconds. The second form says its beginning in whole seconds only. */
  startedAt: number | null
  answeredAt: number | null
  endedAt: number | null
  ringSeconds: number | null
  durationSeconds: number | null
  recordingUrl: string | null
  transcriptSource: 'final' | 'live' | 'none'
  transcript: readonly SpokenTurn[]
  /** A field that is not here has not come. */
  outcome: Record<string, unknown>
  tools: readonly ToolUse[]
  /** Different events: what was sent twice counts once. */
  eventCount: number
}

/**
 * @param taken which of the call's events the receiver has, by their places in `call.events`.
 * @returns null where it has none: it cannot know of the call.
 */
export function truthOf(call: SimulatedCall, taken: (event: number) => boolean): CallTruth | null {
  const events = call.events.filter((_, index) => taken(index)).sort((one, other) => one.at - other.at)
  if (events.length === 0) return null
  const ends = events.flatMap(({ says }) => (says.end === undefined ? [] : [says.end]))
  // What several ends say differs in the recording only.
  const end = ends[0]
  const reported = ends.find((one) => one.reported !== null)?.reported ?? null
  const startedAt = reported?.startedAt ?? timeOf(events, 'call.started')
  const answeredAt = timeOf(events, 'call.answered')
  const endedAt = reported?.endedAt ?? timeOf(events, 'call.ended')
  const final = end?.transcript() ?? []
  const live = liveTranscript(events)
  return {
    callId: call.callId,
    status: end !== undefined ? 'ended' : answeredAt !== null ? 'answered' : 'started',
    agentId: call.agentId,
    agentName: said(events, 'agentName'),
    projectId: said(events, 'projectId'),
    conversationId: said(events, 'conversationId'),
    direction: said(events, 'direction'),
    userNumber: said(events, 'userNumber'),
    agentNumber: said(events, 'agentNumber'),
    params: said(events, 'params'),
    startedAt,
    answeredAt,
    endedAt,
    ringSeconds: said(events, 'ringSeconds') ?? secondsBetween(startedAt, answeredAt),
    durationSeconds:
      ends.find((one) => one.durationSeconds !== null)?.durationSeconds ??
      secondsBetween(answeredAt, endedAt) ??
      secondsBetween(startedAt, endedAt),
    recordingUrl: ends.find((one) => one.recordingUrl !== null)?.recordingUrl ?? null,
    transcriptSource: final.length > 0 ? 'final' : live.length > 0 ? 'live' : 'none',
    transcript: final.length > 0 ? final : live,
    outcome: end?.outcome ?? {},
    tools: events.flatMap(({ says }) => (says.tool === undefined ? [] : [says.tool])),
    eventCount: events.length,
  }
}

function said<Name extends keyof Said>(
  events: readonly SimulatedEvent[],
  name: Name,
): NonNullable<Said[Name]> | null {
  return events.find(({ says }) => says[name] !== undefined)?.says[name] ?? null
}

function timeOf(events: readonly SimulatedEvent[], type: SimulatedEvent['type']): number | null {
  return events.find((event) => event.type === type)?.at ?? null
}

/** All new turns in their order, or the longest list, which holds all the others. A call has one of the two. */
function liveTranscript(events: readonly SimulatedEvent[]): readonly SpokenTurn[] {
  const updates = events.flatMap(({ says }) => (says.live === undefined ? [] : [says.live]))
  const last = updates.at(-1)
  if (last === undefined || last.form === 'list') return last?.turns ?? []
  return updates.flatMap(({ turns }) => turns)
}

function secondsBetween(startMs: number | null, endMs: number | null): number | null {
  return startMs === null || endMs === null ? null : (endMs - startMs) / 1_000
}
