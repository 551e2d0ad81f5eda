import type { DeliveryStore, StoredEvent } from '@hookswitch/core'

/** Reads the events of deliveries that begin together with one question to the store. */
export class EventReads {
  readonly #store: Pick<DeliveryStore, 'eventsAt'>
  #waiting = new Map<number, Deferred[]>()

  constructor(store: Pick<DeliveryStore, 'eventsAt'>) {
    this.#store = store
  }

  /** Null when it is not in the store any more. */
  get(seq: number): Promise<StoredEvent | null> {
    return new Promise((resolve, reject) => {
      if (this.#waiting.size === 0) queueMicrotask(() => void this.#read())
      const waiting = this.#waiting.get(seq) ?? []
      waiting.push({ resolve, reject })
      this.#waiting.set(seq, waiting)
    })
  }

  async #read(): Promise<void> {
    const waiting = this.#waiting
    this.#waiting = new Map()
    try {
      const events = await this.#store.eventsAt([...waiting.keys()])
      const found = new Map(events.map((event) => [event.seq, event]))
      for (const [seq, asked] of waiting) {
        for (const { resolve } of asked) resolve(found.get(seq) ?? null)
      }
    } catch (error) {
      for (const asked of waiting.values()) for (const { reject } of asked) reject(error)
    }
  }
}

interface Deferred {
  resolve(event: StoredEvent | null): void
  reject(error: unknown): void
}
