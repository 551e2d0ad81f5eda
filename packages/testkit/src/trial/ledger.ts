import {
  epochLapsesMs,
  type Appended,
  type DeliveryState,
  type DestinationDefinition,
  type FoldCommit,
  type NewEvent,
  type RoutedDelivery,
  type StoredDelivery,
  type StoredDestination,
  type WorkAnswer,
  type WorkRequest,
} from '@hookswitch/core'
import type { Trace } from './trace.ts'

/** Something that the store has answered, in the order in which it did. */
export type Deed =
  | { kind: 'appended'; batch: readonly NewEvent[]; answer: readonly Appended[] }
  | { kind: 'folded'; commit: FoldCommit; written: boolean }
  | {
      kind: 'worked'
      node: string
      request: WorkRequest
      answer: WorkAnswer
      /** Per result: for how long the destination asked to be left alone, and by which policy it was tried. */
      asked: { restMs: number | null; triesMax: number | null }[]
    }
  | { kind: 'beaten'; node: string; epoch: string; alive: boolean }
  | { kind: 'epochEnded'; epoch: string }
  /** Opened anew, by a process that knows that no other has it open. */
  | { kind: 'opened' }
  | { kind: 'replayed'; deliveries: readonly RoutedDelivery[] }
  | { kind: 'destination'; stored: StoredDestination; act: 'added' | 'changed' | 'held' | 'resumed' }
  | { kind: 'removed'; destinationKey: number; undelivered: 'skip' | 'dead'; remaining: number }
  | { kind: 'retried' | 'skipped'; delivery: DeliveryName }
  | { kind: 'laneResumed' | 'laneSkipped'; destinationKey: number; laneKey: string }

/** What makes a delivery that delivery, whatever its row's number. */
export type DeliveryName = Pick<StoredDelivery, 'destinationKey' | 'eventSeq' | 'replayKey'>

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
  claim: { epoch: string; rowKey: number; claim: number } | null
}

export interface LedgerDestination {
  key: number
  version: number
  definition: DestinationDefinition
  /** Of a person's, or one that only a person ends. */
  hold: { reason: string; since: number } | null
  /** It asked to be left alone until then. */
  restUntil: number
  removed: boolean
  isRouted: boolean
}

/**
 * What the store must be by what it has answered so far: a second account of lanes, claims and epochs, kept apart
 * from the store's own, in the simplest way. Whatever the store answers next is held against it.
 */
export class Ledger {
  readonly destinations = new Map<number, LedgerDestination>()
  readonly deliveries = new Map<string, LedgerDelivery>()
  /** The agent of the call, as it was known when the event was routed. */
  readonly agentAt = new Map<number, string | null>()
  /** Sequence number to event id. */
  readonly log = new Map<number, string>()
  foldedSeq = 0
  pending = 0
  readonly #trace: Trace
  readonly #lanes = new Map<string, LedgerLane>()
  readonly #claimed = new Map<number, LedgerLane>()
  readonly #lastClaim = new Map<number, number>()
  readonly #epochs = new Map<string, { beatAt: number; ended: boolean }>()
  readonly #laneOfCall = new Map<string, string>()
  readonly #agentOf = new Map<string, string | null>()
  #lastSeq = 0

  constructor(trace: Trace) {
    this.#trace = trace
  }

