import type { DestinationFlow, DestinationLimits, Hold, HoldReason } from './destination.ts'

/** How much a destination may be sent, and what its answers do to that. Pure; called under the lock of its row. */

/** Of a destination that was just made. */
export const freshFlow: DestinationFlow = {
  hold: null,
  failures: 0,
  failedDelivery: null,
  breakerOpenings: 0,
  rampConcurrency: null,
  rateAt: 0,
  retryTurn: false,
  failingSince: null,
  failingDeliveries: 0,
  lastSuccessAt: null,
  lastFailureAt: null,
}

/** As many deliveries that failed one after the other, with none that succeeded between them, open the breaker. */
export const breakerFailures = 20

/** The first time the breaker opens it stays so for this long, then twice that, up to the maximum. */
export const breakerOpenMsMin = 10_000
export const breakerOpenMsMax = 5 * 60_000

/** A rate is held over any longer time; sends that come due within this much of each other may go together. */
const rateToleranceMs = 50

/** These end only when a person acts, or changes the destination. */
const heldForPerson: ReadonlySet<HoldReason> = new Set(['paused', 'auth', 'gone', 'failing', 'removed'])

/**
 * As many different deliveries must have failed, or been refused, before a destination counts as failing. One alone may be the event
 * that is at fault, at a destination that nobody else has asked anything.
 */
const failingDeliveriesMin = 2

/**
 * Tries that failed and are further apart than this are no failure that has lasted: nobody has asked in between. It is
 * longer than any wait of the presets.
 */
const failingGapMsMax = 27 * 60 * 60_000

/** The parts of the time until it is held after which people are warned. */
const failingStages = [0.75, 0.5, 0.25] as const

const hourMs = 60 * 60_000

/** The hold that is in force at `now`; a breaker whose time is over lets one delivery try, and is one no more here. */
export function holdAt({ hold }: DestinationFlow, now: number): Hold | null {
  return hold !== null && (hold.until === null || hold.until > now) ? hold : null
}

/** The breaker's time is over and nothing has succeeded yet: one delivery at a time may look. */
export function isHalfOpen(flow: DestinationFlow, now: number): boolean {
  return flow.hold?.reason === 'breaker' && holdAt(flow, now) === null
}

/**
 * How many more sends may begin now, and where none may, from when on; null when an answer or a person decides that.
 *
 * @param running sends of this destination under way on all nodes.
 */
export function allowedSends(
  limits: DestinationLimits,
  flow: DestinationFlow,
  running: number,
  now: number,
): { sends: number; nextAt: number | null } {
  const hold = holdAt(flow, now)
  if (hold !== null) return { sends: 0, nextAt: hold.until }
  // After a hold that ended by itself one delivery looks first; its success begins the growing pace.
  const concurrency = flow.hold === null ? Math.min(limits.concurrency, flow.rampConcurrency ?? Infinity) : 1
  const free = Math.max(0, concurrency - running)
  if (free === 0) return { sends: 0, nextAt: null }
  if (limits.perSecond === null) return { sends: free, nextAt: null }
  const intervalMs = 1_000 / limits.perSecond
  const rateAt = Math.max(flow.rateAt, now - rateToleranceMs)
  if (rateAt > now) return { sends: 0, nextAt: Math.ceil(rateAt) }
  return { sends: Math.min(free, Math.floor((now - rateAt) / intervalMs) + 1), nextAt: null }
}

/** After `sends` were let go. */
export function drawn(
  limits: DestinationLimits,
  flow: DestinationFlow,
  sends: number,
  now: number,
): DestinationFlow {
  if (limits.perSecond === null || sends === 0) return flow
  const rateAt = Math.max(flow.rateAt, now - rateToleranceMs) + (sends * 1_000) / limits.perSecond
  return { ...flow, rateAt }
}

/** A send that was let go and not made, because the filter said no or the node stopped. */
export function notSent(limits: DestinationLimits, flow: DestinationFlow): DestinationFlow {
  return limits.perSecond === null ? flow : { ...flow, rateAt: flow.rateAt - 1_000 / limits.perSecond }
}

/** The destination has answered as it should. */
export function succeeded(limits: DestinationLimits, flow: DestinationFlow, now: number): DestinationFlow {
  // A breaker or a Retry-After whose time was over has done its work; others stay until a person ends them.
  const wasWaiting = flow.hold !== null && holdAt(flow, now) === null
  const ramp = flow.rampConcurrency ?? (wasWaiting ? 1 : null)
  const next = ramp === null ? null : ramp * 2
  return {
    ...flow,
    hold: wasWaiting ? null : flow.hold,
    failures: 0,
    failedDelivery: null,
    failingSince: null,
    failingDeliveries: 0,
    breakerOpenings: 0,
    rampConcurrency: next === null || next >= limits.concurrency ? null : next,
    lastSuccessAt: now,
  }
}

/**
 * The destination has refused one event: it is there, and its other events may fare better. One that refuses everything
 * has failed all the same, with an address that is wrong, perhaps, or a shape that it does not know.
 */
export function refused(
  limits: DestinationLimits,
  flow: DestinationFlow,
  deliveryKey: number,
  now: number,
): DestinationFlow {
  const next: DestinationFlow = {
    ...succeeded(limits, flow, now),
    ...failingAfter(flow, deliveryKey, now),
    failedDelivery: deliveryKey,
    lastSuccessAt: flow.lastSuccessAt,
    lastFailureAt: now,
  }
  return heldAsFailing(limits, next, now) ?? next
}

