import { expect, test } from 'vitest'
import { eventId } from './event-id.ts'

test('ids sort by the time at which they were made - the index over them grows at its end', () => {
  const times = [0, 1, 31, 32, 1_700_000_000_000, 1_700_000_000_001, 2 ** 48 - 1]
  const ids = times.map(eventId)
  expect(ids.toSorted()).toEqual(ids)
  for (const id of ids) expect(id).toMatch(/^evt_[0-9a-hjkmnp-tv-z]{26}$/)
})

test('ids of one millisecond differ', () => {
  const ids = new Set(Array.from({ length: 50_000 }, () => eventId(1_700_000_000_000)))
  expect(ids.size).toBe(50_000)
})