  take(deed: Deed, now: number): void {
    switch (deed.kind) {
      case 'appended':
        return this.#appended(deed.batch, deed.answer)
      case 'folded':
        return this.#folded(deed.commit, deed.written, now)
      case 'worked':
        return this.#worked(deed, now)
      case 'beaten':
        if (deed.alive) this.#epochs.set(deed.epoch, { beatAt: now, ended: false })
        else this.#endEpoch(deed.epoch)
        return
      case 'epochEnded':
        return this.#endEpoch(deed.epoch)
      case 'opened':
        for (const epoch of this.#epochs.keys()) this.#endEpoch(epoch)
        return
      case 'replayed':
        for (const delivery of deed.deliveries) this.#join(delivery, now)
        return
      case 'destination':
        return this.#destination(deed.stored, deed.act, now)
      case 'removed':
        return this.#removed(deed.destinationKey, deed.undelivered, deed.remaining, now)
      case 'retried':
        return this.#retried(deed.delivery, now)
      case 'skipped': {
        const delivery = this.find(deed.delivery)
        if (delivery?.state !== 'pending') this.#trace.broken('store', 'what is not pending was skipped')
        else this.#finish(delivery, 'skipped', now)
        return
      }
      case 'laneResumed':
      case 'laneSkipped': {
        const lane = this.#lanes.get(laneName(deed.destinationKey, deed.laneKey))
        const head = lane?.pending[0]
        if (lane === undefined || head === undefined) {
          this.#trace.broken('P4', 'a lane was there that has nothing to deliver')
          return
        }
        lane.parked = false
        if (deed.kind === 'laneSkipped') this.#finish(head, 'skipped', now)
        else this.#renew(head, now)
        return
      }
    }
  }

  find(name: DeliveryName): LedgerDelivery | undefined {
    return this.deliveries.get(deliveryName(name))
  }

  /** The lanes that are not idle. */
  lanes(): LedgerLane[] {
    return [...this.#lanes.values()].filter(({ pending }) => pending.length > 0)
  }

  /** Whether a lane is that claim's. */
  isHolding(delivery: LedgerDelivery, rowKey: number, claim: number): boolean {
    const { lane } = delivery
    return lane.pending[0] === delivery && lane.claim?.rowKey === rowKey && lane.claim.claim === claim
  }

  #appended(batch: readonly NewEvent[], answer: readonly Appended[]): void {
    for (const [index, { seq, id, duplicate }] of answer.entries()) {
      if (duplicate) {
        if (this.log.get(seq) !== id) this.#trace.broken('P2', `${id} is said to be known at ${seq}, and is not`)
        continue
      }
      if (seq <= this.#lastSeq || id !== batch[index]?.id) {
        this.#trace.broken('P1', `the event ${id} came to ${seq}, when the log had reached ${this.#lastSeq}`)
      }
      this.#lastSeq = seq
      this.log.set(seq, id)
    }
  }

  #folded(commit: FoldCommit, written: boolean, now: number): void {
    const { expectedFoldedSeq, foldedSeq, events } = commit
    if (!written) return
    if (expectedFoldedSeq < this.foldedSeq) {
      this.#trace.broken('P2', `the log was folded after ${expectedFoldedSeq} again`)
    } else if (expectedFoldedSeq > this.foldedSeq) {
      const text = `the events from ${this.foldedSeq + 1} to ${expectedFoldedSeq} are passed over`
      this.#trace.broken('P4', `${text} by the fold`)
    }
    const expected = [...this.log.keys()].filter((seq) => seq > this.foldedSeq && seq <= foldedSeq)
    if (expected.join() !== events.map(({ seq }) => seq).join()) {
      this.#trace.broken('P4', `the fold went to ${foldedSeq} and left out events`)
    }
    this.foldedSeq = foldedSeq
    for (const { head } of commit.calls) this.#agentOf.set(head.callId, head.agentId?.value ?? null)
    for (const { seq, callId } of events) this.agentAt.set(seq, this.#agentOf.get(callId) ?? null)
    const callOf = new Map(events.map(({ seq, callId }) => [seq, callId]))
    for (const delivery of commit.deliveries) {
      const { definition, version, isRouted } = this.destinations.get(delivery.destinationKey) ?? {}
      if (definition === undefined || isRouted !== true) {
        this.#trace.broken('P6', `event ${delivery.eventSeq} was routed to a destination that is not there`)
        continue
      }
      this.#join(delivery, now)
      if (definition.lane === 'none') continue
      const call = `${delivery.destinationKey} ${version} ${callOf.get(delivery.eventSeq)}`
      const lane = this.#laneOfCall.get(call) ?? delivery.laneKey
      this.#laneOfCall.set(call, lane)
      if (lane !== delivery.laneKey) {
        this.#trace.broken('P3', `a call is in two lanes of destination ${delivery.destinationKey}`)
      }
    }
  }

  #join(routed: RoutedDelivery, now: number): void {
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
    this.#lookAtHead(delivery.lane, now)
  }

