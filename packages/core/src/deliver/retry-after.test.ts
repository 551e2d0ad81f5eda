import { expect, test } from 'vitest'
import { readRetryAfter } from './retry-after.ts'

const now = Date.UTC(2026, 10, 22, 12, 0, 0)

test('seconds are seconds', () => {
  expect(readRetryAfter('120', undefined, now)).toBe(120_000)
  expect(readRetryAfter(' 1 ', undefined, now)).toBe(1_000)
  expect(readRetryAfter('0', undefined, now)).toBe(0)
})

test('a date is counted from the date of the answer - the clock over there may be wrong', () => {
  const hourAhead = 'Sun, 22 Nov 2026 13:00:00 GMT'
  expect(readRetryAfter('Sun, 22 Nov 2026 13:00:30 GMT', hourAhead, now)).toBe(30_000)
  expect(readRetryAfter(hourAhead, hourAhead, now)).toBe(0)
})

test('without a date of the answer, or with one that is none, it is counted from now', () => {
  expect(readRetryAfter('Sun, 22 Nov 2026 12:02:00 GMT', undefined, now)).toBe(120_000)
  expect(readRetryAfter('Sun, 22 Nov 2026 12:02:00 GMT', 'yesterday', now)).toBe(120_000)
})

test('all three forms of a date are read - a recipient must accept the obsolete ones', () => {
  for (const form of [
    'Sun, 22 Nov 2026 12:00:10 GMT',
    'Sunday, 22-Nov-26 12:00:10 GMT',
    'Sun Nov 22 12:00:10 2026',
  ]) {
    expect(readRetryAfter(form, undefined, now), form).toBe(10_000)
  }
})

test.each([
  ['nothing', undefined],
  ['an empty value', ''],
  ['a negative number', '-5'],
  ['a fraction', '1.5'],
  ['an exponent', '1e3'],
  ['a unit', '5s'],
  ['two values', '5, 10'],
  ['a time that is over', 'Sun, 22 Nov 2026 11:59:59 GMT'],
  ['an ISO date', '2026-11-22T13:00:00Z'],
  ['a day that does not exist', 'Sun, 99 Nov 2026 13:00:00 GMT'],
  ['a date in another zone', 'Sun, 22 Nov 2026 13:00:00 +0200'],
  ['words', 'soon'],
])('%s asks for nothing', (_what, value) => {
  expect(readRetryAfter(value, undefined, now)).toBeNull()
})

test('a number of any length gives a number that can be stored', () => {
  expect(readRetryAfter('9'.repeat(400), undefined, now)).toBe(Number.MAX_SAFE_INTEGER)
})
