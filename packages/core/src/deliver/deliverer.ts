import { StoreError } from '../store/store-error.ts'
import { Rest } from '../runtime/rest.ts'
import { realTimers, type Timers } from '../runtime/timers.ts'
import { withoutAnswer, type AttemptResult } from './attempt.ts'
import type { Claim, DeliveryStore, TurnOutcome, WorkResult } from './delivery-store.ts'
import type { StoredDestination } from './destination.ts'
import { NodeEpoch } from './node-epoch.ts'
import { turnOutcome } from './turn-outcome.ts'

export interface DelivererOptions {
  store: Pick<DeliveryStore, 'work' | 'beat' | 'endEpoch'>
  /** Names this node in its attempts. */
  node: string
  /**
   * The destination of a claim, as it was when it was claimed or newer; null when it is gone, or this node cannot
   * send to it and another may.
   */
  destination(key: number, version: number): Promise<StoredDestination | null>
  /** Makes one try. Never rejects but with the signal's reason. */
  attempt(job: DeliveryJob, signal: AbortSignal): Promise<AttemptResult>
  /** Lanes that this node works on at once, of one destination a quarter of them. Default 400. */
  lanesMax?: number
  /** From 0 to 1; for the jitter. */
  random?: () => number
  timers?: Timers
  newEpoch?: () => string
  onResult?: (result: DeliveryResult) => void
  onError?: (error: unknown) => void
}

/** One try to be made. */
export interface DeliveryJob {
  claim: Claim
  destination: StoredDestination
  /** From 1, over all budgets. */
  attempt: number
  /** By the timers: what is sent later must look again whether the destination is held, which it may be since. */
  freshUntil: number
}

/** What became of a try, when it is written. */
export interface DeliveryResult {
  job: DeliveryJob
  attempt: AttemptResult
  outcome: TurnOutcome
  durationMs: number
  /** False where the lane was not this node's any more, and the result counts for nothing. */
  written: boolean
}

/** A try mostly waits for an answer, so many are cheap; what they hold in memory is bounded where it is read. */
const lanesMaxDefault = 400

/** A turn is over after this long, or after as many deliveries: other lanes wait. */
const turnMs = 1_000
const turnDeliveriesMax = 64

/** A claim that could not be begun in this time is given back: a pause may have been answered since. */
const beginMs = 900

/** What this node cannot send to, another may take after this long. */
const elsewhereMs = 1_000

/** Without a signal the store is asked this often: another node may have left something. */
const pollMs = 1_000

/** How long a stop goes on trying to write what came of tries that it has cut off. */
const writeMs = 2_000

/** Results that are written together. */
const resultsMax = 256

const retryMsMin = 100
const retryMsMax = 2_000

interface Turn {
  claim: Claim
  begunAt: number
  deliveries: number
  abort: AbortController
}

interface Finished {
  result: WorkResult
  turn: Turn
  report: Omit<DeliveryResult, 'written'> | null
}

/**
 * Works the lanes: claims those that are due, makes one try after the other in each, and writes what came of it.
 *
 * One call of the store is under way at a time. What finishes meanwhile goes with the next, together with the claims
 * for the places that became free, so that a busy node makes few and full transactions, and a quiet one answers at
 * once. Nothing is begun while results cannot be written, because both are the same call.
 */
export class Deliverer {
  readonly #options: DelivererOptions
  readonly #timers: Timers
  readonly #lanesMax: number
  readonly #turns = new Map<number, Turn>()
  readonly #epoch: NodeEpoch
  readonly #rest: Rest
  #finished: Finished[] = []
  #stopping = false
  /** Stopping, and what ran has had its time: what an answer still brings is given back. */
  #drained = false
  #gaveUp = false
  #running: Promise<void> | null = null
  #beating: Promise<void> | null = null

