import { expect } from 'vitest'
import {
  addDestination,
  allLanes,
  dead,
  deliverAll,
  muchLaterMs,
  pause,
  receive,
  result,
  retryAfter,
  Worker,
} from './delivering.ts'
import type { StoreCase } from './suite.ts'

export const statsCases: StoreCase[] = [
  {
    name: 'of each destination it is said what waits, what is due, and what is parked',
    async run({ store }) {
      const worker = await Worker.start(store)
      expect((await store.deliveryStats()).destinations).toEqual([])
      const one = await addDestination(store, { onExhausted: 'park', events: ['x'] })
      const idle = await addDestination(store, { kind: 'slack' })
      await receive(
        store,
        ['a', 'a', 'b', 'b', 'c'].map((callId) => ({ callId, type: 'x' })),
      )
      const claims = await worker.claim()
      for (const claim of claims) {
        if (claim.destinationKey === idle.key) await deliverAll(worker, [claim])
        else {
          const { laneKey } = claim.delivery
          const outcome =
            laneKey === 'call:a'
              ? dead
              : laneKey === 'call:b'
                ? retryAfter(muchLaterMs)
                : { kind: 'returned' as const, delayMs: muchLaterMs }
          await worker.finish(result(claim, outcome))
        }
      }
      await pause(store, one)
      await receive(
        store,
        ['d', 'd', 'e'].map((callId) => ({ callId, type: 'x' })),
      )
      await deliverAll(worker)
      const { destinations, countedMax } = await store.deliveryStats()
      expect(countedMax).toBeGreaterThan(1_000)
      const dueAts = (await allLanes(store))
        .filter(({ laneKey }) => laneKey === 'call:d' || laneKey === 'call:e')
        .map(({ dueAt }) => dueAt)
      expect(destinations.find(({ id }) => id === one.id)).toEqual({
        id: one.id,
        name: one.definition.name,
        kind: one.definition.kind,
        hold: expect.objectContaining({ reason: 'paused', until: null }) as object,
        pending: 8,
        lanesDue: 2,
        lanesWaiting: 2,
        lanesParked: 1,
        oldestDueAt: Math.min(...dueAts),
      })
      expect(destinations.find(({ id }) => id === idle.id)).toEqual({
        id: idle.id,
        name: idle.definition.name,
        kind: 'slack',
        hold: null,
        pending: 0,
        lanesDue: 0,
        lanesWaiting: 0,
        lanesParked: 0,
        oldestDueAt: null,
      })
      expect(destinations).toHaveLength(2)
    },
  },
  {
    name: 'the oldest that is overdue is told by when it was due, not by when it came',
    needs: 'advance',
    async run({ store, advance }) {
      const worker = await Worker.start(store)
      const target = await addDestination(store)
      await receive(store, 'a')
      await worker.finish(result(await worker.claimOne(), retryAfter(muchLaterMs)))
      await pause(store, target)
      const oldestDueAt = async (): Promise<number | null | undefined> =>
        (await store.deliveryStats()).destinations[0]?.oldestDueAt
      expect(await oldestDueAt()).toBeNull()
      await advance(2 * muchLaterMs)
      const [lane] = await allLanes(store)
      expect(await oldestDueAt()).toBe(lane?.dueAt)
      expect((lane?.dueAt ?? 0) - (await firstCameAt())).toBeGreaterThanOrEqual(muchLaterMs)

      async function firstCameAt(): Promise<number> {
        return (await store.listDeliveries({ before: null, limit: 1 }))[0]?.createdAt ?? 0
      }
    },
  },
]
