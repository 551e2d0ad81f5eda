import { describe, expect, test } from 'vitest'
import { afterFailures, flow, hold, now, ten } from '../../test/flow-samples.ts'
import type { DestinationLimits } from './destination.ts'
import {
  allowedSends,
  breakerFailures,
  breakerOpenMsMax,
  breakerOpenMsMin,
  drawn,
  failed,
  freshFlow,
  held,
  holdAt,
  isHalfOpen,
  notSent,
  resumed,
  resumedByChange,
  succeeded,
} from './flow.ts'

describe('a hold', () => {
  test('is in force until its end, and for good where it has none', () => {
    expect(holdAt(freshFlow, now)).toBeNull()
    const endless = flow({ hold: hold('paused') })
    expect(holdAt(endless, Number.MAX_SAFE_INTEGER)).toBe(endless.hold)
    const ending = flow({ hold: hold('retry_after', now) })
    expect(holdAt(ending, now - 1)).toBe(ending.hold)
    expect(holdAt(ending, now)).toBeNull()
  })

  test('lets nothing be sent, and says when it ends by itself', () => {
    expect(allowedSends(ten, flow({ hold: hold('paused') }), 0, now)).toEqual({ sends: 0, nextAt: null })
    expect(allowedSends(ten, flow({ hold: hold('retry_after', now + 5) }), 0, now)).toEqual({
      sends: 0,
      nextAt: now + 5,
    })
  })

  test('that a person must end is not replaced by one that ends by itself', () => {
    for (const reason of ['paused', 'auth', 'gone', 'failing', 'removed'] as const) {
      const before = flow({ hold: hold(reason) })
      const shorter = { reason: 'retry_after', until: now + 1_000, detail: null } as const
      expect(held(before, shorter, now), reason).toBe(before)
      expect(failed(ten, before, 1, 60_000, now).hold, reason).toBe(before.hold)
      expect(afterFailures(2 * breakerFailures, now, before).hold, reason).toBe(before.hold)
      expect(succeeded(ten, before, now).hold, reason).toBe(before.hold)
    }
  })

  test('that a person must end replaces one that ends by itself', () => {
    const before = flow({ hold: hold('retry_after', now + 60_000) })
    expect(held(before, { reason: 'paused', until: null, detail: 'x' }, now).hold).toEqual({
      reason: 'paused',
      since: now,
      until: null,
      detail: 'x',
    })
  })

  test('of two that end by themselves the longer one counts', () => {
    const before = flow({ hold: hold('retry_after', now + 60_000) })
    const until = (ms: number): number | null | undefined =>
      held(before, { reason: 'retry_after', until: now + ms, detail: null }, now).hold?.until
    expect(until(30_000)).toBe(now + 60_000)
    expect(until(90_000)).toBe(now + 90_000)
    // One that is over is none.
    const over = flow({ hold: hold('retry_after', now - 1) })
    expect(held(over, { reason: 'retry_after', until: now + 1, detail: null }, now).hold?.until).toBe(now + 1)
  })

  test('ends with a resume, whatever it was, and what has gathered goes out one by one', () => {
    for (const reason of [
      'paused',
      'breaker',
      'retry_after',
      'auth',
      'gone',
      'failing',
      'removed',
    ] as const) {
      const before = flow({
        hold: hold(reason),
        failures: 7,
        failedDelivery: 3,
        breakerOpenings: 2,
        rateAt: 5,
      })
      expect(resumed(before), reason).toEqual(flow({ rampConcurrency: 1, rateAt: 5 }))
    }
    expect(resumed(freshFlow)).toBe(freshFlow)
  })

  test('ends with a change of the settings only where these may have been its reason', () => {
    for (const reason of ['auth', 'gone', 'failing', 'removed'] as const) {
      expect(resumedByChange(flow({ hold: hold(reason) })).hold, reason).toBeNull()
    }
    for (const reason of ['paused', 'breaker', 'retry_after'] as const) {
      const before = flow({ hold: hold(reason, now + 1) })
      expect(resumedByChange(before), reason).toBe(before)
    }
    expect(resumedByChange(freshFlow)).toBe(freshFlow)
  })
})