/**
 * The destination has not answered, or with a failure.
 *
 * @param deliveryKey one delivery that fails again and again counts once: it may be the event that is at fault.
 * @param holdMs what it asked for with Retry-After.
 */
export function failed(
  limits: DestinationLimits,
  flow: DestinationFlow,
  deliveryKey: number,
  holdMs: number | null,
  now: number,
): DestinationFlow {
  const next: DestinationFlow = {
    ...flow,
    ...failingAfter(flow, deliveryKey, now),
    failures: flow.failedDelivery === deliveryKey ? Math.max(1, flow.failures) : flow.failures + 1,
    failedDelivery: deliveryKey,
    lastFailureAt: now,
  }
  const failing = heldAsFailing(limits, next, now)
  if (failing !== null) return failing
  if (isHalfOpen(flow, now) || (next.failures >= breakerFailures && holdAt(flow, now) === null)) {
    const openMs = Math.min(breakerOpenMsMin * 2 ** flow.breakerOpenings, breakerOpenMsMax)
    return {
      ...held(next, { reason: 'breaker', until: now + Math.max(openMs, holdMs ?? 0), detail: null }, now),
      breakerOpenings: flow.breakerOpenings + 1,
    }
  }
  return holdMs === null
    ? next
    : held(next, { reason: 'retry_after', until: now + holdMs, detail: null }, now)
}

/** Since when nothing has succeeded, and how many deliveries that is about, after one more has not. */
function failingAfter(
  flow: DestinationFlow,
  deliveryKey: number,
  now: number,
): Pick<DestinationFlow, 'failingSince' | 'failingDeliveries'> {
  const { failingSince = null, failingDeliveries = 0, failedDelivery, lastFailureAt } = flow
  if (failingSince === null || lastFailureAt === null || now - lastFailureAt > failingGapMsMax) {
    return { failingSince: now, failingDeliveries: 1 }
  }
  return {
    failingSince,
    failingDeliveries: failingDeliveries + (failedDelivery === deliveryKey ? 0 : 1),
  }
}

/** Held, where its time is over; null where it is not. */
function heldAsFailing(
  limits: DestinationLimits,
  flow: DestinationFlow,
  now: number,
): DestinationFlow | null {
  const holdsAt = failingHoldsAt(limits, flow, now)
  if (holdsAt === null || holdsAt > now) return null
  const since = isoSeconds(flow.failingSince ?? now)
  const detail = `nothing has succeeded since ${since}, and its events are kept`
  return held(flow, { reason: 'failing', until: null, detail }, now)
}

/** `2026-01-15T12:00:05Z` */
function isoSeconds(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z')
}

/**
 * From when on a failure holds the destination as `failing`, Unix milliseconds. Null where none will: it does not
 * fail, only one of its deliveries has, it is held until a person acts, or its limits set no time.
 */
export function failingHoldsAt(
  { failingHours = null }: DestinationLimits,
  flow: DestinationFlow,
  now: number,
): number | null {
  const { failingSince = null, failingDeliveries = 0 } = flow
  if (failingHours === null || failingSince === null || failingDeliveries < failingDeliveriesMin) return null
  return holdAt(flow, now)?.until === null ? null : failingSince + failingHours * hourMs
}

export interface FailingWarning {
  /** The part of the time that is over. */
  stage: (typeof failingStages)[number]
  /** From when on a failure holds it, Unix milliseconds. */
  holdsAt: number
}

/** What people should be told of a destination that is on its way to be held as `failing`. Pure. */
export function failingWarning(
  limits: DestinationLimits,
  flow: DestinationFlow,
  now: number,
): FailingWarning | null {
  const holdsAt = failingHoldsAt(limits, flow, now)
  if (holdsAt === null) return null
  const since = flow.failingSince ?? now
  const stage = failingStages.find((part) => now - since >= part * (holdsAt - since))
  return stage === undefined ? null : { stage, holdsAt }
}

/** What the destination answers does not end these: they say what a person, or the config file, wants. */
const wanted: ReadonlySet<HoldReason> = new Set(['paused', 'removed'])

/** Holds that an answer sets. */
const answered: ReadonlySet<HoldReason> = new Set(['auth', 'gone'])

/** Sets a hold, unless a stronger one is there: one that a person must end, or one that lasts longer. */
export function held(flow: DestinationFlow, hold: Omit<Hold, 'since'>, now: number): DestinationFlow {
  const present = holdAt(flow, now)
  if (present !== null && wanted.has(present.reason) && answered.has(hold.reason)) return flow
  if (present !== null && !heldForPerson.has(hold.reason)) {
    if (present.until === null) return flow
    if (hold.until !== null && present.until >= hold.until) return flow
  }
  return { ...flow, hold: { ...hold, since: now } }
}

/** Ends whatever hold there is. What has gathered meanwhile goes out at a growing pace. */
export function resumed(flow: DestinationFlow): DestinationFlow {
  if (flow.hold === null) return flow
  return {
    ...flow,
    hold: null,
    failures: 0,
    failedDelivery: null,
    failingSince: null,
    failingDeliveries: 0,
    breakerOpenings: 0,
    rampConcurrency: 1,
  }
}

/** A change of the settings answers what the destination had against them; how long it has failed counts anew. */
export function resumedByChange(flow: DestinationFlow): DestinationFlow {
  const reason = flow.hold?.reason
  if (reason === 'auth' || reason === 'gone' || reason === 'failing' || reason === 'removed')
    return resumed(flow)
  return (flow.failingSince ?? null) === null ? flow : { ...flow, failingSince: null, failingDeliveries: 0 }
}
