import { expect } from 'vitest'
import type { DeliveryQuery, DeliveryState, Store } from '@hookswitch/core'
import {
  addDestination,
  allDeliveries,
  allLanes,
  beginReplay,
  dead,
  deliverAll,
  delivered,
  filtered,
  receive,
  result,
  Worker,
} from './delivering.ts'
import type { StoreCase } from './suite.ts'

export const deliveryCases: StoreCase[] = [
  {
    name: 'where nothing was routed there is nothing to list',
    async run({ store }) {
      await receive(store, 'a')
      expect(await listed(store, {})).toEqual([])
      expect(await store.getDelivery(1)).toBeNull()
      expect(await store.deliveriesOfEvent(1)).toEqual([])
      expect(await allLanes(store)).toEqual([])
    },
  },
  {
    name: 'deliveries are listed newest first, page by page without a gap or a repeat',
    async run({ store }) {
      await addDestination(store)
      await addDestination(store)
      await receive(store, 'abc')
      await receive(store, 'ab')
      const all = await listed(store, {})
      expect(all).toHaveLength(10)
      expect(all).toEqual(all.toSorted((a, b) => b - a))
      for (const limit of [1, 3, 5, 10]) {
        const pages: number[] = []
        for (let page = await listed(store, { limit }); page.length > 0;) {
          pages.push(...page)
          page = await listed(store, { limit, before: page.at(-1) ?? 0 })
        }
        expect(pages).toEqual(all)
      }
    },
  },
  {
    name: 'deliveries are listed by state, destination and call, each and together, on every page',
    async run({ store }) {
      const worker = await Worker.start(store)
      const one = await addDestination(store)
      await receive(store, 'abab')
      const claims = await worker.claim()
      await worker.finish(
        claims.map((claim) => result(claim, claim.delivery.laneKey === 'call:a' ? dead : filtered)),
        { lanesMax: 0 },
      )
      await store.endEpoch(worker.epoch)
      const two = await addDestination(store)
      await receive(store, 'a')
      const all = await allDeliveries(store)
      const where = (wanted: (delivery: (typeof all)[number]) => boolean): number[] =>
        all
          .filter(wanted)
          .map(({ key }) => key)
          .toReversed()
      const counts: Record<string, number> = {}
      for (const { state } of all) counts[state] = (counts[state] ?? 0) + 1
      expect(counts).toEqual({ dead: 1, filtered: 1, pending: 4 })
      for (const state of ['pending', 'dead', 'filtered', 'skipped', 'delivered'] as DeliveryState[]) {
        expect(await listed(store, { state }), state).toEqual(where((delivery) => delivery.state === state))
      }
      for (const { key: destinationKey } of [one, two]) {
        expect(await listed(store, { destinationKey })).toEqual(
          where((delivery) => delivery.destinationKey === destinationKey),
        )
      }
      expect(await listed(store, { callId: 'a' })).toEqual(where(({ callId }) => callId === 'a'))
      const pendingOfA = where(({ callId, state }) => callId === 'a' && state === 'pending')
      expect(pendingOfA).toHaveLength(3)
      expect(await listed(store, { callId: 'a', state: 'pending' })).toEqual(pendingOfA)
      expect(
        await listed(store, { callId: 'a', state: 'pending', destinationKey: one.key, limit: 1 }),
      ).toHaveLength(1)
      const [newest = 0, ...others] = pendingOfA
      expect(await listed(store, { callId: 'a', state: 'pending', before: newest })).toEqual(others)
      expect(await listed(store, { destinationKey: 999_999 })).toEqual([])
    },
  },
  {
    name: 'the deliveries of an event are those to each destination, replays included',
    async run({ store }) {
      const worker = await Worker.start(store)
      const one = await addDestination(store)
      const two = await addDestination(store)
      const [seq = 0, other = 0] = await receive(store, 'aa')
      await deliverAll(worker)
      const replay = await beginReplay(store, two.key, { callId: 'a' })
      await store.replayRead(10)
      await store.replayCommit({
        replayKey: replay.key,
        expectedCursorSeq: replay.cursorSeq,
        cursorSeq: other,
        done: true,
        deliveries: [seq, other].map((eventSeq) => ({
          destinationKey: two.key,
          eventSeq,
          laneKey: 'call:a',
          replayKey: replay.key,
        })),
      })
      const found = (await store.deliveriesOfEvent(seq)).toSorted((a, b) => a.key - b.key)
      expect(found.map(({ destinationKey, replayKey, state }) => [destinationKey, replayKey, state])).toEqual(
        [
          [one.key, null, 'delivered'],
          [two.key, null, 'delivered'],
          [two.key, replay.key, 'pending'],
        ],
      )
      expect(found).toEqual((await allDeliveries(store)).filter(({ eventSeq }) => eventSeq === seq))
      expect(await store.deliveriesOfEvent(999_999)).toEqual([])
    },
  },
  {
    name: 'one delivery is shown as lists show it, while it waits, is tried and is done',
    async run({ store }) {
      const worker = await Worker.start(store)
      await addDestination(store)
      await receive(store, 'a')
      const same = async (): Promise<void> => {
        const [shown] = await allDeliveries(store)
        expect((await store.getDelivery(shown?.key ?? 0))?.delivery).toEqual(shown)
      }
      await same()
      const claim = await worker.claimOne()
      await same()
      await worker.finish(result(claim, delivered))
      await same()
      expect(await store.getDelivery(999_999)).toBeNull()
    },
  },
  {
    name: 'deliveries of what nobody can be called are none, and no failure',
    async run({ store }) {
      await addDestination(store)
      await receive(store, 'a')
      for (const callId of ['', 'x\0', '\0', '\ud800', `'; --`, 'x'.repeat(10_000)]) {
        expect(await listed(store, { callId })).toEqual([])
      }
    },
  },
]

async function listed(store: Store, query: Partial<DeliveryQuery>): Promise<number[]> {
  return (await store.listDeliveries({ before: null, limit: 100, ...query })).map(({ key }) => key)
}
