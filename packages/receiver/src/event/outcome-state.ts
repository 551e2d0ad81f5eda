import { factsOf } from './event-facts.ts'
import type { ReceivedEvent } from './received-event.ts'

/**
 * `absent`: the field is not in the agent's configuration. `null`: the caller did not say. `value`: anything else, also
 * `''`, `0` and `false`.
 */
export function outcomeState(event: ReceivedEvent, field: string): 'value' | 'null' | 'absent' {
  const { outcome } = factsOf(event)
  if (outcome === null || !Object.hasOwn(outcome, field)) return 'absent'
  return outcome[field] === null ? 'null' : 'value'
}
