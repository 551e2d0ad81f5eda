import { expect } from 'vitest'
import type { Claim, DeliveryState, StoredLane, TurnOutcome } from '@hookswitch/core'

interface ModelLane {
  /** Deliveries in the order in which they are to be made. */
  pending: number[]
  state: 'running' | 'parked'
  /** Not due for longer than the test lasts. */
  waits: boolean
  /** Null where the port does not say. */
  headAttempts: number | null
  claimed: Claim | null
}

interface ModelDestination {
  key: number
  parks: boolean
  held: boolean
}

/** What deliveries, lanes and claims are to be, kept as simply as can be. */
export class LaneModel {
  readonly destinations: readonly ModelDestination[]
  readonly states = new Map<number, DeliveryState>()
  readonly #lanes = new Map<string, ModelLane>()
  readonly #laneOf = new Map<number, string>()
  /** The highest number of a claim, by the key of the lane's row. */
  readonly #claims = new Map<number, number>()

  constructor(destinations: readonly ModelDestination[]) {
    this.destinations = destinations
  }

  get keys(): number[] {
    return [...this.states.keys()]
  }

  lane(deliveryKey: number): ModelLane {
    const lane = this.#lanes.get(this.#laneOf.get(deliveryKey) ?? '')
    if (lane === undefined) throw new Error(`delivery ${deliveryKey} is in no lane`)
    return lane
  }

  routed(deliveryKey: number, destinationKey: number, laneKey: string): void {
    this.#laneOf.set(deliveryKey, nameOf(destinationKey, laneKey))
    this.joins(deliveryKey)
  }

  /** At the tail of its lane. */
  joins(deliveryKey: number): void {
    const name = this.#laneOf.get(deliveryKey) ?? ''
    const lane = this.#lanes.get(name)
    this.states.set(deliveryKey, 'pending')
    if (lane !== undefined) lane.pending.push(deliveryKey)
    else {
      this.#lanes.set(name, {
        pending: [deliveryKey],
        state: 'running',
        waits: false,
        headAttempts: 0,
        claimed: null,
      })
    }
  }

  /** Leaves its lane for good; where it was the head, the next one begins anew. */
  finished(deliveryKey: number, state: DeliveryState): void {
    const name = this.#laneOf.get(deliveryKey) ?? ''
    const lane = this.lane(deliveryKey)
    this.states.set(deliveryKey, state)
    if (lane.pending[0] === deliveryKey) {
      lane.headAttempts = 0
      lane.waits = false
    }
    lane.pending = lane.pending.filter((key) => key !== deliveryKey)
    if (lane.pending.length === 0) this.#lanes.delete(name)
  }

  claimed(claim: Claim): void {
    const { delivery, destinationKey, laneKey, headAttempts } = claim
    const lane = this.#lanes.get(nameOf(destinationKey, delivery.laneKey))
    const destination = this.destinations.find(({ key }) => key === destinationKey)
    expect(lane, 'a claimed lane has something to deliver').toBeDefined()
    expect(destination?.held, 'nothing of a held destination is claimed').toBe(false)
    if (lane === undefined) return
    expect(lane.claimed, 'a lane is claimed once at a time').toBeNull()
    expect(lane.state, 'a parked lane is not claimed').toBe('running')
    expect(lane.waits, 'a lane that waits is not claimed').toBe(false)
    expect(delivery.key, 'the head of the lane is made').toBe(lane.pending[0])
    expect(claim.claim, 'claims are numbered').toBeGreaterThanOrEqual(this.#claims.get(laneKey) ?? 0)
    if (!claim.continued) expect(claim.claim).not.toBe(this.#claims.get(laneKey))
    if (lane.headAttempts !== null) expect(headAttempts, 'tries are counted').toBe(lane.headAttempts)
    lane.headAttempts = headAttempts
    lane.claimed = claim
    this.#claims.set(laneKey, claim.claim)
  }

  /** All claims of an epoch are free again. */
  freed(claims: readonly Claim[]): void {
    for (const { delivery } of claims) this.lane(delivery.key).claimed = null
  }

  result({ delivery, destinationKey }: Claim, outcome: TurnOutcome): void {
    const lane = this.lane(delivery.key)
    const destination = this.destinations.find(({ key }) => key === destinationKey)
    lane.claimed = null
    if (destination === undefined) throw new Error('the model knows its destinations')
    switch (outcome.kind) {
      case 'delivered':
      case 'filtered':
        this.finished(delivery.key, outcome.kind)
        break
      case 'dead':
        if (destination.parks) lane.state = 'parked'
        else this.finished(delivery.key, 'dead')
        break
      case 'retry':
        lane.headAttempts = (lane.headAttempts ?? 0) + 1
        lane.waits = outcome.delayMs > 0
        break
      case 'held':
        destination.held = true
        break
      case 'returned':
        break
    }
  }

  /** The rows are as they are to be: one for each lane with something to deliver, and none besides. */
  expectLanes(lanes: readonly StoredLane[]): void {
    const shown = lanes.map(({ destinationKey, laneKey, state, pending, headDeliveryKey }) => ({
      name: nameOf(destinationKey, laneKey),
      state,
      pending,
      headDeliveryKey,
    }))
    const expected = [...this.#lanes].map(([name, { state, pending }]) => ({
      name,
      state,
      pending: pending.length,
      headDeliveryKey: pending[0],
    }))
    const byName = (a: { name: string }, b: { name: string }): number => (a.name < b.name ? -1 : 1)
    expect(shown.toSorted(byName)).toEqual(expected.toSorted(byName))
  }
}

function nameOf(destinationKey: number, laneKey: string): string {
  return `${destinationKey} ${laneKey}`
}
