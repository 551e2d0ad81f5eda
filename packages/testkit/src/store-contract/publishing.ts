import { randomBytes } from 'node:crypto'
import type {
  Appended,
  CallProgress,
  NewAgent,
  NewStartedCall,
  Publication,
  StartedCall,
  Store,
} from '@hookswitch/core'
import { newEvent } from './samples.ts'

let made = 0

/** An agent unlike any other by its id. */
export function newAgent(wanted: Partial<NewAgent> = {}): NewAgent {
  made += 1
  return {
    id: `agt_${made}${randomBytes(6).toString('hex')}`,
    definition: { name: 'Recruiter', project: null, outcomeSchema: null },
    ...wanted,
  }
}

/** A call unlike any other by its id, of which nothing is known but what is asked. */
export function newStartedCall(wanted: Partial<NewStartedCall> = {}): NewStartedCall {
  made += 1
  const callId = wanted.callId ?? `call_${made}${randomBytes(6).toString('hex')}`
  return {
    callId,
    agentId: 'agt_1',
    conversationId: `conv_${callId}`,
    direction: 'outbound',
    to: null,
    from: null,
    params: {},
    override: null,
    sealedSecrets: null,
    ...wanted,
  }
}

export function startCall(store: Store, wanted: Partial<NewStartedCall> = {}): Promise<StartedCall> {
  return store.addStartedCall(newStartedCall(wanted))
}

/** The next event of a call as it was read, and what the call is with it. */
export function publication(call: StartedCall, wanted: Partial<Publication> = {}): Publication {
  const event = newEvent({ source: 'agent:agt_1', callId: call.callId, type: 'call.started' })
  return {
    ...event,
    expectedVersion: call.version,
    progress: {
      ...call.progress,
      state: 'started',
      lastEventAt: event.occurredAt,
      repeatable: [
        {
          idempotencyKey: 'key-1',
          content: 'content-1',
          answer: { id: event.id, eventType: event.type, timestamp: '2026-01-15T12:00:00Z', collisions: [] },
        },
      ],
    },
    ...wanted,
  }
}

/** Publishes what must be taken. */
export async function publishAll(store: Store, batch: readonly Publication[]): Promise<Appended[]> {
  return (await store.publish(batch)).map((one) => {
    if (one === 'changed') throw new Error('nobody else has published in the call')
    return one
  })
}

export async function callNow(store: Store, { callId }: { callId: string }): Promise<StartedCall> {
  const call = await store.getStartedCall(callId)
  if (call === null) throw new Error(`call ${callId} is gone`)
  return call
}

/** Progress to which an event was published at this time. */
export function progressAt(lastEventAt: number): CallProgress {
  return { state: 'started', lastEventAt, collected: null, repeatable: [] }
}
