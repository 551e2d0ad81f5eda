import { setImmediate as turnOfTheLoop } from 'node:timers/promises'

interface Entry {
  at: number
  /** Two things of one moment happen in the order in which they were planned. */
  order: number
  run: () => void
  cancelled: boolean
}

/**
 * The time of a trial: a queue of everything that is going to happen. Time stands still while something happens, and
 * then jumps to what is next. Between two things all promises settle, so that what one of them starts has come to its
 * next wait before the other begins, and the same seed gives the same run.
 */
export class Schedule {
  /** Unix milliseconds, as every clock of the trial shows them. */
  now: number
  readonly #began: number
  /** What has happened so far. */
  events = 0
  readonly #heap: Entry[] = []
  #order = 0

  constructor(began: number) {
    this.now = began
    this.#began = began
  }

  /** Milliseconds since the trial began. */
  get elapsed(): number {
    return this.now - this.#began
  }

  /** Plans something; returns what calls it off. */
  after(ms: number, run: () => void): () => void {
    this.#order += 1
    const entry = { at: this.now + Math.ceil(ms), order: this.#order, run, cancelled: false }
    this.#push(entry)
    return () => {
      entry.cancelled = true
    }
  }

  /** Resolves after so many milliseconds. */
  wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.after(ms, resolve)
    })
  }

  /** Lets things happen until `done`, or until that time; says whether it was done. */
  async run(done: () => boolean, until: number): Promise<boolean> {
    await turnOfTheLoop()
    while (!done()) {
      const entry = this.#pop()
      if (entry === null || entry.at > until) {
        if (entry !== null) this.#push(entry)
        this.now = Math.max(this.now, until)
        return false
      }
      if (entry.cancelled) continue
      this.now = entry.at
      this.events += 1
      entry.run()
      // All promises settle before a turn of the loop ends; so do the commits that the acceptor plans for its end.
      await turnOfTheLoop()
    }
    return true
  }

  #push(entry: Entry): void {
    const heap = this.#heap
    let place = heap.push(entry) - 1
    while (place > 0) {
      const above = (place - 1) >> 1
      if (isBefore(heap[above] as Entry, entry)) break
      heap[place] = heap[above] as Entry
      place = above
    }
    heap[place] = entry
  }

  #pop(): Entry | null {
    const heap = this.#heap
    const first = heap[0]
    const last = heap.pop()
    if (first === undefined || last === undefined) return null
    if (heap.length === 0) return first
    let place = 0
    for (;;) {
      let below = place * 2 + 1
      if (below >= heap.length) break
      if (below + 1 < heap.length && isBefore(heap[below + 1] as Entry, heap[below] as Entry)) below += 1
      if (isBefore(last, heap[below] as Entry)) break
      heap[place] = heap[below] as Entry
      place = below
    }
    heap[place] = last
    return first
  }
}

function isBefore(one: Entry, other: Entry): boolean {
  return one.at < other.at || (one.at === other.at && one.order < other.order)
}
