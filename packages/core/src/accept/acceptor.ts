import type { Appended, NewEvent } from '../store/store.ts'
import { StoreError } from '../store/store-error.ts'

export type Accepted<Written = Appended> = { ok: true; appended: Written } | { ok: false; error: StoreError }

export interface AcceptorOptions<Event extends NewEvent = NewEvent, Written = Appended> {
  /** Writes a batch durably in its order, such as the store's `append`; a `StoreError` says what is known of a failure. */
  append: (batch: readonly Event[]) => Promise<readonly Written[]>
  /** From `accept` to the answer; after it the answer is a failure whose outcome is unknown. */
  commitMs: number
  /**
   * Commits under way at once, 1 by default: a commit costs the same whether it holds one event or fifty, so more of
   * them make smaller groups and fewer answers. More than one pays where the way to the store is long.
   */
  commitsMax?: number
  /** Monotonic milliseconds. */
  now?: () => number
  onCommit?: (commit: { events: number; ms: number; ok: boolean }) => void
}

interface Waiting<Event, Written> {
  event: Event
  since: number
  /** Null once the sender has been answered, also when that was because it waited too long. */
  answer: ((result: Accepted<Written>) => void) | null
  /** Called once the event is written or certainly will not be: its bytes are free. */
  settled: () => void
}

const commitsMaxDefault = 1

/** A commit takes at most this many events, so that the first of them does not wait long for the last. */
const batchEventsMax = 512
const batchBytesMax = 4 * 1024 * 1024

/** A body over this many bytes commits alone: it would make a hundred small ones wait. */
const aloneBytes = 1024 * 1024

/** How often waiting events are looked at for their deadline; an answer is late by at most this. */
const sweepMs = 250

/**
 * Group commit without a timer: while a commit is under way, what arrives waits, and is then written together.
 * Under no load an event is committed at once; under load the groups grow by themselves.
 */
export class Acceptor<Event extends NewEvent = NewEvent, Written = Appended> {
  readonly #append: AcceptorOptions<Event, Written>['append']
  readonly #commitMs: number
  readonly #commitsMax: number
  readonly #now: () => number
  readonly #onCommit: AcceptorOptions['onCommit']
  readonly #sweeper: NodeJS.Timeout
  #queue: Waiting<Event, Written>[] = []
  readonly #underWay = new Set<Waiting<Event, Written>[]>()
  #flushPlanned = false
  #idle: (() => void)[] = []

  constructor(options: AcceptorOptions<Event, Written>) {
    this.#append = options.append
    this.#commitMs = options.commitMs
    this.#commitsMax = options.commitsMax ?? commitsMaxDefault
    this.#now = options.now ?? (() => performance.now())
    this.#onCommit = options.onCommit
    this.#sweeper = setInterval(() => this.sweep(), sweepMs).unref()
  }

  /** Events that wait for their commit or are being committed. */
  get pending(): number {
    let count = this.#queue.length
    for (const batch of this.#underWay) count += batch.length
    return count
  }

  /** Takes an event; `answer` is called exactly once, `settled` exactly once and never before the write is decided. */
  accept(event: Event, answer: (result: Accepted<Written>) => void, settled: () => void): void {
    this.#queue.push({ event, since: this.#now(), answer, settled })
    if (this.#flushPlanned) return
    this.#flushPlanned = true
    // After the sockets of this turn of the event loop have been read, so that they share one commit.
    setImmediate(() => {
      this.#flushPlanned = false
      this.#flush()
    })
  }

  /** Answers those that have waited too long. What is not on its way to the store yet is dropped. */
  sweep(): void {
    const before = this.#now() - this.#commitMs
    const late = (waiting: Waiting<Event, Written>): boolean => waiting.since <= before
    for (const batch of this.#underWay) {
      for (const waiting of batch) {
        if (late(waiting))
          fail(
            waiting,
            new StoreError('unavailable', 'the commit has not finished in time', { outcome: 'unknown' }),
          )
      }
    }
    // The queue is in order of arrival.
    while (this.#queue[0] !== undefined && late(this.#queue[0])) {
      const waiting = this.#queue.shift() as Waiting<Event, Written>
      fail(waiting, new StoreError('unavailable', 'the commit did not begin in time'))
      waiting.settled()
    }
    this.#wakeIdle()
  }

  /** Resolves when nothing waits and nothing is being written. */
  drained(): Promise<void> {
    return new Promise((resolve) => {
      this.#idle.push(resolve)
      this.#wakeIdle()
    })
  }

  close(): void {
    clearInterval(this.#sweeper)
  }

  #flush(): void {
    while (this.#underWay.size < this.#commitsMax && this.#queue.length > 0) void this.#commit(this.#take())
  }

  #take(): Waiting<Event, Written>[] {
    let bytes = 0
    let count = 0
    for (const { event } of this.#queue) {
      const size = event.body.byteLength
      if (count > 0 && (size > aloneBytes || bytes + size > batchBytesMax)) break
      bytes += size
      count += 1
      if (count >= batchEventsMax || size > aloneBytes) break
    }
    if (count === this.#queue.length) {
      const batch = this.#queue
      this.#queue = []
      return batch
    }
    return this.#queue.splice(0, count)
  }

  async #commit(batch: Waiting<Event, Written>[]): Promise<void> {
    this.#underWay.add(batch)
    const begun = this.#now()
    let ok = false
    try {
      const appended = await this.#append(batch.map((waiting) => waiting.event))
      ok = true
      for (let index = 0; index < batch.length; index += 1) {
        const waiting = batch[index] as Waiting<Event, Written>
        const { answer } = waiting
        waiting.answer = null
        answer?.({ ok: true, appended: appended[index] as Written })
      }
    } catch (error) {
      const failure =
        error instanceof StoreError ? error : new StoreError('io', null, { cause: error, outcome: 'unknown' })
      for (const waiting of batch) fail(waiting, failure)
    } finally {
      this.#underWay.delete(batch)
      for (const waiting of batch) waiting.settled()
      this.#onCommit?.({ events: batch.length, ms: this.#now() - begun, ok })
      this.#flush()
      this.#wakeIdle()
    }
  }

  #wakeIdle(): void {
    if (this.#queue.length > 0 || this.#underWay.size > 0) return
    const idle = this.#idle
    this.#idle = []
    for (const resolve of idle) resolve()
  }
}

function fail<Written>(waiting: Pick<Waiting<unknown, Written>, 'answer'>, error: StoreError): void {
  const { answer } = waiting
  waiting.answer = null
  answer?.({ ok: false, error })
}
