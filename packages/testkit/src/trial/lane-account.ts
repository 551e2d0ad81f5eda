import type { DeliveryState, RoutedDelivery } from '@hookswitch/core'
import { deliveryName, type DeedOf, type DeliveryName } from './deed.ts'
import type { Trace } from './trace.ts'

/** A delivery as it must be by all that the store has answered. */
export interface LedgerDelivery extends DeliveryName {
  lane: LedgerLane
  state: DeliveryState
  /** Tries of the present budget, and of all. */
  tries: number
  attempts: number
  /** Not tried before. */
  notBefore: number
  /** Since when it could be tried, as head of its lane; null while it is not, or a person keeps it from being. */
  dueSince: number | null
}

export interface LedgerLane {
  destinationKey: number
  laneKey: string
  pending: LedgerDelivery[]
  parked: boolean
  claim: { epoch: string; rowKey: number; claim: number; delivery: LedgerDelivery } | null
}

/** The lanes and their deliveries, as they must be by what the store has answered: lists, each in its order. */
export class LaneAccount {
  readonly deliveries = new Map<string, LedgerDelivery>()
  /** Deliveries that have not ended. */
  pending = 0
  readonly #trace: Trace
  readonly #isHeld: (destinationKey: number) => boolean
  readonly #lanes = new Map<string, LedgerLane>()

  constructor(trace: Trace, isHeld: (destinationKey: number) => boolean) {
    this.#trace = trace
    this.#isHeld = isHeld
  }

  find(name: DeliveryName): LedgerDelivery | undefined {
    return this.deliveries.get(deliveryName(name))
  }

  lanesOf(destinationKey: number): LedgerLane[] {
    return [...this.#lanes.values()].filter((lane) => lane.destinationKey === destinationKey)
  }

  join(routed: RoutedDelivery, now: number): void {
    const name = deliveryName(routed)
    if (this.deliveries.has(name)) {
      this.#trace.broken('P2', `the delivery ${name} was made twice`)
      return
    }
    const lane = this.#laneOf(routed)
    const last = lane.pending.findLast(({ replayKey }) => replayKey === routed.replayKey)
    if (last !== undefined && last.eventSeq > routed.eventSeq) {
      this.#trace.broken('P3', `event ${routed.eventSeq} joined its lane after ${last.eventSeq}`)
    }
    const delivery: LedgerDelivery = {
      ...routed,
      lane,
      state: 'pending',
      tries: 0,
      attempts: 0,
      notBefore: now,
      dueSince: null,
    }
    this.deliveries.set(name, delivery)
    this.pending += 1
    this.#enqueue(delivery, now)
  }

  /** The head of a lane that nothing keeps from running is due. */
  lookAtHead(lane: LedgerLane, now: number): void {
    const head = lane.pending[0]
    if (head === undefined) return
    const isKept = lane.parked || this.#isHeld(lane.destinationKey)
    head.dueSince = isKept ? null : Math.max(now, head.notBefore)
  }

  finish(delivery: LedgerDelivery, state: DeliveryState, now: number): void {
    const { lane } = delivery
    // Another head begins anew.
    if (lane.pending[0] === delivery) lane.parked = false
    lane.pending.splice(lane.pending.indexOf(delivery), 1)
    delivery.state = state
    delivery.dueSince = null
    this.pending -= 1
    this.lookAtHead(lane, now)
  }

  retried(name: DeliveryName, now: number): void {
    const delivery = this.find(name)
    if (delivery === undefined) {
      this.#trace.broken('store', `a delivery ${deliveryName(name)} is tried again that was never made`)
      return
    }
    if (delivery.state === 'pending') {
      const { lane } = delivery
      const head = lane.pending[0]
      if (head === undefined || lane.claim !== null) return
      if (lane.parked) head.tries = 0
      lane.parked = false
      head.notBefore = Math.min(head.notBefore, now)
      this.lookAtHead(lane, now)
      return
    }
    if (delivery.state === 'delivered') this.#trace.broken('P3', 'what was delivered is tried again by hand')
    delivery.state = 'pending'
    delivery.tries = 0
    delivery.notBefore = now
    this.pending += 1
    this.#enqueue(delivery, now)
  }

  skipped(name: DeliveryName, now: number): void {
    const delivery = this.find(name)
    if (delivery?.state === 'pending') this.finish(delivery, 'skipped', now)
    else this.#trace.broken('store', `${deliveryName(name)} was skipped, and did not wait`)
  }

  headOf({
    destinationKey,
    laneKey,
  }: Pick<LedgerLane, 'destinationKey' | 'laneKey'>): LedgerDelivery | undefined {
    return this.#lanes.get(laneName(destinationKey, laneKey))?.pending[0]
  }

  lane(deed: DeedOf<'laneResumed' | 'laneSkipped'>, now: number): void {
    const head = this.headOf(deed)
    if (head === undefined) {
      this.#trace.broken('P4', 'a lane was there that has nothing to deliver')
      return
    }
    head.lane.parked = false
    if (deed.kind === 'laneSkipped') this.finish(head, 'skipped', now)
    else this.#renew(head, now)
  }

  #laneOf({ destinationKey, laneKey }: RoutedDelivery): LedgerLane {
    const name = laneName(destinationKey, laneKey)
    const known = this.#lanes.get(name)
    if (known !== undefined) return known
    const lane = { destinationKey, laneKey, pending: [], parked: false, claim: null }
    this.#lanes.set(name, lane)
    return lane
  }

  #enqueue(delivery: LedgerDelivery, now: number): void {
    delivery.lane.pending.push(delivery)
    this.lookAtHead(delivery.lane, now)
  }

  /** By hand: a fresh budget, due now. */
  #renew(delivery: LedgerDelivery, now: number): void {
    delivery.tries = 0
    delivery.notBefore = now
    this.lookAtHead(delivery.lane, now)
  }
}

function laneName(destinationKey: number, laneKey: string): string {
  return `${destinationKey}/${laneKey}`
}
