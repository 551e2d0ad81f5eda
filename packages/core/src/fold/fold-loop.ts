import { setImmediate as turnOfTheLoop } from 'node:timers/promises'
import { Rest } from '../runtime/rest.ts'
import { realTimers } from '../runtime/timers.ts'
import { foldTurnMs, type Store } from '../store/store.ts'
import { StoreError } from '../store/store-error.ts'
import { FoldPace } from './fold-pace.ts'
import { foldStretch } from './fold-stretch.ts'

export interface FoldLoopOptions {
  store: Pick<Store, 'foldRead' | 'foldCommit'>
  /** Names this node to the store, which lets one node fold at a time. */
  node: string
  /** Events accepted so far by the same thread, which the fold shares with accepting. */
  accepted?: () => number
  onFolded?: (folded: { events: number; marked: number; ms: number }) => void
  onError?: (error: unknown) => void
}

/** One stretch at most; a stretch is one transaction. */
const eventsMax = 256
const bytesMax = 1024 * 1024

/** While accepting, a stretch takes a few milliseconds at most, and no acknowledgement waits for more than one. */
const busyEventsMax = 64

/**
 * After the first event of a quiet time the fold waits for more: at a thousand events a second, ten of them then share
 * a commit that costs as much for one.
 */
const gatherMs = 10

/** Without a signal the log is looked at this often: a node that folds may have died, another may have appended. */
const pollMs = 1_000

/** After a failure of the store, doubling. */
const retryMsMin = 100
const retryMsMax = 2_000

/** Reads the log behind the accepts and keeps the call records. Exactly one node does so at a time. */
export class FoldLoop {
  readonly #options: FoldLoopOptions
  readonly #pace: FoldPace
  #stopped = false
  readonly #rest = new Rest(realTimers)
  #restMs = 0
  #running: Promise<void> | null = null

  constructor(options: FoldLoopOptions) {
    this.#options = options
    this.#pace = new FoldPace(options.accepted ?? (() => 0))
  }

  start(): void {
    this.#running ??= this.#run()
  }

  /** Says that the log has grown. */
  wake(): void {
    this.#rest.wake()
  }

  /** Resolves when the stretch under way is written; what is left is folded at the next start. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#rest.end()
    await this.#running
  }

  /** Folds one stretch. `idle`: nothing to fold; `elsewhere`: another node has the turn, or went ahead. */
  async step(): Promise<'folded' | 'idle' | 'elsewhere'> {
    const { store, node, onFolded } = this.#options
    const begun = performance.now()
    const wanted = this.#pace.accepting ? busyEventsMax : eventsMax
    const read = await store.foldRead(node, wanted, bytesMax)
    if (read === null) return 'elsewhere'
    if (read.events.length === 0) return 'idle'
    const commit = foldStretch(read)
    if (!(await store.foldCommit(commit))) return 'elsewhere'
    const ms = performance.now() - begun
    onFolded?.({ events: read.events.length, marked: commit.marked.length, ms })
    // A stretch that is not full has reached the end of the log: what comes next is worth waiting for.
    this.#restMs = Math.max(this.#pace.restMs(ms), read.events.length < wanted ? gatherMs : 0)
    return 'folded'
  }

  async #run(): Promise<void> {
    let retryMs = retryMsMin
    while (!this.#stopped) {
      this.#rest.look()
      let waitMs: number
      try {
        const step = await this.step()
        retryMs = retryMsMin
        if (step === 'folded') {
          // Between two stretches the events that came meanwhile are accepted.
          await turnOfTheLoop()
          if (this.#restMs >= 1) await this.#rest.for(this.#restMs)
          continue
        }
        waitMs = step === 'idle' ? pollMs : foldTurnMs / 2
      } catch (error) {
        if (error instanceof StoreError && error.code === 'closed') return
        this.#options.onError?.(error)
        await this.#rest.for(retryMs)
        retryMs = Math.min(retryMs * 2, retryMsMax)
        continue
      }
      await this.#rest.untilWoken(waitMs)
      if (this.#rest.woken) await this.#rest.for(gatherMs)
    }
  }
}
