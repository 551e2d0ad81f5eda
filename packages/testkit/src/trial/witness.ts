import {
  epochLapsesMs,
  retryAfterWithinCap,
  triesMax,
  type AttemptResult,
  type DeliveryJob,
  type WorkAnswer,
  type WorkRequest,
} from '@hookswitch/core'
import { deliveryName } from './deed.ts'
import type { LedgerDelivery } from './lane-account.ts'
import type { Ledger, LedgerDestination } from './ledger.ts'
import type { Trace } from './trace.ts'
import type { Troubles } from './trouble.ts'

/** One try, as the destination saw it. */
export interface Sighting {
  node: string
  job: DeliveryJob
  delivery: LedgerDelivery
  name: string
  lane: string
  /** Of the disk. */
  life: number
  /** When the store gave the lane out, and when the try began. */
  claimedAt: number
  begunAt: number
  /** When the node knew; null while it does not, and for good where it died. */
  endedAt: number | null
  /** What the node knows of it; null where it was cut off. */
  answered: AttemptResult | null
  /** What the destination did, whatever the node knows. */
  taken: AttemptResult | null
  /** A request was made: the filter did not say no. */
  isSent: boolean
}

/** No attempt starts later than this after a pause was answered. */
const pauseMs = 1_000

/**
 * A healthy destination for which something is due is sent something at least this often, whatever others do: where
 * no signal came it takes a second until a node asks by itself.
 */
const healthyDelayMsMax = 1_500

/** Sends that come due within this much of each other may go together. */
const rateToleranceMs = 50

/** After these it may be that a result was not written. */
const mayLose = ['death', 'freeze', 'cut off', 'store fault', 'store silent', 'power loss'] as const

/** After the last trouble of any node it may take so long until all is as it was: an epoch lapses after 10 s. */
const recoveryMs = 15_000

/** What destinations see, held against what was promised to them. */
export class Witness {
  /** The longest that a healthy destination has waited. */
  healthyDelayMs = 0
  readonly sightings: Sighting[] = []
  #healthySentAt = 0
  readonly #trace: Trace
  readonly #troubles: Troubles
  readonly #now: () => number
  readonly #open = new Set<Sighting>()
  readonly #ofDelivery = new Map<string, Sighting[]>()
  #life = 1
  #ofClaim = new Map<string, Sighting>()
  #given = new Map<string, { at: number; destinationKey: number }>()
  /** By destination, when something that was given out came back without having been sent. */
  readonly #refunds = new Map<number, number[]>()

  constructor(trace: Trace, troubles: Troubles, now: () => number) {
    this.#trace = trace
    this.#troubles = troubles
    this.#now = now
  }

  /** The store has taken results and given out lanes. */
  worked(request: WorkRequest, { written, claims }: WorkAnswer): void {
    const at = this.#now()
    for (const [index, { laneKey, claim, outcome, attempt }] of request.results.entries()) {
      const given = this.#given.get(`${laneKey}/${claim}`)
      const isSent = outcome.kind !== 'filtered' && (outcome.kind !== 'returned' || attempt !== null)
      if (isSent || given === undefined || written[index] !== true) continue
      const known = this.#refunds.get(given.destinationKey)
      if (known === undefined) this.#refunds.set(given.destinationKey, [at])
      else known.push(at)
    }
    for (const { laneKey, claim, destinationKey } of claims) {
      this.#given.set(`${laneKey}/${claim}`, { at, destinationKey })
    }
  }

  /** A node begins a try. */
  begin(
    node: string,
    job: DeliveryJob,
    ledger: Ledger,
    { isHealthy, isSent }: { isHealthy: boolean; isSent: boolean },
  ): Sighting | null {
    const now = this.#now()
    const { claim } = job
    const delivery = ledger.find(claim.delivery)
    const destination = ledger.destinations.get(claim.destinationKey)
    if (delivery === undefined || destination === undefined) {
      this.#trace.broken('P4', `a try of a delivery that was never made: ${deliveryName(claim.delivery)}`)
      return null
    }
    const name = deliveryName(delivery)
    const key = `${claim.laneKey}/${claim.claim}`
    const sighting: Sighting = {
      node,
      job,
      delivery,
      name,
      lane: `${delivery.destinationKey}/${delivery.lane.laneKey}`,
      life: this.#life,
      claimedAt: this.#given.get(key)?.at ?? now,
      begunAt: now,
      endedAt: null,
      answered: null,
      taken: null,
      isSent,
    }
    this.#isAllowed(sighting, destination, ledger)
    this.#overlaps(sighting)
    this.#repeats(sighting)
    this.#crowds(sighting)
    if (isHealthy) this.#waited(delivery)
    this.sightings.push(sighting)
    this.#open.add(sighting)
    this.#ofClaim.set(key, sighting)
    const known = this.#ofDelivery.get(name)
    if (known === undefined) this.#ofDelivery.set(name, [sighting])
    else known.push(sighting)
    return sighting
  }

  /** The node has an answer, or has cut the try off. */
  end(sighting: Sighting, answered: AttemptResult | null): void {
    if (sighting.endedAt !== null) return
    sighting.endedAt = this.#now()
    sighting.answered = answered
    this.#open.delete(sighting)
  }

  /** What the answer to that try asked for. */
  asked(rowKey: number, claim: number): { restMs: number | null; triesMax: number | null } {
    const sighting = this.#ofClaim.get(`${rowKey}/${claim}`)
    if (sighting === undefined) return { restMs: null, triesMax: null }
    const { retry } = sighting.job.destination.definition
    const { answered } = sighting
    const wantsRest = answered?.status === 429 || answered?.status === 503
    return {
      restMs: wantsRest ? retryAfterWithinCap(retry, answered.retryAfterMs) : null,
      triesMax: triesMax(retry),
    }
  }

