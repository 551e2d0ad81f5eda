import type { Appended, DestinationDefinition, FoldCommit, NewEvent } from '@hookswitch/core'
import { ClaimAccount } from './claim-account.ts'
import { deliveryName, type Deed, type DeedOf, type DeliveryName } from './deed.ts'
import { LaneAccount, type LedgerDelivery } from './lane-account.ts'
import type { Trace } from './trace.ts'

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
 * What the store must be by what it has answered so far: a second account of the log, the lanes, claims and epochs,
 * kept apart from the store's own, in the simplest way. Whatever the store answers next is held against it.
 */
export class Ledger {
  readonly destinations = new Map<number, LedgerDestination>()
  readonly lanes: LaneAccount
  /** Sequence number to event id. */
  readonly log = new Map<number, string>()
  /** The agent of the call, as it was known when the event was routed. */
  readonly agentAt = new Map<number, string | null>()
  /** Those that are under way, with their destinations. */
  readonly replays = new Map<number, number>()
  foldedSeq = 0
  readonly #trace: Trace
  readonly #claims: ClaimAccount
  readonly #laneOfCall = new Map<string, string>()
  readonly #agentOf = new Map<string, string | null>()
  #lastSeq = 0

  constructor(trace: Trace) {
    this.#trace = trace
    this.lanes = new LaneAccount(trace, (key) => this.destinations.get(key)?.hold !== null)
    this.#claims = new ClaimAccount(trace, this.lanes, this.destinations, (destination, reason, now) =>
      this.#hold(destination, reason, now),
    )
  }

  take(deed: Deed, now: number): void {
    switch (deed.kind) {
      case 'appended':
        return this.#appended(deed.batch, deed.answer)
      case 'folded':
        return this.#folded(deed.commit, deed.written, now)
      case 'replayAsked':
        this.replays.set(deed.replayKey, deed.destinationKey)
        return
      case 'replayed':
        for (const delivery of deed.deliveries) this.lanes.join(delivery, now)
        if (deed.isDone) this.replays.delete(deed.replayKey)
        return
      case 'replayCancelled':
        this.replays.delete(deed.replayKey)
        return
      case 'worked':
        return this.#claims.worked(deed, now)
      case 'beaten':
        return this.#claims.beaten(deed, now)
      case 'epochEnded':
        return this.#claims.endEpoch(deed.epoch)
      case 'opened':
        return this.#claims.endAll()
      case 'destination':
        return this.#destination(deed, now)
      case 'removed':
        return this.#removed(deed, now)
      case 'retried':
        this.#byHand(this.find(deed.delivery), now)
        return this.lanes.retried(deed.delivery, now)
      case 'skipped':
        this.#byHand(this.find(deed.delivery), now)
        return this.lanes.skipped(deed.delivery, now)
      case 'laneResumed':
      case 'laneSkipped':
        this.#byHand(this.lanes.headOf(deed), now)
        return this.lanes.lane(deed, now)
    }
  }

  find(name: DeliveryName): LedgerDelivery | undefined {
    return this.lanes.find(name)
  }

  /** Whether the lane of a delivery is that claim's. */
  isHolding(delivery: LedgerDelivery, rowKey: number, claim: number): boolean {
    return this.#claims.isHolding(delivery, rowKey, claim)
  }

  /** A person does not act on what is being tried: its claim stays as it is. */
  #byHand(delivery: LedgerDelivery | undefined, now: number): void {
    if (delivery === undefined || !this.#claims.isTried(delivery, now)) return
    this.#trace.broken('P3', `${deliveryName(delivery)} was acted on by hand while it was tried`)
  }

  #appended(batch: readonly NewEvent[], answer: readonly Appended[]): void {
    for (const [index, { seq, id, duplicate }] of answer.entries()) {
      if (duplicate) {
        if (this.log.get(seq) !== id)
          this.#trace.broken('P2', `${id} is said to be known at ${seq}, and is not`)
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
      this.lanes.join(delivery, now)
      if (definition.lane === 'none') continue
      const call = `${delivery.destinationKey} ${version} ${callOf.get(delivery.eventSeq)}`
      const lane = this.#laneOfCall.get(call) ?? delivery.laneKey
      this.#laneOfCall.set(call, lane)
      if (lane !== delivery.laneKey) {
        this.#trace.broken('P3', `a call is in two lanes of destination ${delivery.destinationKey}`)
      }
    }
  }

  #destination({ stored, act }: DeedOf<'destination'>, now: number): void {
    const { key, version, definition, flow } = stored
    const known = this.destinations.get(key)
    if (known === undefined) {
      this.destinations.set(key, {
        key,
        version,
        definition,
        hold: null,
        restUntil: 0,
        removed: false,
        isRouted: true,
      })
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
      known.restUntil = 0
      this.#release(known, now)
    }
  }

  #hold(destination: LedgerDestination, reason: string, now: number): void {
    const since = destination.hold?.since ?? now
    destination.hold = { reason, since }
    for (const { pending } of this.lanes.lanesOf(destination.key)) {
      if (pending[0] !== undefined) pending[0].dueSince = null
    }
  }

  #release(destination: LedgerDestination, now: number): void {
    destination.hold = null
    for (const lane of this.lanes.lanesOf(destination.key)) this.lanes.lookAtHead(lane, now)
  }

  #removed(deed: DeedOf<'removed'>, now: number): void {
    const { destinationKey: key, undelivered, isDone } = deed
    const destination = this.destinations.get(key)
    if (destination === undefined) return
    const left = new Set(deed.left.map(deliveryName))
    for (const delivery of this.lanes.lanesOf(key).flatMap(({ pending }) => pending)) {
      if (left.has(deliveryName(delivery))) continue
      this.lanes.finish(delivery, undelivered === 'skip' ? 'skipped' : 'dead', now)
    }
    this.#hold(destination, 'removed', now)
    destination.isRouted = false
    destination.removed = isDone
    if (!isDone) return
    for (const [replayKey, of] of this.replays) if (of === key) this.replays.delete(replayKey)
  }
}
