import {
  Acceptor,
  Deliverer,
  DestinationBook,
  FoldLoop,
  StoreError,
  Upkeep,
  type Accepted,
  type AttemptResult,
  type DeliveryJob,
  type NewEvent,
  type StoreChange,
  type Timers,
} from '@hookswitch/core'
import type { Chance } from './chance.ts'
import type { NodeStore } from './link.ts'
import type { Schedule } from './schedule.ts'
import type { Trace } from './trace.ts'

/** What a node needs of the trial. */
export interface NodeSurroundings {
  schedule: Schedule
  trace: Trace
  chance: Chance
  lanesMax: number
  /** Its way to the store. */
  link(node: TrialNode): NodeStore
  attempt(node: TrialNode, job: DeliveryJob, signal: AbortSignal): Promise<AttemptResult>
  /** A result of which the node knows whether it is written. */
  onResult(node: TrialNode, job: DeliveryJob, isWritten: boolean): void
}

/** What the trial itself throws where user code or a store would. */
export class Wanted extends Error {
  override readonly name = 'Wanted'
}

/** An answer is given or refused within this. */
const commitMs = 4_000
const sweepMs = 250

/** The fold looks at the log this often without a signal, and rests for a moment after a stretch. */
const foldPollMs = 1_000

/**
 * One process of Hookswitch, without its sockets and threads: what comes in is accepted, the log is folded, lanes are
 * worked, and replays are made, all by the real code. Whatever reaches it from outside (a timer that is due, an answer
 * of the store or of a destination) comes through `receive`: while it is frozen that waits, and once it is dead
 * nothing comes any more.
 */
export class TrialNode {
  readonly name: string
  readonly timers: Timers
  readonly deliverer: Deliverer
  readonly acceptor: Acceptor
  /** It and the store do not hear of each other before then. */
  cutOffUntil = 0
  readonly #upkeep: Upkeep
  readonly #fold: FoldLoop
  readonly #surroundings: NodeSurroundings
  #state: 'running' | 'frozen' | 'dead' = 'running'
  #held: (() => void)[] = []
  #stopping: Promise<void> | null = null
  #wakeFold: (() => void) | null = null

  constructor(name: string, surroundings: NodeSurroundings) {
    this.name = name
    this.#surroundings = surroundings
    const { schedule, trace, chance } = surroundings
    // Monotonic clocks of two processes have nothing to do with each other.
    const offsetMs = chance.between(0, 1_000_000)
    this.timers = {
      now: () => schedule.now + offsetMs,
      after: (ms, run) => schedule.after(ms, () => this.receive(run)),
    }
    const store = surroundings.link(this)
    const book = new DestinationBook(store)
    let epochs = 0
    this.deliverer = new Deliverer({
      store,
      node: name,
      destination: (key, version) => book.get(key, version),
      attempt: (job, signal) => surroundings.attempt(this, job, signal),
      lanesMax: surroundings.lanesMax,
      random: chance.of('jitter').next,
      timers: this.timers,
      newEpoch: () => `${name}-${(epochs += 1)}`,
      onResult: ({ job, written }) => surroundings.onResult(this, job, written),
      onError: (error) => this.#failed('deliver', error),
    })
    this.acceptor = new Acceptor({
      append: (batch) => store.append(batch),
      commitMs,
      now: this.timers.now,
    })
    // It looks for what waits too long by the clock of the trial instead.
    this.acceptor.close()
    this.#fold = new FoldLoop({ store, node: name, onError: (error) => this.#failed('fold', error) })
    const keepAll = { attemptsDays: null, transcriptsDays: null, recordsDays: null, eventsDays: null }
    this.#upkeep = new Upkeep({
      store,
      retention: keepAll,
      clock: () => schedule.now,
      timers: this.timers,
      onError: (error) => this.#failed('upkeep', error),
    })
    trace.note(name, 'starts')
    this.deliverer.start()
    this.#upkeep.start()
    void this.#folding()
    this.#sweeping()
  }

  get isRunning(): boolean {
    return this.#state === 'running' && this.#stopping === null
  }

  get isFrozen(): boolean {
    return this.#state === 'frozen'
  }

  get isDead(): boolean {
    return this.#state === 'dead'
  }

  receive(run: () => void): void {
    if (this.#state === 'running') run()
    else if (this.#state === 'frozen') this.#held.push(run)
  }

  kill(): void {
    this.#state = 'dead'
    this.#held = []
  }

  freeze(): void {
    if (this.#state === 'running') this.#state = 'frozen'
  }

  /** What came meanwhile is done one after the other, in any order. */
  thaw(): void {
    if (this.#state !== 'frozen') return
    this.#state = 'running'
    const { schedule, chance } = this.#surroundings
    const held = this.#held.splice(0)
    while (held.length > 0) {
      const [run] = held.splice(chance.between(0, Math.min(2, held.length - 1)), 1)
      if (run !== undefined) schedule.after(0, () => this.receive(run))
    }
  }

  /** Ends as at SIGTERM; resolves when it is gone. */
  stop(drainMs: number): Promise<void> {
    this.#stopping ??= this.#stop(drainMs)
    return this.#stopping
  }

  /** Something reached this node's socket. */
  accept(event: NewEvent, answer: (result: Accepted) => void): void {
    this.receive(() => this.acceptor.accept(event, answer, () => {}))
  }

  signal(change: StoreChange): void {
    this.receive(() => {
      if (change === 'appended') this.#wakeFold?.()
      else {
        this.deliverer.wake()
        this.#upkeep.wake()
      }
    })
  }

  async #stop(drainMs: number): Promise<void> {
    await Promise.all([this.deliverer.stop(drainMs), this.#upkeep.stop(), this.acceptor.drained()])
    this.kill()
  }

  /** The loop of `FoldLoop` on the clock of the trial. */
  async #folding(): Promise<void> {
    while (this.#state !== 'dead' && this.#stopping === null) {
      let waitMs = foldPollMs
      try {
        if ((await this.#fold.step()) === 'folded') waitMs = this.#surroundings.chance.between(0, 10)
      } catch (error) {
        this.#failed('fold', error)
      }
      await new Promise<void>((resolve) => {
        const cancel = this.timers.after(waitMs, resolve)
        this.#wakeFold = () => {
          cancel()
          resolve()
        }
      })
      this.#wakeFold = null
    }
  }

  #sweeping(): void {
    this.timers.after(sweepMs, () => {
      this.acceptor.sweep()
      this.#sweeping()
    })
  }

  #failed(what: string, error: unknown): void {
    const { trace } = this.#surroundings
    if (error instanceof Wanted || (error instanceof StoreError && error.code === 'unavailable')) return
    trace.broken('store', `${this.name} failed in ${what} by itself: ${String(error)}`)
  }
}
