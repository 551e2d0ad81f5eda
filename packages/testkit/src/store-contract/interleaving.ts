import fc from 'fast-check'
import { expect } from 'vitest'
import { epochLapsesMs, type Claim, type Store, type TurnOutcome, type WorkResult } from '@hookswitch/core'
import {
  addDestination,
  allLanes,
  dead,
  delivered,
  filtered,
  muchLaterMs,
  receive,
  refused,
  result,
  returned,
  retryAfter,
  Worker,
} from './delivering.ts'
import { LaneModel } from './lane-model.ts'
import type { StoreCase, StoreUse } from './suite.ts'

const outcomes: readonly TurnOutcome[] = [
  delivered,
  delivered,
  delivered,
  filtered,
  dead,
  retryAfter(0),
  retryAfter(muchLaterMs),
  returned,
  refused('auth'),
]

/** One thing that happens; a number picks one of what there is at that moment. */
type Step =
  | { kind: 'receive'; calls: string }
  | { kind: 'work'; node: number; outcomes: number[]; wantsNext: boolean; lanesMax: number }
  | { kind: 'pause' | 'resume' | 'skip' | 'retry' | 'skipHead' | 'resumeLane' | 'end'; pick: number }
  | { kind: 'lapse' }

const pick = fc.nat(1_000)
const work: fc.Arbitrary<Step> = fc.record({
  kind: fc.constant('work' as const),
  node: fc.nat(1),
  outcomes: fc.array(fc.nat(outcomes.length - 1), { maxLength: 6 }),
  wantsNext: fc.boolean(),
  lanesMax: fc.nat(4),
})
const byHand: fc.Arbitrary<Step> = fc.record({
  kind: fc.constantFrom('pause', 'resume', 'skip', 'retry', 'skipHead', 'resumeLane', 'end'),
  pick,
})
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('receive' as const),
      calls: fc
        .array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 4 })
        .map((ids) => ids.join('')),
    }),
  },
  { weight: 8, arbitrary: work },
  { weight: 5, arbitrary: byHand },
  { weight: 1, arbitrary: fc.constant({ kind: 'lapse' as const }) },
)

export const interleavingCases: StoreCase[] = [
  {
    name: 'whatever happens in whatever order, a lane is made one at a time and in order, and nothing disappears',
    async run(use) {
      const second = await use.second()
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40, size: 'max' }), async (steps) => {
          const run = await Run.start(use, [use.store, second])
          try {
            for (const one of steps) await run.step(one)
            await run.deliverRest()
          } finally {
            await run.clear()
          }
        }),
        { numRuns: use.interleavings, seed: 3 },
      )
    },
  },
]

class Run {
  readonly #use: StoreUse
  readonly #stores: readonly Store[]
  readonly #model: LaneModel
  #nodes: { worker: Worker; held: Claim[] }[]
  /** Told again later, when nobody holds them any more. */
  #stale: Claim[] = []

  private constructor(use: StoreUse, stores: readonly Store[], nodes: Worker[], model: LaneModel) {
    this.#use = use
    this.#stores = stores
    this.#model = model
    this.#nodes = nodes.map((worker) => ({ worker, held: [] }))
  }

  static async start(use: StoreUse, stores: readonly Store[]): Promise<Run> {
    const goesOn = await addDestination(use.store)
    const parks = await addDestination(use.store, { lane: 'destination', onExhausted: 'park' })
    const model = new LaneModel([
      { key: goesOn.key, parks: false, held: false },
      { key: parks.key, parks: true, held: false },
    ])
    return new Run(use, stores, await Promise.all(stores.map((store) => Worker.start(store))), model)
  }

  async step(one: Step): Promise<void> {
    switch (one.kind) {
      case 'receive':
        await this.#receive(one.calls)
        break
      case 'work':
        await this.#work(one)
        break
      case 'pause':
      case 'resume':
        await this.#hold(one.pick, one.kind)
        break
      case 'skip':
      case 'retry':
        await this.#act(one.pick, one.kind)
        break
      case 'skipHead':
      case 'resumeLane':
        await this.#actOnLane(one.pick, one.kind)
        break
      case 'end':
        await this.#end(one.pick % this.#nodes.length)
        break
      case 'lapse':
        await this.#lapse()
        break
    }
    this.#model.expectLanes(await allLanes(this.#use.store))
  }

