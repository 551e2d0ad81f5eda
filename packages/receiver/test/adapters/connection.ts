import { connect, type Socket } from 'node:net'
import { until } from './until.ts'

/** One answer as it stood on the wire. */
export interface WireAnswer {
  status: number
  /** Names in lower case. */
  headers: Record<string, string>
  body: string
}

/** HTTP/1.1 by hand: what is sent, when, and in which pieces is the test's business. */
export class Connection {
  #received = Buffer.alloc(0)
  #isOver = false
  readonly #socket: Socket

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.setNoDelay(true)
    socket.on('data', (chunk) => {
      this.#received = Buffer.concat([this.#received, chunk])
    })
    // What matters of a connection that was reset is which answers came before.
    socket.on('error', () => {})
    socket.on('close', () => {
      this.#isOver = true
    })
  }

  static async open(port: number): Promise<Connection> {
    const socket = connect({ port, host: '127.0.0.1' })
    const connection = new Connection(socket)
    await until('a connection', () => socket.readyState === 'open')
    return connection
  }

  get isOver(): boolean {
    return this.#isOver
  }

  write(bytes: string | Uint8Array): void {
    this.#socket.write(bytes)
  }

  /** The next answer, interim ones as well. */
  async answer(what: string, method = 'POST'): Promise<WireAnswer> {
    let answer: { answer: WireAnswer; length: number } | null = null
    await until(what, () => {
      answer = readAnswer(this.#received, method, this.#isOver)
      if (answer === null && this.#isOver) {
        throw new Error(`the connection ended without ${what}; came: ${this.#received.toString()}`)
      }
      return answer !== null
    })
    const { answer: found, length } = answer as unknown as { answer: WireAnswer; length: number }
    this.#received = this.#received.subarray(length)
    return found
  }

  /** At once, in the middle of whatever. */
  destroy(): void {
    this.#socket.destroy()
  }
}

function readAnswer(
  bytes: Buffer,
  method: string,
  isOver: boolean,
): { answer: WireAnswer; length: number } | null {
  const headEnd = bytes.indexOf('\r\n\r\n')
  if (headEnd === -1) return null
  const [statusLine = '', ...lines] = bytes.toString('latin1', 0, headEnd).split('\r\n')
  const status = Number(statusLine.split(' ', 2)[1])
  const headers = Object.fromEntries(
    lines.map((line) => {
      const colon = line.indexOf(':')
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
    }),
  )
  const start = headEnd + 4
  const isBare = status < 200 || status === 204 || status === 304 || method === 'HEAD'
  if (isBare) return { answer: { status, headers, body: '' }, length: start }
  if (headers['transfer-encoding'] === 'chunked') {
    const chunks = readChunks(bytes, start)
    return chunks && { answer: { status, headers, body: chunks.body }, length: chunks.end }
  }
  const lengthHeader = headers['content-length']
  if (lengthHeader === undefined && !isOver) return null
  const end = lengthHeader === undefined ? bytes.length : start + Number(lengthHeader)
  if (bytes.length < end) return null
  return { answer: { status, headers, body: bytes.toString('utf8', start, end) }, length: end }
}

function readChunks(bytes: Buffer, start: number): { body: string; end: number } | null {
  const chunks: Buffer[] = []
  let at = start
  for (;;) {
    const lineEnd = bytes.indexOf('\r\n', at)
    if (lineEnd === -1) return null
    const length = Number.parseInt(bytes.toString('latin1', at, lineEnd), 16)
    const end = lineEnd + 2 + length + 2
    if (bytes.length < end) return null
    if (length === 0) return { body: Buffer.concat(chunks).toString(), end }
    chunks.push(bytes.subarray(lineEnd + 2, end - 2))
    at = end
  }
}
