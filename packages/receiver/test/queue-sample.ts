import type { QueuedEvent } from '../src/queue/event-queue.ts'

/** The same for the same number, as the repeats of an event are. */
export function sampleQueued(event: number): QueuedEvent {
  const callId = `call_${event}`
  const at = new Date(1_764_590_400_000 + event)
  const body = { eventType: 'call.ended', callId, timestamp: at.toISOString(), data: { data: { event } } }
  return {
    version: 1,
    id: `evt_${event}`,
    key: `${at.getTime()}:${callId}:call.ended:${'0'.repeat(32)}`,
    receivedAt: at.toISOString(),
    body: JSON.stringify(body),
    isTest: false,
  }
}
