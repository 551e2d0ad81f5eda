import { retryPresets as presetsOfTheServer } from '@hookswitch/core'
import { describe, expect, test } from 'vitest'
import { readRetryAfter, retryDelayMs, retryPresets, type Retry } from './retry.ts'

const never = (): number => 0

test('the presets are those of the server - one name means one thing', () => {
  expect(retryPresets).toEqual(presetsOfTheServer)
})

describe('the wait after a try', () => {
  test('is that of the policy, until there are no more', () => {
    const waits = (retry: Retry): (number | null)[] =>
      [1, 2, 3].map((tries) => retryDelayMs(retry, tries, null, never))
    expect(waits('guide')).toEqual([2_000, 4_000, null])
    expect(waits('none')).toEqual([null, null, null])
    expect(waits({ delaysMs: [0, 7] })).toEqual([0, 7, null])
    expect(waits({ delaysMs: [] })).toEqual([null, null, null])
  })

  test('is spread by up to a tenth, and never shorter', () => {
    expect(retryDelayMs('guide', 1, null, () => 0.999_999)).toBe(2_200)
  })

  test('is longer where the endpoint asks for it, up to an hour, with standard up to a day', () => {
    expect(retryDelayMs('guide', 1, 1_000, never)).toBe(2_000)
    expect(retryDelayMs('guide', 1, 3_000, never)).toBe(3_000)
    expect(retryDelayMs('guide', 1, Infinity, never)).toBe(3_600_000)
    expect(retryDelayMs('standard', 1, Infinity, never)).toBe(86_400_000)
    expect(retryDelayMs('guide', 3, 3_000, never), 'it gives no other try').toBeNull()
  })
})

describe('Retry-After', () => {
  const nowMs = Date.UTC(2026, 0, 31, 12)
  const inAMinute = 'Sat, 31 Jan 2026 12:01:00 GMT'

  test.each<[retryAfter: string | null, date: string | null, ms: number | null]>([
    [null, null, null],
    ['2', null, 2_000],
    [' 0 ', null, 0],
    [inAMinute, null, 60_000],
    [inAMinute, 'Sat, 31 Jan 2026 12:00:55 GMT', 5_000],
    [inAMinute, 'today', 60_000],
    ['Sat, 31 Jan 2026 11:59:59 GMT', null, null],
    ['-2', null, null],
    ['1.5', null, null],
    ['soon', null, null],
    ['soon GMT', null, null],
    ['', null, null],
  ])('%o, sent at %o, is %o ms', (retryAfter, date, ms) => {
    const headers = new Headers()
    if (retryAfter !== null) headers.set('retry-after', retryAfter)
    if (date !== null) headers.set('date', date)
    expect(readRetryAfter(headers, nowMs)).toBe(ms)
  })
})
