import { noFacts, readEnvelope, readFacts, type EventFacts } from '@hookswitch/events'
import type { ReceivedEvent } from './received-event.ts'

// A transcript may be long, and each of the helpers asks for it. The memory ends with the event.
const known = /* @__PURE__ */ new WeakMap<Record<string, unknown>, EventFacts>()

/** What an event says about its call, also of one that went through somebody's own queue as JSON. */
export function factsOf({ body }: Pick<ReceivedEvent, 'body'>): EventFacts {
  const found = known.get(body)
  if (found !== undefined) return found
  const reading = readEnvelope(body)
  const facts = reading.ok ? readFacts(reading.envelope, body) : noFacts()
  known.set(body, facts)
  return facts
}
