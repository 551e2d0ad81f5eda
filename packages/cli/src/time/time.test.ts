import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { durationOption, formatAge, formatSeconds, readDuration } from './duration.ts'
import { futureOption, localTime, pastOption } from './moment.ts'

describe('a duration', () => {
  test.each([
    ['90s', 90_000],
    ['15m', 900_000],
    ['24h', 86_400_000],
    ['7d', 604_800_000],
    ['1.5h', 5_400_000],
    ['0s', 0],
  ])('%s is %i ms', (text, ms) => {
    expect(readDuration(text)).toBe(ms)
  })

  test.each(['', '5', 'h', '-1h', '1y', '1 h', '1e3s', '99999999s'])(
    '"%s" is refused - a guess would move a deadline',
    (text) => {
      expect(() => durationOption(text)).toThrow('Expected a duration such as')
    },
  )

  test('reads in two units at most', () => {
    expect([0.42, 42, 59.96, 125, 3_720, 90_061].map(formatSeconds)).toEqual([
      '0.4 s',
      '42 s',
      '60 s',
      '2 min 5 s',
      '1 h 2 min',
      '25 h 1 min',
    ])
    expect([5_000, 150_000, 3 * 3_600_000, 91 * 86_400_000].map(formatAge)).toEqual([
      '5 seconds',
      '2 minutes',
      '3 hours',
      '91 days',
    ])
  })
})

describe('a moment', () => {
  beforeEach(() => {
    vi.useFakeTimers({ now: Date.UTC(2026, 2, 1, 12) })
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  test('is a time of ISO 8601, which keeps its zone', () => {
    expect(pastOption('2026-03-01T09:30Z')).toBe('2026-03-01T09:30:00.000Z')
    expect(pastOption('2026-03-01 09:30:15.5+03:00')).toBe('2026-03-01T06:30:15.500Z')
  })

  test('without a zone is local, a date alone as well - whoever types one means their own day', () => {
    expect(pastOption('2026-03-01')).toBe(new Date(2026, 2, 1).toISOString())
    expect(pastOption('2026-03-01T09:30')).toBe(new Date(2026, 2, 1, 9, 30).toISOString())
  })

  test('as a duration counts from now, back or ahead', () => {
    expect(pastOption('2h')).toBe('2026-03-01T10:00:00.000Z')
    expect(futureOption('2h')).toBe('2026-03-01T14:00:00.000Z')
  })

  test.each(['yesterday', '1772355600', '2026-13-01', '2026-03-01T25:00', '03/01/2026'])(
    '"%s" is refused',
    (text) => {
      expect(() => pastOption(text)).toThrow('Expected a time such as')
    },
  )

  test('is shown by the clock of this machine', () => {
    expect(localTime(new Date(2026, 0, 2, 3, 4, 5).toISOString())).toBe('2026-01-02 03:04:05')
    expect(localTime(null)).toBe('–')
  })
})
