import { transcriptText as textOf } from '@hookswitch/events'
import { factsOf } from './event-facts.ts'
import type { ReceivedEvent } from './received-event.ts'

/** The turns that the event brings, one line each, `Speaker: text`; `''` where it brings none. */
export function transcriptText(event: ReceivedEvent): string {
  return textOf(factsOf(event).transcript?.turns ?? [])
}
