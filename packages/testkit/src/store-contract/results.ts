import { expect } from 'vitest'
import type { Store, StoredDelivery } from '@hookswitch/core'
import {
  addDestination,
  allDeliveries,
  allLanes,
  attempt,
  dead,
  delivered,
  deliveryNow,
  destinationNow,
  filtered,
  muchLaterMs,
  onlyLane,
  pause,
  receive,
  refused,
  result,
  returned,
  resume,
  retryAfter,
  Worker,
} from './delivering.ts'
import type { StoreCase } from './suite.ts'

export const resultCases: StoreCase[] = [
  {
    name: 'a delivered delivery is finished, its attempt is kept, and the lane that is empty is gone',
    async run({ store }) {
      const worker = await Worker.start(store)
      const target = await addDestination(store)
      await receive(store, 'a')
      const claim = await worker.claimOne()
      expect(await worker.finish(result(claim, delivered))).toEqual([])
      const { createdAt, finishedAt, ...delivery } = await deliveryNow(store, claim.delivery.key)
      expect(delivery).toMatchObject({ state: 'delivered', attempts: 1, lane: null })
      expect(finishedAt).toBeGreaterThanOrEqual(createdAt)
      expect(await attemptsOf(store, claim.delivery)).toMatchObject([{ number: 1, verdict: 'delivered' }])
      expect(await allLanes(store)).toEqual([])
      expect((await destinationNow(store, target)).flow.lastSuccessAt).not.toBeNull()
    },
  },
  {
    name: 'a filtered delivery is finished with its reason, and its lane goes on',
    async run({ store }) {
      const worker = await Worker.start(store)
      await addDestination(store)
      const seqs = await receive(store, 'aa')
      const claim = await worker.claimOne()
      const [next] = await worker.finish(result(claim, filtered, { wantsNext: true }))
      expect(next?.delivery.eventSeq).toBe(seqs[1])
      expect(await deliveryNow(store, claim.delivery.key)).toMatchObject({
        state: 'filtered',
        reason: 'the filter said no',
        attempts: 0,
        lane: null,
      })
      expect(await attemptsOf(store, claim.delivery)).toEqual([])
    },
  },
  {
    name: 'a delivery that is to be tried again stays the head of its lane, which waits',
    async run({ store }) {
      const worker = await Worker.start(store)
      await addDestination(store)
      await receive(store, 'aa')
      const claim = await worker.claimOne()
      expect(await worker.finish(result(claim, retryAfter(muchLaterMs), { wantsNext: true }))).toEqual([])
      expect(await worker.claim()).toEqual([])
      const lane = await onlyLane(store)
      expect(lane).toMatchObject({
        key: claim.laneKey,
        state: 'running',
        headAttempts: 1,
        pending: 2,
        headDeliveryKey: claim.delivery.key,
      })
      const head = await deliveryNow(store, claim.delivery.key)
      expect(head).toMatchObject({ state: 'pending', reason: 'answered 503', attempts: 1, finishedAt: null })
      expect(head.lane).toEqual({
        key: lane.key,
        state: 'running',
        isHead: true,
        dueAt: lane.dueAt,
        claimed: false,
      })
      const waitsMs = lane.dueAt - head.createdAt
      expect(waitsMs).toBeGreaterThanOrEqual(muchLaterMs)
      expect(waitsMs).toBeLessThan(muchLaterMs * 2)
      const [, behind] = await allDeliveries(store)
      expect(behind?.lane).toMatchObject({ key: lane.key, isHead: false })
    },
  },
  {
    name: 'a delivery is tried again when it is due and not before, and its tries are counted',
    needs: 'advance',
    async run({ store, advance }) {
      const worker = await Worker.start(store)
      await addDestination(store)
      await receive(store, 'ab')
      const [a, b] = await worker.claim()
      if (a === undefined || b === undefined) throw new Error('two lanes are due')
      await worker.finish([result(a, retryAfter(muchLaterMs)), result(b, retryAfter(3 * muchLaterMs))])
      await advance(muchLaterMs)
      // The epoch of the first has lapsed meanwhile.
      const next = await Worker.start(store)
      const again = await next.claimOne()
      expect(again).toMatchObject({
        laneKey: a.laneKey,
        headAttempts: 1,
        delivery: { key: a.delivery.key, attempts: 1, reason: 'answered 503' },
      })
      expect(again.claim).toBeGreaterThan(a.claim)
      await next.finish(result(again, retryAfter(muchLaterMs)))
      expect((await allLanes(store)).find(({ key }) => key === a.laneKey)?.headAttempts).toBe(2)
      expect((await attemptsOf(store, a.delivery)).map(({ number }) => number)).toEqual([1, 2])
    },
  },
  {
    name: 'the next delivery of a lane begins with a budget of its own',
    needs: 'advance',
    async run({ store, advance }) {
      const first = await Worker.start(store)
      await addDestination(store)
      await receive(store, 'aa')
      await first.finish(result(await first.claimOne(), retryAfter(muchLaterMs)))
      await advance(muchLaterMs)
      const worker = await Worker.start(store)
      const claim = await worker.claimOne()
      expect(claim.headAttempts).toBe(1)
      const [next] = await worker.finish(result(claim, delivered, { wantsNext: true }))
      expect(next?.headAttempts).toBe(0)
      expect(await onlyLane(store)).toMatchObject({ headAttempts: 0, pending: 1 })
    },
  },
  {
    name: 'where the lane goes on, a dead delivery is passed over with its reason',
    async run({ store }) {
      const worker = await Worker.start(store)
      await addDestination(store, { onExhausted: 'continue' })
      const seqs = await receive(store, 'aa')
      const claim = await worker.claimOne()
      const [next] = await worker.finish(result(claim, dead, { wantsNext: true }))
      expect(next?.delivery.eventSeq).toBe(seqs[1])
      expect(await deliveryNow(store, claim.delivery.key)).toMatchObject({
        state: 'dead',
        reason: 'answered 422',
        attempts: 1,
        finishedAt: expect.any(Number) as number,
        lane: null,
      })
    },
  },
  {
    name: 'where the lane is parked, nothing behind the dead delivery is sent, and other lanes go on',
    async run({ store }) {
      const worker = await Worker.start(store)
      await addDestination(store, { onExhausted: 'park' })
      await receive(store, 'aa')
      const claim = await worker.claimOne()
      expect(await worker.finish(result(claim, dead, { wantsNext: true }))).toEqual([])
      expect(await onlyLane(store)).toMatchObject({
        key: claim.laneKey,
        state: 'parked',
        parkedReason: 'answered 422',
        parkedAt: expect.any(Number) as number,
        pending: 2,
        headDeliveryKey: claim.delivery.key,
        // The last try counts like those before it.
        headAttempts: 1,
      })
      expect(await deliveryNow(store, claim.delivery.key)).toMatchObject({
        state: 'pending',
        reason: 'answered 422',
        attempts: 1,
        lane: { state: 'parked', isHead: true, claimed: false },
      })
      // What comes later joins the parked lane and waits there.
      await receive(store, 'ab')
      const other = await worker.claimOne()
      expect(other.delivery.laneKey).toBe('call:b')
      await worker.finish(result(other, delivered))
      expect(await onlyLane(store)).toMatchObject({ state: 'parked', pending: 3 })
    },
  },
  ...(['auth', 'gone'] as const).map((hold): StoreCase => ({
    name: `a destination that refuses (${hold}) is held until a person acts, and the delivery loses no try`,
    async run({ store }) {
      const worker = await Worker.start(store)
      const target = await addDestination(store)
      const seqs = await receive(store, 'aab')
      const [a, b] = await worker.claim()
      if (a === undefined || b === undefined) throw new Error('two lanes are due')
      const refusal = refused(hold)
      expect(await worker.finish(result(a, refusal, { wantsNext: true }))).toEqual([])
      expect((await destinationNow(store, target)).flow.hold).toMatchObject({ reason: hold, until: null })
      expect(await deliveryNow(store, a.delivery.key)).toMatchObject({ state: 'pending', attempts: 1 })
      // What is under way ends as it does.
      expect(await worker.finish(result(b, delivered, { wantsNext: true }))).toEqual([])
      expect((await worker.work([])).waitMs).toBeNull()
      await resume(store, target)
      const again = await worker.claimOne()
      expect(again).toMatchObject({ laneKey: a.laneKey, headAttempts: 0 })
      expect(again.delivery.eventSeq).toBe(a.delivery.eventSeq)
      expect(seqs).toContain(again.delivery.eventSeq)
      expect((await attemptsOf(store, a.delivery)).map(({ verdict }) => verdict)).toEqual([hold])
    },
  })),
  {
    name: 'a delivery that was not tried goes back to the head of its lane as it was',
    async run({ store }) {
      const worker = await Worker.start(store)
      await addDestination(store)
      await receive(store, 'aa')
      const claim = await worker.claimOne()
      const later = { kind: 'returned', delayMs: muchLaterMs } as const
      expect(await worker.finish(result(claim, later, { wantsNext: true }))).toEqual([])
      expect(await onlyLane(store)).toMatchObject({
        state: 'running',
        headAttempts: 0,
        pending: 2,
        headDeliveryKey: claim.delivery.key,
      })
      expect(await deliveryNow(store, claim.delivery.key)).toMatchObject({ state: 'pending', attempts: 0 })
      expect(await worker.claim()).toEqual([])
    },
  },
  {
    name: 'a try that was cut short is kept and costs nothing of the budget',
    async run({ store }) {
      const worker = await Worker.start(store)
      const target = await addDestination(store)
      await receive(store, 'a')
      const claim = await worker.claimOne()
      await pause(store, target)
      await worker.finish(
        result(claim, returned, { attempt: attempt({ verdict: 'interrupted', status: null }) }),
      )
      await resume(store, target)
      expect(await worker.claimOne()).toMatchObject({
        headAttempts: 0,
        delivery: { key: claim.delivery.key },
      })
      expect(await attemptsOf(store, claim.delivery)).toMatchObject([{ number: 1, verdict: 'interrupted' }])
    },
  },
  {
    name: 'a result is written once — one that comes again is refused, and the lane goes on undisturbed',
    async run({ store }) {
      const worker = await Worker.start(store)
      await addDestination(store)
      await receive(store, 'aa')
      const claim = await worker.claimOne()
      const said = result(claim, delivered, { wantsNext: true })
      const [next] = await worker.finish(said)
      if (next === undefined) throw new Error('the lane goes on')
      expect(await worker.work([said])).toMatchObject({ alive: true, written: [false], claims: [] })
      expect(await worker.work([result(claim, retryAfter(muchLaterMs))])).toMatchObject({ written: [false] })
      expect(await attemptsOf(store, claim.delivery)).toHaveLength(1)
      expect(await deliveryNow(store, next.delivery.key)).toMatchObject({ state: 'pending', attempts: 0 })
      expect(await worker.finish(result(next, delivered))).toEqual([])
      expect((await allDeliveries(store)).map(({ state }) => state)).toEqual(['delivered', 'delivered'])
    },
  },
  {
    name: 'a result for a claim that nobody holds is refused, beside others that are written',
    async run({ store }) {
      const worker = await Worker.start(store)
      await addDestination(store)
      await receive(store, 'ab')
      const [a, b] = await worker.claim()
      if (a === undefined || b === undefined) throw new Error('two lanes are due')
      const { written } = await worker.work([
        result({ ...a, claim: a.claim + 1 }, delivered),
        result({ ...a, claim: a.claim - 1 }, delivered),
        result({ ...b, laneKey: 999_999 }, delivered),
        result(b, delivered),
        result(a, delivered),
        result(a, dead),
      ])
      expect(written).toEqual([false, false, false, true, true, false])
      expect((await allDeliveries(store)).map(({ state }) => state)).toEqual(['delivered', 'delivered'])
    },
  },
  {
    name: 'results and claims of a hundred lanes go together',
    async run({ store }) {
      const worker = await Worker.start(store)
      await addDestination(store, { limits: { concurrency: 1_000, perSecond: null } })
      const calls = Array.from({ length: 100 }, (_, index) => ({ callId: `call_${index}` }))
      const seqs = [...(await receive(store, calls)), ...(await receive(store, calls))]
      const claims = await worker.claim()
      const next = await worker.finish(claims.map((claim) => result(claim, delivered, { wantsNext: true })))
      expect(next.every(({ continued }) => continued)).toBe(true)
      expect([...claims, ...next].map(({ delivery }) => delivery.eventSeq).toSorted((a, b) => a - b)).toEqual(
        seqs,
      )
    },
  },
]

async function attemptsOf(store: Store, { key }: StoredDelivery) {
  return (await store.getDelivery(key))?.attempts ?? []
}
