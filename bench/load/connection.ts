import { connect, type Socket } from 'node:net'

/** All connections read into the same memory: an answer is looked at before the next read. */
const readBuffer = Buffer.alloc(64 * 1024)
/** An answer larger than this is none that an ingest endpoint gives. */
const answerBytesMax = 256 * 1024
/** How much of a refusal is kept for the report. */
const keptBytes = 300

export interface Answer {
  status: number
  /** The body of anything but a 200, its beginning only. */
  refusal: string
}

/**
 * One keep-alive connection with at most one request under way. HTTP is read only as far as needed: the status, the
 * content-length, and where the answer ends.
 */
export class Connection {
  readonly #socket: Socket
  #partial: Buffer | null = null
  #onAnswer: (answer: Answer) => void
  #onBroken: (reason: string) => void

  constructor(port: number, onAnswer: (answer: Answer) => void, onBroken: (reason: string) => void) {
    this.#onAnswer = onAnswer
    this.#onBroken = onBroken
    this.#socket = connect({
      port,
      host: '127.0.0.1',
      noDelay: true,
      onread: {
        buffer: readBuffer,
        callback: (length) => {
          this.#read(readBuffer.subarray(0, length))
          return true
        },
      },
    })
    this.#socket.on('error', (error) => this.#break(error.message))
    this.#socket.on('close', () => this.#break('the server closed the connection'))
  }

  send(request: Buffer): void {
    this.#socket.write(request)
  }

  close(): void {
    this.#onBroken = () => undefined
    this.#onAnswer = () => undefined
    this.#socket.destroy()
  }

  #break(reason: string): void {
    const onBroken = this.#onBroken
    this.close()
    onBroken(reason)
  }

  #read(chunk: Buffer): void {
    const bytes = this.#partial === null ? chunk : Buffer.concat([this.#partial, chunk])
    const answer = measureAnswer(bytes)
    if (answer === 'unreadable' || bytes.length > answerBytesMax) return this.#break('an unreadable answer')
    if (answer === 'incomplete') {
      this.#partial = Buffer.from(bytes)
      return
    }
    this.#partial = null
    const refusal =
      answer.status === 200 ? '' : bytes.toString('utf8', answer.bodyAt, answer.bodyAt + keptBytes)
    this.#onAnswer({ status: answer.status, refusal })
  }
}

interface Measured {
  status: number
  bodyAt: number
}

function measureAnswer(bytes: Buffer): Measured | 'incomplete' | 'unreadable' {
  // "HTTP/1.1 200"
  if (bytes.length < 12) return 'incomplete'
  const status = digit(bytes[9]) * 100 + digit(bytes[10]) * 10 + digit(bytes[11])
  let contentLength = Number.NaN
  for (let at = 12; at < bytes.length - 2; at++) {
    if (bytes[at] !== 10) continue
    if (bytes[at + 1] === 13) {
      const bodyAt = at + 3
      const end = bodyAt + contentLength
      if (bytes.length < end) return 'incomplete'
      return bytes.length === end && !Number.isNaN(status) ? { status, bodyAt } : 'unreadable'
    }
    if (isContentLength(bytes, at + 1)) contentLength = numberAt(bytes, at + 16)
  }
  return 'incomplete'
}

/** Told from the other headers that start with a c by the l of "length" and the colon after it. */
function isContentLength(bytes: Buffer, at: number): boolean {
  return ((bytes[at] ?? 0) | 32) === 99 && ((bytes[at + 8] ?? 0) | 32) === 108 && bytes[at + 14] === 58
}

function numberAt(bytes: Buffer, from: number): number {
  let value = 0
  for (let at = from; at < bytes.length && bytes[at] !== 13; at++) {
    if (bytes[at] !== 32) value = value * 10 + digit(bytes[at])
  }
  return value
}

function digit(byte: number | undefined): number {
  return byte !== undefined && byte >= 48 && byte <= 57 ? byte - 48 : Number.NaN
}
