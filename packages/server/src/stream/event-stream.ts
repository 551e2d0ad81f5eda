import type { ServerResponse } from 'node:http'
import type { Store } from '@hookswitch/core'
import type { Logger } from '../observe/log.ts'
import { StreamReader, type StreamLimits, type StreamRequest } from './stream-reader.ts'

export interface EventStreamOptions {
  store: Pick<Store, 'listEvents' | 'logBounds' | 'watch'>
  log: Pick<Logger, 'warn' | 'error'>
  limits?: Partial<StreamLimits> & { streamsMax?: number }
}

/** Each reader asks the store by itself, and holds a connection. */
const streamsMaxDefault = 200

/** The log as server-sent events, to many readers at once. */
export class EventStream {
  readonly #options: EventStreamOptions
  readonly #readers = new Set<StreamReader>()
  readonly #streamsMax: number
  /** Those that are asking the store where to begin count too. */
  #opening = 0
  #closed = false

  constructor(options: EventStreamOptions) {
    this.#options = options
    this.#streamsMax = options.limits?.streamsMax ?? streamsMaxDefault
  }

  /** How many readers there are. */
  get open(): number {
    return this.#readers.size
  }

  /**
   * Answers with a stream. Resolves when its head is sent, and false, with nothing sent, when there are too many
   * readers already or the stream is closed.
   *
   * @throws StoreError, with nothing sent, when the store cannot say where to begin.
   */
  async serve(response: ServerResponse, request: StreamRequest): Promise<boolean> {
    if (this.#closed || this.#readers.size + this.#opening >= this.#streamsMax) return false
    const { store, log, limits } = this.#options
    this.#opening += 1
    try {
      const bounds = await store.logBounds()
      if (this.#closed) return false
      const reader = new StreamReader({
        store,
        log,
        response,
        request,
        bounds,
        ...(limits === undefined ? {} : { limits }),
      })
      this.#readers.add(reader)
      void reader.run().finally(() => this.#readers.delete(reader))
      return true
    } finally {
      this.#opening -= 1
    }
  }

  /** Ends all streams; readers come back with their cursor to whoever serves next. */
  close(): void {
    this.#closed = true
    for (const reader of this.#readers) reader.end()
  }
}
