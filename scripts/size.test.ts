import { expect, test } from 'vitest'
import { measureSizes, tableOf } from './size.ts'

// The budgets of the receiver's main entry are held by its own tests.

const sizes = await measureSizes()

test.each(sizes.filter(({ from }) => from !== '@hookswitch/receiver'))(
  '$names of $from is within its budget',
  ({ gzipBytes, gzipBytesMax }) => {
    expect(gzipBytes).toBeLessThanOrEqual(gzipBytesMax)
    // A budget that has become too wide holds nothing.
    expect(gzipBytes).toBeGreaterThan(gzipBytesMax * 0.8)
  },
)

test('the table has a line for each, and says which is over its budget', () => {
  const size = { from: 'package', names: 'one', minifiedBytes: 12_345, gzipBytes: 1_000, gzipBytesMax: 999 }
  expect(tableOf([size, { ...size, names: 'other', gzipBytesMax: 1_000 }]).split('\n')).toEqual([
    'import          minified   gzip  budget',
    'package  one      12,345  1,000     999  over',
    'package  other    12,345  1,000   1,000',
  ])
})
