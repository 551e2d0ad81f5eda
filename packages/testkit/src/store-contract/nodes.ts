import { expect } from 'vitest'
import { epochLapsesMs } from '@hookswitch/core'
import {
  addDestination,
  allDeliveries,
  allLanes,
  delivered,
  deliverAll,
  deliveryNow,
  muchLaterMs,
  receive,
  result,
  retryAfter,
  seqsOf,
  Worker,
} from './delivering.ts'
import type { StoreCase } from './suite.ts'

export const nodeCases: StoreCase[] = [
  {
    name: 'an epoch that beats goes on',
    async run({ store, second }) {
      const one = await Worker.start(store)
      const two = await Worker.start(await second())
      for (const worker of [one, one, two, one]) expect(await worker.beat()).toBe(true)
    },
  },
  {
    name: 'the beat of a node leaves the lanes of those that are there with them',
    async run({ store, second }) {
      const one = await Worker.start(store)
      const two = await Worker.start(await second())
      await addDestination(store)
      await receive(store, 'aa')
      const claim = await one.claimOne()
      expect(await two.beat()).toBe(true)
      expect(await two.claim()).toEqual([])
      expect(await one.finish(result(claim, delivered, { wantsNext: true }))).toHaveLength(1)
    },
  },
  {
    name: 'the lanes of a node that fell silent go to others, at the same delivery',
    needs: 'advance',
    async run({ store, second, advance }) {
      const silent = await Worker.start(store)
      await addDestination(store)
      const seqs = await receive(store, 'aa')
      const claim = await silent.claimOne()
      await advance(epochLapsesMs + 1)
      const other = await Worker.start(await second())
      const again = await other.claimOne()
      expect(again).toMatchObject({
        laneKey: claim.laneKey,
        continued: false,
        headAttempts: 0,
        delivery: { key: claim.delivery.key, attempts: 0 },
      })
      expect(again.claim).toBeGreaterThan(claim.claim)
      expect(seqsOf(await deliverAll(other, [again]))).toEqual(seqs)
    },
  },
  {
    name: 'a node that lapsed is told so before anybody has taken its lanes, and nothing that it asks is done',
    needs: 'advance',
    async run({ store, advance }) {
      const lapsed = await Worker.start(store)
      await addDestination(store)
      await receive(store, 'ab')
      const [claim] = await lapsed.claim({ lanesMax: 1 })
      if (claim === undefined) throw new Error('two lanes are due')
      await advance(epochLapsesMs + 1)
      const answer = await lapsed.work([result(claim, delivered)])
      expect(answer).toMatchObject({ alive: false, claims: [] })
      expect(answer.written.includes(true)).toBe(false)
      expect(await lapsed.beat()).toBe(false)
      expect(await deliveryNow(store, claim.delivery.key)).toMatchObject({ state: 'pending', attempts: 0 })
    },
  },
  {
    name: 'an epoch that lapsed never comes back, also when its lanes were taken long ago',
    needs: 'advance',
    async run({ store, second, advance }) {
      const other = await second()
      const lapsed = await Worker.start(store)
      await addDestination(store)
      await receive(store, 'a')
      const claim = await lapsed.claimOne()
      await advance(epochLapsesMs + 1)
      const taker = await Worker.start(other)
      expect(await taker.claim()).toHaveLength(1)
      expect(await taker.beat()).toBe(true)
      for (let count = 0; count < 2; count += 1) {
        expect(await lapsed.beat()).toBe(false)
        expect(await lapsed.work([result(claim, delivered)])).toMatchObject({ alive: false, claims: [] })
      }
    },
  },
  {
    name: 'a late result is refused under the next epoch too — the lane is another’s now',
    needs: 'advance',
    async run({ store, advance }) {
      const lapsed = await Worker.start(store)
      await addDestination(store)
      await receive(store, 'aa')
      const claim = await lapsed.claimOne()
      await advance(epochLapsesMs + 1)
      const taker = await Worker.start(store)
      const taken = await taker.claimOne()
      const renewed = await Worker.start(store)
      expect(await renewed.work([result(claim, delivered, { wantsNext: true })])).toMatchObject({
        alive: true,
        written: [false],
        claims: [],
      })
      expect((await store.getDelivery(claim.delivery.key))?.attempts).toEqual([])
      // Nor does one with the number that the present claim has.
      expect(await renewed.work([result(taken, delivered)])).toMatchObject({ written: [false] })
      expect(await taker.finish(result(taken, delivered, { wantsNext: true }))).toHaveLength(1)
    },
  },
  {
    name: 'beats keep an epoch for as long as they come',
    needs: 'advance',
    async run({ store, advance }) {
      const worker = await Worker.start(store)
      await addDestination(store)
      await receive(store, 'a')
      const claim = await worker.claimOne()
      for (let count = 0; count < 4; count += 1) {
        await advance(epochLapsesMs / 2)
        expect(await worker.beat()).toBe(true)
        expect(await (await Worker.start(store)).claim()).toEqual([])
      }
      expect(await worker.finish(result(claim, delivered))).toEqual([])
    },
  },
  {
    name: 'what waits or is parked is untouched by a lapse',
    needs: 'advance',
    async run({ store, advance }) {
      const worker = await Worker.start(store)
      await addDestination(store, { onExhausted: 'park' })
      await receive(store, 'ab')
      const [a, b] = await worker.claim()
      if (a === undefined || b === undefined) throw new Error('two lanes are due')
      await worker.finish([
        result(a, retryAfter(muchLaterMs)),
        result(b, { kind: 'dead', reason: 'answered 422' }),
      ])
      await advance(epochLapsesMs + 1)
      expect(await (await Worker.start(store)).claim()).toEqual([])
      expect((await allLanes(store)).map(({ state }) => state).toSorted()).toEqual(['parked', 'running'])
    },
  },
  {
    name: 'an epoch that ends gives its lanes back at once, and is answered nothing any more',
    async run({ store, second }) {
      const one = await Worker.start(store)
      const two = await Worker.start(await second())
      await addDestination(store)
      await receive(store, 'ab')
      const claims = await one.claim()
      expect(claims).toHaveLength(2)
      expect(await two.claim()).toEqual([])
      await store.endEpoch(one.epoch)
      expect(await two.claim()).toHaveLength(2)
      const late = await one.work(claims.map((claim) => result(claim, delivered)))
      expect(late.written.includes(true)).toBe(false)
      expect(late.claims).toEqual([])
      expect((await allDeliveries(store)).map(({ state }) => state)).toEqual(['pending', 'pending'])
    },
  },
  {
    name: 'a node that stops is given nothing more, and what it did is written',
    async run({ store }) {
      const worker = await Worker.start(store)
      await addDestination(store)
      await receive(store, 'aab')
      const [a] = await worker.claim({ lanesMax: 1 })
      if (a === undefined) throw new Error('two lanes are due')
      expect(await worker.finish(result(a, delivered), { lanesMax: 10, lanesPerDestinationMax: 0 })).toEqual(
        [],
      )
      expect(await worker.claim({ lanesMax: 0, lanesPerDestinationMax: 0 })).toEqual([])
      expect(await worker.claim()).toHaveLength(2)
    },
  },
  {
    name: 'an epoch that is not there may be ended',
    async run({ store }) {
      const worker = await Worker.start(store)
      await store.endEpoch('unknown')
      await store.endEpoch(`'; --`)
      expect(await worker.beat()).toBe(true)
    },
  },
  {
    name: 'what a node held when the store was closed is free when its epoch has lapsed, and not lost',
    needs: 'advance',
    async run({ store, reopen, advance }) {
      const worker = await Worker.start(store)
      await addDestination(store)
      const seqs = await receive(store, 'aab')
      await worker.claim()
      const reopened = await reopen()
      await advance(epochLapsesMs + 1)
      const next = await Worker.start(reopened)
      expect(seqsOf(await deliverAll(next)).toSorted((a, b) => a - b)).toEqual(seqs)
    },
  },
]
