import { expect } from 'vitest'
import type { Claim } from '@hookswitch/core'
import {
  addDestination,
  allDeliveries,
  deliverAll,
  delivered,
  destinationNow,
  muchLaterMs,
  onlyLane,
  pause,
  receive,
  result,
  resume,
  retryAfter,
  seqsOf,
  Worker,
} from './delivering.ts'
import type { StoreCase } from './suite.ts'

export const holdCases: StoreCase[] = [
  {
    name: 'nothing of a destination is claimed once its pause is answered, and others go on',
    async run({ store }) {
      const worker = await Worker.start(store)
      const held = await addDestination(store)
      const other = await addDestination(store)
      const seqs = await receive(store, 'ab')
      await pause(store, held)
      const made = await deliverAll(worker)
      expect(new Set(made.map(({ destinationKey }) => destinationKey))).toEqual(new Set([other.key]))
      expect(made).toHaveLength(2)
      expect(await worker.work([])).toMatchObject({ claims: [], waitMs: null })
      await resume(store, held)
      expect(seqsOf(await deliverAll(worker)).toSorted((a, b) => a - b)).toEqual(seqs)
    },
  },
  {
    name: 'what was under way at a pause ends as it does, and its lane does not go on',
    async run({ store }) {
      const worker = await Worker.start(store)
      const target = await addDestination(store)
      const seqs = await receive(store, 'aabb')
      const [a, b] = await worker.claim()
      if (a === undefined || b === undefined) throw new Error('two lanes are due')
      await pause(store, target)
      expect(await worker.finish(result(a, delivered, { wantsNext: true }))).toEqual([])
      expect(await worker.finish(result(b, retryAfter(0), { wantsNext: true }))).toEqual([])
      expect((await allDeliveries(store)).filter(({ state }) => state === 'pending')).toHaveLength(3)
      expect((await destinationNow(store, target)).flow.hold?.reason).toBe('paused')
      await resume(store, target)
      const made = [a.delivery.eventSeq, ...seqsOf(await deliverAll(worker))]
      expect(made.toSorted((one, other) => one - other)).toEqual(seqs)
    },
  },
  {
    name: 'two nodes claim nothing more after a pause, however many they were claiming meanwhile',
    async run({ store, second }) {
      const other = await second()
      const one = await Worker.start(store)
      const two = await Worker.start(other)
      const calls = (round: number) =>
        Array.from({ length: 20 }, (_, index) => ({ callId: `${round} ${index}` }))
      for (let round = 0; round < 5; round += 1) {
        const target = await addDestination(store, { events: [`type_${round}`] })
        await receive(
          store,
          calls(round).map((call) => ({ ...call, type: `type_${round}` })),
        )
        const held = pause(store, target).then(async () =>
          Promise.all([one.claim({ lanesMax: 5 }), two.claim({ lanesMax: 5 })]),
        )
        const before = Promise.all([one.claim({ lanesMax: 5 }), two.claim({ lanesMax: 5 })])
        expect((await held).flat()).toEqual([])
        await before
      }
    },
  },
  {
    name: 'a hold outlasts what an answer says of the destination meanwhile',
    async run({ store }) {
      const worker = await Worker.start(store)
      const target = await addDestination(store)
      await receive(store, 'abc')
      const [a, b, c] = await worker.claim()
      if (a === undefined || b === undefined || c === undefined) throw new Error('three lanes are due')
      await pause(store, target)
      await worker.finish([result(a, retryAfter(muchLaterMs, muchLaterMs)), result(b, delivered)])
      expect((await destinationNow(store, target)).flow.hold?.reason).toBe('paused')
      // A refusal needs a person as a pause does: the later one is told.
      await worker.finish(result(c, { kind: 'held', hold: 'gone', reason: 'answered 410' }))
      expect((await destinationNow(store, target)).flow.hold?.until).toBeNull()
    },
  },
  {
    name: 'a hold with an end ends by itself',
    needs: 'advance',
    async run({ store, advance }) {
      const target = await addDestination(store)
      const until = target.createdAt + 2 * muchLaterMs
      await store.holdDestination(target.id, { reason: 'paused', until, detail: null })
      await receive(store, 'a')
      await advance(muchLaterMs / 2)
      const first = await Worker.start(store)
      const { claims, waitMs } = await first.work([])
      expect(claims).toEqual([])
      expect(waitMs).toBeGreaterThan(0)
      await advance(2 * muchLaterMs)
      expect(await (await Worker.start(store)).claim()).toHaveLength(1)
    },
  },
  {
    name: 'a resume ends the breaker too, and what waits for a retry keeps waiting for it',
    async run({ store }) {
      const worker = await Worker.start(store)
      const target = await addDestination(store)
      await receive(store, 'a')
      await worker.finish(result(await worker.claimOne(), retryAfter(muchLaterMs, muchLaterMs)))
      const lane = await onlyLane(store)
      expect((await destinationNow(store, target)).flow.hold?.reason).toBe('retry_after')
      await resume(store, target)
      expect((await destinationNow(store, target)).flow.hold).toBeNull()
      expect(await worker.claim()).toEqual([])
      expect(await onlyLane(store)).toEqual(lane)
    },
  },
  {
    name: 'a pause touches no lane — where each one stood is where it goes on',
    async run({ store }) {
      const worker = await Worker.start(store)
      const target = await addDestination(store)
      await receive(store, 'aabb')
      const claims = (await worker.claim()) as [Claim, Claim]
      await worker.finish(result(claims[0], retryAfter(muchLaterMs)))
      const before = await store.listLanes({ after: 0, limit: 10 })
      await pause(store, target)
      await resume(store, target)
      expect(await store.listLanes({ after: 0, limit: 10 })).toEqual(before)
      expect(await worker.finish(result(claims[1], delivered, { wantsNext: true }))).toHaveLength(1)
    },
  },
]
