import { eventId, type StoredEvent } from '@hookswitch/core'
import { foldCall, readBody, readEnvelope, readFacts, showCall, type FoldedEvent } from '@hookswitch/events'
import type { ShownCall } from './call-reads.ts'
import { plainOutcome } from './plain-outcome.ts'

/** The end of a call that never was, for the test of a destination. */
const sample = {
  eventType: 'call.ended',
  callId: 'test-call',
  projectId: 'test-project',
  agentId: 'test-agent',
  agentName: 'Test from Hookswitch',
  data: {
    data: {
      conversationId: 'test-conversation',
      callDuration: 125,
      transcription: [
        { Agent: 'This is a test from Hookswitch. There was no call.' },
        { User: 'Then all is well.' },
      ],
      outcomeResult: { summary: 'A test from Hookswitch: there was no call.', priority: 'urgent' },
    },
  },
}

/** An event that is sent to try a destination out. */
export interface SampleEvent {
  body: Uint8Array
}

/** An event of that call, or the one that is given, as if it had come this moment, and the record of its call. */
export function sampleCall(
  now: number = Date.now(),
  given: SampleEvent | null = null,
): { event: StoredEvent; call(): Promise<ShownCall> } {
  const body =
    given?.body ?? Buffer.from(JSON.stringify({ ...sample, timestamp: new Date(now).toISOString() }))
  const reading = readBody(body)
  const envelope = reading.ok ? readEnvelope(reading.value) : null
  if (!reading.ok || envelope === null || !envelope.ok) throw new Error('the sample is no event')
  const folded: FoldedEvent = {
    seq: 0,
    receivedAt: now,
    source: 'test',
    envelope: envelope.envelope,
    facts: readFacts(envelope.envelope, reading.value),
  }
  const { head, put } = foldCall(null, [folded])
  const call = showCall(head, put)
  return {
    event: {
      seq: 0,
      id: eventId(now),
      source: 'test',
      callId: envelope.envelope.callId,
      type: envelope.envelope.type,
      dialect: 'v1',
      occurredAt: now,
      receivedAt: now,
      issues: [],
      body,
    },
    call: () => Promise.resolve({ call, outcome: plainOutcome(call) }),
  }
}

/** A test is no delivery, and its id says so. */
export function samplePlace() {
  return { deliveryId: 'dlv_test', replayId: null, attempt: 1, test: true } as const
}
