import type { Dialect, Envelope, EventFacts, Issue } from '@hookswitch/events'
import type { DataOf } from './event-data.ts'
import type { ReceivedEvent } from './received-event.ts'

/** What a request adds to the event in its body. */
export type Arrival = Pick<ReceivedEvent, 'id' | 'key' | 'receivedAt' | 'isTest'>

/** An event that was made here, with what was read of it: a transcript may be long, and every helper asks for it. */
export class MadeEvent implements ReceivedEvent {
  readonly id: string
  readonly key: string
  readonly type: string
  readonly callId: string
  readonly occurredAt: string | null
  readonly receivedAt: string
  readonly dialect: Dialect
  readonly issues: readonly Issue[]
  readonly body: Record<string, unknown>
  readonly data: DataOf<string>
  readonly isTest: boolean
  /** Private, so that nobody sees it who writes the event out. */
  readonly #facts: EventFacts

  constructor(envelope: Envelope, facts: EventFacts, body: Record<string, unknown>, arrival: Arrival) {
    this.id = arrival.id
    this.key = arrival.key
    this.type = envelope.type
    this.callId = envelope.callId
    this.occurredAt = envelope.occurredAt === null ? null : new Date(envelope.occurredAt).toISOString()
    this.receivedAt = arrival.receivedAt
    this.dialect = envelope.dialect
    this.issues = [...envelope.issues, ...facts.issues]
    this.body = body
    this.data = innerData(body)
    this.isTest = arrival.isTest
    this.#facts = facts
  }

  /** Null for an event that was not made here. */
  static factsOf(event: object): EventFacts | null {
    return #facts in event ? event.#facts : null
  }
}

/** The documented place is `data.data`; senders also use `data` alone, or none. */
function innerData(body: Record<string, unknown>): DataOf<string> {
  const { data } = body
  if (!isObject(data)) return body
  return isObject(data['data']) ? data['data'] : data
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
