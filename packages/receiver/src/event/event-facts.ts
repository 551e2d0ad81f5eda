import { noFacts, readEnvelope, readFacts, type EventFacts } from '@hookswitch/events'
import { MadeEvent } from './made-event.ts'
import type { ReceivedEvent } from './received-event.ts'

/** What an event says about its call, also of one that went through somebody's own queue as JSON. */
export function factsOf(event: Pick<ReceivedEvent, 'body'>): EventFacts {
  const known = MadeEvent.factsOf(event)
  if (known !== null) return known
  const reading = readEnvelope(event.body)
  return reading.ok ? readFacts(reading.envelope, event.body) : noFacts()
}
