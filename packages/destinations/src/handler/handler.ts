import type { CallRecord } from '@hookswitch/events'
import type { DestinationConfig, DestinationOptions } from '../config.ts'
import type { ShownEvent } from '../kind.ts'

/** What a handler works with. */
export interface HandlerContext<Outcome = Record<string, unknown>> {
  /** As the API shows it; its `id` is the same in every try and every replay. */
  event: ShownEvent
  call: CallRecord
  /** The plain values of the call's outcome; a field that did not come has no key, one the caller left open is null. */
  outcome: Outcome
  /** Ends at the deadline or when the server stops: hand it on to whatever waits. */
  signal: AbortSignal
  /** Which try it is, from 1. */
  attempt: number
  /** Writes to the server's log, with the ids of the event and the delivery. Log no phone numbers or secrets. */
  log: HandlerLog
}

export interface HandlerLog {
  info(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
}

export type LogFields = Readonly<Record<string, string | number | boolean | null>>

export interface HandlerSettings {
  /** The time for one try, from 1 to 900; 30 by default. */
  deadlineSeconds?: number
}

export interface HandlerOptions<Outcome = Record<string, unknown>> extends Omit<
  DestinationOptions<HandlerSettings>,
  'settings' | 'template'
> {
  settings?: HandlerSettings
  /**
   * Called with each event. When it returns, or its promise is fulfilled, the event is delivered. Throw `Rejected`
   * for an event that will never succeed, `Retryable` for one that is to wait; anything else that is thrown is tried
   * again by the destination's policy.
   */
  run: (context: HandlerContext<Outcome>) => unknown
}

/**
 * Calls a function of yours with each event.
 *
 * @example
 * handler({
 *   name: 'crm',
 *   events: ['call.ended'],
 *   lane: { path: 'call.userNumber' },
 *   run: async ({ call, outcome, signal }) => {
 *     await fetch('https://crm.example/calls', { method: 'POST', body: JSON.stringify({ call, outcome }), signal })
 *   },
 * })
 */
export function handler<Outcome = Record<string, unknown>>(
  options: HandlerOptions<Outcome>,
): DestinationConfig {
  return { kind: 'handler', settings: {}, ...options }
}
