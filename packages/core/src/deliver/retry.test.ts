import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { RetryPolicy } from './destination.ts'
import { retryAfterWithinCap, retryDelayMs, retryLimits, retryPresets, triesMax } from './retry.ts'

const never = (): number => 0
const almostOne = (): number => 0.999_999
const hourMs = 60 * 60 * 1_000

/** All waits of a policy, without jitter. */
function waits(policy: RetryPolicy, retryAfterMs: number | null = null): number[] {
  const all: number[] = []
  for (let tries = 1; ; tries += 1) {
    const delayMs = retryDelayMs(policy, tries, retryAfterMs, never)
    if (delayMs === null) return all
    all.push(delayMs)
  }
}

describe('the presets', () => {
  test('none is one try', () => {
    expect(waits({ preset: 'none' })).toEqual([])
    expect(triesMax({ preset: 'none' })).toBe(1)
  })

  test('quick is ten tries, from 0.2 seconds doubling to 5', () => {
    expect(waits({ preset: 'quick' })).toEqual([200, 400, 800, 1_600, 3_200, 5_000, 5_000, 5_000, 5_000])
    expect(triesMax({ preset: 'quick' })).toBe(10)
  })

  test('guide is three tries, after two and four seconds', () => {
    expect(waits({ preset: 'guide' })).toEqual([2_000, 4_000])
  })

  test('standard begins after five seconds, waits longer each time, and ends after about three days', () => {
    const all = waits({ preset: 'standard' })
    expect(all[0]).toBe(5_000)
    expect(all).toEqual(all.toSorted((a, b) => a - b))
    const days = all.reduce((sum, delayMs) => sum + delayMs, 0) / (24 * hourMs)
    expect(days).toBeGreaterThan(2.5)
    expect(days).toBeLessThan(3.5)
    expect(triesMax({ preset: 'standard' })).toBe(13)
  })

  test('no preset waits longer than a person may set', () => {
    for (const delays of Object.values(retryPresets)) {
      expect(delays.length).toBeLessThanOrEqual(retryLimits.delaysMax)
      for (const delayMs of delays) expect(delayMs).toBeLessThanOrEqual(retryLimits.delaySecondsMax * 1_000)
    }
  })
})

test('delays of one’s own are taken in seconds, fractions and zero included', () => {
  expect(waits({ delaysSeconds: [0, 0.5, 604_800] })).toEqual([0, 500, 604_800_000])
  expect(waits({ delaysSeconds: [] })).toEqual([])
  expect(triesMax({ delaysSeconds: [1, 2] })).toBe(3)
})

test('jitter is added and never taken off - nothing is tried earlier than was said', () => {
  const policies: fc.Arbitrary<RetryPolicy> = fc.oneof(
    fc.constantFrom('quick', 'guide', 'standard').map((preset) => ({ preset })),
    fc
      .array(fc.double({ min: 0, max: 604_800, noNaN: true }), { minLength: 1, maxLength: 5 })
      .map((delaysSeconds) => ({ delaysSeconds })),
  )
  fc.assert(
    fc.property(policies, fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (of, random) => {
      for (const [index, delayMs] of waits(of).entries()) {
        const jittered = retryDelayMs(of, index + 1, null, () => random) ?? -1
        expect(jittered).toBeGreaterThanOrEqual(delayMs)
        expect(jittered).toBeLessThanOrEqual(Math.ceil(delayMs * 1.1) + 1)
      }
    }),
    { seed: 3 },
  )
  expect(retryDelayMs({ preset: 'guide' }, 1, null, almostOne)).toBe(2_200)
})

describe('Retry-After', () => {
  test('lengthens a wait and never shortens it', () => {
    expect(waits({ preset: 'guide' }, 3_000)).toEqual([3_000, 4_000])
    expect(waits({ preset: 'guide' }, 0)).toEqual([2_000, 4_000])
  })

  test('gives no further try', () => {
    expect(retryDelayMs({ preset: 'none' }, 1, 3_000, never)).toBeNull()
    expect(retryDelayMs({ preset: 'guide' }, 3, 3_000, never)).toBeNull()
  })

  test('counts up to an hour, with standard up to a day', () => {
    const long = 48 * hourMs
    expect(retryAfterWithinCap({ preset: 'standard' }, long)).toBe(24 * hourMs)
    const others: RetryPolicy[] = [
      { preset: 'none' },
      { preset: 'quick' },
      { preset: 'guide' },
      { delaysSeconds: [1] },
    ]
    for (const policy of others) {
      expect(retryAfterWithinCap(policy, long)).toBe(hourMs)
    }
    expect(retryAfterWithinCap({ preset: 'guide' }, 5)).toBe(5)
    expect(retryAfterWithinCap({ preset: 'guide' }, null)).toBeNull()
    expect(waits({ preset: 'quick' }, Number.MAX_SAFE_INTEGER)[0]).toBe(hourMs)
  })

  test('is waited for to the millisecond, without jitter', () => {
    expect(retryDelayMs({ preset: 'guide' }, 1, 60_000, almostOne)).toBe(60_000)
  })
})