describe('concurrency', () => {
  test('is what is not under way yet', () => {
    expect(allowedSends(ten, freshFlow, 0, now)).toEqual({ sends: 10, nextAt: null })
    expect(allowedSends(ten, freshFlow, 7, now)).toEqual({ sends: 3, nextAt: null })
    expect(allowedSends(ten, freshFlow, 10, now)).toEqual({ sends: 0, nextAt: null })
  })

  test('that was lowered while more are under way lets none begin', () => {
    expect(allowedSends({ concurrency: 2, perSecond: null }, freshFlow, 5, now)).toEqual({
      sends: 0,
      nextAt: null,
    })
  })

  test('grows after a hold with each success: one, two, four - and is whole again', () => {
    let after = resumed(flow({ hold: hold('paused') }))
    const allowed: number[] = []
    for (let count = 0; count < 6; count += 1) {
      allowed.push(allowedSends(ten, after, 0, now).sends)
      after = succeeded(ten, after, now)
    }
    expect(allowed).toEqual([1, 2, 4, 8, 10, 10])
    expect(after.rampConcurrency).toBeNull()
  })

  test('does not grow with a failure', () => {
    const before = flow({ rampConcurrency: 2 })
    expect(allowedSends(ten, failed(ten, before, 1, null, now), 0, now).sends).toBe(2)
  })

  test('is one by one after any hold whose time is over - what has gathered would fall on it at once', () => {
    for (const reason of ['breaker', 'retry_after', 'paused'] as const) {
      const over = flow({ hold: hold(reason, now - 1) })
      expect(allowedSends(ten, over, 0, now).sends, reason).toBe(1)
      expect(allowedSends(ten, succeeded(ten, over, now), 0, now).sends, reason).toBe(2)
    }
  })
})

describe('the rate', () => {
  const limits: DestinationLimits = { concurrency: 1_000, perSecond: 2 }

  /** Sends what may be sent, every `everyMs`. */
  function sent(everyMs: number, ms: number, per: DestinationLimits): number {
    let after = freshFlow
    let count = 0
    for (let at = now; at < now + ms; at += everyMs) {
      const { sends } = allowedSends(per, after, 0, at)
      after = drawn(per, after, sends, at)
      count += sends
    }
    return count
  }

  test('is held over any longer time, however often it is asked', () => {
    for (const perSecond of [0.5, 2, 20, 300]) {
      for (const everyMs of [1, 7, 40]) {
        const count = sent(everyMs, 60_000, { concurrency: 1_000, perSecond })
        expect(count, `${perSecond}/s asked every ${everyMs} ms`).toBeLessThanOrEqual(
          60 * perSecond * 1.01 + 20,
        )
        expect(count, `${perSecond}/s asked every ${everyMs} ms`).toBeGreaterThanOrEqual(
          60 * perSecond * 0.97 - 1,
        )
      }
    }
  })

  test('says from when on the next may begin', () => {
    const after = drawn(limits, freshFlow, allowedSends(limits, freshFlow, 0, now).sends, now)
    const { sends, nextAt } = allowedSends(limits, after, 0, now)
    expect(sends).toBe(0)
    expect(nextAt).toBeGreaterThan(now)
    expect(nextAt).toBeLessThanOrEqual(now + 500)
    expect(allowedSends(limits, after, 0, nextAt ?? 0).sends).toBe(1)
  })

  test('does not make up for quiet times', () => {
    const after = drawn(limits, freshFlow, 1, now)
    expect(allowedSends(limits, after, 0, now + 3_600_000).sends).toBe(1)
  })

  test('gets back what was let go and not sent', () => {
    const after = drawn(limits, freshFlow, 1, now)
    expect(allowedSends(limits, after, 0, now).sends).toBe(0)
    expect(allowedSends(limits, notSent(limits, after), 0, now).sends).toBe(1)
  })

  test('never allows more than the concurrency', () => {
    const fast: DestinationLimits = { concurrency: 3, perSecond: 1_000 }
    expect(allowedSends(fast, freshFlow, 1, now).sends).toBe(2)
  })

  test('is not drawn from where there is none, or nothing was sent', () => {
    expect(drawn(ten, freshFlow, 5, now)).toBe(freshFlow)
    expect(drawn(limits, freshFlow, 0, now)).toBe(freshFlow)
    expect(notSent(ten, freshFlow)).toBe(freshFlow)
  })
})

