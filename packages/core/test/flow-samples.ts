import type { DestinationFlow, DestinationLimits, Hold, HoldReason } from '../src/deliver/destination.ts'
import { failed, freshFlow } from '../src/deliver/flow.ts'

export const now = 1_700_000_000_000
export const ten: DestinationLimits = { concurrency: 10, perSecond: null }

export function flow(wanted: Partial<DestinationFlow> = {}): DestinationFlow {
  return { ...freshFlow, ...wanted }
}

export function hold(reason: HoldReason, until: number | null = null): Hold {
  return { reason, since: now - 1_000, until, detail: null }
}

/** As many different deliveries fail, one after the other. */
export function afterFailures(count: number, at = now, from: DestinationFlow = freshFlow): DestinationFlow {
  let after = from
  for (let delivery = 1; delivery <= count; delivery += 1) after = failed(ten, after, delivery, null, at)
  return after
}
