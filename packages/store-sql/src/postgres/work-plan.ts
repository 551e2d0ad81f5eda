import {
  allowedSends,
  drawn,
  lanesToTake,
  settle,
  type DestinationFlow,
  type StoredDelivery,
  type WorkRequest,
  type WorkResult,
} from '@hookswitch/core'
import { attemptRow, type AttemptRow } from '../delivery-rows.ts'
import type { DeliveryTerms } from './destinations.ts'

/** What `work` changes, decided from what was read under its locks. Pure. */

export interface WorkRead {
  now: number
  destinations: readonly LockedDestination[]
  held: readonly HeldLane[]
  /** Deliveries of results that were ended while they were tried: erased ones are not among them. */
  ended: readonly StoredDelivery[]
  free: readonly FreeLane[]
}

/** A destination with its lanes that are at work: on all nodes, those of them that failed before, and on this one. */
export interface LockedDestination {
  key: number
  version: number
  terms: DeliveryTerms
  flow: DestinationFlow
  running: number
  retrying: number
  onNode: number
}

/** A lane of this node, with its first two pending deliveries. */
export interface HeldLane {
  key: number
  destinationKey: number
  claim: number
  headAttempts: number
  pending: readonly StoredDelivery[]
}

/** A lane that nobody works on; of each destination and kind as many as could be taken and one more, by `dueAt`. */
export interface FreeLane {
  key: number
  destinationKey: number
  retrying: boolean
  dueAt: number
}

export interface WorkPlan {
  written: boolean[]
  deliveries: Pick<StoredDelivery, 'key' | 'state' | 'reason' | 'attempts'>[]
  attempts: AttemptRow[]
  lanes: LaneChange[]
  /** Lanes in which nothing waits any more. */
  empty: number[]
  flows: { key: number; flow: DestinationFlow }[]
  /** Lanes that this node goes on with, each with its next delivery. */
  kept: { lane: HeldLane; delivery: StoredDelivery }[]
  /** Lanes to claim. */
  taken: FreeLane[]
  waitMs: number | null
  /** Something is due that only this node had no room for. */
  leftForOthers: boolean
}

export interface LaneChange {
  key: number
  state: 'running' | 'parked'
  dueAt: number
  headAttempts: number
  kept: boolean
  reason: string | null
}

export function planWork(request: WorkRequest, read: WorkRead): WorkPlan {
  const { now } = read
  const shares = new Map(read.destinations.map((one) => [one.key, new Share(one, now)]))
  for (const lane of read.free) shares.get(lane.destinationKey)?.free.push(lane)
  const plan: WorkPlan = {
    written: [],
    deliveries: [],
    attempts: [],
    lanes: [],
    empty: [],
    flows: [],
    kept: [],
    taken: [],
    waitMs: null,
    leftForOthers: false,
  }

  // All results first: what one of them says of a destination counts for whatever begins after it.
  const held = new Map(read.held.map((lane) => [lane.key, lane]))
  const ended = new Map(read.ended.map((delivery) => [delivery.key, delivery]))
  const goingOn: { lane: HeldLane; next: StoredDelivery; wanted: boolean }[] = []
  for (const result of request.results) {
    const lane = held.get(result.laneKey)
    const isHeld = lane?.claim === result.claim
    plan.written.push(isHeld)
    if (lane === undefined || !isHeld) continue
    // A second result for this claim is refused, as one that came later would be.
    held.delete(lane.key)
    const next = writeResult(plan, shares.get(lane.destinationKey), lane, ended, result, now)
    if (next !== null) goingOn.push({ lane, next, wanted: result.wantsNext })
  }
  for (const { lane, next, wanted } of goingOn) {
    const share = shares.get(lane.destinationKey)
    const kept = wanted && share !== undefined && share.sends > 0
    plan.lanes.push({ key: lane.key, state: 'running', dueAt: now, headAttempts: 0, kept, reason: null })
    if (kept) {
      share.begin({ fresh: 1, retrying: 0 })
      plan.kept.push({ lane, delivery: next })
    } else share?.leave(now, false)
  }

  // Those that this node does least for come first, so that a full node does not serve the same ones each time.
  const room = { lanesFree: request.lanesMax, lanesPerDestinationMax: request.lanesPerDestinationMax }
  for (const share of [...shares.values()].toSorted((a, b) => a.onNode - b.onNode)) {
    const taken = share.take(room)
    room.lanesFree -= taken.length
    plan.taken.push(...taken)
  }
  for (const share of shares.values()) {
    if (share.isChanged) plan.flows.push({ key: share.key, flow: share.flow })
    const nextAt = share.nextAt(room)
    plan.waitMs = sooner(plan.waitMs, nextAt === null ? null : nextAt - now)
    plan.leftForOthers ||= nextAt !== now && share.nextAt(unbounded) === now
  }
  return plan
}

