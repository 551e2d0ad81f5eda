import { expect } from 'vitest'
import type { RecentAttempt, Store, StoredDestination } from '@hookswitch/core'
import {
  addDestination,
  allDeliveries,
  attempt,
  dead,
  delivered,
  muchLaterMs,
  receive,
  result,
  retryAfter,
  Worker,
} from './delivering.ts'
import type { StoreCase } from './suite.ts'

export const recentAttemptCases: StoreCase[] = [
  {
    name: 'the newest tries of a destination are told newest first, whatever became of the delivery',
    async run({ store }) {
      const worker = await Worker.start(store)
      const destination = await addDestination(store)
      expect(await recent(store, destination)).toEqual([])
      await receive(store, 'abcde')
      const outcomes = [
        { outcome: delivered, attempt: attempt({ durationMs: 5 }) },
        { outcome: dead, attempt: attempt({ verdict: 'reject', status: 422, durationMs: 4 }) },
        {
          outcome: retryAfter(muchLaterMs),
          attempt: attempt({ verdict: 'retry', status: null, cause: 'timeout', message: 'x', durationMs: 3 }),
        },
        { outcome: { kind: 'filtered', reason: 'no' } as const, attempt: null },
      ]
      const claims = await worker.claim()
      for (const [index, told] of outcomes.entries()) {
        const claim = claims[index]
        if (claim === undefined) throw new Error('every lane is due')
        await worker.work([result(claim, told.outcome, { attempt: told.attempt })], { lanesMax: 0 })
      }
      const attempts = await recent(store, destination)
      expect(attempts.map(({ verdict }) => verdict).toSorted()).toEqual(['delivered', 'reject', 'retry'])
      expect(attempts).toEqual(attempts.toSorted((a, b) => b.startedAt - a.startedAt))
      expect(attempts.find(({ verdict }) => verdict === 'retry')).toMatchObject({
        durationMs: 3,
        status: null,
        cause: 'timeout',
        message: 'x',
      })
      const stored = await Promise.all((await allDeliveries(store)).map(({ key }) => store.getDelivery(key)))
      expect(attempts.map(({ startedAt }) => startedAt)).toEqual(
        stored
          .flatMap((one) => one?.attempts ?? [])
          .map(({ startedAt }) => startedAt)
          .toSorted((a, b) => b - a),
      )
    },
  },
  {
    name: 'tries that were begun before the time, and those of another destination, are not told',
    async run({ store }) {
      const worker = await Worker.start(store)
      const [one, other] = [await addDestination(store), await addDestination(store)]
      await receive(store, 'ab')
      const long = { wantsNext: false, attempt: attempt({ durationMs: 2 * muchLaterMs }) }
      const claims = await worker.claim()
      await worker.finish(
        claims.map((claim) =>
          claim.delivery.laneKey === 'call:a' ? result(claim, delivered, long) : result(claim, delivered),
        ),
      )
      expect(await recent(store, one)).toHaveLength(2)
      const since = Date.now() - muchLaterMs
      const attempts = await recent(store, one, since)
      expect(attempts).toHaveLength(1)
      expect(await recent(store, one, attempts[0]?.startedAt)).toHaveLength(1)
      expect(await recent(store, one, (attempts[0]?.startedAt ?? 0) + 1)).toEqual([])
      expect(await recent(store, other, since)).toHaveLength(1)
      expect(await recent(store, { key: 999_999 })).toEqual([])
    },
  },
  {
    name: 'of many tries as many are told as are asked for, and those are the newest',
    async run({ store }) {
      const worker = await Worker.start(store)
      const destination = await addDestination(store)
      for (const callIds of ['abc', 'abc']) {
        await receive(store, callIds)
        await worker.finish((await worker.claim()).map((claim) => result(claim, delivered)))
      }
      // One delivery that is tried again and again has as many tries as all the others.
      await receive(store, 'd')
      let [claim] = await worker.claim()
      for (let count = 0; count < 6; count += 1) {
        const [next] = await worker.finish(result(claim ?? (await worker.claimOne()), retryAfter(0)))
        claim = next
      }
      const all = await recent(store, destination)
      expect(all).toHaveLength(12)
      for (const max of [1, 2, 5, 11, 12]) {
        const some = await recent(store, destination, 0, max)
        expect(some.map(({ startedAt }) => startedAt)).toEqual(
          all.slice(0, max).map(({ startedAt }) => startedAt),
        )
      }
    },
  },
  {
    name: 'what was tried is told however many wait behind it that were not — they are the newest while nothing succeeds',
    async run({ store }) {
      const worker = await Worker.start(store)
      const destination = await addDestination(store)
      await receive(store, 'ab')
      const [a, b] = await worker.claim()
      if (a === undefined || b === undefined) throw new Error('both lanes are due')
      await worker.work([result(a, delivered), result(b, retryAfter(muchLaterMs))], { lanesMax: 0 })
      await receive(store, 'bbbbbcdefgh')
      const attempts = await recent(store, destination, 0, 2)
      expect(attempts.map(({ verdict }) => verdict).toSorted()).toEqual(['delivered', 'retry'])
    },
  },
]

function recent(
  store: Store,
  { key }: Pick<StoredDestination, 'key'>,
  since = 0,
  attemptsMax = 100,
): Promise<RecentAttempt[]> {
  return store.recentAttempts(key, since, attemptsMax)
}
