import { randomUUID } from 'node:crypto'
import { StoreError } from '../store/store-error.ts'
import { realTimers, type Timers } from '../runtime/timers.ts'
import type { AttemptResult } from './attempt.ts'
import type { Claim, DeliveryStore, TurnOutcome, WorkResult } from './delivery-store.ts'
import type { StoredDestination } from './destination.ts'
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

const beatMs = 2_000

/** Without a renewal for this long a node drops what it holds, well before another may take it. */
const silentMs = 5_000

/** Without a signal the store is asked this often: another node may have left something. */
const pollMs = 1_000

/** How long a stop goes on trying to write what came of tries that it has cut off. */
const writeMs = 2_000

/** What is under way has this long to end when the epoch must be left; until then the node begins nothing new. */
const retireMs = 10_000

/** Results that are written together. */
const resultsMax = 256

const retryMsMin = 100
const retryMsMax = 2_000

/** By what name lanes are this node's, and when it asked to keep it with success. */
interface Epoch {
  id: string
  renewedAt: number
}

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
  #finished: Finished[] = []
  #epoch: Epoch | null = null
  /** The epoch before, where the store was not asked to end it. */
  #left: string | null = null
  /**
   * Since when the epoch may hold lanes that nobody works on; null where it does not. Nothing new is claimed with it
   * then, and it ends when it is empty.
   */
  #retiringSince: number | null = null
  #stopping = false
  /** Stopping, and what ran has had its time: what an answer still brings is given back. */
  #drained = false
  #gaveUp = false
  #ended = false
  #woken = false
  #wake: (() => void) | null = null
  #running: Promise<void> | null = null
  #beating: Promise<void> | null = null
  #endBeat: (() => void) | null = null

  constructor(options: DelivererOptions) {
    this.#options = options
    this.#timers = options.timers ?? realTimers
    this.#lanesMax = options.lanesMax ?? lanesMaxDefault
  }

  /** Lanes that this node works on at this moment. */
  get lanes(): number {
    return this.#turns.size
  }

  start(): void {
    if (this.#running !== null) return
    this.#running = this.#run()
    this.#beating = this.#beat()
  }

  /** Says that something may be due. */
  wake(): void {
    this.#woken = true
    this.#wake?.()
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
    this.#ended = true
    this.#endBeat?.()
    await this.#beating
  }

  async #run(): Promise<void> {
    let retryMs = retryMsMin
    while (!this.#stopping || (this.#turns.size > 0 && !this.#gaveUp)) {
      this.#woken = false
      let waitMs: number
      try {
        waitMs = await this.#step()
        retryMs = retryMsMin
      } catch (error) {
        if (error instanceof StoreError && error.code === 'closed') return this.#cut('closed')
        this.#options.onError?.(error)
        this.#retire()
        waitMs = retryMs
        retryMs = Math.min(retryMs * 2, retryMsMax)
        await this.#pause(waitMs, false)
        continue
      }
      if (waitMs > 0) await this.#pause(Math.min(waitMs, pollMs), true)
    }
    await this.#endEpoch()
  }

  /** One call of the store; returns how long there is nothing to do unless something happens. */
  async #step(): Promise<number> {
    if (this.#retiringSince !== null && this.#turns.size === 0) await this.#endEpoch()
    const epoch = await this.#liveEpoch()
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
      if (this.#epoch?.id === epoch) this.#finished.unshift(...finished)
      else for (const { report } of finished) this.#report(report, false)
      throw error
    }
    if (this.#epoch?.id !== epoch) {
      // Dropped while the store was asked: what it gave may be another's by now, and lapses by itself.
      finished.forEach(({ report }, index) => this.#report(report, answer.written[index] ?? false))
      return 0
    }
    if (!answer.alive) {
      for (const { report } of finished) this.#report(report, false)
      this.#lapse()
      return 0
    }
    // A lane that is not this node's although its epoch lives: the store has lost what it wrote last.
    if (answer.written.includes(false)) this.#retire()
    for (const { turn } of finished) this.#turns.delete(turn.claim.laneKey)
    finished.forEach(({ report }, index) => this.#report(report, answer.written[index] ?? false))
    const turns = new Map(finished.map(({ turn }) => [turn.claim.laneKey, turn]))
    for (const claim of answer.claims)
      this.#begin(claim, askedAt, claim.continued ? turns.get(claim.laneKey) : undefined)
    if (this.#finished.length > 0) return 0
    if (this.#retiringSince !== null && askedAt - this.#retiringSince >= retireMs) this.#drop('retired')
    return answer.waitMs ?? pollMs
  }

  get #mayClaim(): boolean {
    return !this.#stopping && this.#retiringSince === null
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
    if (destination === null || isCut || begunAt - askedAt > beginMs || this.#isSilent(begunAt)) {
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

  // ── The epoch: by what name lanes are this node's ──────────────────────────────────────────────────────────────

  async #liveEpoch(): Promise<string> {
    const now = this.#timers.now()
    if (this.#epoch !== null && this.#isSilent(now)) this.#lapse()
    if (this.#epoch !== null) return this.#epoch.id
    const id = (this.#options.newEpoch ?? randomUUID)()
    await this.#options.store.beat(id)
    this.#epoch = { id, renewedAt: now }
    // Nobody works on what the last one held: it need not wait for its lapse.
    const left = this.#left
    this.#left = null
    if (left !== null) await this.#options.store.endEpoch(left).catch(() => {})
    return id
  }

  #isSilent(now: number): boolean {
    return this.#epoch === null || now - this.#epoch.renewedAt > silentMs
  }

  /** What this node holds may be another's by now: it is dropped, and a new epoch begins. */
  #lapse(): void {
    this.#drop('lapsed')
    this.#left = this.#epoch?.id ?? this.#left
    this.#epoch = null
    this.#retiringSince = null
  }

  /**
   * After an error nobody knows what this node holds: an answer may have been lost on its way, and a store that was
   * away may have lost its last writes, which need not have reached the disk. What is under way is still written.
   */
  #retire(): void {
    this.#retiringSince ??= this.#timers.now()
  }

  #drop(why: string): void {
    this.#cut(why)
    this.#turns.clear()
    for (const { report } of this.#finished.splice(0)) this.#report(report, false)
  }

  #cut(why: string): void {
    for (const { abort } of this.#turns.values()) abort.abort(new DOMException(why, 'AbortError'))
  }

  async #endEpoch(): Promise<void> {
    const epoch = this.#epoch
    this.#epoch = null
    this.#retiringSince = null
    if (epoch !== null) await this.#options.store.endEpoch(epoch.id).catch(() => {})
  }

  async #beat(): Promise<void> {
    let asked: Epoch | null = null
    while (!this.#ended) {
      await this.#untilBeat()
      const epoch = this.#epoch
      if (this.#ended || epoch === null) continue
      if (this.#isSilent(this.#timers.now())) {
        this.#lapse()
        this.wake()
      } else if (asked !== epoch) {
        // Not waited for: a store that does not answer must not keep this loop from seeing for how long it has not.
        asked = epoch
        void this.#renew(epoch).then(() => {
          if (asked === epoch) asked = null
        })
      }
    }
  }

  async #renew(epoch: Epoch): Promise<void> {
    const askedAt = this.#timers.now()
    const alive = await this.#options.store.beat(epoch.id).catch(() => null)
    if (this.#epoch !== epoch) return
    if (alive === true) epoch.renewedAt = askedAt
    else if (alive === null) this.#retire()
    else {
      this.#lapse()
      this.wake()
    }
  }

  #untilBeat(): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#timers.after(beatMs, resolve)
      this.#endBeat = () => {
        cancel()
        resolve()
      }
    })
  }

  /** Waits; where `wakeable`, a signal that came since the last look ends it at once. */
  #pause(ms: number, wakeable: boolean): Promise<void> {
    if (wakeable && this.#woken) return Promise.resolve()
    return new Promise((resolve) => {
      const end = (): void => {
        cancel()
        this.#wake = null
        resolve()
      }
      const cancel = this.#timers.after(ms, end)
      this.#wake = () => {
        if (wakeable) end()
      }
    })
  }
}

const nothingSent = { status: null, cause: null, retryAfterMs: null, request: null, response: null } as const

const interrupted: AttemptResult = { ...nothingSent, verdict: 'interrupted', message: 'cut short' }

const notRead: AttemptResult = { ...interrupted, message: 'not tried: the store could not be read' }

/** An error of this program must not look like the destination's: it is tried again, and says where to look. */
function unexpected(error: unknown): AttemptResult {
  const name = error instanceof Error ? error.name : typeof error
  return { ...nothingSent, verdict: 'retry', cause: 'settings', message: `could not be tried (${name})` }
}
