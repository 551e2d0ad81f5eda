import { foldCall, readEnvelope, showCall, type CallRecord } from '@hookswitch/events'
import { factsOf } from './event-facts.ts'
import type { ReceivedEvent } from './received-event.ts'

/** The record that this one event makes of its call. */
export function callOfEvent(event: ReceivedEvent): CallRecord {
  const reading = readEnvelope(event.body)
  if (!reading.ok) throw new TypeError('the body of this event holds no event')
  const { envelope } = reading
  const receivedAt = Date.parse(event.receivedAt)
  const { head, put } = foldCall(null, [
    { seq: 1, receivedAt, source: 'receiver', envelope, facts: factsOf(event) },
  ])
  return showCall(head, put)
}
