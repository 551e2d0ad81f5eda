import { expect } from 'vitest'
import type { Store } from '@hookswitch/core'
import {
  addDestination,
  allDeliveries,
  allLanes,
  delivered,
  deliverAll,
  deliveryNow,
  destinationNow,
  newDestination,
  receive,
  result,
  retryAfter,
  seqsOf,
  statesOf,
  Worker,
} from './delivering.ts'
import { newEvent } from './samples.ts'
import type { StoreCase } from './suite.ts'

export const removalCases: StoreCase[] = [
  {
    name: 'a destination without undelivered events is removed, and its name is free again',
    async run({ store }) {
      const one = await addDestination(store)
      const other = await addDestination(store)
      expect(await store.removeDestination(one.id, 'refuse', 100)).toEqual({ remaining: 0 })
      expect(await store.listDestinations()).toEqual([other])
      expect(await store.removeDestination(one.id, 'refuse', 100)).toBeNull()
      expect(await store.addDestination(newDestination({ name: one.definition.name }))).not.toBeNull()
    },
  },
  {
    name: 'a key is never given twice — old deliveries and versions still carry it',
    async run({ store }) {
      const one = await addDestination(store)
      const other = await addDestination(store)
      await store.removeDestination(other.id, 'refuse', 100)
      const next = await addDestination(store)
      expect([one.key, other.key]).not.toContain(next.key)
      await store.removeDestination(one.id, 'refuse', 100)
      await store.removeDestination(next.id, 'refuse', 100)
      expect([one.key, other.key, next.key]).not.toContain((await addDestination(store)).key)
    },
  },
  {
    name: 'a removal that is refused for undelivered events says how many there are and changes nothing',
    async run({ store }) {
      const worker = await Worker.start(store)
      const one = await addDestination(store)
      await receive(store, 'aab')
      expect(await store.removeDestination(one.id, 'refuse', 100)).toEqual({ remaining: 3 })
      expect(await destinationNow(store, one)).toEqual(one)
      expect(await statesOf(store)).toEqual(['pending', 'pending', 'pending'])
      expect(await deliverAll(worker)).toHaveLength(3)
      expect(await store.removeDestination(one.id, 'refuse', 100)).toEqual({ remaining: 0 })
    },
  },
  ...(['skip', 'dead'] as const).map((undelivered): StoreCase => ({
    name: `a removal with "${undelivered}" ends what waits, a bounded number with each call, and nothing else`,
    async run({ store }) {
      const worker = await Worker.start(store)
      const one = await addDestination(store)
      await receive(store, 'a')
      await deliverAll(worker)
      const other = await addDestination(store)
      await receive(store, 'aabbc')
      const ended = undelivered === 'skip' ? 'skipped' : 'dead'
      for (let before = 5; ;) {
        const remaining = (await store.removeDestination(one.id, undelivered, 2))?.remaining ?? -1
        const left = await pendingOf(store, one.key)
        expect(left).toBeGreaterThanOrEqual(before - 2)
        // What remains may be more than what waits, never less.
        expect(remaining).toBeGreaterThanOrEqual(left)
        expect(left).toBeLessThanOrEqual(before)
        if (remaining === 0) break
        expect(left, 'each call gets on').toBeLessThan(before)
        before = left
      }
      const deliveries = await allDeliveries(store)
      const ofOne = deliveries.filter(({ destinationKey }) => destinationKey === one.key)
      expect(ofOne.map(({ state }) => state)).toEqual(['delivered', ended, ended, ended, ended, ended])
      for (const { finishedAt, reason, lane } of ofOne.slice(1)) {
        expect(finishedAt).not.toBeNull()
        expect(reason).not.toBeNull()
        expect(lane).toBeNull()
      }
      expect(await store.listDestinations()).toMatchObject([{ key: other.key }])
      expect((await allLanes(store)).every(({ destinationKey }) => destinationKey === other.key)).toBe(true)
      expect(await pendingOf(store, other.key)).toBe(5)
      expect(await deliverAll(worker)).toHaveLength(5)
    },
  })),
  {
    name: 'a removal ends lanes that wait or are parked too',
    async run({ store }) {
      const worker = await Worker.start(store)
      const one = await addDestination(store, { onExhausted: 'park' })
      await receive(store, 'ab')
      const [a, b] = await worker.claim()
      if (a === undefined || b === undefined) throw new Error('two lanes are due')
      await worker.finish([
        result(a, retryAfter(60_000)),
        result(b, { kind: 'dead', reason: 'answered 422' }),
      ])
      await removeWhole(store, one.id, 'skip')
      expect(await statesOf(store)).toEqual(['skipped', 'skipped'])
      expect(await allLanes(store)).toEqual([])
      expect(await worker.claim()).toEqual([])
    },
  },
  {
    name: 'a delivery that is being made while its destination is removed ends in one state, and leaves no lane',
    async run({ store }) {
      const worker = await Worker.start(store)
      const one = await addDestination(store)
      await receive(store, 'aab')
      const claims = await worker.claim()
      expect(claims).toHaveLength(2)
      const first = await store.removeDestination(one.id, 'skip', 100)
      expect(first).not.toBeNull()
      const { claims: more } = await worker.work(
        claims.map((claim) => result(claim, delivered, { wantsNext: true })),
      )
      expect(more).toEqual([])
      if ((first?.remaining ?? 0) > 0) await removeWhole(store, one.id, 'skip')
      expect(await store.listDestinations()).toEqual([])
      expect(await allLanes(store)).toEqual([])
      for (const { state, finishedAt } of await allDeliveries(store)) {
        expect(['delivered', 'skipped']).toContain(state)
        expect(finishedAt).not.toBeNull()
      }
    },
  },
  {
    name: 'a removed destination is not routed to, and what was delivered to it stays known',
    async run({ store }) {
      const worker = await Worker.start(store)
      const one = await addDestination(store)
      const [seq = 0] = await receive(store, 'a')
      const [made] = await deliverAll(worker)
      await store.append([newEvent()])
      await store.removeDestination(one.id, 'refuse', 100)
      await receive(store, 'a')
      expect(seqsOf(await deliverAll(worker))).toEqual([])
      const of = await store.deliveriesOfEvent(seq)
      expect(of).toMatchObject([{ key: made?.delivery.key, destinationKey: one.key, state: 'delivered' }])
      expect(await allDeliveries(store)).toEqual(of)
    },
  },
  {
    name: 'a delivery of a removed destination is not tried again',
    async run({ store }) {
      const worker = await Worker.start(store)
      const one = await addDestination(store)
      await receive(store, 'a')
      await deliverAll(worker)
      await receive(store, 'a')
      await removeWhole(store, one.id, 'dead')
      const deliveries = await allDeliveries(store)
      expect(deliveries.map(({ state }) => state)).toEqual(['delivered', 'dead'])
      for (const { key, state } of deliveries) {
        expect(await store.retryDelivery(key)).toBe('destination_removed')
        expect((await deliveryNow(store, key)).state).toBe(state)
      }
      expect(await worker.claim()).toEqual([])
    },
  },
]

async function removeWhole(store: Store, id: string, undelivered: 'skip' | 'dead'): Promise<void> {
  for (let round = 0; round < 10; round += 1) {
    if ((await store.removeDestination(id, undelivered, 100))?.remaining === 0) return
  }
  throw new Error('the destination is still there after 10 calls')
}

async function pendingOf(store: Store, destinationKey: number): Promise<number> {
  return (await store.listDeliveries({ destinationKey, state: 'pending', before: null, limit: 1_000 })).length
}
