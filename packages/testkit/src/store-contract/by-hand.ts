import { expect } from 'vitest'
import {
  addDestination,
  allDeliveries,
  allLanes,
  dead,
  delivered,
  deliverAll,
  deliveryNow,
  filtered,
  muchLaterMs,
  onlyLane,
  parkedLane,
  receive,
  result,
  retryAfter,
  seqsOf,
  statesOf,
  Worker,
} from './delivering.ts'
import type { StoreCase } from './suite.ts'

const unknownKey = 999_999

export const byHandCases: StoreCase[] = [
  ...(['dead', 'filtered', 'skipped'] as const).map((state): StoreCase => ({
    name: `a ${state} delivery that is retried joins its lane at the tail, with a fresh budget`,
    async run({ store }) {
      const worker = await Worker.start(store)
      await addDestination(store)
      const [first = 0, ...rest] = await receive(store, 'aaa')
      const claim = await worker.claimOne()
      const { key } = claim.delivery
      if (state === 'skipped') {
        await worker.finish(result(claim, retryAfter(muchLaterMs)))
        expect(await store.skipDelivery(key, 'by hand')).toBe('done')
      } else {
        await worker.finish(result(claim, state === 'dead' ? dead : filtered), { lanesMax: 0 })
        await store.endEpoch(worker.epoch)
      }
      expect((await deliveryNow(store, key)).state).toBe(state)
      expect(await store.retryDelivery(key)).toBe('done')
      const again = await deliveryNow(store, key)
      expect(again).toMatchObject({ state: 'pending', finishedAt: null, lane: { isHead: false } })
      const later = await receive(store, 'a')
      const made = await deliverAll(await Worker.start(store))
      expect(seqsOf(made)).toEqual([...rest, first, ...later])
      expect(made.every(({ headAttempts }) => headAttempts === 0)).toBe(true)
      expect(await statesOf(store)).toEqual(['delivered', 'delivered', 'delivered', 'delivered'])
    },
  })),
  {
    name: 'a dead delivery that is retried when its lane is empty is made at once',
    async run({ store }) {
      const worker = await Worker.start(store)
      await addDestination(store)
      await receive(store, 'a')
      const claim = await worker.claimOne()
      await worker.finish(result(claim, dead))
      expect(await allLanes(store)).toEqual([])
      expect(await store.retryDelivery(claim.delivery.key)).toBe('done')
      const again = await worker.claimOne()
      expect(again.delivery).toMatchObject({ key: claim.delivery.key, attempts: 1, state: 'pending' })
      expect(again.headAttempts).toBe(0)
    },
  },
  {
    name: 'a dead delivery that is retried beside a lane that waits or is parked waits there',
    async run({ store }) {
      const worker = await Worker.start(store)
      await addDestination(store)
      await receive(store, 'aa')
      const first = await worker.claimOne()
      const [second] = await worker.finish(result(first, dead, { wantsNext: true }))
      if (second === undefined) throw new Error('the lane goes on')
      await worker.finish(result(second, retryAfter(muchLaterMs)))
      const before = await onlyLane(store)
      expect(await store.retryDelivery(first.delivery.key)).toBe('done')
      expect(await worker.claim()).toEqual([])
      expect(await onlyLane(store)).toEqual({ ...before, pending: 2 })
    },
  },
  {
    name: 'a delivery that waits for its next try is due now when it is retried',
    async run({ store }) {
      const worker = await Worker.start(store)
      await addDestination(store)
      await receive(store, 'aa')
      const claim = await worker.claimOne()
      await worker.finish(result(claim, retryAfter(muchLaterMs)))
      expect(await worker.claim()).toEqual([])
      expect(await store.retryDelivery(claim.delivery.key)).toBe('done')
      expect((await worker.claimOne()).delivery.key).toBe(claim.delivery.key)
    },
  },
  {
    name: 'a retry is refused for what is delivered, is being tried or is not there',
    async run({ store }) {
      const worker = await Worker.start(store)
      await addDestination(store)
      await receive(store, 'a')
      const claim = await worker.claimOne()
      expect(await store.retryDelivery(claim.delivery.key)).toBe('claimed')
      await worker.finish(result(claim, delivered))
      expect(await store.retryDelivery(claim.delivery.key)).toBe('delivered')
      expect(await store.retryDelivery(unknownKey)).toBe('not_found')
      expect(await statesOf(store)).toEqual(['delivered'])
      expect(await allLanes(store)).toEqual([])
    },
  },
  {
    name: 'a delivery that is retried twice is made once',
    async run({ store, second }) {
      const worker = await Worker.start(store)
      const other = await second()
      await addDestination(store)
      await receive(store, 'a')
      const claim = await worker.claimOne()
      await worker.finish(result(claim, dead))
      const { key } = claim.delivery
      await Promise.all([store.retryDelivery(key), other.retryDelivery(key), store.retryDelivery(key)])
      expect(await onlyLane(store)).toMatchObject({ pending: 1 })
      expect(await deliverAll(worker)).toHaveLength(1)
    },
  },
  {
    name: 'the head of a lane that is skipped is passed over, and the next one is due with a budget of its own',
    async run({ store }) {
      const worker = await Worker.start(store)
      await addDestination(store)
      const seqs = await receive(store, 'aa')
      const claim = await worker.claimOne()
      await worker.finish(result(claim, retryAfter(muchLaterMs)))
      expect(await store.skipDelivery(claim.delivery.key, `a wrong "number"`)).toBe('done')
      expect(await deliveryNow(store, claim.delivery.key)).toMatchObject({
        state: 'skipped',
        reason: expect.stringContaining(`a wrong "number"`) as string,
        finishedAt: expect.any(Number) as number,
        lane: null,
      })
      const next = await worker.claimOne()
      expect(next).toMatchObject({ laneKey: claim.laneKey, headAttempts: 0 })
      expect(next.delivery.eventSeq).toBe(seqs[1])
    },
  },
  {
    name: 'a delivery in the middle of a lane is skipped, also while the head is being made',
    async run({ store }) {
      const worker = await Worker.start(store)
      await addDestination(store)
      const seqs = await receive(store, 'aaaa')
      const keys = (await allDeliveries(store)).map(({ key }) => key)
      expect(await store.skipDelivery(keys[1] ?? 0, 'x')).toBe('done')
      const claim = await worker.claimOne()
      expect(await store.skipDelivery(keys[2] ?? 0, 'x')).toBe('done')
      expect(seqsOf(await deliverAll(worker, [claim]))).toEqual([seqs[0], seqs[3]])
      expect(await statesOf(store)).toEqual(['delivered', 'skipped', 'skipped', 'delivered'])
    },
  },
  {
    name: 'a lane whose last delivery is skipped is gone',
    async run({ store }) {
      const worker = await Worker.start(store)
      await addDestination(store)
      await receive(store, 'a')
      const [delivery] = await allDeliveries(store)
      expect(await store.skipDelivery(delivery?.key ?? 0, 'x')).toBe('done')
      expect(await allLanes(store)).toEqual([])
      expect(await worker.claim()).toEqual([])
    },
  },
  {
    name: 'a skip is refused for what is being tried, is finished or is not there',
    async run({ store }) {
      const worker = await Worker.start(store)
      await addDestination(store)
      await receive(store, 'a')
      const claim = await worker.claimOne()
      const { key } = claim.delivery
      expect(await store.skipDelivery(key, 'x')).toBe('claimed')
      expect(await worker.finish(result(claim, delivered))).toEqual([])
      expect(await store.skipDelivery(key, 'x')).toBe('finished')
      expect(await store.skipDelivery(unknownKey, 'x')).toBe('not_found')
      expect(await statesOf(store)).toEqual(['delivered'])
    },
  },
  {
    name: 'a parked lane that is resumed tries its head with a fresh budget, and goes on',
    async run({ store }) {
      const worker = await Worker.start(store)
      const { lane, seqs } = await parkedLane(store, worker, 'aa')
      expect(await worker.claim()).toEqual([])
      expect(await store.resumeLane(lane.key)).toBe('done')
      expect(await onlyLane(store)).toMatchObject({
        key: lane.key,
        state: 'running',
        headAttempts: 0,
        parkedAt: null,
        parkedReason: null,
        pending: 2,
      })
      const claim = await worker.claimOne()
      expect(claim).toMatchObject({ laneKey: lane.key, headAttempts: 0, delivery: { attempts: 1 } })
      expect(seqsOf(await deliverAll(worker, [claim]))).toEqual(seqs)
    },
  },
  {
    name: 'a lane that is not parked is not resumed',
    async run({ store }) {
      const worker = await Worker.start(store)
      await addDestination(store)
      await receive(store, 'a')
      const { key } = await onlyLane(store)
      expect(await store.resumeLane(key)).toBe('running')
      const claim = await worker.claimOne()
      expect(await store.resumeLane(key)).toBe('running')
      await worker.finish(result(claim, retryAfter(muchLaterMs)))
      const before = await onlyLane(store)
      expect(await store.resumeLane(key)).toBe('running')
      expect(await onlyLane(store)).toEqual(before)
      expect(await store.resumeLane(unknownKey)).toBe('not_found')
    },
  },
  {
    name: 'the head of a parked lane is skipped, and the lane runs again',
    async run({ store }) {
      const worker = await Worker.start(store)
      const { lane, seqs } = await parkedLane(store, worker, 'aa')
      expect(await store.skipLaneHead(lane.key, 'by hand')).toBe('done')
      expect(await deliveryNow(store, lane.headDeliveryKey)).toMatchObject({
        state: 'skipped',
        reason: expect.stringContaining('by hand') as string,
      })
      expect(await onlyLane(store)).toMatchObject({ state: 'running', headAttempts: 0, parkedAt: null })
      expect(seqsOf(await deliverAll(worker))).toEqual(seqs.slice(1))
    },
  },
  {
    name: 'the head of a lane that waits is skipped, and the next one is due',
    async run({ store }) {
      const worker = await Worker.start(store)
      await addDestination(store)
      const seqs = await receive(store, 'aa')
      await worker.finish(result(await worker.claimOne(), retryAfter(muchLaterMs)))
      expect(await store.skipLaneHead((await onlyLane(store)).key, 'x')).toBe('done')
      expect((await worker.claimOne()).delivery.eventSeq).toBe(seqs[1])
    },
  },
  {
    name: 'a lane whose only delivery is skipped as its head is gone',
    async run({ store }) {
      const worker = await Worker.start(store)
      const { lane } = await parkedLane(store, worker)
      expect(await store.skipLaneHead(lane.key, 'x')).toBe('done')
      expect(await allLanes(store)).toEqual([])
      expect(await store.skipLaneHead(lane.key, 'x')).toBe('not_found')
      expect(await store.resumeLane(lane.key)).toBe('not_found')
    },
  },
  {
    name: 'the head of a lane that is at work is not skipped',
    async run({ store }) {
      const worker = await Worker.start(store)
      await addDestination(store)
      await receive(store, 'aa')
      const claim = await worker.claimOne()
      expect(await store.skipLaneHead(claim.laneKey, 'x')).toBe('claimed')
      expect(await worker.finish(result(claim, delivered, { wantsNext: true }))).toHaveLength(1)
      expect(await store.skipLaneHead(unknownKey, 'x')).toBe('not_found')
    },
  },
  {
    name: 'no text of a reason keeps a skip from being done',
    async run({ store }) {
      await addDestination(store)
      const reasons = ['NUL \0 inside', 'lone \ud800 surrogate', `'";\\--`, '', 'x'.repeat(100_000)]
      await receive(
        store,
        reasons.map((_, index) => ({ callId: `call_${index}` })),
      )
      const lanes = await allLanes(store)
      for (const [index, reason] of reasons.entries()) {
        const { key, headDeliveryKey } = lanes[index] ?? { key: 0, headDeliveryKey: 0 }
        const done =
          index % 2 === 0
            ? await store.skipDelivery(headDeliveryKey, reason)
            : await store.skipLaneHead(key, reason)
        expect(done).toBe('done')
        expect((await deliveryNow(store, headDeliveryKey)).state).toBe('skipped')
      }
    },
  },
]