  /** Claims are numbered anew from where the store has come back to. */
  powerLost(): void {
    this.#life += 1
    this.#ofClaim = new Map()
    this.#given = new Map()
    for (const sighting of this.#open) sighting.endedAt = this.#now()
    this.#open.clear()
  }

  /** Tries of this delivery that the destination took. */
  delivered(name: string): boolean {
    return (this.#ofDelivery.get(name) ?? []).some(({ taken }) => taken?.verdict === 'delivered')
  }

  /** Its lane is the node's, its destination is not held, and the time has come. */
  #isAllowed({ node, job, name, delivery }: Sighting, { hold }: LedgerDestination, ledger: Ledger): void {
    const { laneKey, claim } = job.claim
    const now = this.#now()
    const wrong = (promise: 'P3' | 'P7', why: string): void =>
      this.#trace.broken(promise, `${node} begins ${name} ${why}`)
    const isBeingRemoved = hold?.reason === 'removed'
    if (!isBeingRemoved && !ledger.isHolding(delivery, laneKey, claim)) {
      const head = delivery.lane.pending[0]
      const text = head === undefined ? 'is idle' : `has the head ${deliveryName(head)}`
      wrong('P3', `of a lane that is not its own any more, and ${text}`)
    }
    if ((hold?.reason === 'paused' || isBeingRemoved) && now - hold.since > pauseMs) {
      wrong('P7', `${now - hold.since} ms after its destination was paused`)
    }
    if (now < delivery.notBefore) wrong('P7', `${delivery.notBefore - now} ms before the policy lets it`)
  }

  /** P5: its own deliveries wait for each other, but not for those of others. */
  #waited({ dueSince }: LedgerDelivery): void {
    const now = this.#now()
    const since = Math.max(dueSince ?? now, this.#healthySentAt)
    this.#healthySentAt = now
    if (this.#troubles.anyHad(since - recoveryMs)) return
    const delayMs = now - since
    this.healthyDelayMs = Math.max(this.healthyDelayMs, delayMs)
    if (delayMs <= healthyDelayMsMax) return
    this.#trace.broken(
      'P5',
      `a healthy destination was sent nothing for ${delayMs} ms while something was due`,
    )
  }

  /** In a lane only one is under way, unless whoever made the other is dead or stood still. */
  #overlaps(sighting: Sighting): void {
    for (const other of this.#open) {
      if (other.lane !== sighting.lane) continue
      if (this.#troubles.had(other.node, other.begunAt, ['death', 'freeze'])) continue
      this.#trace.broken(
        'P3',
        `${sighting.node} begins ${sighting.name} while ${other.node} is at ${other.name} of the same lane`,
      )
    }
  }

  /** What the destination has taken comes again only where its answer may have been lost. */
  #repeats(sighting: Sighting): void {
    for (const earlier of this.#ofDelivery.get(sighting.name) ?? []) {
      if (earlier.taken?.verdict !== 'delivered') continue
      this.#trace.count('repeats')
      // What kept the node from renewing its epoch may lie before the try that was cut off by it.
      if (this.#troubles.had(earlier.node, earlier.begunAt - epochLapsesMs, mayLose)) continue
      this.#trace.broken('P3', `${sighting.name} was delivered and is sent again, without a cause`)
    }
  }

  /** Of one destination no more are under way at once than it allows, over all nodes. */
  #crowds({ node, job, name, begunAt }: Sighting): void {
    const key = job.claim.destinationKey
    const others = [...this.#open].filter(
      (other) =>
        other.delivery.destinationKey === key &&
        !this.#troubles.had(other.node, other.begunAt, ['death', 'freeze']),
    )
    // What began under a wider limit may end under it.
    const limit = Math.max(
      ...[job, ...others.map((other) => other.job)].map(
        ({ destination }) => destination.definition.limits.concurrency,
      ),
    )
    if (others.length + 1 <= limit) return
    const text = `${node} begins ${name} as number ${others.length + 1} at once of ${limit}`
    this.#trace.broken('P7', `${text} at ${begunAt}`)
  }

  /**
   * Over any time no more is sent than the rate allows. Counted by when the store gave it out, since the way from
   * there takes as long as it takes; one that was given out and not sent is another's.
   */
  checkRates(): void {
    const groups = Map.groupBy(
      this.sightings.filter(({ isSent }) => isSent),
      ({ job, life }) => `${life} ${job.claim.destinationKey} ${job.claim.destinationVersion}`,
    )
    for (const group of groups.values()) {
      const perSecond = group[0]?.job.destination.definition.limits.perSecond ?? null
      if (perSecond === null) continue
      const key = group[0]?.job.claim.destinationKey ?? 0
      const times = group.map(({ claimedAt }) => claimedAt).sort((one, other) => one - other)
      const back = this.#refunds.get(key) ?? []
      for (const [first, from] of times.entries()) {
        for (let last = first + 1; last < times.length; last += 1) {
          const to = times[last] ?? from
          const returned = back.filter((at) => at >= from - 1_000 / perSecond && at <= to).length
          const allowed = 1 + ((to - from + rateToleranceMs) * perSecond) / 1_000 + returned
          if (last - first + 1 <= allowed) continue
          const text = `destination ${key} was sent ${last - first + 1} within ${to - from} ms from ${from} on`
          this.#trace.broken('P7', `${text}, and allows ${perSecond} a second`)
          return
        }
      }
    }
  }
}
