import { expect } from 'vitest'
import { breakerFailures, type Claim, type Store, type StoredDestination } from '@hookswitch/core'
import {
  addDestination,
  attempt,
  delivered,
  destinationNow,
  filtered,
  hourMs,
  muchLaterMs,
  pause,
  receive,
  redefine,
  result,
  resume,
  retryAfter,
  secondMs,
  statesOf,
  Worker,
} from './delivering.ts'
import type { StoreCase } from './suite.ts'

/** One send in so long: longer than any test lasts, so that the machine's pace changes nothing. */
const slow = { concurrency: 100, perSecond: 0.001 }
const slowMs = 1_000_000

export const flowCases: StoreCase[] = [
  {
    name: 'no more sends of a destination are under way than it allows, over all nodes',
    async run({ store, second }) {
      const one = await Worker.start(store)
      const two = await Worker.start(await second())
      await addDestination(store, { limits: { concurrency: 3, perSecond: null } })
      await addDestination(store, { limits: { concurrency: 1, perSecond: null } })
      await receive(store, 'abcdefgh')
      const claims = (await Promise.all([one.claim(), two.claim(), one.claim(), two.claim()])).flat()
      expect(perDestination(claims)).toEqual([1, 3])
      expect(await two.claim()).toEqual([])
      expect(await one.claim()).toEqual([])
    },
  },
  {
    name: 'a send that ends makes room for another, also where the lane does not go on',
    async run({ store }) {
      const worker = await Worker.start(store)
      await addDestination(store, { limits: { concurrency: 2, perSecond: null } })
      await receive(store, 'abcde')
      const claims = await worker.claim()
      expect(claims).toHaveLength(2)
      const [first] = claims as [Claim, Claim]
      expect(await worker.finish(result(first, retryAfter(muchLaterMs)))).toHaveLength(1)
      expect(await worker.claim()).toEqual([])
    },
  },
  {
    name: 'no more sends begin than the rate allows, over all nodes, and the wait is until the next may',
    async run({ store, second }) {
      const one = await Worker.start(store)
      const two = await Worker.start(await second())
      await addDestination(store, { limits: slow })
      await receive(store, 'abc')
      const claims = (await Promise.all([one.claim(), two.claim()])).flat()
      expect(claims).toHaveLength(1)
      for (const worker of [one, two]) {
        const { claims: none, waitMs } = await worker.work([])
        expect(none).toEqual([])
        expect(waitMs).toBeGreaterThan(slowMs / 2)
        expect(waitMs).toBeLessThanOrEqual(slowMs)
      }
    },
  },
  {
    name: 'a lane that goes on draws from the rate too',
    async run({ store }) {
      const worker = await Worker.start(store)
      await addDestination(store, { limits: slow })
      await receive(store, 'aa')
      const claim = await worker.claimOne()
      expect(await worker.finish(result(claim, delivered, { wantsNext: true }))).toEqual([])
      expect(await worker.claim()).toEqual([])
    },
  },
  {
    name: 'a send that the filter refused is given back to the rate',
    async run({ store }) {
      const worker = await Worker.start(store)
      await addDestination(store, { limits: slow })
      await receive(store, 'aab')
      const claim = await worker.claimOne()
      expect(await worker.finish(result(claim, filtered, { wantsNext: true }))).toHaveLength(1)
      expect(await worker.claim()).toEqual([])
    },
  },
  {
    name: 'when the rate allows it the next send begins',
    needs: 'advance',
    async run({ store, advance }) {
      const first = await Worker.start(store)
      await addDestination(store, { limits: slow })
      await receive(store, 'abc')
      await first.finish(result(await first.claimOne(), delivered))
      await advance(slowMs)
      const worker = await Worker.start(store)
      expect(await worker.claim()).toHaveLength(1)
      expect(await worker.claim()).toEqual([])
      // What was not sent in quiet times is not made up for: the rate is one of any time, not of the whole.
      await advance(100 * slowMs)
      expect(await (await Worker.start(store)).claim()).toHaveLength(1)
    },
  },
  {
    name: 'first attempts find a place however many retries wait, and retries get on too',
    needs: 'advance',
    async run({ store, advance }) {
      const target = await failedLanes(store, 12, { concurrency: 8, perSecond: null })
      await advance(hourMs)
      const worker = await Worker.start(store)
      const pile = await worker.claim()
      expect(pile).toHaveLength(6)
      expect(pile.every(({ headAttempts }) => headAttempts === 1)).toBe(true)
      await receive(store, 'abcdef')
      const fresh = await worker.claim()
      expect(fresh.map(({ headAttempts }) => headAttempts)).toEqual([0, 0])
      expect((await destinationNow(store, target)).flow.hold).toBeNull()
    },
  },
  {
    name: 'where both wait for places, first attempts get half of them at least, and retries some',
    needs: 'advance',
    async run({ store, advance }) {
      await failedLanes(store, 12, { concurrency: 4, perSecond: null })
      await receive(store, 'abcdef')
      await advance(hourMs)
      const claims = await (await Worker.start(store)).claim()
      expect(claims).toHaveLength(4)
      const fresh = claims.filter(({ headAttempts }) => headAttempts === 0)
      expect(fresh.length).toBeGreaterThanOrEqual(2)
      expect(fresh.length).toBeLessThan(4)
    },
  },
  {
    name: 'where there is one place, first attempts and retries have it in turn',
    needs: 'advance',
    async run({ store, advance }) {
      await failedLanes(store, 8, { concurrency: 1, perSecond: null })
      await receive(store, 'abcdefgh')
      await advance(hourMs)
      const worker = await Worker.start(store)
      const kinds: number[] = []
      let claims = await worker.claim()
      for (let count = 0; count < 8; count += 1) {
        expect(claims).toHaveLength(1)
        kinds.push(claims[0]?.headAttempts ?? -1)
        claims = await worker.finish(result(claims[0] as Claim, delivered))
      }
      expect(kinds.filter((kind) => kind === 0).length).toBeGreaterThanOrEqual(3)
      expect(kinds.filter((kind) => kind === 1).length).toBeGreaterThanOrEqual(3)
    },
  },
  {
    name: 'after as many different deliveries failed as open the breaker, nothing is sent for a while',
    async run({ store }) {
      const worker = await Worker.start(store)
      const target = await addDestination(store)
      await receive(
        store,
        Array.from({ length: breakerFailures + 5 }, (_, index) => ({ callId: `call_${index}` })),
      )
      const claims = await worker.claim({ lanesMax: breakerFailures })
      expect(claims).toHaveLength(breakerFailures)
      const failed = claims.map((claim) => result(claim, retryAfter(muchLaterMs)))
      const others = await worker.finish(failed.slice(1), { lanesMax: 1 })
      expect((await destinationNow(store, target)).flow).toMatchObject({ hold: null, failures: 19 })
      const { claims: none, waitMs } = await worker.work(failed.slice(0, 1))
      expect(none).toEqual([])
      const { hold } = (await destinationNow(store, target)).flow
      expect(hold?.reason).toBe('breaker')
      expect((hold?.until ?? 0) - (hold?.since ?? 0)).toBe(10 * secondMs)
      expect(waitMs).toBeLessThanOrEqual(10 * secondMs)
      expect(waitMs).toBeGreaterThan(0)
      // What was under way when it opened ends as it does.
      expect(others).toHaveLength(1)
      expect(await worker.finish(others.map((claim) => result(claim, retryAfter(muchLaterMs))))).toEqual([])
    },
  },
  {
    name: 'one delivery that fails again and again opens no breaker — it may be the event that is at fault',
    async run({ store }) {
      const worker = await Worker.start(store)
      const target = await addDestination(store)
      await receive(store, 'a')
      for (let count = 0; count < 2 * breakerFailures; count += 1) {
        const claim = await worker.claimOne()
        await worker.finish(result(claim, retryAfter(muchLaterMs)))
        expect(await store.retryDelivery(claim.delivery.key)).toBe('done')
      }
      expect((await destinationNow(store, target)).flow).toMatchObject({ hold: null, failures: 1 })
    },
  },
  {
    name: 'when its time is over one delivery looks: it fails and the wait doubles, it succeeds and the pace grows',
    needs: 'advance',
    async run({ store, advance }) {
      const target = await failedLanes(store, breakerFailures, { concurrency: 100, perSecond: null })
      expect((await destinationNow(store, target)).flow.hold?.reason).toBe('breaker')
      await receive(store, 'abcdefghijkl')
      await advance(10 * secondMs)
      const first = await Worker.start(store)
      const [probe, ...others] = await first.claim()
      expect(others).toEqual([])
      expect(await first.claim()).toEqual([])
      expect(await first.finish(result(probe as Claim, retryAfter(hourMs)))).toEqual([])
      const { hold } = (await destinationNow(store, target)).flow
      expect((hold?.until ?? 0) - (hold?.since ?? 0)).toBe(20 * secondMs)
      await advance(10 * secondMs)
      expect(await (await Worker.start(store)).claim()).toEqual([])
      await advance(10 * secondMs)
      const worker = await Worker.start(store)
      const again = await worker.claimOne()
      expect((await worker.finish(result(again, delivered))).length).toBe(2)
      expect((await destinationNow(store, target)).flow).toMatchObject({ hold: null, failures: 0 })
    },
  },
  {
    name: 'after a resume one is sent, then two, then four — what has gathered does not fall on the destination at once',
    async run({ store }) {
      const worker = await Worker.start(store)
      const target = await addDestination(store, { limits: { concurrency: 8, perSecond: null } })
      await pause(store, target)
      await receive(
        store,
        Array.from({ length: 30 }, (_, index) => ({ callId: `call_${index}` })),
      )
      await resume(store, target)
      const running = await worker.claim()
      const counts = [running.length]
      for (let count = 0; count < 4; count += 1) {
        expect(await worker.claim()).toEqual([])
        running.push(...(await worker.finish(result(running.shift() as Claim, delivered))))
        counts.push(running.length)
      }
      expect(counts).toEqual([1, 2, 4, 8, 8])
    },
  },
  {
    name: 'Retry-After holds the whole destination for as long as it says, and the wait is told',
    async run({ store }) {
      const worker = await Worker.start(store)
      const target = await addDestination(store)
      await receive(store, 'abc')
      const [claim] = await worker.claim({ lanesMax: 1 })
      const asked = retryAfter(muchLaterMs, muchLaterMs)
      const { claims, waitMs } = await worker.work([result(claim as Claim, asked)])
      expect(claims).toEqual([])
      const { hold } = (await destinationNow(store, target)).flow
      expect(hold).toMatchObject({ reason: 'retry_after' })
      expect((hold?.until ?? 0) - (hold?.since ?? 0)).toBe(muchLaterMs)
      // Two lanes are due, and are not what it waits for.
      expect(waitMs).toBeGreaterThan(muchLaterMs / 2)
      expect(waitMs).toBeLessThanOrEqual(muchLaterMs)
    },
  },
  {
    name: 'Retry-After in the answer to a last try holds the destination too, and the delivery is dead',
    async run({ store }) {
      const worker = await Worker.start(store)
      const target = await addDestination(store)
      await receive(store, 'ab')
      const [claim] = await worker.claim({ lanesMax: 1 })
      const last = { kind: 'dead', reason: 'given up', holdMs: muchLaterMs } as const
      const answered = attempt({ verdict: 'retry', status: 429 })
      expect(await worker.finish(result(claim as Claim, last, { attempt: answered }))).toEqual([])
      expect((await destinationNow(store, target)).flow.hold?.reason).toBe('retry_after')
      expect((await statesOf(store)).toSorted()).toEqual(['dead', 'pending'])
    },
  },
  {
    name: 'when Retry-After is over it is sent to again',
    needs: 'advance',
    async run({ store, advance }) {
      const first = await Worker.start(store)
      const target = await addDestination(store)
      await receive(store, 'abcdefgh')
      const [claim] = await first.claim({ lanesMax: 1 })
      await first.finish(result(claim as Claim, retryAfter(muchLaterMs, muchLaterMs)))
      await advance(muchLaterMs)
      const worker = await Worker.start(store)
      const claims = await worker.claim()
      expect(claims.length).toBeGreaterThanOrEqual(1)
      await worker.finish(claims.map((one) => result(one, delivered)))
      expect((await destinationNow(store, target)).flow.hold).toBeNull()
    },
  },
]

/** Failed lanes of a destination, due again in an hour. They were tried while it allowed more than it does now. */
async function failedLanes(
  store: Store,
  count: number,
  limits: StoredDestination['definition']['limits'],
): Promise<StoredDestination> {
  const worker = await Worker.start(store)
  const target = await addDestination(store)
  await receive(
    store,
    Array.from({ length: count }, (_, index) => ({ callId: `failed_${index}` })),
  )
  const claims = await worker.claim()
  expect(claims).toHaveLength(count)
  await worker.finish(claims.map((claim) => result(claim, retryAfter(hourMs))))
  return redefine(store, target, { limits })
}

function perDestination(claims: readonly Claim[]): number[] {
  const counts = new Map<number, number>()
  for (const { destinationKey } of claims) counts.set(destinationKey, (counts.get(destinationKey) ?? 0) + 1)
  return [...counts.values()].toSorted((a, b) => a - b)
}
