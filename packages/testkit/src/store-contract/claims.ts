import { expect } from 'vitest'
import type { Claim } from '@hookswitch/core'
import {
  addDestination,
  allDeliveries,
  allLanes,
  byLane,
  deliverAll,
  delivered,
  muchLaterMs,
  pause,
  receive,
  redefine,
  result,
  retryAfter,
  seqsOf,
  Worker,
} from './delivering.ts'
import { newEvent } from './samples.ts'
import type { StoreCase } from './suite.ts'

export const claimCases: StoreCase[] = [
  {
    name: 'where nothing waits nothing is claimed, and only a signal can say when to ask again',
    async run({ store }) {
      const worker = await Worker.start(store)
      const nothing = { alive: true, written: [], claims: [], waitMs: null }
      expect(await worker.work([])).toEqual(nothing)
      await addDestination(store)
      expect(await worker.work([])).toEqual(nothing)
    },
  },
  {
    name: 'a claim says which delivery to make, for which version of the destination, and how often it was tried',
    async run({ store }) {
      const worker = await Worker.start(store)
      const one = await addDestination(store)
      const [seq] = await receive(store, 'a')
      const {
        lane: _,
        eventId: __,
        eventType: ___,
        callId: ____,
        ...delivery
      } = (await allDeliveries(store))[0] as Awaited<ReturnType<typeof allDeliveries>>[number]
      const claim = await worker.claimOne()
      expect(claim).toEqual({
        laneKey: (await allLanes(store))[0]?.key,
        claim: expect.any(Number) as number,
        continued: false,
        destinationKey: one.key,
        destinationVersion: one.version,
        delivery,
        headAttempts: 0,
      })
      expect(delivery.eventSeq).toBe(seq)
      expect((await allDeliveries(store))[0]?.lane).toMatchObject({ isHead: true, claimed: true })
    },
  },
  {
    name: 'a lane that is claimed is claimed by nobody else, whoever asks',
    async run({ store, second }) {
      const one = await Worker.start(store)
      const two = await Worker.start(await second())
      await addDestination(store)
      await receive(store, 'aab')
      expect(await one.claim()).toHaveLength(2)
      for (const worker of [one, two, one]) expect(await worker.claim()).toEqual([])
    },
  },
  {
    name: 'of a lane the oldest waiting delivery is made first, one at a time',
    async run({ store }) {
      const worker = await Worker.start(store)
      await addDestination(store)
      const seqs = await receive(store, 'aaaa')
      const made: number[] = []
      let claims = await worker.claim()
      while (claims.length > 0) {
        expect(claims).toHaveLength(1)
        made.push(...seqsOf(claims))
        // The lane is given back each time, and claimed anew.
        const again = await worker.finish(result(claims[0] as Claim, delivered))
        claims = again.length > 0 ? again : await worker.claim()
      }
      expect(made).toEqual(seqs)
    },
  },
  {
    name: 'a worker goes on in its lane with the answer to its result, until the lane is empty',
    async run({ store }) {
      const worker = await Worker.start(store)
      await addDestination(store)
      const seqs = await receive(store, 'aaa')
      let claim = await worker.claimOne()
      const made = [claim.delivery.eventSeq]
      for (let count = 0; count < 2; count += 1) {
        const [next, ...others] = await worker.finish(result(claim, delivered, { wantsNext: true }))
        expect(others).toEqual([])
        expect(next).toMatchObject({
          continued: true,
          laneKey: claim.laneKey,
          headAttempts: 0,
          delivery: { state: 'pending' },
        })
        claim = next as Claim
        made.push(claim.delivery.eventSeq)
      }
      expect(made).toEqual(seqs)
      expect(await worker.finish(result(claim, delivered, { wantsNext: true }))).toEqual([])
      expect(await allLanes(store)).toEqual([])
    },
  },
  {
    name: 'a lane whose worker wants no more goes on with whoever comes',
    async run({ store, second }) {
      const one = await Worker.start(store)
      const two = await Worker.start(await second())
      const target = await addDestination(store)
      const seqs = await receive(store, 'aa')
      const claim = await one.claimOne()
      await pause(store, target)
      expect(await one.finish(result(claim, delivered))).toEqual([])
      await store.holdDestination(target.id, null)
      const next = await two.claimOne()
      expect(next).toMatchObject({ continued: false, laneKey: claim.laneKey })
      expect(next.claim).toBeGreaterThan(claim.claim)
      expect(next.delivery.eventSeq).toBe(seqs[1])
    },
  },
  {
    name: 'no more lanes are claimed than asked for, besides those that are kept',
    async run({ store }) {
      const worker = await Worker.start(store)
      await addDestination(store)
      await receive(store, 'abcdefgabcdefg')
      const [kept, ...others] = await worker.claim({ lanesMax: 3 })
      expect(others).toHaveLength(2)
      const goesOn = result(kept as Claim, delivered, { wantsNext: true })
      const more = await worker.finish(goesOn, { lanesMax: 2 })
      expect(more.filter(({ continued }) => continued)).toHaveLength(1)
      expect(more.filter(({ continued }) => !continued)).toHaveLength(2)
    },
  },
  {
    name: 'of one destination a node works on no more lanes than asked for, those it has included',
    async run({ store }) {
      const worker = await Worker.start(store)
      const one = await addDestination(store)
      const two = await addDestination(store)
      await receive(store, 'abcdef')
      const claims = await worker.claim({ lanesPerDestinationMax: 2 })
      const of = (key: number, list: Claim[]): number =>
        list.filter(({ destinationKey }) => destinationKey === key).length
      expect([of(one.key, claims), of(two.key, claims)]).toEqual([2, 2])
      expect(await worker.claim({ lanesPerDestinationMax: 2 })).toEqual([])
      const more = await worker.claim({ lanesPerDestinationMax: 3 })
      expect([of(one.key, more), of(two.key, more)]).toEqual([1, 1])
    },
  },
  {
    name: 'a node that is full of one destination’s lanes still takes one of another — it adds no latency to others',
    async run({ store }) {
      const worker = await Worker.start(store)
      await addDestination(store, { events: ['busy'] })
      const idle = await addDestination(store, { events: ['rare'] })
      await receive(
        store,
        Array.from({ length: 9 }, (_, index) => ({ callId: `call_${index}`, type: 'busy' })),
      )
      expect(await worker.claim({ lanesMax: 4 })).toHaveLength(4)
      await receive(store, [
        { callId: 'a', type: 'rare' },
        { callId: 'b', type: 'rare' },
      ])
      const claims = await worker.claim({ lanesMax: 0 })
      expect(claims.map(({ destinationKey }) => destinationKey)).toEqual([idle.key])
      expect(await worker.claim({ lanesMax: 0 })).toEqual([])
    },
  },
  {
    name: 'the lane that has been due for longest is claimed first',
    needs: 'advance',
    async run({ store, advance }) {
      const worker = await Worker.start(store)
      await addDestination(store)
      // Later lanes have names that sort before the earlier ones.
      for (const callId of ['d', 'c', 'b', 'a']) {
        await receive(store, callId)
        await advance(10)
      }
      const order: string[] = []
      for (let count = 0; count < 4; count += 1) {
        const claims = await worker.claim({ lanesMax: 1 })
        order.push(...claims.map(({ delivery }) => delivery.laneKey))
      }
      expect(order).toEqual(['call:d', 'call:c', 'call:b', 'call:a'])
    },
  },
  {
    name: 'many due lanes of a held destination and many parked ones keep nobody else from being claimed',
    async run({ store }) {
      const worker = await Worker.start(store)
      const calls = Array.from({ length: 150 }, (_, index) => index)
      const held = await addDestination(store, { events: ['held'] })
      await receive(
        store,
        calls.map((index) => ({ callId: `held_${index}`, type: 'held' })),
      )
      await pause(store, held)
      const limits = { concurrency: 1_000, perSecond: null }
      const parked = await addDestination(store, { events: ['parked'], onExhausted: 'park', limits })
      await receive(
        store,
        calls.map((index) => ({ callId: `parked_${index}`, type: 'parked' })),
      )
      const claims = await worker.claim()
      expect(claims).toHaveLength(150)
      expect(
        await worker.finish(claims.map((claim) => result(claim, { kind: 'dead', reason: 'answered 422' }))),
      ).toEqual([])
      await receive(store, [{ callId: 'parked_new', type: 'parked' }])
      const fine = await addDestination(store, { events: ['fine'] })
      await receive(store, [{ callId: 'a', type: 'fine' }])
      const free = await worker.claim({ lanesMax: 2 })
      expect(new Set(free.map(({ destinationKey }) => destinationKey))).toEqual(
        new Set([parked.key, fine.key]),
      )
    },
  },
  {
    name: 'two nodes share the lanes of many destinations, and each delivery is made once and in order',
    async run({ store, second }) {
      const workers = [await Worker.start(store), await Worker.start(await second())]
      const targets = []
      for (let count = 0; count < 3; count += 1) targets.push(await addDestination(store))
      const seqs = await receive(store, 'abcdabcdabcdaabb')
      const made: Claim[] = []
      const run = async (worker: Worker): Promise<void> => {
        for (let idle = 0; idle < 3;) {
          const claims = await worker.claim({ lanesMax: 2, lanesPerDestinationMax: 1 })
          idle = claims.length === 0 ? idle + 1 : 0
          for (let held = claims; held.length > 0;) {
            made.push(...held)
            held = await worker.finish(
              held.map((claim) => result(claim, delivered, { wantsNext: made.length % 3 !== 0 })),
              { lanesMax: 0, lanesPerDestinationMax: 1 },
            )
          }
        }
      }
      await Promise.all(workers.map(run))
      made.push(...(await deliverAll(workers[0] as Worker)))
      const expected: Record<string, number[]> = {}
      for (const { key } of targets) {
        for (const letter of 'abcd') {
          expected[`${key} call:${letter}`] = seqs.filter((_, i) => 'abcdabcdabcdaabb'[i] === letter)
        }
      }
      expect(byLane(made)).toEqual(expected)
      expect(await allLanes(store)).toEqual([])
    },
  },
  {
    name: 'the wait until something is due is neither longer than it is nor none at all',
    async run({ store }) {
      const worker = await Worker.start(store)
      await addDestination(store)
      await receive(store, 'ab')
      const [a, b] = await worker.claim()
      if (a === undefined || b === undefined) throw new Error('two lanes are due')
      const { claims, waitMs } = await worker.work([
        result(a, retryAfter(2 * muchLaterMs)),
        result(b, retryAfter(muchLaterMs)),
      ])
      expect(claims).toEqual([])
      expect(waitMs).toBeGreaterThan(muchLaterMs / 2)
      expect(waitMs).toBeLessThanOrEqual(muchLaterMs)
    },
  },
  {
    name: 'the wait is for whichever destination is due first, held ones until their hold ends',
    async run({ store }) {
      const worker = await Worker.start(store)
      await addDestination(store, { events: ['held'] })
      await addDestination(store, { events: ['waits'] })
      const forGood = await addDestination(store, { events: ['paused'] })
      const types = ['held', 'held', 'waits', 'paused']
      await receive(
        store,
        types.map((type, index) => ({ type, callId: `call_${index}` })),
      )
      await pause(store, forGood)
      const claims = await worker.claim()
      const held = claims.find(({ delivery }) => delivery.laneKey === 'call:call_0')
      const waits = claims.find(({ delivery }) => delivery.laneKey === 'call:call_2')
      if (held === undefined || waits === undefined) throw new Error('all but one are due')
      await worker.finish(result(held, retryAfter(0, muchLaterMs)))
      const untilHoldEnds = (await worker.work([])).waitMs
      expect(untilHoldEnds).toBeGreaterThan(muchLaterMs / 2)
      expect(untilHoldEnds).toBeLessThanOrEqual(muchLaterMs)
      const { waitMs } = await worker.work([result(waits, retryAfter(muchLaterMs / 2))])
      expect(waitMs).toBeGreaterThan(muchLaterMs / 4)
      expect(waitMs).toBeLessThanOrEqual(muchLaterMs / 2)
    },
  },
  {
    name: 'a claim is for the destination as it is now, also where its lane goes on',
    async run({ store }) {
      const worker = await Worker.start(store)
      const before = await addDestination(store)
      await receive(store, 'aa')
      const claim = await worker.claimOne()
      expect(claim.destinationVersion).toBe(before.version)
      const after = await redefine(store, before, { kind: 'other' })
      const [next] = await worker.finish(result(claim, delivered, { wantsNext: true }))
      expect(next).toMatchObject({ continued: true, destinationVersion: after.version })
    },
  },
  {
    name: 'there is no wait to be told where all that is due is at work',
    async run({ store }) {
      const worker = await Worker.start(store)
      await addDestination(store, { limits: { concurrency: 1, perSecond: null } })
      await receive(store, 'ab')
      const { claims, waitMs } = await worker.work([])
      expect(claims).toHaveLength(1)
      // The other one begins with the result of the first.
      expect(waitMs).toBeNull()
    },
  },
  {
    name: 'events are read by their places, as far as they are there',
    async run({ store }) {
      const appended = await store.append([
        newEvent({ body: Buffer.from([0, 255, 254]) }),
        newEvent(),
        newEvent(),
      ])
      const [first = 0, , last = 0] = appended.map(({ seq }) => seq)
      const all = await store.listEvents({ after: 0, limit: 10 })
      const found = await store.eventsAt([last, 999_999, first])
      expect(found.toSorted((a, b) => a.seq - b.seq)).toEqual([all[0], all[2]])
      expect(await store.eventsAt([])).toEqual([])
      expect(await store.eventsAt([999_999])).toEqual([])
    },
  },
]