  /** The head of a lane that nothing keeps from running is due. */
  #lookAtHead(lane: LedgerLane, now: number): void {
    const head = lane.pending[0]
    if (head === undefined) return
    const isKept = lane.parked || this.destinations.get(lane.destinationKey)?.hold !== null
    head.dueSince = isKept ? null : Math.max(now, head.notBefore)
  }

  #finish(delivery: LedgerDelivery, state: DeliveryState, now: number): void {
    const { lane } = delivery
    // Another head begins anew.
    if (lane.pending[0] === delivery) lane.parked = false
    lane.pending.splice(lane.pending.indexOf(delivery), 1)
    delivery.state = state
    delivery.dueSince = null
    this.pending -= 1
    this.#lookAtHead(lane, now)
  }

  /** By hand: a fresh budget, due now. */
  #renew(delivery: LedgerDelivery, now: number): void {
    delivery.tries = 0
    delivery.notBefore = now
    this.#lookAtHead(delivery.lane, now)
  }

  #retried(name: DeliveryName, now: number): void {
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
      this.#lookAtHead(lane, now)
      return
    }
    if (delivery.state === 'delivered') this.#trace.broken('P3', 'what was delivered is tried again by hand')
    delivery.state = 'pending'
    delivery.tries = 0
    delivery.notBefore = now
    this.pending += 1
    this.#enqueue(delivery, now)
  }

  #endEpoch(epoch: string): void {
    const known = this.#epochs.get(epoch)
    if (known !== undefined) known.ended = true
    for (const [rowKey, lane] of this.#claimed) if (lane.claim?.epoch === epoch) this.#free(lane, rowKey)
  }

  #free(lane: LedgerLane, rowKey: number): void {
    this.#claimed.delete(rowKey)
    if (lane.claim?.rowKey === rowKey) lane.claim = null
  }

  #isLapsed(epoch: string, now: number): boolean {
    const known = this.#epochs.get(epoch)
    return known === undefined || known.ended || now - known.beatAt >= epochLapsesMs
  }

  #worked(deed: Extract<Deed, { kind: 'worked' }>, now: number): void {
    const { request, answer, node } = deed
    const { epoch } = request
    if (!answer.alive) {
      if (!this.#isLapsed(epoch, now)) this.#trace.broken('store', `${epoch} was alive and is said to be not`)
      this.#endEpoch(epoch)
      return
    }
    if (this.#epochs.get(epoch)?.ended !== false) {
      this.#trace.broken('P3', `${epoch} has ended and was given work`)
    }
    for (const [index, result] of request.results.entries()) {
      const lane = this.#claimed.get(result.laneKey)
      const isHeld = lane?.claim?.epoch === epoch && lane.claim.claim === result.claim
      const isWritten = answer.written[index] ?? false
      if (isWritten && (lane === undefined || !isHeld)) {
        const text = `a late result of ${node} for a lane that was not its own any more was written`
        this.#trace.broken('P3', `${text} (${result.outcome.kind}, delivery ${result.deliveryKey})`)
      } else if (isWritten && lane !== undefined) {
        this.#free(lane, result.laneKey)
        if (this.destinations.get(lane.destinationKey)?.removed === false) this.#settle(lane, deed, index, now)
      } else if (isHeld && !this.#isLapsed(epoch, now) && this.#isThere(lane)) {
        this.#trace.broken('P4', `a result of ${node} for a lane that is its own was refused`)
      }
    }
    for (const claim of answer.claims) this.#claim(claim, epoch, now)
  }

  #isThere(lane: LedgerLane | undefined): boolean {
    return lane !== undefined && this.destinations.get(lane.destinationKey)?.hold?.reason !== 'removed'
  }

  #settle(lane: LedgerLane, deed: Extract<Deed, { kind: 'worked' }>, index: number, now: number): void {
    const result = deed.request.results[index]
    const head = lane.pending[0]
    const destination = this.destinations.get(lane.destinationKey)
    if (result === undefined || head === undefined || destination === undefined) return
    const { restMs = null, triesMax: tries = null } = deed.asked[index] ?? {}
    const { outcome } = result
    if (result.attempt !== null) head.attempts += 1
    if (restMs !== null) destination.restUntil = Math.max(destination.restUntil, now + restMs)
    this.#trace.count(outcome.kind)
    const counted = head.tries + 1
    switch (outcome.kind) {
      case 'delivered':
      case 'filtered':
        this.#finish(head, outcome.kind, now)
        return
      case 'retry':
        head.tries = counted
        if (tries !== null && counted >= tries) {
          this.#trace.broken('P7', `try ${counted} of ${tries} failed, and there is to be one more`)
        }
        head.notBefore = now + outcome.delayMs
        break
      case 'dead':
        if (result.attempt?.verdict === 'retry' && tries !== null && counted < tries) {
          this.#trace.broken('P7', `given up after ${counted} of ${tries} tries`)
        }
        if (destination.definition.onExhausted === 'continue') {
          this.#finish(head, 'dead', now)
          return
        }
        head.tries = counted
        lane.parked = true
        this.#trace.count('parked')
        break
      case 'held':
        this.#trace.count(`held ${outcome.hold}`)
        // A person's word stands until a person ends it.
        if (destination.hold?.reason !== 'paused' && destination.hold?.reason !== 'removed') {
          this.#hold(destination, outcome.hold, now)
        }
        break
      case 'returned':
        head.notBefore = now + outcome.delayMs
        break
    }
    this.#lookAtHead(lane, now)
  }

  #claim(claim: WorkAnswer['claims'][number], epoch: string, now: number): void {
    const { delivery, laneKey: rowKey } = claim
    const told = `delivery ${delivery.key} (event ${delivery.eventSeq}) of destination ${delivery.destinationKey}`
    const wrong = (promise: 'P3' | 'P4' | 'P7' | 'store', why: string): void =>
      this.#trace.broken(promise, `${told} was given out ${why}`)
    const known = this.find(delivery)
    const destination = this.destinations.get(delivery.destinationKey)
    if (known === undefined || destination === undefined) return wrong('P4', 'and was never made')
    const { lane } = known
    if (known !== lane.pending[0]) {
      return wrong(
        'P3',
        known.state === 'pending'
          ? `before event ${lane.pending[0]?.eventSeq}, which stands before it in its lane`
          : `when it was ${known.state} already`,
      )
    }
    const before = lane.claim
    if (before !== null && !this.#isLapsed(before.epoch, now)) {
      return wrong('P3', `while its lane was given to ${before.epoch}`)
    }
    // Who is so late has lost all its lanes at once.
    if (before !== null) this.#endEpoch(before.epoch)
    if (claim.claim <= (this.#lastClaim.get(rowKey) ?? -1)) {
      return wrong('P3', `under the number ${claim.claim} for a second time`)
    }
    if (destination.hold !== null) return wrong('P7', `while the destination is held (${destination.hold.reason})`)
    if (lane.parked) return wrong('P3', 'while its lane is parked')
    if (now < known.notBefore) return wrong('P7', `${known.notBefore - now} ms too early`)
    if (now < destination.restUntil) {
      return wrong('P7', `${destination.restUntil - now} ms before the end of Retry-After`)
    }
    if (claim.headAttempts !== known.tries) {
      return wrong('P7', `as tried ${claim.headAttempts} times, and was tried ${known.tries} times`)
    }
    if (claim.destinationVersion !== destination.version) {
      return wrong('store', `by version ${claim.destinationVersion}, when ${destination.version} is in force`)
    }
    this.#lastClaim.set(rowKey, claim.claim)
    this.#claimed.set(rowKey, lane)
    lane.claim = { epoch, rowKey, claim: claim.claim }
    const running = [...this.#claimed.values()].filter(
      (other) =>
        other.destinationKey === destination.key &&
        other.claim !== null &&
        !this.#isLapsed(other.claim.epoch, now),
    ).length
    const { concurrency } = destination.definition.limits
    if (running > concurrency) wrong('P7', `as number ${running} at once of ${concurrency}`)
  }

  #destination(stored: StoredDestination, act: 'added' | 'changed' | 'held' | 'resumed', now: number): void {
    const { key, version, definition, flow } = stored
    const known = this.destinations.get(key)
    if (known === undefined) {
      this.destinations.set(key, { key, version, definition, hold: null, restUntil: 0, removed: false, isRouted: true })
      return
    }
    const isSame = known.version === version
    Object.assign(known, { version, definition, restUntil: act === 'changed' ? known.restUntil : 0 })
    const reason = known.hold?.reason
    if (act === 'resumed' || !isSame) known.isRouted = true
    if (act === 'held') {
      const held = flow.hold?.reason ?? 'paused'
      if (held === 'removed') known.isRouted = false
      this.#hold(known, held, now)
    } else if (act === 'resumed' || (!isSame && reason !== undefined && reason !== 'paused')) {
      this.#release(known, now)
    }
  }

  #hold(destination: LedgerDestination, reason: string, now: number): void {
    const since = destination.hold?.since ?? now
    destination.hold = { reason, since }
    for (const lane of this.#lanes.values()) {
      const head = lane.pending[0]
      if (lane.destinationKey === destination.key && head !== undefined) head.dueSince = null
    }
  }

  #release(destination: LedgerDestination, now: number): void {
    destination.hold = null
    for (const lane of this.#lanes.values()) {
      if (lane.destinationKey === destination.key) this.#lookAtHead(lane, now)
    }
  }

  #removed(key: number, undelivered: 'skip' | 'dead', remaining: number, now: number): void {
    const destination = this.destinations.get(key)
    if (destination === undefined) return
    this.#hold(destination, 'removed', now)
    destination.isRouted = false
    if (remaining > 0) return
    destination.removed = true
    for (const lane of this.#lanes.values()) {
      if (lane.destinationKey !== key) continue
      for (const delivery of lane.pending.slice()) {
        this.#finish(delivery, undelivered === 'skip' ? 'skipped' : 'dead', now)
      }
    }
  }
}

export function deliveryName({ destinationKey, eventSeq, replayKey }: DeliveryName): string {
  return `${destinationKey}/${eventSeq}/${replayKey ?? 'routed'}`
}

function laneName(destinationKey: number, laneKey: string): string {
  return `${destinationKey}/${laneKey}`
}
