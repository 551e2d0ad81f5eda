import { knownEventTypes, readEnvelope } from '@hookswitch/events'
import { nearestName } from '../config/nearest-name.ts'
import { refuse } from '../config/object-schema.ts'
import { eventTypeField, eventTypesOf } from '../destinations/destination-fields.ts'

/**
 * The type of an event that is published here. What is nearly a documented one is a typing mistake: it would pass for
 * a type of one's own, which is sent and changes nothing in the record of the call.
 */
export const publishedTypeField = eventTypeField.superRefine((type, context) => {
  const meant = documentedType(type)
  if (meant === null || meant === type) return
  refuse(context, `is ${JSON.stringify(type)}, which no event has here; did you mean ${meant}?`)
})

/** Those of them that a webhook takes; null is all. */
export const publishedTypesField = eventTypesOf(publishedTypeField)

const documented: ReadonlySet<string> = new Set(knownEventTypes)

/** The documented type that this is, or that was meant by it; null for a type of one's own. */
function documentedType(type: string): string | null {
  // `CALL-END`: what the ingest takes as `call_end`, in other letters and with other signs between them.
  const written = type.toLowerCase().replaceAll(/[^a-z]+/g, '_')
  const reading = readEnvelope({ eventType: written, callId: 'any' })
  if (reading.ok && documented.has(reading.envelope.type)) return reading.envelope.type
  return nearestName(type, knownEventTypes)
}
