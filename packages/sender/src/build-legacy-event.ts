import { checkTime, innerData, type BuiltEvent, type EventInput } from './build-event.ts'
import { encodeEvent } from './encode-event.ts'

/** `call_end` is the one that was seen; the others are its siblings. A type of one's own stays as it is. */
const legacyTypes: ReadonlyMap<string, string> = new Map([
  ['call.started', 'call_start'],
  ['call.answered', 'call_answered'],
  ['transcription.update', 'transcription_update'],
  ['tool.executed', 'tool_executed'],
  ['call.ended', 'call_end'],
])

/**
 * Builds an event in the second form, which live agents were seen to send and no page documents: `event_type`, the
 * ids under `caller_info`, and one level of data. It has no place for the agent's name and the project, so both are
 * left out. Its end of a call has no `timestamp` but `callEndedAt`, and `callStartedAt` where `data` brings it, both
 * in Unix milliseconds, beside `call_start_time` in seconds; its other types have `timestamp` in Unix milliseconds.
 *
 * @throws TypeError as `buildEvent` does.
 */
export function buildLegacyEvent(input: EventInput): BuiltEvent {
  checkTime(input.at)
  const { data, collisions } = innerData(input)
  const isEnd = input.eventType === 'call.ended'
  const startedAt = input.eventType === 'call.started' ? input.at : data['callStartedAt']
  const recording = data['conversationRecording'] ?? undefined
  const event = withoutUndefined({
    event_type: legacyTypes.get(input.eventType) ?? input.eventType,
    caller_info: withoutUndefined({
      call_id: input.callId,
      agent_id: input.agentId,
      call_type: 'voice',
      call_start_time: typeof startedAt === 'number' ? Math.floor(startedAt / 1_000) : undefined,
      recording_url: recording,
      conversationId: data['conversationId'] ?? input.call?.conversationId,
    }),
    data: isEnd
      ? withoutUndefined({ recordingUrl: recording, callEndedAt: input.at, ...data })
      : { timestamp: input.at, ...data },
  })
  return { event, body: encodeEvent(event), collisions }
}

function withoutUndefined(object: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined))
}
