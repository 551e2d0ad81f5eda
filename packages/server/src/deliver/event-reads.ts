import type { DeliveryStore, StoredEvent } from '@hookswitch/core'

export interface EventReadsOptions {
  store: Pick<DeliveryStore, 'eventsAt'>
  /** Bodies above `largeBytes` that may be in hand at once; one is always allowed. Default 32 MiB. */
  largeBytesMax?: number
}

/** A smaller body is nothing that must be counted: each lane has one at most. */
const largeBytes = 64 * 1024

const largeBytesMaxDefault = 32 * 1024 * 1024

/** Events that are asked for together while bodies are small; of large ones, each by itself. */
const togetherMax = 32

interface Waiting {
  seq: number
  take(event: StoredEvent | null): void
  refuse(error: unknown): void
}

/**
 * Reads the events of deliveries: those that begin together with one question to the store, and never more large
 * bodies at once than there is room for. A large one that finds no room is read again when another is let go; small
 * ones pass it by.
 */
export class EventReads {
  readonly #store: Pick<DeliveryStore, 'eventsAt'>
  readonly #largeBytesMax: number
  readonly #new: Waiting[] = []
  readonly #large: Waiting[] = []
  #reading = false
  #together = togetherMax
  #largeBytes = 0

  constructor({ store, largeBytesMax = largeBytesMaxDefault }: EventReadsOptions) {
    this.#store = store
    this.#largeBytesMax = largeBytesMax
  }

  /** Runs with the event, null when it is not in the store any more, and lets its body go when that has ended. */
  async use<T>(seq: number, run: (event: StoredEvent | null) => Promise<T>): Promise<T> {
    const event = await new Promise<StoredEvent | null>((take, refuse) => {
      this.#new.push({ seq, take, refuse })
      this.#wake()
    })
    try {
      return await run(event)
    } finally {
      const bytes = event?.body.byteLength ?? 0
      if (bytes > largeBytes) {
        this.#largeBytes -= bytes
        const next = this.#large.shift()
        if (next !== undefined) this.#new.push(next)
        this.#wake()
      }
    }
  }

  #wake(): void {
    if (this.#reading) return
    this.#reading = true
    queueMicrotask(() => void this.#read())
  }

  async #read(): Promise<void> {
    for (let asked = this.#next(); asked.length > 0; asked = this.#next()) {
      try {
        const events = await this.#store.eventsAt([...new Set(asked.map(({ seq }) => seq))])
        const found = new Map(events.map((event) => [event.seq, event]))
        for (const waiting of asked) this.#give(waiting, found.get(waiting.seq) ?? null)
        this.#together = events.some(({ body }) => body.byteLength > largeBytes) ? 1 : togetherMax
      } catch (error) {
        for (const { refuse } of asked) refuse(error)
      }
    }
    this.#reading = false
  }

  #next(): Waiting[] {
    return this.#new.splice(0, this.#together)
  }

  #give(waiting: Waiting, event: StoredEvent | null): void {
    const bytes = event?.body.byteLength ?? 0
    if (bytes > largeBytes) {
      if (this.#largeBytes > 0 && this.#largeBytes + bytes > this.#largeBytesMax) {
        // Let go unread: it is asked for again when there is room.
        this.#large.push(waiting)
        return
      }
      this.#largeBytes += bytes
    }
    waiting.take(event)
  }
}
