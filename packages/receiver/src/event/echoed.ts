import { factsOf } from './event-facts.ts'
import type { ReceivedEvent } from './received-event.ts'

/** Params of the call that came back. */
export interface Echoed<Name extends string> {
  /** As they were sent. */
  values: Partial<Record<Name, unknown>>
  /** Those that did not come, or came as null: what to report instead of to guess. */
  missing: Name[]
}

/**
 * The params that the call was started with, as `call.ended` brings them back within its outcome, and `call.started`
 * among its params.
 */
export function echoed<const Name extends string>(
  event: ReceivedEvent,
  names: readonly Name[],
): Echoed<Name> {
  const { outcome, params } = factsOf(event)
  const values: Partial<Record<Name, unknown>> = {}
  const missing: Name[] = []
  for (const name of names) {
    const value = own(outcome, name) ?? own(params, name)
    if (value === undefined || value === null) missing.push(name)
    else Object.defineProperty(values, name, { value, writable: true, enumerable: true, configurable: true })
  }
  return { values, missing }
}

function own(object: Record<string, unknown> | null, name: string): unknown {
  return object !== null && Object.hasOwn(object, name) ? object[name] : undefined
}
