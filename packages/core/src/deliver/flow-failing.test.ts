import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { hold, now, ten } from '../../test/flow-samples.ts'
import type { DestinationLimits, Hold } from './destination.ts'
import {
  breakerFailures,
  failed,
  failingHoldsAt,
  failingWarning,
  freshFlow,
  held,
  holdAt,
  refused,
  resumed,
  resumedByChange,
  succeeded,
} from './flow.ts'

describe('a destination that fails for long', () => {
  const hourMs = 60 * 60_000
  const twoDays: DestinationLimits = { ...ten, failingHours: 48 }
  const end = now + 48 * hourMs

  /** Two deliveries have failed, the first one at `now`, and were tried again and again. */
  const failing = {
    ...failed(twoDays, failed(twoDays, freshFlow, 1, null, now), 2, null, now + 1),
    lastFailureAt: end - hourMs,
  }

  test('is held by the first failure after its time, until a person acts - its events are kept', () => {
    expect(failing).toMatchObject({ failingSince: now, failures: 2, hold: null })
    expect(failed(twoDays, failing, 3, null, end - 1).hold).toBeNull()
    expect(failed(twoDays, failing, 3, null, end).hold).toEqual({
      reason: 'failing',
      since: end,
      until: null,
      detail: 'nothing has succeeded since 2023-11-14T22:13:20Z, and its events are kept',
    })
  })

  test('is not held where no time is set, nor where limits and flow are from before there was one', () => {
    const { failingSince: _, ...old } = failing
    for (const limits of [ten, { ...ten, failingHours: null }]) {
      expect(failed(limits, failing, 3, null, end + 1).hold).toBeNull()
      expect(failingWarning(limits, failing, end + 1)).toBeNull()
    }
    expect(failed(twoDays, old, 3, null, end)).toMatchObject({ hold: null, failingSince: end })
  })

  test('is not held for one delivery alone - it may be the event that is at fault', () => {
    let alone = freshFlow
    for (let hour = 0; hour < 100; hour += 1) alone = failed(twoDays, alone, 7, null, now + hour * hourMs)
    expect(alone).toMatchObject({ hold: null, failingSince: now })
    expect(failingHoldsAt(twoDays, alone, end)).toBeNull()
    expect(failed(twoDays, alone, 8, null, now + 100 * hourMs).hold?.reason).toBe('failing')
  })

  test('begins anew where nothing was tried for longer than any wait - two bad moments are no bad days', () => {
    const apart = { ...failing, lastFailureAt: end - 27 * hourMs }
    expect(failed(twoDays, apart, 3, null, end).hold?.reason).toBe('failing')
    expect(failed(twoDays, apart, 3, null, end + 1)).toMatchObject({ hold: null, failingSince: end + 1 })
  })

  test('is held though it answers, where it refuses everything - an address may be wrong', () => {
    const twice = refused(twoDays, refused(twoDays, freshFlow, 1, now), 2, now + 1)
    expect(twice).toMatchObject({ failingSince: now, failingDeliveries: 2, failures: 0, hold: null })
    const before = { ...twice, lastFailureAt: end - hourMs }
    expect(refused(twoDays, before, 3, end - 1).hold).toBeNull()
    expect(refused(twoDays, before, 3, end).hold?.reason).toBe('failing')
    expect(failed(twoDays, before, 3, null, end).hold?.reason).toBe('failing')
    // Once refused is one event, as once failed is.
    expect(
      refused(twoDays, { ...refused(twoDays, freshFlow, 1, now), lastFailureAt: end - 1 }, 1, end).hold,
    ).toBeNull()
  })

  test('begins anew after a success, a resume and a change of the settings', () => {
    const held48 = failed(twoDays, failing, 3, null, end)
    for (const after of [
      succeeded(twoDays, failing, end),
      resumed(held48),
      resumedByChange(held48),
      resumedByChange(failing),
    ]) {
      expect(after).toMatchObject({ hold: null, failingSince: null })
      const again = failed(twoDays, failed(twoDays, after, 4, null, end), 5, null, end)
      expect(again).toMatchObject({ hold: null, failingSince: end })
    }
  })

  test('is held instead of its breaker, be that open, half open or about to open', () => {
    const breaker: Hold = { reason: 'breaker', since: end - 1, until: end, detail: null }
    for (const at of [end - 1, end]) {
      const open = { ...failing, failures: breakerFailures, hold: breaker }
      const limits = { ...twoDays, failingHours: (at - now) / hourMs }
      expect(failed(limits, open, 3, 5_000, at).hold, String(at - end)).toMatchObject({
        reason: 'failing',
        until: null,
      })
    }
    const about = { ...failing, failures: breakerFailures - 1 }
    expect(failed(twoDays, about, 3, null, end).hold?.reason).toBe('failing')
  })

  test('stays held for what else a person must end', () => {
    for (const reason of ['paused', 'auth', 'gone', 'removed'] as const) {
      const before = { ...failing, hold: hold(reason) }
      expect(failed(twoDays, before, 3, null, end).hold, reason).toBe(before.hold)
      expect(failingWarning(twoDays, before, end - 1), reason).toBeNull()
    }
    // The other way round these say more, and what is wanted most of all.
    const before = failed(twoDays, failing, 3, null, end)
    for (const reason of ['paused', 'auth', 'gone', 'removed'] as const) {
      expect(held(before, { reason, until: null, detail: null }, end + 1).hold?.reason).toBe(reason)
    }
  })

  test('is warned of after a quarter, a half and three quarters of its time', () => {
    const stages = [0, 11.9, 12, 23.9, 24, 35.9, 36, 47, 48, 60].map(
      (hours) => failingWarning(twoDays, failing, now + hours * hourMs)?.stage ?? null,
    )
    expect(stages).toEqual([null, null, 0.25, 0.25, 0.5, 0.5, 0.75, 0.75, 0.75, 0.75])
    expect(failingWarning(twoDays, failing, now + 12 * hourMs)?.holdsAt).toBe(end)
    // Held already, and not failing at all.
    expect(failingWarning(twoDays, failed(twoDays, failing, 3, null, end), end)).toBeNull()
    expect(failingWarning(twoDays, freshFlow, end)).toBeNull()
  })

  test('is held if and only if two deliveries failed or were refused, and nothing succeeded for that long', () => {
    const step = fc.record({
      afterMs: fc.integer({ min: 0, max: 30 * hourMs }),
      delivery: fc.integer({ min: 1, max: 4 }),
      what: fc.constantFrom('fails', 'fails', 'fails', 'fails', 'succeeds', 'refuses', 'resumes'),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        let at = now
        let after = freshFlow
        // As the rule is written, over the whole story: what failed since the last answer, and when.
        let failures: { at: number; delivery: number }[] = []
        let isHeld = false
        for (const { afterMs, delivery, what } of steps) {
          at += afterMs
          if (what === 'fails' || what === 'refuses') {
            // Where nothing was tried for more than a day and a bit, it counts anew.
            if (at - (failures.at(-1)?.at ?? at) > 27 * hourMs) failures = []
            failures.push({ at, delivery })
            after =
              what === 'fails'
                ? failed(twoDays, after, delivery, null, at)
                : refused(twoDays, after, delivery, at)
            const isLong = at - (failures[0]?.at ?? at) >= 48 * hourMs
            if (isLong && new Set(failures.map((one) => one.delivery)).size >= 2) isHeld = true
          } else if (what !== 'resumes' || isHeld) {
            failures = []
            if (what === 'succeeds') after = succeeded(twoDays, after, at)
            else after = resumed(after)
            // What was under way when it was held may still end in any way, and ends no hold.
            isHeld &&= what !== 'resumes'
          }
          expect(holdAt(after, at)?.reason === 'failing').toBe(isHeld)
        }
      }),
    )
  })
})
