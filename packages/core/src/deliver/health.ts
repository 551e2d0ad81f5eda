import type { RecentAttempt } from './delivery-store.ts'
import type { DestinationFlow, DestinationLimits } from './destination.ts'
import { failingHoldsAt } from './flow.ts'

/** How a destination has fared of late. Times are Unix milliseconds. */
export interface DestinationHealth {
  /** Tries that came to something; those that were cut short through no fault of theirs do not count. */
  attempts: number
  /** The part of them that was delivered, from 0 to 1; null where there were none. */
  successRate: number | null
  /** So long, in milliseconds, did 95 of 100 tries take at most that got an answer; null where none got one. */
  p95Ms: number | null
  lastSuccessAt: number | null
  /** The newest of these tries that was not delivered. */
  lastFailure: (Pick<RecentAttempt, 'status' | 'cause' | 'message'> & { at: number }) | null
  /** Since when nothing has succeeded; null after a success. */
  failingSince: number | null
  /** From when on a failure holds it as `failing`; see `failingHoldsAt`. */
  holdsAt: number | null
}

/**
 * Tells the health of a destination. Pure.
 *
 * @param recent its newest tries of the time in question, newest first, as `recentAttempts` gives them.
 */
export function destinationHealth(
  recent: readonly RecentAttempt[],
  flow: DestinationFlow,
  limits: DestinationLimits,
  now: number,
): DestinationHealth {
  const attempts = recent.filter(({ verdict }) => verdict !== 'interrupted')
  const delivered = attempts.filter(({ verdict }) => verdict === 'delivered')
  const failure = attempts.find(({ verdict }) => verdict !== 'delivered')
  // What is no request has no status: a handler that returns has answered.
  const answered = attempts.filter(({ verdict, status }) => verdict === 'delivered' || status !== null)
  return {
    attempts: attempts.length,
    successRate: attempts.length === 0 ? null : delivered.length / attempts.length,
    p95Ms: percentile95(answered.map(({ durationMs }) => durationMs)),
    lastSuccessAt: flow.lastSuccessAt,
    lastFailure: failure === undefined ? null : failureOf(failure),
    failingSince: flow.failingSince ?? null,
    holdsAt: failingHoldsAt(limits, flow, now),
  }
}

function failureOf({ startedAt, status, cause, message }: RecentAttempt): DestinationHealth['lastFailure'] {
  return { at: startedAt, status, cause, message }
}

/** The smallest of them that 95 % do not exceed. */
function percentile95(durations: readonly number[]): number | null {
  return durations.toSorted((one, other) => one - other)[Math.ceil(durations.length * 0.95) - 1] ?? null
}
