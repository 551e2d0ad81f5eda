import { expect } from 'vitest'
import { foldStretch, type Claim, type Store, type TurnOutcome } from '@hookswitch/core'
import {
  addDestination,
  allDeliveries,
  allLanes,
  beginReplay,
  dead,
  deliverAll,
  delivered,
  filtered,
  pause,
  result,
  resume,
  retryAfter,
  returned,
  Worker,
} from './delivering.ts'
import { newEvent, readStretch } from './samples.ts'
import type { StoreCase } from './suite.ts'

const outcomes: readonly TurnOutcome[] = [delivered, delivered, filtered, dead, retryAfter(0), returned]

/** Rounds of each of those who are at work at once. */
const rounds = 12

export const stormCases: StoreCase[] = [
  {
    name: 'all that is done at once by two nodes is done: no lock waits for another in a ring, and order holds',
    async run({ store, second }) {
      const nodes = [store, await second()]
      const byCall = await addDestination(store)
      const together = await addDestination(store, { lane: 'destination', onExhausted: 'park' })
      const apart = await addDestination(store, { lane: 'none' })
      const all = [byCall, together, apart]
      const watch = new LaneWatch()
      const choose = choices(7)

      const receiving = async (): Promise<void> => {
        for (let round = 0; round < rounds; round += 1) {
          await store.append(Array.from('abcdee', (callId) => newEvent({ callId })))
          await foldPatiently(store)
        }
      }
      const working = async (node: Store): Promise<void> => {
        const worker = await Worker.start(node)
        let held: Claim[] = []
        for (let round = 0; round < 4 * rounds; round += 1) {
          const results = held.map((claim) =>
            result(claim, outcomes[choose(outcomes.length)] ?? delivered, { wantsNext: choose(2) === 0 }),
          )
          watch.ends(held)
          held = (await worker.work(results, { lanesMax: 4 })).claims
          watch.begins(held)
        }
        watch.ends(held)
        await node.endEpoch(worker.epoch)
      }
      const acting = async (node: Store): Promise<void> => {
        for (let round = 0; round < rounds; round += 1) {
          const deliveries = await node.listDeliveries({ before: null, limit: 50 })
          const lanes = await node.listLanes({ after: 0, limit: 50 })
          const delivery = deliveries[choose(deliveries.length)]
          const lane = lanes[choose(lanes.length)]
          const target = all[choose(all.length)] ?? byCall
          if (delivery !== undefined && delivery.state !== 'pending') {
            watch.retried(delivery.key)
            await node.retryDelivery(delivery.key)
          } else if (delivery !== undefined) await node.skipDelivery(delivery.key, 'by hand')
          if (lane !== undefined) {
            await (choose(2) === 0 ? node.resumeLane(lane.key) : node.skipLaneHead(lane.key, 'by hand'))
          }
          await pause(node, target)
          await node.expireDeliveries(1, 10)
          await node.erase({ callId: 'e' }, 1)
          await replaySome(node, target.key)
          await resume(node, target)
          await node.deliveryStats()
        }
      }
      await Promise.all([receiving(), ...nodes.map(working), ...nodes.map(acting)])
      expect(watch.wrong).toEqual([])

      for (const target of all) await resume(store, target)
      for (const { key } of await store.listLanes({ state: 'parked', after: 0, limit: 100 })) {
        await store.resumeLane(key)
      }
      await deliverAll(await Worker.start(store))
      expect(await allLanes(store)).toEqual([])
      const deliveries = await allDeliveries(store)
      expect(deliveries.filter(({ state }) => state === 'pending')).toEqual([])
      const made = new Set(deliveries.map(({ destinationKey, eventSeq }) => `${destinationKey} ${eventSeq}`))
      for (const { seq } of await store.listEvents({ after: 0, limit: 1_000 })) {
        for (const { key } of all) expect(made).toContain(`${key} ${seq}`)
      }
    },
  },
]

/** Sees to it that a lane is at work once at a time, and that its events begin in the order of the log. */
class LaneWatch {
  readonly wrong: string[] = []
  readonly #atWork = new Set<number>()
  readonly #lastBegun = new Map<string, number>()
  readonly #retried = new Set<number>()

  begins(claims: readonly Claim[]): void {
    for (const { laneKey, destinationKey, delivery } of claims) {
      const { eventSeq, replayKey, key } = delivery
      const lane = `${destinationKey} ${delivery.laneKey}`
      if (this.#atWork.has(laneKey)) this.wrong.push(`lane ${lane} is at work twice at ${eventSeq}`)
      this.#atWork.add(laneKey)
      // What was sent again by hand comes later than its place in the log.
      if (replayKey !== null || this.#retried.has(key)) continue
      const last = this.#lastBegun.get(lane) ?? 0
      if (eventSeq < last) this.wrong.push(`in lane ${lane} ${eventSeq} begins after ${last}`)
      this.#lastBegun.set(lane, Math.max(last, eventSeq))
    }
  }

  /** Call before the results are told: whoever is told next may begin at once. */
  ends(claims: readonly Claim[]): void {
    for (const { laneKey } of claims) this.#atWork.delete(laneKey)
  }

  retried(deliveryKey: number): void {
    this.#retried.add(deliveryKey)
  }
}

/** Folds what there is, anew where the list of destinations has changed meanwhile. */
async function foldPatiently(store: Store): Promise<void> {
  for (let round = 0; round < 200; round += 1) {
    const read = await readStretch(store)
    if (read.events.length === 0) return
    await store.foldCommit(foldStretch(read))
  }
  throw new Error('the fold has got nowhere in 200 rounds')
}

/** Begins a replay and makes a page of whichever is running. */
async function replaySome(store: Store, destinationKey: number): Promise<void> {
  await beginReplay(store, destinationKey, { callId: 'a' })
  const read = await store.replayRead(5)
  if (read === null) return
  const { replay, events, last } = read
  await store.replayCommit({
    replayKey: replay.key,
    expectedCursorSeq: replay.cursorSeq,
    cursorSeq: last ? replay.untilSeq : (events.at(-1)?.seq ?? replay.cursorSeq),
    done: last,
    deliveries: events.map(({ seq, callId }) => ({
      destinationKey: replay.destinationKey,
      eventSeq: seq,
      laneKey: `call:${callId}`,
      replayKey: replay.key,
    })),
  })
}

/** The same choices in every run; below the bound that is asked for. */
function choices(seed: number): (bound: number) => number {
  let state = seed
  return (bound) => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31
    return bound === 0 ? 0 : Math.floor((state / 2 ** 31) * bound)
  }
}
