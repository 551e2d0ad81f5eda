import type { StoredEvent } from '@hookswitch/core'
import type { ShownEvent } from '@hookswitch/destinations'
import { eventJson } from '../api/event-json.ts'

/** An event as the API shows it, as filters, templates and handlers see it. */
export function shownEvent(event: StoredEvent): ShownEvent {
  return JSON.parse(eventJson(event)) as ShownEvent
}
