import { deliveryAgeMsMax, keysKeptMs, type RetentionCutoffs } from '../deliver/delivery-store.ts'
import { Rest } from '../runtime/rest.ts'
import { realTimers, type Timers } from '../runtime/timers.ts'
import type { Store } from '../store/store.ts'
import { StoreError } from '../store/store-error.ts'
import { replayStretch } from './replay-stretch.ts'

/** Days that each class of data is kept; null keeps it for good. */
export interface RetentionDays {
  attemptsDays: number | null
  transcriptsDays: number | null
  recordsDays: number | null
  eventsDays: number | null
}

/** Before which moment each class is removed, Unix milliseconds; null where it is kept for good. */
export function retentionCutoffs(
  { attemptsDays, transcriptsDays, recordsDays, eventsDays }: RetentionDays,
  now: number,
): RetentionCutoffs {
  const before = (days: number | null): number | null => (days === null ? null : now - days * dayMs)
  return {
    attempts: before(attemptsDays),
    transcripts: before(transcriptsDays),
    records: before(recordsDays),
    events: before(eventsDays),
    keys: now - keysKeptMs,
  }
}

export interface UpkeepOptions {
  store: Pick<
    Store,
    'listDestinations' | 'replayRead' | 'replayCommit' | 'cancelReplay' | 'expireDeliveries' | 'retain'
  >
  retention: RetentionDays
  /** Unix milliseconds. */
  clock?: () => number
  timers?: Timers
  onError?: (error: unknown) => void
}

const dayMs = 24 * 60 * 60 * 1000

/** A replay goes in stretches like the fold, with a rest after each in which others use the writer. */
const replayEventsMax = 128
const replayRestMs = 20

/** What is too old is removed in pieces, with a rest after each. Deliveries that expire are found by an index … */
const expireEveryMs = 60_000
/** … while the rest means a look at every call, which hours do not make older. */
const retainEveryMs = 60 * 60_000
const sweepRowsMax = 500
const sweepRestMs = 50
const startRestMs = 10_000

/** Another node may have been asked for a replay. */
const pollMs = 2_000
const retryMs = 2_000

/** Replays, and removes what is too old. Several nodes may do so at once: each step is written once. */
export class Upkeep {
  readonly #options: UpkeepOptions
  readonly #timers: Timers
  readonly #clock: () => number
  #stopped = false
  readonly #rest: Rest
  #running: Promise<void> | null = null
  #expireAt: number
  #retainAt: number

  constructor(options: UpkeepOptions) {
    this.#options = options
    this.#timers = options.timers ?? realTimers
    this.#rest = new Rest(this.#timers)
    this.#clock = options.clock ?? Date.now
    // Not at once: a start has enough to do.
    this.#expireAt = this.#timers.now() + startRestMs
    this.#retainAt = this.#timers.now() + startRestMs
  }

  start(): void {
    this.#running ??= this.#run()
  }

  /** Says that a replay may have been asked for. */
  wake(): void {
    this.#rest.wake()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.#rest.end()
    await this.#running
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      this.#rest.look()
      try {
        if (await this.replayStep()) await this.#rest.for(replayRestMs)
        else if (this.#timers.now() >= this.#expireAt) {
          if (await this.expireStep()) await this.#rest.for(sweepRestMs)
          else this.#expireAt = this.#timers.now() + expireEveryMs
        } else if (this.#timers.now() >= this.#retainAt) {
          if (await this.retainStep()) await this.#rest.for(sweepRestMs)
          else this.#retainAt = this.#timers.now() + retainEveryMs
        } else await this.#rest.untilWoken(pollMs)
      } catch (error) {
        if (error instanceof StoreError && error.code === 'closed') return
        this.#options.onError?.(error)
        await this.#rest.for(retryMs)
      }
    }
  }

  /** One stretch of the replay whose turn it is; false when there is none. */
  async replayStep(): Promise<boolean> {
    const { store } = this.#options
    const read = await store.replayRead(replayEventsMax)
    if (read === null) return false
    const { replay, events, last } = read
    const destination = (await store.listDestinations()).find(({ key }) => key === replay.destinationKey)
    if (destination === undefined) {
      await store.cancelReplay(replay.key)
      return true
    }
    // False where another node was first: the next look begins after what that one wrote.
    await store.replayCommit({
      replayKey: replay.key,
      expectedCursorSeq: replay.cursorSeq,
      cursorSeq: last ? replay.untilSeq : (events.at(-1)?.seq ?? replay.cursorSeq),
      done: last,
      deliveries: replayStretch(read, destination.definition),
    })
    return true
  }

  /** Gives up deliveries that have waited too long, some at a time; false when there are no more. */
  async expireStep(): Promise<boolean> {
    const { store } = this.#options
    return (await store.expireDeliveries(this.#clock() - deliveryAgeMsMax, sweepRowsMax)) === sweepRowsMax
  }

  /** Removes one piece of what is older than it is kept; false when there is nothing more. */
  async retainStep(): Promise<boolean> {
    const cutoffs = retentionCutoffs(this.#options.retention, this.#clock())
    return (await this.#options.store.retain(cutoffs, sweepRowsMax)).more
  }
}
