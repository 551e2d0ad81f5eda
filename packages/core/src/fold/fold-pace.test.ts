import { beforeEach, describe, expect, test } from 'vitest'
import { FoldPace } from './fold-pace.ts'

let now = 0
let accepted = 0
let pace: FoldPace

beforeEach(() => {
  now = 1_000
  accepted = 0
  pace = new FoldPace(
    () => accepted,
    () => now,
  )
})

/** Lets stretches of 2 ms go by for a while; `rate(resting)` is how many events a millisecond are accepted meanwhile. */
function run(ms: number, rate: (resting: boolean) => number): { folding: number; resting: number } {
  const spent = { folding: 0, resting: 0 }
  const pass = (kind: 'folding' | 'resting', passed: number): void => {
    now += passed
    accepted += rate(kind === 'resting') * passed
    spent[kind] += passed
  }
  while (spent.folding + spent.resting < ms) {
    pass('folding', 2)
    pass('resting', pace.restMs(2))
  }
  return spent
}

describe('how the fold shares its thread', () => {
  test('it never rests while nothing is accepted', () => {
    expect(run(1_000, () => 0).resting).toBe(0)
  })

  test('it takes most of the thread while events come no faster without it', () => {
    const { folding, resting } = run(10_000, () => 8)
    expect(folding / (folding + resting)).toBeGreaterThan(0.5)
  })

  test('it gives way when more is accepted while it rests - senders were waiting for it', () => {
    run(2_000, (resting) => (resting ? 20 : 2))
    const { folding, resting } = run(3_000, (isResting) => (isResting ? 20 : 2))
    expect(folding / (folding + resting)).toBeLessThan(0.25)
    expect(folding).toBeGreaterThan(0)
  })

  test('it keeps up again when the burst is over', () => {
    run(10_000, (resting) => (resting ? 20 : 2))
    run(10_000, () => 5)
    const { folding, resting } = run(5_000, () => 5)
    expect(folding / (folding + resting)).toBeGreaterThan(0.5)
  })
})
