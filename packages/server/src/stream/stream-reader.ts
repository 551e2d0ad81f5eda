import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { StoreError, type LogBounds, type Store, type StoredEvent } from '@hookswitch/core'
import type { Logger } from '../observe/log.ts'
import { eventFrame, gapFrame, keepAliveFrame, openingFrame } from './frames.ts'

export interface StreamRequest {
  /** Begin after this place in the log; null begins now. */
  after: number | null
  type?: string
  callId?: string
}

export interface StreamLimits {
  /** A comment is written this often, so that proxies keep the connection and a lost one is noticed. */
  keepAliveMs: number
  /** Without a signal the log is looked at this often: a signal is a hint. */
  pollMs: number
  /** At its end the log is looked at no more often than this, so that a busy one is read in pages and not event by event. */
  pauseMs: number
  /** A reader that keeps up is cut when this many bytes wait for it. */
  behindBytesMax: number
  /** A reader that is catching up is cut when it has taken nothing for this long. */
  stalledMs: number
  /** At the end of a stream what was written may take this long to arrive. */
  endMs: number
}

const limitsDefault: StreamLimits = {
  keepAliveMs: 15_000,
  pollMs: 1_000,
  pauseMs: 20,
  behindBytesMax: 1024 * 1024,
  stalledMs: 30_000,
  endMs: 1_000,
}

/** One look at the log. */
const pageEventsMax = 200
const pageBytesMax = 256 * 1024

/** A frame is written in pieces where the pace is the reader's: a slow one is then seen to take a large event bit by bit. */
const pieceBytes = 64 * 1024

interface StreamReaderOptions {
  store: Pick<Store, 'listEvents' | 'watch'>
  log: Pick<Logger, 'warn' | 'error'>
  response: ServerResponse
  request: StreamRequest
  bounds: LogBounds
  limits?: Partial<StreamLimits>
}

/**
 * One reader of the log. It catches up at the reader's own pace; once it has reached the end of the log it must keep
 * up. The log is the only buffer: what was cut off is read again by whoever resumes.
 */
export class StreamReader {
  readonly #options: StreamReaderOptions
  readonly #limits: StreamLimits
  readonly #response: ServerResponse
  readonly #ended = new AbortController()
  #cursor: number
  #keepsUp = false
  #woken = false
  #wake: (() => void) | null = null

  constructor(options: StreamReaderOptions) {
    this.#options = options
    this.#limits = { ...limitsDefault, ...options.limits }
    this.#response = options.response
    this.#cursor = options.request.after ?? options.bounds.newestSeq
  }

  /** Writes the head and then events until the reader has gone, is cut, or `end` is called. Never rejects. */
  async run(): Promise<void> {
    const { store, log } = this.#options
    const response = this.#response
    if (response.destroyed) return
    response.once('close', () => this.end())
    response.on('error', () => this.end())
    const unwatch = store.watch(() => {
      this.#woken = true
      this.#wake?.()
    })
    const keepAlive = setInterval(() => response.write(keepAliveFrame), this.#limits.keepAliveMs)
    try {
      this.#open()
      while (!this.#ended.signal.aborted) await this.#turn()
    } catch (error) {
      // The end of a stream interrupts whatever was being waited for.
      if (!this.#ended.signal.aborted) {
        log.error({ name: error instanceof Error ? error.name : typeof error }, 'a stream failed')
      }
    } finally {
      clearInterval(keepAlive)
      unwatch()
      this.#finish()
    }
  }

  /** Ends the stream behind what was written. */
  end(): void {
    this.#ended.abort()
  }

  #open(): void {
    const { bounds, request } = this.#options
    this.#response.writeHead(200, {
      'Content-Type': 'text/event-stream',
      'Cache-Control': 'no-store',
      // Told to nginx: what is written is to be passed on at once.
      'X-Accel-Buffering': 'no',
    })
    const { after } = request
    if (after === null) {
      this.#response.write(openingFrame(this.#cursor))
      return
    }
    // Past the end a store was restored from a backup: its next events have numbers that the reader has seen already.
    if (after > bounds.newestSeq) this.#cursor = bounds.newestSeq
    else if (after < bounds.oldestSeq - 1) this.#cursor = bounds.oldestSeq - 1
    this.#response.write(openingFrame(this.#cursor))
    if (this.#cursor !== after) this.#response.write(gapFrame(after, bounds, this.#cursor))
  }

  /** Writes the next page; at the end of the log it waits for the next signal. */
  async #turn(): Promise<void> {
    this.#woken = false
    const events = await this.#page()
    if (events === null) {
      await delay(this.#limits.pollMs, undefined, { signal: this.#ended.signal })
      return
    }
    for (const event of events) {
      await this.#write(eventFrame(event))
      this.#cursor = event.seq
    }
    if (!isFull(events)) this.#keepsUp = true
    if (this.#keepsUp) await delay(this.#limits.pauseMs, undefined, { signal: this.#ended.signal })
    if (events.length === 0) await this.#signal()
  }

  /** Null while the store fails; the stream then stays and tries again. */
  async #page(): Promise<StoredEvent[] | null> {
    const { store, request } = this.#options
    const { type, callId } = request
    try {
      return await store.listEvents({
        ...(type === undefined ? {} : { type }),
        ...(callId === undefined ? {} : { callId }),
        after: this.#cursor,
        limit: pageEventsMax,
        bytesMax: pageBytesMax,
      })
    } catch (error) {
      if (!(error instanceof StoreError)) throw error
      if (error.code === 'closed') this.end()
      return null
    }
  }

  async #write(frame: string): Promise<void> {
    const response = this.#response
    this.#ended.signal.throwIfAborted()
    if (this.#keepsUp && frame.length < this.#limits.behindBytesMax) {
      if (response.writableLength > this.#limits.behindBytesMax) this.#cut('too far behind')
      else response.write(frame)
      return
    }
    const bytes = Buffer.from(frame)
    for (let at = 0; at < bytes.length; at += pieceBytes) {
      if (!response.write(bytes.subarray(at, at + pieceBytes))) await this.#drained()
    }
  }

  async #drained(): Promise<void> {
    const timer = setTimeout(() => this.#cut('nothing taken'), this.#limits.stalledMs)
    try {
      await once(this.#response, 'drain', { signal: this.#ended.signal })
    } finally {
      clearTimeout(timer)
    }
  }

  /** Waits until the log has grown since the last look, or might have. */
  #signal(): Promise<void> {
    if (this.#woken || this.#ended.signal.aborted) return Promise.resolve()
    return new Promise((resolve) => {
      const wake = (): void => {
        clearTimeout(timer)
        this.#ended.signal.removeEventListener('abort', wake)
        this.#wake = null
        resolve()
      }
      const timer = setTimeout(wake, this.#limits.pollMs)
      this.#ended.signal.addEventListener('abort', wake)
      this.#wake = wake
    })
  }

  #cut(reason: string): void {
    this.#options.log.warn({ reason, seq: this.#cursor }, 'a stream reader was cut; it can resume')
    this.#response.destroy()
    this.end()
  }

  #finish(): void {
    const response = this.#response
    const timer = setTimeout(() => response.destroy(), this.#limits.endMs)
    response.once('close', () => clearTimeout(timer))
    response.end()
  }
}

/** A page that is not full has come to the end of the log. */
function isFull(events: readonly StoredEvent[]): boolean {
  return (
    events.length >= pageEventsMax ||
    events.reduce((sum, { body }) => sum + body.byteLength, 0) >= pageBytesMax
  )
}
