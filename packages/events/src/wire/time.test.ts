import { expect, test } from 'vitest'
import type { Issue } from '../event.ts'
import { readTime } from './time.ts'

const base = Date.UTC(2024, 0, 15, 14, 35)

function read(value: unknown): [number | null, string | undefined] {
  const issues: Issue[] = []
  const time = readTime(value, 'timestamp', issues)
  expect(issues.every(({ path }) => path === 'timestamp')).toBe(true)
  return [time, issues[0]?.message]
}

test.each([
  ['2024-01-15T14:35:00.000Z', base],
  ['2024-01-15T14:35:00Z', base],
  ['2024-01-15T14:35Z', base],
  ['2024-01-15t14:35:00z', base],
  ['2024-01-15T14:35:00.1239999Z', base + 123],
  ['2024-01-15T14:35:00,5Z', base + 500],
  ['2024-01-15T17:35:00+03:00', base],
  ['2024-01-15T09:05:00-0530', base],
  ['2024-01-15T16:35:00+02', base],
  ['2024-02-29T00:00:00Z', Date.UTC(2024, 1, 29)],
  [1705329300, base],
  [1705329300.25, base + 250],
  [1705329300000, base],
  [1705329300000.4, base],
  ['1705329300', base],
  ['1705329300000', base],
  ['1705329300.25', base + 250],
])('%j is a time', (value, time) => {
  expect(read(value)).toEqual([time, undefined])
})

test.each(['2024-01-15T14:35:00', '2024-01-15 14:35:00.000', '2024-01-15T14:35'])(
  'without a zone it is UTC, and noted: %j',
  (value) => {
    expect(read(value)).toEqual([base, 'has no time zone, taken as UTC'])
  },
)

test.each([
  ['2023-02-29T00:00:00Z', 'is not a time that exists'],
  ['2024-13-01T00:00:00Z', 'is not a time that exists'],
  ['2024-01-15T24:00:00Z', 'is not a time that exists'],
  ['2024-01-15T14:35:00+24:00', 'is not a time that exists'],
  ['1989-12-31T23:59:59Z', 'is outside the years 1990 to 2100'],
  ['2100-01-01T00:00:00Z', 'is outside the years 1990 to 2100'],
  [0, 'is outside the years 1990 to 2100, in seconds as in milliseconds'],
  [-1705329300, 'is outside the years 1990 to 2100, in seconds as in milliseconds'],
  [1705329300000000, 'is outside the years 1990 to 2100, in seconds as in milliseconds'],
  [Infinity, 'is outside the years 1990 to 2100, in seconds as in milliseconds'],
  ['Mon, 15 Jan 2024 14:35:00 GMT', 'is not a time, expected ISO 8601'],
  ['', 'is empty, expected a time'],
  [true, 'is a boolean, expected a time'],
  [{}, 'is an object, expected a time'],
])('%j is none, and noted', (value, message) => {
  expect(read(value)).toEqual([null, message])
})

test('a missing time and null are no issue', () => {
  expect(read(undefined)).toEqual([null, undefined])
  expect(read(null)).toEqual([null, undefined])
})
