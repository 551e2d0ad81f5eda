import { describe, expect, test } from 'vitest'
import { laneBreaches, lanesOf, repeatsIn } from './lane-order.ts'
import type { Received } from './receiver.ts'

const lanes = new Map([['lane', ['a', 'b', 'c']]])

/** A request that began at `beganAt` and was answered five milliseconds later; null is no answer. */
function came(id: string, beganAt: number, status: number | null = 200): Received {
  const rest = { path: '/', deliveryId: '', replayId: null, headers: {}, body: Buffer.alloc(0) }
  return { id, beganAt, status, endedAt: beganAt + 5, ...rest }
}

describe('what came to a destination', () => {
  test('is well when each event began after the one before it was answered, whatever was tried again', () => {
    const received = [came('a', 0), came('b', 10, 503), came('b', 20, 503), came('b', 30), came('c', 40)]
    expect(laneBreaches(received, { lanes })).toEqual([])
    expect(repeatsIn(received)).toBe(0)
  })

  test.each([
    [
      'an event is missing at the end',
      [came('a', 0), came('b', 10)],
      ['event 3 of 3 (c) was never delivered'],
    ],
    [
      'an event was left out',
      [came('a', 0), came('c', 10)],
      ['one is missing between them', 'never delivered'],
    ],
    [
      'two came the wrong way round',
      [came('b', 0), came('a', 10), came('c', 20)],
      ['missing', 'came again', 'never'],
    ],
    ['two overlap', [came('a', 0), came('b', 3), came('c', 10)], ['began before event 1 was answered']],
    [
      'one began after a failure of the one before',
      [came('a', 0, 503), came('b', 10), came('c', 20)],
      ['began before', 'never'],
    ],
    [
      'one came twice',
      [came('a', 0), came('a', 10), came('b', 20), came('c', 30)],
      ['nothing was interrupted'],
    ],
    [
      'one is of nobody',
      [came('x', 0), came('a', 1), came('b', 10), came('c', 20)],
      ['no event of this destination'],
    ],
  ])('breaks a promise when %s', (_what, received, said) => {
    const breaches = laneBreaches(received, { lanes })
    expect(breaches).toHaveLength(said.length)
    for (const [index, part] of said.entries()) expect(breaches[index]).toContain(part)
  })

  test('may come twice around an interruption, once for each, and no other event but the last', () => {
    const received = [came('a', 0), came('b', 10, null), came('b', 30), came('c', 40)]
    const interruptions = [{ from: 12, to: 20 }]
    expect(laneBreaches(received, { lanes, interruptions })).toEqual([])
    expect(repeatsIn(received)).toBe(1)
    const thrice = [came('a', 0), came('b', 10), came('b', 30), came('b', 40), came('c', 50)]
    expect(laneBreaches(thrice, { lanes, interruptions })).toHaveLength(1)
    expect(laneBreaches(thrice, { lanes, interruptions: [{ from: 12, to: 45 }] })).toHaveLength(1)
    const older = [came('a', 0), came('b', 10), came('a', 30), came('c', 40)]
    expect(laneBreaches(older, { lanes, interruptions })).toHaveLength(1)
    expect(laneBreaches(older, { lanes, interruptions, lateRepeats: true })).toEqual([])
  })
})

test('lanes are made in the order of the events', () => {
  const events = [
    { id: 'a', callId: 'one' },
    { id: 'b', callId: 'two' },
    { id: 'c', callId: 'one' },
  ]
  expect([...lanesOf(events)]).toEqual([
    ['one', ['a', 'c']],
    ['two', ['b']],
  ])
  expect([...lanesOf(events, () => 'all')]).toEqual([['all', ['a', 'b', 'c']]])
})
