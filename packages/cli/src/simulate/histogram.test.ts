import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Histogram } from './histogram.ts'

test('a percentile is the time that so many do not exceed, at most two per cent too high', () => {
  const times = fc.array(fc.double({ min: 0.02, max: 60_000, noNaN: true }), { minLength: 1, maxLength: 200 })
  fc.assert(
    fc.property(times, fc.constantFrom(0.5, 0.95, 0.99, 1), (values, share) => {
      const histogram = new Histogram()
      for (const value of values) histogram.add(value)
      const sorted = values.toSorted((one, other) => one - other)
      const exact = sorted[Math.ceil(values.length * share) - 1] ?? NaN
      const found = histogram.percentile(share) ?? NaN
      expect(found).toBeGreaterThanOrEqual(exact * 0.999_999)
      expect(found).toBeLessThanOrEqual(exact * 1.021)
    }),
  )
})

test('there is none of nothing, and what takes no time is as short as can be', () => {
  const histogram = new Histogram()
  expect(histogram.percentile(0.5)).toBeNull()
  histogram.add(0)
  expect(histogram.percentile(0.99)).toBe(0.01)
})
