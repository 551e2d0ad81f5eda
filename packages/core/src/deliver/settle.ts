import type { DeliveryState } from './delivery.ts'
import type { WorkResult } from './delivery-store.ts'
import type { DestinationDefinition, DestinationFlow } from './destination.ts'
import { failed, held, notSent, refused, succeeded } from './flow.ts'

/** What a result makes of its delivery, its lane and its destination. */
export interface Settlement {
  flow: DestinationFlow
  /** `pending`: it stays the head of its lane. */
  state: DeliveryState
  reason: string | null
  lane:
    | { state: 'done' }
    | { state: 'waits'; dueAt: number; headAttempts: number }
    | { state: 'parked'; headAttempts: number; reason: string }
}

/**
 * Decides what a result changes. Pure; an engine calls it under the locks of the destination and the lane, after it
 * has made sure that the claim is still the node's and that the delivery is still pending.
 *
 * @param head the delivery before this result: its tries with the present budget, and its reason.
 */
export function settle(
  result: WorkResult,
  { onExhausted, limits }: Pick<DestinationDefinition, 'onExhausted' | 'limits'>,
  flow: DestinationFlow,
  { headAttempts, reason: lastReason }: { headAttempts: number; reason: string | null },
  now: number,
): Settlement {
  const { outcome, attempt, deliveryKey } = result
  switch (outcome.kind) {
    case 'delivered':
      return { flow: succeeded(limits, flow, now), state: 'delivered', reason: null, lane: { state: 'done' } }
    case 'filtered':
      return {
        flow: notSent(limits, flow),
        state: 'filtered',
        reason: outcome.reason,
        lane: { state: 'done' },
      }
    case 'retry':
      return {
        flow: failed(limits, flow, deliveryKey, outcome.holdMs, now),
        state: 'pending',
        reason: outcome.reason,
        lane: { state: 'waits', dueAt: now + outcome.delayMs, headAttempts: headAttempts + 1 },
      }
    case 'dead': {
      const { reason } = outcome
      const after = afterGivingUp()
      return onExhausted === 'park'
        ? {
            flow: after,
            state: 'pending',
            reason,
            lane: { state: 'parked', headAttempts: headAttempts + 1, reason },
          }
        : { flow: after, state: 'dead', reason, lane: { state: 'done' } }
    }
    case 'held': {
      const { hold, reason } = outcome
      return {
        flow: {
          ...held(flow, { reason: hold, until: null, detail: reason }, now),
          lastFailureAt: now,
        },
        state: 'pending',
        reason,
        lane: { state: 'waits', dueAt: now, headAttempts },
      }
    }
    case 'returned':
      return {
        flow: attempt === null ? notSent(limits, flow) : flow,
        state: 'pending',
        // Nothing has happened to it: what the last real try came to still stands.
        reason: lastReason,
        lane: { state: 'waits', dueAt: now + outcome.delayMs, headAttempts },
      }
  }

  /** Only an answer says something of the destination: what code rejects before anything is sent does not. */
  function afterGivingUp(): DestinationFlow {
    if (attempt?.verdict !== 'reject') return failed(limits, flow, deliveryKey, holdMsOf(outcome), now)
    return attempt.status === null ? { ...flow, lastFailureAt: now } : refused(limits, flow, deliveryKey, now)
  }
}

function holdMsOf(outcome: WorkResult['outcome']): number | null {
  return 'holdMs' in outcome ? outcome.holdMs : null
}
