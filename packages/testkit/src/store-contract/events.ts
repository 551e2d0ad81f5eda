import { expect } from 'vitest'
import type { EventQuery, Store } from '@hookswitch/core'
import { foldAll, foldUpTo, newEvent, sampleTime } from './samples.ts'
import type { StoreCase } from './suite.ts'

export const eventCases: StoreCase[] = [
  {
    name: 'events are listed ascending, after a place and no more than asked',
    async run({ store }) {
      const { seqs } = await appended(store, 'aaaaa')
      expect(await listed(store, {})).toEqual(seqs)
      expect(await listed(store, { after: seqs[1] ?? 0 })).toEqual(seqs.slice(2))
      expect(await listed(store, { after: seqs[1] ?? 0, limit: 2 })).toEqual(seqs.slice(2, 4))
      expect(await listed(store, { after: seqs[4] ?? 0 })).toEqual([])
      expect(await listed(store, { after: Number.MAX_SAFE_INTEGER })).toEqual([])
    },
  },
  {
    name: 'events are listed by type',
    async run({ store }) {
      const seqs = (
        await store.append(['call.started', 'x', 'call.ended', 'x'].map((type) => newEvent({ type })))
      ).map(({ seq }) => seq)
      expect(await listed(store, { type: 'x' })).toEqual([seqs[1], seqs[3]])
      expect(await listed(store, { type: 'x', after: seqs[1] ?? 0 })).toEqual([seqs[3]])
      expect(await listed(store, { type: 'x', limit: 1 })).toEqual([seqs[1]])
      expect(await listed(store, { type: 'X' })).toEqual([])
    },
  },
  {
    name: 'the events of a call are there at once, whether none, some or all of them are folded',
    async run({ store }) {
      const { seqs } = await appended(store, 'abaabbab')
      const ofA = [seqs[0], seqs[2], seqs[3], seqs[6]]
      for (const folded of [0, 1, 3, 4, 8]) {
        if (folded > 0) await foldUpTo(store, seqs[folded - 1] ?? 0)
        expect(await listed(store, { callId: 'a' }), `${folded} folded`).toEqual(ofA)
        expect(await listed(store, { callId: 'a', after: seqs[2] ?? 0 })).toEqual(ofA.slice(2))
        expect(await listed(store, { callId: 'a', limit: 3 })).toEqual(ofA.slice(0, 3))
        expect(await listed(store, { callId: 'a', after: seqs[0] ?? 0, limit: 2 })).toEqual(ofA.slice(1, 3))
        expect(await listed(store, { callId: 'none' })).toEqual([])
      }
    },
  },
  {
    name: 'the events of a call are listed by type too, across what is folded and what is not',
    async run({ store }) {
      const types = ['x', 'y', 'x', 'x', 'y', 'x']
      const seqs = (await store.append(types.map((type) => newEvent({ callId: 'a', type })))).map(
        ({ seq }) => seq,
      )
      await store.append([newEvent({ callId: 'b', type: 'x' })])
      await foldUpTo(store, seqs[2] ?? 0)
      expect(await listed(store, { callId: 'a', type: 'x' })).toEqual([seqs[0], seqs[2], seqs[3], seqs[5]])
      expect(await listed(store, { callId: 'a', type: 'x', limit: 3 })).toEqual([seqs[0], seqs[2], seqs[3]])
      expect(await listed(store, { callId: 'a', type: 'y', after: seqs[1] ?? 0 })).toEqual([seqs[4]])
    },
  },
  {
    name: 'the events of a call are seen without a gap while the fold goes over them',
    async run({ store, second }) {
      const other = await second()
      const { seqs } = await appended(store, 'ab'.repeat(40))
      const ofA = seqs.filter((_, index) => index % 2 === 0)
      const newest = seqs.at(-1)
      const fold = async (): Promise<void> => {
        for (const seq of seqs) await foldUpTo(other, seq)
      }
      const read = async (): Promise<void> => {
        while ((await store.logBounds()).foldedSeq !== newest) {
          expect(await listed(store, { callId: 'a' })).toEqual(ofA)
        }
      }
      await Promise.all([fold(), read()])
    },
  },
  {
    name: 'a page ends with the event that reaches the bytes, and has one event at least',
    async run({ store }) {
      const sizes = [100, 100, 5_000, 100, 100]
      const seqs = (
        await store.append(sizes.map((size) => newEvent({ callId: 'a', body: Buffer.alloc(size, size) })))
      ).map(({ seq }) => seq)
      for (const folded of [0, 2, 5]) {
        if (folded > 0) await foldUpTo(store, seqs[folded - 1] ?? 0)
        for (const callId of [undefined, 'a']) {
          const page = (bytesMax: number, after = 0): Promise<number[]> =>
            listed(store, { after, bytesMax, ...(callId === undefined ? {} : { callId }) })
          expect(await page(1)).toEqual(seqs.slice(0, 1))
          expect(await page(100)).toEqual(seqs.slice(0, 1))
          expect(await page(101)).toEqual(seqs.slice(0, 2))
          expect(await page(201)).toEqual(seqs.slice(0, 3))
          expect(await page(1, seqs[1])).toEqual(seqs.slice(2, 3))
          expect(await page(1_000_000)).toEqual(seqs)
        }
      }
    },
  },
  {
    name: 'an event is found by its id, and an unknown id is null',
    async run({ store }) {
      const event = newEvent()
      await store.append([newEvent(), event, newEvent()])
      const stored = await store.getEvent(event.id)
      expect(stored?.id).toBe(event.id)
      expect(await store.listEvents({ after: (stored?.seq ?? 0) - 1, limit: 1 })).toEqual([stored])
      expect(await store.getEvent('evt_unknown')).toBeNull()
      expect(await store.getEvent(event.id.toUpperCase())).toBeNull()
    },
  },
  {
    name: 'the bounds of an empty log are zeros',
    async run({ store }) {
      expect(await store.logBounds()).toEqual({
        oldestSeq: 0,
        newestSeq: 0,
        foldedSeq: 0,
        oldestUnfoldedAt: null,
      })
    },
  },
  {
    name: 'the bounds follow the log and the fold, and say since when the fold is behind',
    async run({ store }) {
      const receivedAts = [sampleTime + 1, sampleTime + 2, sampleTime + 3]
      const seqs = (await store.append(receivedAts.map((receivedAt) => newEvent({ receivedAt })))).map(
        ({ seq }) => seq,
      )
      const [oldestSeq = 0, middle = 0, newestSeq = 0] = seqs
      const log = { oldestSeq, newestSeq }
      expect(await store.logBounds()).toEqual({ ...log, foldedSeq: 0, oldestUnfoldedAt: sampleTime + 1 })
      await foldUpTo(store, middle)
      expect(await store.logBounds()).toEqual({ ...log, foldedSeq: middle, oldestUnfoldedAt: sampleTime + 3 })
      await foldAll(store)
      expect(await store.logBounds()).toEqual({ ...log, foldedSeq: newestSeq, oldestUnfoldedAt: null })
    },
  },
]

/** Appends one event for each letter, which is the id of its call. */
async function appended(store: Store, callIds: string): Promise<{ seqs: number[] }> {
  const answers = await store.append(callIds.split('').map((callId) => newEvent({ callId })))
  return { seqs: answers.map(({ seq }) => seq) }
}

async function listed(store: Store, query: Partial<EventQuery>): Promise<number[]> {
  return (await store.listEvents({ after: 0, limit: 100, ...query })).map(({ seq }) => seq)
}
