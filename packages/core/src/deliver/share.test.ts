import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { lanesToTake, type Wanted } from './share.ts'

const ample = { lanesFree: 1_000, lanesPerDestinationMax: 1_000 }
const idle = { retrying: 0, onNode: 0 }

function take(
  concurrency: number,
  wanted: Wanted,
  rest: {
    sends?: number
    running?: { retrying: number; onNode: number }
    node?: typeof ample
    retryTurn?: boolean
  } = {},
): Wanted {
  const { sends = concurrency, running = idle, node = ample, retryTurn = false } = rest
  return lanesToTake({ concurrency }, sends, wanted, running, node, retryTurn)
}

describe('how sends are shared between first attempts and retries', () => {
  test('first attempts alone take all that is allowed', () => {
    expect(take(10, { fresh: 50, retrying: 0 })).toEqual({ fresh: 10, retrying: 0 })
    expect(take(10, { fresh: 3, retrying: 0 })).toEqual({ fresh: 3, retrying: 0 })
  })

  test('retries alone leave a quarter free - a first attempt finds a place however many of them hang', () => {
    expect(take(8, { fresh: 0, retrying: 50 })).toEqual({ fresh: 0, retrying: 6 })
    expect(take(2, { fresh: 0, retrying: 50 })).toEqual({ fresh: 0, retrying: 1 })
    expect(take(8, { fresh: 0, retrying: 50 }, { sends: 4, running: { retrying: 4, onNode: 4 } })).toEqual({
      fresh: 0,
      retrying: 2,
    })
  })

  test('where there is one place, retries may have it when nothing else waits', () => {
    expect(take(1, { fresh: 0, retrying: 5 })).toEqual({ fresh: 0, retrying: 1 })
  })

  test('where both wait, each has half', () => {
    expect(take(10, { fresh: 50, retrying: 50 })).toEqual({ fresh: 5, retrying: 5 })
    expect(take(5, { fresh: 50, retrying: 50 })).toEqual({ fresh: 3, retrying: 2 })
    expect(take(5, { fresh: 50, retrying: 50 }, { retryTurn: true })).toEqual({ fresh: 2, retrying: 3 })
  })

  test('where there is one place and both wait, they have it in turn', () => {
    expect(take(1, { fresh: 5, retrying: 5 })).toEqual({ fresh: 1, retrying: 0 })
    expect(take(1, { fresh: 5, retrying: 5 }, { retryTurn: true })).toEqual({ fresh: 0, retrying: 1 })
  })

  test('where one send is allowed at a time, by rate or by a node that is full, both get on - neither starves', () => {
    for (const rest of [{ sends: 1 }, { node: { lanesFree: 1, lanesPerDestinationMax: 1_000 } }]) {
      const turns = [false, true].map((retryTurn) =>
        take(10, { fresh: 5, retrying: 5 }, { ...rest, retryTurn }),
      )
      expect(turns).toContainEqual({ fresh: 1, retrying: 0 })
      expect(turns).toContainEqual({ fresh: 0, retrying: 1 })
    }
  })
})

describe('how much a node takes', () => {
  test('no more than it has room for, over all and of one destination', () => {
    const of = (lanesFree: number, lanesPerDestinationMax: number, onNode: number): number =>
      take(
        10,
        { fresh: 50, retrying: 0 },
        { running: { retrying: 0, onNode }, node: { lanesFree, lanesPerDestinationMax } },
      ).fresh
    expect(of(3, 100, 0)).toBe(3)
    expect(of(100, 4, 1)).toBe(3)
    expect(of(100, 4, 4)).toBe(0)
    expect(of(100, 4, 6)).toBe(0)
  })

  test('one lane of a destination of which it has none, however full it is', () => {
    const full = { lanesFree: 0, lanesPerDestinationMax: 16 }
    const { fresh, retrying } = take(10, { fresh: 5, retrying: 5 }, { node: full })
    expect(fresh + retrying).toBe(1)
    expect(take(10, { fresh: 5, retrying: 5 }, { node: full, running: { retrying: 0, onNode: 1 } })).toEqual({
      fresh: 0,
      retrying: 0,
    })
  })
})

test('a node that stops takes nothing more - it says so by the limit per destination', () => {
  const stops = { lanesFree: 10, lanesPerDestinationMax: 0 }
  for (const onNode of [0, 3]) {
    expect(take(10, { fresh: 5, retrying: 5 }, { node: stops, running: { retrying: 0, onNode } })).toEqual({
      fresh: 0,
      retrying: 0,
    })
  }
})

test('whatever is asked, no more is taken than waits, is allowed and has room', () => {
  const small = fc.nat(20)
  const given = fc.record({
    concurrency: fc.integer({ min: 1, max: 20 }),
    fresh: small,
    retrying: small,
    runningRetrying: small,
    onNode: small,
    sends: small,
    lanesFree: small,
    lanesPerDestinationMax: small,
    retryTurn: fc.boolean(),
  })
  fc.assert(
    fc.property(given, (asked) => {
      const taken = lanesToTake(
        asked,
        asked.sends,
        asked,
        { retrying: asked.runningRetrying, onNode: asked.onNode },
        asked,
        asked.retryTurn,
      )
      const room = Math.max(
        Math.min(asked.lanesFree, asked.lanesPerDestinationMax - asked.onNode),
        asked.onNode === 0 ? Math.min(1, asked.lanesPerDestinationMax) : 0,
      )
      for (const kind of ['fresh', 'retrying'] as const) {
        expect(taken[kind]).toBeGreaterThanOrEqual(0)
        expect(taken[kind]).toBeLessThanOrEqual(asked[kind])
      }
      expect(taken.fresh + taken.retrying).toBeLessThanOrEqual(Math.min(asked.sends, Math.max(0, room)))
      // What is left over by first attempts goes to nobody only where retries have their share.
      if (asked.fresh > 0 && asked.retrying === 0) {
        expect(taken.fresh).toBe(Math.min(asked.fresh, asked.sends, Math.max(0, room)))
      }
    }),
    { seed: 3 },
  )
})