  /** Takes away all that waits for a person or for time, and delivers everything. */
  async deliverRest(): Promise<void> {
    const { store } = this.#use
    for (const index of this.#nodes.keys()) await this.#end(index)
    for (const index of this.#model.destinations.keys()) await this.#hold(index, 'resume')
    for (const { key, state, headDeliveryKey } of await allLanes(store)) {
      if (state === 'parked') await store.resumeLane(key)
      else await store.retryDelivery(headDeliveryKey)
      const lane = this.#model.lane(headDeliveryKey)
      Object.assign(lane, { state: 'running', waits: false, headAttempts: null })
    }
    const node = this.#node(0)
    for (let round = 0; (await allLanes(store)).length > 0; round += 1) {
      if (round > 1_000) throw new Error('there is still something to deliver after 1000 rounds')
      const results = node.held.splice(0).map((claim) => this.#told(claim, delivered, true))
      const { claims } = await node.worker.work(results)
      expect(results.length + claims.length, 'what waits is claimed').toBeGreaterThan(0)
      this.#claimed(node, claims)
    }
    for (const [key, state] of this.#model.states) {
      expect(state).not.toBe('pending')
      expect((await store.getDelivery(key))?.delivery.state).toBe(state)
    }
  }

  /** Leaves nothing to the next run. */
  async clear(): Promise<void> {
    const { store } = this.#use
    for (const { worker } of this.#nodes) await store.endEpoch(worker.epoch)
    for (const { id } of await store.listDestinations()) await store.removeDestination(id, 'skip', 1_000)
  }

  async #receive(calls: string): Promise<void> {
    const { store } = this.#use
    for (const seq of await receive(store, calls)) {
      for (const { key, destinationKey, laneKey } of await store.deliveriesOfEvent(seq)) {
        this.#model.routed(key, destinationKey, laneKey)
      }
    }
  }

  async #work({ node: index, outcomes: picks, wantsNext, lanesMax }: Step & { kind: 'work' }): Promise<void> {
    const node = this.#node(index)
    const stale = this.#stale.splice(0)
    const late = stale.map((claim) => result(claim, delivered))
    const results = node.held
      .splice(0, picks.length)
      .map((claim, place) => this.#told(claim, outcomes[picks[place] ?? 0] ?? delivered, wantsNext))
    const answer = await node.worker.work([...late, ...results], { lanesMax })
    expect(answer.alive).toBe(true)
    expect(answer.written, 'what is held is written, what is not is refused').toEqual([
      ...late.map(() => false),
      ...results.map(() => true),
    ])
    this.#claimed(node, answer.claims)
  }

  #told(claim: Claim, outcome: TurnOutcome, wantsNext: boolean): WorkResult {
    this.#model.result(claim, outcome)
    return result(claim, outcome, { wantsNext })
  }

  #claimed(node: { held: Claim[] }, claims: readonly Claim[]): void {
    for (const claim of claims) this.#model.claimed(claim)
    node.held.push(...claims)
  }

  async #hold(choice: number, kind: 'pause' | 'resume'): Promise<void> {
    const all = this.#model.destinations
    const destination = all[choice % all.length]
    const stored = (await this.#use.store.listDestinations()).find(({ key }) => key === destination?.key)
    if (destination === undefined || stored === undefined) throw new Error('the destination is there')
    const hold = kind === 'pause' ? ({ reason: 'paused', until: null, detail: null } as const) : null
    await this.#use.store.holdDestination(stored.id, hold)
    destination.held = kind === 'pause'
  }

  async #act(choice: number, kind: 'skip' | 'retry'): Promise<void> {
    const { store } = this.#use
    const { keys, states } = this.#model
    const key = keys[choice % keys.length]
    if (key === undefined) return
    const state = states.get(key)
    if (state === 'pending') {
      const lane = this.#model.lane(key)
      const isHead = lane.pending[0] === key
      // The port does not say what becomes of these.
      if (lane.state === 'parked' || (kind === 'retry' && lane.claimed !== null && !isHead)) return
      const isTried = lane.claimed !== null && isHead
      if (kind === 'skip') {
        expect(await store.skipDelivery(key, 'by hand')).toBe(isTried ? 'claimed' : 'done')
        if (!isTried) this.#model.finished(key, 'skipped')
      } else {
        expect(await store.retryDelivery(key)).toBe(isTried ? 'claimed' : 'done')
        if (!isTried) Object.assign(lane, { waits: false, headAttempts: null })
      }
    } else if (kind === 'skip') {
      expect(await store.skipDelivery(key, 'by hand')).toBe('finished')
    } else {
      expect(await store.retryDelivery(key)).toBe(state === 'delivered' ? 'delivered' : 'done')
      if (state !== 'delivered') this.#model.joins(key)
    }
  }

  async #actOnLane(choice: number, kind: 'skipHead' | 'resumeLane'): Promise<void> {
    const { store } = this.#use
    const lanes = await allLanes(store)
    const row = lanes[choice % lanes.length]
    if (row === undefined) return
    const lane = this.#model.lane(row.headDeliveryKey)
    if (kind === 'resumeLane') {
      expect(await store.resumeLane(row.key)).toBe(lane.state === 'parked' ? 'done' : 'running')
      if (lane.state === 'parked') Object.assign(lane, { state: 'running', waits: false, headAttempts: 0 })
    } else {
      expect(await store.skipLaneHead(row.key, 'by hand')).toBe(lane.claimed === null ? 'done' : 'claimed')
      if (lane.claimed !== null) return
      lane.state = 'running'
      this.#model.finished(row.headDeliveryKey, 'skipped')
    }
  }

  async #end(index: number): Promise<void> {
    const node = this.#node(index)
    await this.#use.store.endEpoch(node.worker.epoch)
    await this.#begin(node, index)
  }

  async #lapse(): Promise<void> {
    if (!this.#use.canAdvance) return
    await this.#use.advance(epochLapsesMs + 1)
    for (const node of this.#nodes) expect(await node.worker.beat()).toBe(false)
    for (const [index, node] of this.#nodes.entries()) await this.#begin(node, index)
  }

  /** A new epoch; what the old one held is anybody's. */
  async #begin(node: { worker: Worker; held: Claim[] }, index: number): Promise<void> {
    const held = node.held.splice(0)
    this.#model.freed(held)
    this.#stale.push(...held)
    node.worker = await Worker.start(this.#stores[index % this.#stores.length] as Store)
  }

  #node(index: number): { worker: Worker; held: Claim[] } {
    const node = this.#nodes[index % this.#nodes.length]
    if (node === undefined) throw new Error('there are nodes')
    return node
  }
}
