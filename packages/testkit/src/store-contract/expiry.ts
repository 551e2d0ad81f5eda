import { expect } from 'vitest'
import {
  addDestination,
  allDeliveries,
  allLanes,
  dayMs,
  dead,
  deliverAll,
  deliveryNow,
  hourMs,
  receive,
  result,
  retryAfter,
  Worker,
} from './delivering.ts'
import type { StoreCase } from './suite.ts'

/** After all that the cases do. */
const later = Date.now() + dayMs

export const expiryCases: StoreCase[] = [
  {
    name: 'a delivery that has waited too long is dead as expired, a bounded number with each call',
    async run({ store }) {
      const worker = await Worker.start(store)
      await addDestination(store)
      const [done] = await receive(store, 'a')
      await deliverAll(worker)
      await receive(store, 'bbbcd')
      const waiting = (await allDeliveries(store)).filter(({ state }) => state === 'pending')
      expect(await store.expireDeliveries(waiting[0]?.createdAt ?? 0, 100)).toBe(0)
      expect(await store.expireDeliveries(later, 2)).toBe(2)
      expect((await allDeliveries(store)).filter(({ state }) => state === 'dead')).toHaveLength(2)
      expect(await store.expireDeliveries(later, 100)).toBe(3)
      expect(await store.expireDeliveries(later, 100)).toBe(0)
      for (const { key } of waiting) {
        expect(await deliveryNow(store, key)).toMatchObject({
          state: 'dead',
          reason: expect.stringContaining('expired') as string,
          finishedAt: expect.any(Number) as number,
          lane: null,
        })
      }
      expect(await allLanes(store)).toEqual([])
      expect((await allDeliveries(store))[0]).toMatchObject({ eventSeq: done, state: 'delivered' })
      expect(await worker.claim()).toEqual([])
    },
  },
  {
    name: 'a delivery that expires in front of its lane makes way: what is behind it is due, with its own budget',
    needs: 'advance',
    async run({ store, advance }) {
      const worker = await Worker.start(store)
      await addDestination(store, { onExhausted: 'park' })
      await receive(store, 'ab')
      const claims = await worker.claim()
      await worker.finish(
        claims.map((claim) =>
          result(claim, claim.delivery.laneKey === 'call:a' ? retryAfter(100 * dayMs) : dead),
        ),
      )
      await advance(dayMs)
      const behind = await receive(store, 'ab')
      const cut = ((await allDeliveries(store)).at(-1)?.createdAt ?? 0) - hourMs
      expect(await store.expireDeliveries(cut, 100)).toBe(2)
      const next = await Worker.start(store)
      const claim = await next.claim()
      expect(claim.every(({ headAttempts }) => headAttempts === 0)).toBe(true)
      expect(claim.map(({ delivery }) => delivery.eventSeq)).toContain(behind[0])
    },
  },
  {
    name: 'one that expired and is retried by hand has its whole time again',
    needs: 'advance',
    async run({ store, advance }) {
      await addDestination(store)
      await receive(store, 'a')
      await advance(31 * dayMs)
      const [{ key, createdAt } = { key: 0, createdAt: 0 }] = await allDeliveries(store)
      const cut = createdAt + 1
      expect(await store.expireDeliveries(cut, 100)).toBe(1)
      expect(await store.retryDelivery(key)).toBe('done')
      expect(await store.expireDeliveries(cut, 100)).toBe(0)
      expect((await (await Worker.start(store)).claimOne()).delivery.key).toBe(key)
    },
  },
  {
    name: 'a delivery that is being tried does not expire meanwhile',
    async run({ store }) {
      const worker = await Worker.start(store)
      await addDestination(store)
      await receive(store, 'aa')
      const claim = await worker.claimOne()
      expect(await store.expireDeliveries(later, 100)).toBe(1)
      expect(await worker.finish(result(claim, { kind: 'delivered' }, { wantsNext: true }))).toEqual([])
      expect((await allDeliveries(store)).map(({ state }) => state)).toEqual(['delivered', 'dead'])
      expect(await allLanes(store)).toEqual([])
    },
  },
]
