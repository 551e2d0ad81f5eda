import type { StoredEvent } from '@hookswitch/core'
import { describe, expect, test } from 'vitest'
import { EventReads } from './event-reads.ts'

const kib = 1024

/** A store of events whose bodies have these sizes, by seq. */
function reads(sizes: Record<number, number>, largeBytesMax: number) {
  const questions: number[][] = []
  const store = {
    eventsAt: (seqs: readonly number[]) => {
      questions.push([...seqs])
      return Promise.resolve(
        seqs.flatMap((seq) =>
          sizes[seq] === undefined
            ? []
            : [{ seq, body: new Uint8Array(sizes[seq]) } as unknown as StoredEvent],
        ),
      )
    },
  }
  return { events: new EventReads({ store, largeBytesMax }), questions }
}

/** Takes an event in hand; `end` lets it go. */
function inHand(events: EventReads, seq: number) {
  let end: () => void = () => {}
  const ended = new Promise<void>((resolve) => {
    end = resolve
  })
  let taken = false
  const done = events.use(seq, async () => {
    taken = true
    await ended
  })
  return { end, done, isTaken: () => taken }
}

/** All that can go on without an end of a use has gone on. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 50; turn += 1) await Promise.resolve()
}

describe('the events of deliveries', () => {
  test('those that are asked for together are read with one question', async () => {
    const { events, questions } = reads({ 1: 10, 2: 20 }, kib)
    const found = await Promise.all(
      [1, 2, 3].map((seq) => events.use(seq, (event) => Promise.resolve(event?.seq ?? null))),
    )
    expect(found).toEqual([1, 2, null])
    expect(questions).toEqual([[1, 2, 3]])
  })

  test('a large one waits until there is room, and small ones pass it by', async () => {
    const { events } = reads({ 1: 600 * kib, 2: 600 * kib, 3: 10 }, 1_000 * kib)
    const first = inHand(events, 1)
    const second = inHand(events, 2)
    const small = inHand(events, 3)
    await settled()
    expect([first, second, small].map((one) => one.isTaken())).toEqual([true, false, true])
    first.end()
    await first.done
    await settled()
    expect(second.isTaken()).toBe(true)
    second.end()
    small.end()
    await Promise.all([second.done, small.done])
  })

  test('one that is larger than all the room goes alone', async () => {
    const { events } = reads({ 1: 5_000 * kib, 2: 5_000 * kib }, 1_000 * kib)
    const first = inHand(events, 1)
    const second = inHand(events, 2)
    await settled()
    expect([first.isTaken(), second.isTaken()]).toEqual([true, false])
    first.end()
    await settled()
    expect(second.isTaken()).toBe(true)
    second.end()
    await Promise.all([first.done, second.done])
  })

  test('a store that fails refuses those that asked, and serves the next', async () => {
    let fails = true
    const events = new EventReads({
      store: {
        eventsAt: () => (fails ? Promise.reject(new Error('away')) : Promise.resolve([])),
      },
    })
    await expect(events.use(1, () => Promise.resolve())).rejects.toThrow('away')
    fails = false
    expect(await events.use(1, (event) => Promise.resolve(event))).toBeNull()
  })
})
