import type { IncomingMessage } from 'node:http'
import type { InFlight } from '../accept/in-flight.ts'

export type BodyRead =
  | { ok: true; body: Buffer }
  | { ok: false; reason: 'too_large' | 'too_slow' | 'aborted' | 'too_much_in_flight' }

/** Requests whose body is not complete yet, oldest first, each with what ends it. */
export class SlowBodies {
  readonly #bodyMs: number
  readonly #waiting = new Map<BodyReader, number>()
  readonly #sweeper: NodeJS.Timeout

  constructor(bodyMs: number) {
    this.#bodyMs = bodyMs
    // One timer for all requests: a timer for each would cost more than reading a small body.
    this.#sweeper = setInterval(() => this.#sweep(), 250).unref()
  }

  add(reader: BodyReader): void {
    this.#waiting.set(reader, performance.now() + this.#bodyMs)
  }

  delete(reader: BodyReader): void {
    this.#waiting.delete(reader)
  }

  close(): void {
    clearInterval(this.#sweeper)
  }

  #sweep(): void {
    const now = performance.now()
    for (const [reader, deadline] of this.#waiting) {
      if (deadline > now) return
      reader.end({ ok: false, reason: 'too_slow' })
    }
  }
}

/**
 * Reads a body of at most `bytesMax` bytes, counting it into `inFlight` as it comes. `done` is called exactly once.
 * The bytes of a complete body stay counted until the caller releases them; those of any other are released here.
 */
export class BodyReader {
  readonly #request: IncomingMessage
  readonly #bytesMax: number
  readonly #inFlight: InFlight
  readonly #slow: SlowBodies
  readonly #done: (read: BodyRead) => void
  #chunks: Buffer[] = []
  #bytes = 0
  #ended = false

  constructor(
    request: IncomingMessage,
    bytesMax: number,
    inFlight: InFlight,
    slow: SlowBodies,
    done: (read: BodyRead) => void,
  ) {
    this.#request = request
    this.#bytesMax = bytesMax
    this.#inFlight = inFlight
    this.#slow = slow
    this.#done = done
    slow.add(this)
    request.on('data', this.#onData)
    request.on('end', this.#onEnd)
    // 'close' without 'end' is a sender that went away; 'error' comes before it.
    request.on('error', this.#onGone)
    request.on('close', this.#onGone)
  }

  get bytes(): number {
    return this.#bytes
  }

  end(read: BodyRead): void {
    if (this.#ended) return
    this.#ended = true
    this.#slow.delete(this)
    this.#request.off('data', this.#onData)
    this.#request.off('end', this.#onEnd)
    this.#request.off('close', this.#onGone)
    this.#chunks = []
    if (!read.ok) this.#inFlight.release(this.#bytes)
    this.#done(read)
  }

  readonly #onData = (chunk: Buffer): void => {
    if (this.#bytes + chunk.length > this.#bytesMax) {
      this.end({ ok: false, reason: 'too_large' })
    } else if (this.#inFlight.take(chunk.length)) {
      this.#bytes += chunk.length
      this.#chunks.push(chunk)
    } else {
      this.end({ ok: false, reason: 'too_much_in_flight' })
    }
  }

  readonly #onEnd = (): void => {
    const [first] = this.#chunks
    const body =
      this.#chunks.length === 1 && first !== undefined ? first : Buffer.concat(this.#chunks, this.#bytes)
    this.end({ ok: true, body })
  }

  readonly #onGone = (): void => {
    this.end({ ok: false, reason: 'aborted' })
  }
}