describe('the breaker', () => {
  test('opens when as many different deliveries failed, one after the other', () => {
    expect(afterFailures(breakerFailures - 1).hold).toBeNull()
    expect(afterFailures(breakerFailures).hold).toEqual({
      reason: 'breaker',
      since: now,
      until: now + breakerOpenMsMin,
      detail: null,
    })
  })

  test('does not open for one delivery that fails again and again - it may be the event that is at fault', () => {
    let after = freshFlow
    for (let count = 0; count < 3 * breakerFailures; count += 1) after = failed(ten, after, 7, null, now)
    expect(after).toMatchObject({ failures: 1, hold: null, lastFailureAt: now })
  })

  test('counts anew after a success', () => {
    const after = succeeded(ten, afterFailures(breakerFailures - 1), now)
    expect(after).toMatchObject({ failures: 0, failedDelivery: null, lastSuccessAt: now })
    expect(afterFailures(breakerFailures - 1, now, after).hold).toBeNull()
  })

  test('lets one delivery look when its time is over', () => {
    const open = afterFailures(breakerFailures)
    const end = now + breakerOpenMsMin
    expect(isHalfOpen(open, end - 1)).toBe(false)
    expect(isHalfOpen(open, end)).toBe(true)
    expect(allowedSends(ten, open, 0, end)).toEqual({ sends: 1, nextAt: null })
    expect(allowedSends(ten, open, 1, end)).toEqual({ sends: 0, nextAt: null })
  })

  test('opens for twice as long each time that look fails, up to a bound', () => {
    let open = afterFailures(breakerFailures)
    const lengths: number[] = []
    for (let count = 0; count < 7; count += 1) {
      const { since = 0, until } = open.hold ?? {}
      lengths.push((until ?? 0) - since)
      open = failed(ten, open, 1_000, null, until ?? 0)
    }
    expect(lengths).toEqual([10_000, 20_000, 40_000, 80_000, 160_000, breakerOpenMsMax, breakerOpenMsMax])
  })

  test('closes when that look succeeds, and is short again the next time', () => {
    let open = afterFailures(breakerFailures)
    open = failed(ten, open, 1, null, open.hold?.until ?? 0)
    const closed = succeeded(ten, open, open.hold?.until ?? 0)
    expect(closed).toMatchObject({ hold: null, failures: 0, breakerOpenings: 0 })
    const again = afterFailures(breakerFailures, now, closed)
    expect((again.hold?.until ?? 0) - now).toBe(breakerOpenMsMin)
  })

  test('stays open for what was under way when it opened, however that ends', () => {
    const open = afterFailures(breakerFailures)
    expect(succeeded(ten, open, now + 1).hold).toEqual(open.hold)
    expect(failed(ten, open, 99, null, now + 1).hold).toEqual(open.hold)
  })

  test('is open at least for as long as the destination asked', () => {
    const before = afterFailures(breakerFailures - 1)
    expect(failed(ten, before, 99, 60_000, now).hold).toMatchObject({
      reason: 'breaker',
      until: now + 60_000,
    })
    expect(failed(ten, before, 99, 1, now).hold).toMatchObject({
      reason: 'breaker',
      until: now + breakerOpenMsMin,
    })
  })
})

test('Retry-After holds the destination for as long as it says - all its lanes would be answered so', () => {
  expect(failed(ten, freshFlow, 1, 30_000, now)).toMatchObject({
    failures: 1,
    hold: { reason: 'retry_after', since: now, until: now + 30_000 },
  })
})