/** Returns the delivery with which the lane goes on; null where it is done, or waits. */
function writeResult(
  plan: WorkPlan,
  share: Share | undefined,
  lane: HeldLane,
  ended: ReadonlyMap<number, StoredDelivery>,
  result: WorkResult,
  now: number,
): StoredDelivery | null {
  const [head, behind] = lane.pending
  if (share === undefined || head?.key !== result.deliveryKey) {
    // It was erased, or its destination is being removed, while it was tried.
    share?.end(lane, share.flow)
    const delivery = ended.get(result.deliveryKey)
    if (delivery !== undefined) writeDelivery(plan, delivery, delivery, result, now)
    if (head === undefined) plan.empty.push(lane.key)
    return head ?? null
  }
  const settlement = settle(
    result,
    share.terms,
    share.flow,
    { headAttempts: lane.headAttempts, reason: head.reason },
    now,
  )
  share.end(lane, settlement.flow)
  writeDelivery(plan, head, settlement, result, now)
  switch (settlement.lane.state) {
    case 'done':
      if (behind === undefined) plan.empty.push(lane.key)
      return behind ?? null
    case 'waits': {
      const { dueAt, headAttempts } = settlement.lane
      share.leave(dueAt, headAttempts > 0)
      plan.lanes.push({ key: lane.key, state: 'running', dueAt, headAttempts, kept: false, reason: null })
      return null
    }
    case 'parked': {
      const { reason, headAttempts } = settlement.lane
      plan.lanes.push({ key: lane.key, state: 'parked', dueAt: now, headAttempts, kept: false, reason })
      return null
    }
  }
}

function writeDelivery(
  plan: WorkPlan,
  { key, attempts }: StoredDelivery,
  { state, reason }: Pick<StoredDelivery, 'state' | 'reason'>,
  { attempt }: WorkResult,
  now: number,
): void {
  const made = attempts + (attempt === null ? 0 : 1)
  plan.deliveries.push({ key, state, reason, attempts: made })
  if (attempt !== null) plan.attempts.push(attemptRow(key, made, attempt, now))
}

interface Room {
  lanesFree: number
  lanesPerDestinationMax: number
}

const unbounded: Room = { lanesFree: Infinity, lanesPerDestinationMax: Infinity }

/** What one destination may be sent, while a call of `work` gives and takes. */
class Share {
  readonly key: number
  readonly terms: DeliveryTerms
  flow: DestinationFlow
  onNode: number
  /** Lanes that may be taken, in the order in which they are due. */
  free: FreeLane[] = []
  readonly #before: DestinationFlow
  readonly #now: number
  /** When lanes are due that were left with a result of this call. */
  readonly #left: Pick<FreeLane, 'dueAt' | 'retrying'>[] = []
  #running: number
  #retrying: number

  constructor({ key, terms, flow, running, retrying, onNode }: LockedDestination, now: number) {
    this.key = key
    this.terms = terms
    this.flow = flow
    this.onNode = onNode
    this.#before = flow
    this.#now = now
    this.#running = running
    this.#retrying = retrying
  }

  get isChanged(): boolean {
    return this.flow !== this.#before
  }

  /** How many more may begin now. */
  get sends(): number {
    return this.#allowed().sends
  }

  /** A lane's turn has come to an end. */
  end({ headAttempts }: HeldLane, flow: DestinationFlow): void {
    this.#running -= 1
    this.onNode -= 1
    if (headAttempts > 0) this.#retrying -= 1
    this.flow = flow
  }

  /** A lane that this call has given back, to be taken by the next one. */
  leave(dueAt: number, retrying: boolean): void {
    this.#left.push({ dueAt, retrying })
  }

  begin({ fresh, retrying }: { fresh: number; retrying: number }): void {
    const { limits } = this.terms
    this.flow = drawn(limits, this.flow, fresh + retrying, this.#now)
    this.#running += fresh + retrying
    this.#retrying += retrying
    this.onNode += fresh + retrying
  }

  take(room: Room): FreeLane[] {
    const due = this.free.filter(({ dueAt }) => dueAt <= this.#now)
    const fresh = due.filter(({ retrying }) => !retrying)
    const retrying = due.filter((lane) => lane.retrying)
    const most = this.#most(room, { fresh: fresh.length, retrying: retrying.length }, this.sends)
    const taken = [...fresh.slice(0, most.fresh), ...retrying.slice(0, most.retrying)]
    if (taken.length === 0) return taken
    this.begin(most)
    if (fresh.length > 0 && retrying.length > 0) {
      this.flow = { ...this.flow, retryTurn: !this.flow.retryTurn }
    }
    this.free = this.free.filter((lane) => !taken.includes(lane))
    return taken
  }

  /** When the next lane can be taken by a node with this room; null when only a result or a person can say. */
  nextAt(room: Room): number | null {
    const { sends, nextAt } = this.#allowed()
    if (sends === 0 && nextAt === null) return null
    let soonest: number | null = null
    for (const { dueAt, retrying } of [...this.free, ...this.#left]) {
      const wanted = { fresh: retrying ? 0 : 1, retrying: retrying ? 1 : 0 }
      const most = this.#most(room, wanted, 1)
      if (most.fresh + most.retrying > 0) soonest = sooner(soonest, Math.max(dueAt, nextAt ?? this.#now))
    }
    return soonest
  }

  #allowed(): { sends: number; nextAt: number | null } {
    return allowedSends(this.terms.limits, this.flow, this.#running, this.#now)
  }

  #most(room: Room, wanted: { fresh: number; retrying: number }, sends: number): typeof wanted {
    const { limits } = this.terms
    const running = { retrying: this.#retrying, onNode: this.onNode }
    return lanesToTake(limits, sends, wanted, running, room, this.flow.retryTurn)
  }
}

/** The shorter of two waits, or the earlier of two times, where null is never. */
export function sooner(a: number | null, b: number | null): number | null {
  return a === null ? b : b === null ? a : Math.min(a, b)
}
