import type { AttemptResult } from './attempt.ts'
import type { TurnOutcome } from './delivery-store.ts'
import type { RetryPolicy } from './destination.ts'
import { retryAfterWithinCap, retryDelayMs } from './retry.ts'

/** Before a delivery is tried again that was cut short through no fault of its own. */
const returnedDelayMs = 250

/** These say with Retry-After that the destination as a whole wants a rest. */
const wantRest: ReadonlySet<number | null> = new Set([429, 503])

/**
 * What a try means for its delivery.
 *
 * @param triesBefore tries of the present budget, without this one.
 */
export function turnOutcome(
  result: AttemptResult,
  retry: RetryPolicy,
  triesBefore: number,
  random: () => number,
): TurnOutcome {
  const reason = reasonOf(result)
  switch (result.verdict) {
    case 'delivered':
      return { kind: 'delivered' }
    case 'filtered':
      return { kind: 'filtered', reason }
    case 'interrupted':
      return { kind: 'returned', delayMs: returnedDelayMs }
    case 'auth':
    case 'gone':
      return { kind: 'held', hold: result.verdict, reason }
    case 'reject':
      return { kind: 'dead', reason: `refused: ${reason}` }
    case 'retry': {
      const tries = triesBefore + 1
      const delayMs = retryDelayMs(retry, tries, result.retryAfterMs, random)
      const holdMs = wantRest.has(result.status) ? retryAfterWithinCap(retry, result.retryAfterMs) : null
      if (delayMs === null) {
        const spent = `given up after ${tries} ${tries === 1 ? 'try' : 'tries'}`
        return { kind: 'dead', reason: `${spent}: ${reason}`, ...(holdMs === null ? {} : { holdMs }) }
      }
      return { kind: 'retry', delayMs, reason, holdMs }
    }
  }
}

/** A reason is one sentence; what an answer or an exception said beyond that stands in the attempt. */
const reasonCharactersMax = 500

/** One sentence that stands in a list. */
function reasonOf({ status, cause, message }: AttemptResult): string {
  if (message !== null) return message.slice(0, reasonCharactersMax).toWellFormed()
  if (status !== null) return `answered ${status}`
  return cause ?? 'no answer'
}
