import { expect } from 'vitest'
import type { WorkResult } from '@hookswitch/core'
import {
  addDestination,
  allDeliveries,
  allLanes,
  attempt,
  byLane,
  dead,
  delivered,
  deliverAll,
  deliveryNow,
  destinationNow,
  fold,
  muchLaterMs,
  onlyLane,
  parkedLane,
  receive,
  refused,
  result,
  retryAfter,
  seqsOf,
  Worker,
} from './delivering.ts'
import { newEvent } from './samples.ts'
import type { StoreCase } from './suite.ts'

export const laneCases: StoreCase[] = [
  {
    name: 'what comes into a lane while its head is being made is made after it',
    async run({ store }) {
      const worker = await Worker.start(store)
      await addDestination(store)
      const [first] = await receive(store, 'a')
      const claim = await worker.claimOne()
      const later = await receive(store, 'aa')
      expect(await worker.claim()).toEqual([])
      expect(await onlyLane(store)).toMatchObject({ pending: 3, headDeliveryKey: claim.delivery.key })
      expect(seqsOf(await deliverAll(worker, [claim]))).toEqual([first, ...later])
    },
  },
  {
    name: 'what comes into a lane while its head is being made is not lost where the worker wants no more',
    async run({ store }) {
      const worker = await Worker.start(store)
      await addDestination(store)
      await receive(store, 'a')
      const claim = await worker.claimOne()
      const [later] = await receive(store, 'a')
      const next = await worker.finish(result(claim, delivered))
      expect(seqsOf(next.length > 0 ? next : await worker.claim())).toEqual([later])
    },
  },
  {
    name: 'what comes into a lane that waits does not make it due',
    async run({ store }) {
      const worker = await Worker.start(store)
      await addDestination(store)
      await receive(store, 'a')
      await worker.finish(result(await worker.claimOne(), retryAfter(muchLaterMs)))
      const before = await onlyLane(store)
      await receive(store, 'aa')
      expect(await worker.claim()).toEqual([])
      expect(await onlyLane(store)).toEqual({ ...before, pending: 3 })
    },
  },
  {
    name: 'a lane that became empty is a new one when something comes again — its number is never used twice',
    async run({ store }) {
      const worker = await Worker.start(store)
      await addDestination(store)
      const keys = new Set<number>()
      for (let count = 0; count < 4; count += 1) {
        await receive(store, 'ab')
        for (const { key } of await allLanes(store)) keys.add(key)
        await deliverAll(worker)
        expect(await allLanes(store)).toEqual([])
      }
      expect(keys.size).toBe(8)
    },
  },
  {
    name: 'a lane that becomes empty while something comes into it is found again, whichever is first',
    async run({ store, second }) {
      const worker = await Worker.start(store)
      const other = await second()
      await addDestination(store)
      const made: number[] = []
      const came: number[] = []
      for (let round = 0; round < 25; round += 1) {
        came.push(...(await receive(store, 'a')))
        const claim = await worker.claimOne()
        made.push(claim.delivery.eventSeq)
        const [appended] = await other.append([newEvent({ callId: 'a' })])
        came.push(appended?.seq ?? 0)
        const answers = await Promise.all([
          worker.finish(result(claim, delivered, { wantsNext: round % 2 === 0 })),
          fold(other),
        ])
        made.push(...seqsOf(await deliverAll(worker, answers[0])))
      }
      expect(made).toEqual(came)
      expect(await allLanes(store)).toEqual([])
    },
  },
  {
    name: 'lanes are listed ascending by key, by destination and by state, page by page',
    async run({ store }) {
      const worker = await Worker.start(store)
      const { destination } = await parkedLane(store, worker)
      const other = await addDestination(store, { events: ['x'] })
      await receive(store, 'bc')
      await receive(store, [
        { callId: 'd', type: 'x' },
        { callId: 'e', type: 'x' },
      ])
      const all = await allLanes(store)
      expect(all.map(({ key }) => key)).toEqual(all.map(({ key }) => key).toSorted((a, b) => a - b))
      expect(all).toHaveLength(7)
      const query = async (wanted: Partial<Parameters<typeof store.listLanes>[0]>): Promise<string[]> =>
        (await store.listLanes({ after: 0, limit: 100, ...wanted })).map(({ laneKey }) => laneKey).toSorted()
      expect(await query({ state: 'parked' })).toEqual(['call:a'])
      expect(await query({ destinationKey: other.key })).toEqual(['call:d', 'call:e'])
      expect(await query({ destinationKey: other.key, state: 'parked' })).toEqual([])
      expect(await query({ destinationKey: destination.key, state: 'running' })).toEqual([
        'call:b',
        'call:c',
        'call:d',
        'call:e',
      ])
      expect(await query({ state: 'running' })).toHaveLength(6)
      expect(await query({ destinationKey: 999_999 })).toEqual([])
      expect(await store.listLanes({ after: 0, limit: 2 })).toEqual(all.slice(0, 2))
      expect(await store.listLanes({ after: all[1]?.key ?? 0, limit: 2 })).toEqual(all.slice(2, 4))
      expect(await store.listLanes({ after: all[6]?.key ?? 0, limit: 2 })).toEqual([])
    },
  },
  {
    name: 'an attempt comes back as it was told, with the time at which it began',
    async run({ store }) {
      const worker = await Worker.start(store)
      await addDestination(store)
      await receive(store, 'a')
      const claim = await worker.claimOne()
      const told: NonNullable<WorkResult['attempt']> = {
        verdict: 'retry',
        status: 503,
        cause: 'timeout',
        message: `no answer within 5 s from "o'brien" 📞`,
        durationMs: 5_000,
        node: 'node-1',
        request: {
          method: 'POST',
          url: 'https://example.com/a?b=%27',
          headers: { 'content-type': 'application/json', '': '' },
          bodyBytes: 123_456,
          body: 'x'.repeat(4_096),
        },
        response: {
          headers: { 'retry-after': '5' },
          body: `NUL \0, lone \ud800, "quoted" \u2028 'text'`,
          truncated: true,
        },
      }
      await worker.finish(result(claim, retryAfter(muchLaterMs), { attempt: told }))
      const stored = await store.getDelivery(claim.delivery.key)
      expect(stored?.attempts).toEqual([
        {
          ...told,
          deliveryKey: claim.delivery.key,
          number: 1,
          startedAt: expect.any(Number) as number,
        },
      ])
      // It began before it was told of, by as long as it took.
      const beganBeforeMs = (stored?.delivery.createdAt ?? 0) - (stored?.attempts[0]?.startedAt ?? 0)
      expect(beganBeforeMs).toBeGreaterThan(0)
      expect(beganBeforeMs).toBeLessThanOrEqual(5_000)
    },
  },
  {
    name: 'attempts are told in their order, over all budgets',
    async run({ store }) {
      const worker = await Worker.start(store)
      await addDestination(store)
      await receive(store, 'a')
      const { delivery } = await worker.claimOne().then(async (claim) => {
        await worker.finish(result(claim, dead))
        return claim
      })
      for (let count = 2; count <= 12; count += 1) {
        expect(await store.retryDelivery(delivery.key)).toBe('done')
        const claim = await worker.claimOne()
        expect(claim.headAttempts).toBe(0)
        expect(claim.delivery.attempts).toBe(count - 1)
        await worker.finish(result(claim, count === 12 ? delivered : dead))
      }
      const stored = await store.getDelivery(delivery.key)
      expect(stored?.attempts.map(({ number }) => number)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])
      expect(stored?.delivery).toMatchObject({ state: 'delivered', attempts: 12 })
    },
  },
  {
    name: 'no text of a reason or a message keeps a result from being written — user code may throw any',
    async run({ store }) {
      const worker = await Worker.start(store)
      const target = await addDestination(store, { onExhausted: 'park' })
      const texts = [
        'NUL \0 inside',
        'lone \ud800 surrogate',
        `'";\\--`,
        '',
        'x'.repeat(100_000),
        '📞'.repeat(9_000),
      ]
      await receive(
        store,
        texts.map((_, index) => ({ callId: `call_${index}` })),
      )
      const claims = await worker.claim()
      expect(claims).toHaveLength(texts.length)
      const told = (index: number): WorkResult['attempt'] =>
        attempt({ verdict: 'retry', status: null, cause: 'code', message: texts[index] ?? '' })
      // All of them in one transaction: one that failed would take the others with it.
      expect(
        await worker.finish(
          claims.map((claim, index) =>
            result(claim, { kind: 'dead', reason: texts[index] ?? '' }, { attempt: told(index) }),
          ),
        ),
      ).toEqual([])
      const lanes = await store.listLanes({ state: 'parked', after: 0, limit: 100 })
      expect(lanes).toHaveLength(texts.length)
      for (const [index, claim] of claims.entries()) {
        const stored = await store.getDelivery(claim.delivery.key)
        const beginning = texts[index]?.slice(0, 3)
        expect(stored?.delivery.reason?.slice(0, 3), 'reason').toBe(beginning)
        expect(stored?.attempts[0]?.message?.slice(0, 3), 'message').toBe(beginning)
      }
      expect((await destinationNow(store, target)).flow.hold).toBeNull()
    },
  },
  {
    name: 'no text of a refusal keeps the hold from being set',
    async run({ store }) {
      const worker = await Worker.start(store)
      for (const reason of ['NUL \0 inside', 'lone \ud800 surrogate', `'";\\--`, 'x'.repeat(100_000)]) {
        const target = await addDestination(store)
        await receive(store, 'a')
        const claim = await worker.claimOne()
        expect(await worker.finish(result(claim, { ...refused('auth'), reason }))).toEqual([])
        const { hold } = (await destinationNow(store, target)).flow
        expect(hold?.reason).toBe('auth')
        expect(hold?.detail?.slice(0, 3)).toBe(reason.slice(0, 3))
        await store.removeDestination(target.id, 'skip', 100)
      }
    },
  },
  {
    name: 'a lane that several calls share goes on past those that are dead, in the order of the log',
    async run({ store }) {
      const worker = await Worker.start(store)
      const { key } = await addDestination(store, { lane: 'destination' })
      const seqs = await receive(store, 'abab')
      const first = await worker.claimOne()
      const rest = await worker.finish(result(first, dead, { wantsNext: true }))
      const made = [first, ...(await deliverAll(worker, rest))]
      expect(byLane(made)).toEqual({ [`${key} all`]: seqs })
      expect((await allDeliveries(store)).map(({ state }) => state)).toEqual([
        'dead',
        'delivered',
        'delivered',
        'delivered',
      ])
      expect((await deliveryNow(store, first.delivery.key)).state).toBe('dead')
    },
  },
]
