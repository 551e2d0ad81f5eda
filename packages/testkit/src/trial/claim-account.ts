import { epochLapsesMs, type Claim } from '@hookswitch/core'
import { deliveryName, type DeedOf } from './deed.ts'
import type { LaneAccount, LedgerDelivery, LedgerLane } from './lane-account.ts'
import type { LedgerDestination } from './ledger.ts'
import type { Trace } from './trace.ts'

/** Who holds which lane under which number, and until when, as it must be by what the store has answered. */
export class ClaimAccount {
  readonly #trace: Trace
  readonly #lanes: LaneAccount
  readonly #destinations: ReadonlyMap<number, LedgerDestination>
  readonly #hold: (destination: LedgerDestination, reason: string, now: number) => void
  readonly #claimed = new Map<number, LedgerLane>()
  readonly #lastClaim = new Map<number, number>()
  readonly #epochs = new Map<string, { beatAt: number; ended: boolean }>()

  constructor(
    trace: Trace,
    lanes: LaneAccount,
    destinations: ReadonlyMap<number, LedgerDestination>,
    hold: (destination: LedgerDestination, reason: string, now: number) => void,
  ) {
    this.#trace = trace
    this.#lanes = lanes
    this.#destinations = destinations
    this.#hold = hold
  }

  /** Whether a lane is that claim's. */
  isHolding(delivery: LedgerDelivery, rowKey: number, claim: number): boolean {
    const { lane } = delivery
    return lane.claim?.delivery === delivery && lane.claim.rowKey === rowKey && lane.claim.claim === claim
  }

  /** Whether a node is at it, as far as the store can know. */
  isTried(delivery: LedgerDelivery, now: number): boolean {
    const { claim } = delivery.lane
    return claim?.delivery === delivery && !this.#isLapsed(claim.epoch, now)
  }

  beaten({ epoch, alive }: DeedOf<'beaten'>, now: number): void {
    if (alive) this.#epochs.set(epoch, { beatAt: now, ended: false })
    else this.endEpoch(epoch)
  }

  endEpoch(epoch: string): void {
    const known = this.#epochs.get(epoch)
    if (known !== undefined) known.ended = true
    for (const [rowKey, lane] of this.#claimed) if (lane.claim?.epoch === epoch) this.#free(lane, rowKey)
  }

  endAll(): void {
    for (const epoch of this.#epochs.keys()) this.endEpoch(epoch)
  }

  worked(deed: DeedOf<'worked'>, now: number): void {
    const { request, answer, node } = deed
    const { epoch } = request
    if (!answer.alive) {
      if (!this.#isLapsed(epoch, now)) this.#trace.broken('store', `${epoch} was alive and is said to be not`)
      this.endEpoch(epoch)
      return
    }
    if (this.#epochs.get(epoch)?.ended !== false) {
      this.#trace.broken('P3', `${epoch} has ended and was given work`)
    }
    for (const [index, result] of request.results.entries()) {
      const lane = this.#claimed.get(result.laneKey)
      const claim = lane?.claim ?? null
      const isHeld = claim?.epoch === epoch && claim.claim === result.claim
      const isWritten = answer.written[index] ?? false
      if (isWritten && !isHeld) {
        const text = `a late result of ${node} for a lane that was not its own any more was written`
        this.#trace.broken('P3', `${text} (${result.outcome.kind}, delivery ${result.deliveryKey})`)
      } else if (isWritten && claim !== null) {
        const { delivery } = claim
        this.#free(delivery.lane, result.laneKey)
        if (result.attempt !== null) delivery.attempts += 1
        // With its destination it may have been ended while it was tried.
        if (delivery.state === 'pending') this.#settle(delivery, deed, index, now)
      } else if (isHeld && !this.#isLapsed(epoch, now) && this.#isThere(lane)) {
        this.#trace.broken('P4', `a result of ${node} for a lane that is its own was refused`)
      }
    }
    for (const claim of answer.claims) this.#claim(claim, epoch, now)
  }

  #settle(head: LedgerDelivery, deed: DeedOf<'worked'>, index: number, now: number): void {
    const { lane } = head
    const result = deed.request.results[index]
    const destination = this.#destinations.get(lane.destinationKey)
    if (result === undefined || destination === undefined) return
    const { restMs = null, triesMax: tries = null } = deed.asked[index] ?? {}
    const { outcome } = result
    if (restMs !== null) destination.restUntil = Math.max(destination.restUntil, now + restMs)
    this.#trace.count(outcome.kind)
    const counted = head.tries + 1
    switch (outcome.kind) {
      case 'delivered':
      case 'filtered':
        this.#lanes.finish(head, outcome.kind, now)
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
          this.#lanes.finish(head, 'dead', now)
          return
        }
        head.tries = counted
        lane.parked = true
        this.#trace.count('parked')
        break
      case 'held':
        this.#trace.count(`held ${outcome.hold}`)
        // A person's word stands until a person ends it.
        if (destination.hold?.reason === 'paused' || destination.hold?.reason === 'removed') {
          this.#trace.count('held while paused')
        } else this.#hold(destination, outcome.hold, now)
        break
      case 'returned':
        head.notBefore = now + outcome.delayMs
        break
    }
    this.#lanes.lookAtHead(lane, now)
  }

  #claim(claim: Claim, epoch: string, now: number): void {
    const { delivery, laneKey: rowKey } = claim
    const told = `delivery ${delivery.key} (${deliveryName(delivery)})`
    const wrong = (promise: 'P3' | 'P4' | 'P7' | 'store', why: string): void =>
      this.#trace.broken(promise, `${told} was given out ${why}`)
    const known = this.#lanes.find(delivery)
    const destination = this.#destinations.get(delivery.destinationKey)
    if (known === undefined || destination === undefined) return wrong('P4', 'and was never made')
    const { lane } = known
    if (known !== lane.pending[0]) {
      return wrong(
        'P3',
        known.state === 'pending'
          ? `before ${lane.pending.slice(0, lane.pending.indexOf(known)).map(deliveryName).join(', ')} in its lane`
          : `when it was ${known.state} already`,
      )
    }
    const before = lane.claim
    if (before !== null && !this.#isLapsed(before.epoch, now)) {
      return wrong('P3', `while its lane was given to ${before.epoch}`)
    }
    // Who is so late has lost all its lanes at once.
    if (before !== null) this.endEpoch(before.epoch)
    if (claim.claim <= (this.#lastClaim.get(rowKey) ?? -1)) {
      return wrong('P3', `under the number ${claim.claim} for a second time`)
    }
    const { hold } = destination
    if (hold !== null) return wrong('P7', `while the destination is held (${hold.reason})`)
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
    lane.claim = { epoch, rowKey, claim: claim.claim, delivery: known }
    const running = [...this.#claimed.values()].filter(
      (other) =>
        other.destinationKey === destination.key &&
        other.claim !== null &&
        !this.#isLapsed(other.claim.epoch, now),
    ).length
    const { concurrency } = destination.definition.limits
    if (running > concurrency) wrong('P7', `as number ${running} at once of ${concurrency}`)
  }

  #isThere(lane: LedgerLane | undefined): boolean {
    return lane !== undefined && this.#destinations.get(lane.destinationKey)?.hold?.reason !== 'removed'
  }

  #free(lane: LedgerLane, rowKey: number): void {
    this.#claimed.delete(rowKey)
    if (lane.claim?.rowKey === rowKey) lane.claim = null
  }

  #isLapsed(epoch: string, now: number): boolean {
    const known = this.#epochs.get(epoch)
    return known === undefined || known.ended || now - known.beatAt >= epochLapsesMs
  }
}