  constructor(options: DelivererOptions) {
    this.#options = options
    this.#timers = options.timers ?? realTimers
    this.#lanesMax = options.lanesMax ?? lanesMaxDefault
    this.#rest = new Rest(this.#timers)
    this.#epoch = new NodeEpoch({
      store: options.store,
      timers: this.#timers,
      ...(options.newEpoch === undefined ? {} : { newEpoch: options.newEpoch }),
      onLapse: () => {
        this.#drop('lapsed')
        this.wake()
      },
    })
  }

  /** Lanes that this node works on at this moment. */
  get lanes(): number {
    return this.#turns.size
  }

  start(): void {
    if (this.#running !== null) return
    this.#running = this.#run()
    this.#beating = this.#epoch.beat()
  }

  /** Says that something may be due. */
  wake(): void {
    this.#rest.wake()
  }

  /**
   * Claims nothing more, lets the tries under way end for at most `drainMs`, cuts off the rest, writes what came of
   * them, and gives all lanes back.
   */
  async stop(drainMs: number): Promise<void> {
    this.#stopping = true
    this.wake()
    let cancel = this.#timers.after(drainMs, () => {
      this.#drained = true
      this.#cut('stopping')
      // Where the results cannot be written the epoch lapses by itself, and another node makes the tries again.
      cancel = this.#timers.after(writeMs, () => {
        this.#gaveUp = true
        this.wake()
      })
    })
    await this.#running
    cancel()
    this.#epoch.stop()
    await this.#beating
  }

  async #run(): Promise<void> {
    let retryMs = retryMsMin
    while (!this.#stopping || (this.#turns.size > 0 && !this.#gaveUp)) {
      this.#rest.look()
      let waitMs: number
      try {
        waitMs = await this.#step()
        retryMs = retryMsMin
      } catch (error) {
        if (error instanceof StoreError && error.code === 'closed') return this.#cut('closed')
        this.#options.onError?.(error)
        this.#epoch.retire()
        await this.#rest.for(retryMs)
        retryMs = Math.min(retryMs * 2, retryMsMax)
        continue
      }
      if (waitMs > 0) await this.#rest.untilWoken(Math.min(waitMs, pollMs))
    }
    await this.#epoch.leave()
  }

  /** One call of the store; returns how long there is nothing to do unless something happens. */
  async #step(): Promise<number> {
    if (this.#epoch.retiring && this.#turns.size === 0) await this.#epoch.leave()
    const epoch = await this.#epoch.live()
    const finished = this.#finished.splice(0, resultsMax)
    const askedAt = this.#timers.now()
    let answer
    try {
      answer = await this.#options.store.work({
        epoch,
        // What it wanted when it finished, this node may not want any more.
        results: finished.map(({ result }) => (this.#mayClaim ? result : { ...result, wantsNext: false })),
        lanesMax: this.#mayClaim ? this.#lanesMax - this.#turns.size + finished.length : 0,
        lanesPerDestinationMax: this.#mayClaim ? Math.max(1, Math.floor(this.#lanesMax / 4)) : 0,
      })
    } catch (error) {
      if (this.#epoch.id === epoch) this.#finished.unshift(...finished)
      else for (const { report } of finished) this.#report(report, false)
      throw error
    }
    if (this.#epoch.id !== epoch) {
      // Dropped while the store was asked: what it gave may be another's by now, and lapses by itself.
      finished.forEach(({ report }, index) => this.#report(report, answer.written[index] ?? false))
      return 0
    }
    if (!answer.alive) {
      for (const { report } of finished) this.#report(report, false)
      this.#epoch.lapse()
      return 0
    }
    // A lane that is not this node's although its epoch lives: the store has lost what it wrote last.
    if (answer.written.includes(false)) this.#epoch.retire()
    for (const { turn } of finished) this.#turns.delete(turn.claim.laneKey)
    finished.forEach(({ report }, index) => this.#report(report, answer.written[index] ?? false))
    const turns = new Map(finished.map(({ turn }) => [turn.claim.laneKey, turn]))
    for (const claim of answer.claims)
      this.#begin(claim, askedAt, claim.continued ? turns.get(claim.laneKey) : undefined)
    if (this.#finished.length > 0) return 0
    if (this.#epoch.retiredAt(askedAt)) this.#drop('retired')
    return answer.waitMs ?? pollMs
  }

  get #mayClaim(): boolean {
    return !this.#stopping && !this.#epoch.retiring
  }

  #report(report: Omit<DeliveryResult, 'written'> | null, written: boolean): void {
    if (report !== null) this.#options.onResult?.({ ...report, written })
  }

  /** @param askedAt when the store was asked: the answer may have been long on its way, and the claim is as old. */
  #begin(claim: Claim, askedAt: number, before: Turn | undefined): void {
    const turn: Turn = {
      claim,
      begunAt: before?.begunAt ?? this.#timers.now(),
      deliveries: (before?.deliveries ?? 0) + 1,
      abort: new AbortController(),
    }
    this.#turns.set(claim.laneKey, turn)
    void this.#make(turn, askedAt)
  }

  async #make(turn: Turn, askedAt: number): Promise<void> {
    const { claim } = turn
    const { delivery } = claim
    const destination = await this.#options
      .destination(claim.destinationKey, claim.destinationVersion)
      .catch(() => null)
    const begunAt = this.#timers.now()
    const isCut = turn.abort.signal.aborted || this.#drained
    if (destination === null || isCut || begunAt - askedAt > beginMs || this.#epoch.isSilent(begunAt)) {
      // A destination that is gone has no lanes any more, so this result will be refused; the rest is tried again.
      const delayMs = destination === null ? elsewhereMs : 0
      this.#finish(turn, { outcome: { kind: 'returned', delayMs }, attempt: null }, null)
      return
    }
    const freshUntil = askedAt + beginMs
    const job: DeliveryJob = { claim, destination, attempt: delivery.attempts + 1, freshUntil }
    const result = await this.#options.attempt(job, turn.abort.signal).catch((error: unknown) => {
      if (turn.abort.signal.aborted) return interrupted
      this.#options.onError?.(error)
      // That the store cannot be read is no fault of the event, and must not use up its tries.
      return error instanceof StoreError ? notRead : unexpected(error)
    })
    const durationMs = Math.max(0, Math.round(this.#timers.now() - begunAt))
    const { retry } = destination.definition
    const outcome = turnOutcome(result, retry, claim.headAttempts, this.#options.random ?? Math.random)
    const { retryAfterMs: _, ...kept } = result
    const attempt = result.verdict === 'filtered' ? null : { ...kept, durationMs, node: this.#options.node }
    this.#finish(turn, { outcome, attempt }, { job, attempt: result, outcome, durationMs })
  }

  #finish(
    turn: Turn,
    result: Pick<WorkResult, 'outcome' | 'attempt'>,
    report: Omit<DeliveryResult, 'written'> | null,
  ): void {
    const { claim } = turn
    // Dropped meanwhile: the lane is not this node's any more.
    if (this.#turns.get(claim.laneKey) !== turn) {
      this.#report(report, false)
      return
    }
    const over =
      turn.deliveries >= turnDeliveriesMax || this.#timers.now() - turn.begunAt >= turnMs || !this.#mayClaim
    this.#finished.push({
      turn,
      report,
      result: {
        laneKey: claim.laneKey,
        claim: claim.claim,
        deliveryKey: claim.delivery.key,
        ...result,
        wantsNext:
          !over &&
          (result.outcome.kind === 'delivered' ||
            result.outcome.kind === 'filtered' ||
            result.outcome.kind === 'dead'),
      },
    })
    this.wake()
  }

  #drop(why: string): void {
    this.#cut(why)
    this.#turns.clear()
    for (const { report } of this.#finished.splice(0)) this.#report(report, false)
  }

  #cut(why: string): void {
    for (const { abort } of this.#turns.values()) abort.abort(new DOMException(why, 'AbortError'))
  }
}

const interrupted = withoutAnswer('interrupted', null, 'cut short')

const notRead = withoutAnswer('interrupted', null, 'not tried: the store could not be read')

/** An error of this program must not look like the destination's: it is tried again, and says where to look. */
function unexpected(error: unknown): AttemptResult {
  const name = error instanceof Error ? error.name : typeof error
  return withoutAnswer('retry', 'settings', `could not be tried (${name})`)
}
