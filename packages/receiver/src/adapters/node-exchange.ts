import type { Answer, Incoming, ParsedBody } from '../receiver/incoming.ts'
import type { Receiver } from '../receiver/receiver.ts'

/** What is used of Node's `IncomingMessage`, over HTTP/1 or HTTP/2. */
export interface NodeRequest {
  readonly method?: string | undefined
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  /** Whether anything has been taken out of it. */
  readonly readableDidRead: boolean
  readonly readableEnded: boolean
  readonly destroyed: boolean
  on(event: 'data', listener: (chunk: Uint8Array) => void): unknown
  on(event: 'end' | 'error' | 'close', listener: () => void): unknown
  off(event: 'data', listener: (chunk: Uint8Array) => void): unknown
  resume(): unknown
  /** Where a parser before us has put what it made of the body. */
  body?: unknown
  /** The body as it came, kept by a parser's `verify`, or by a platform that parses before the app is asked. */
  rawBody?: unknown
}

/** What is used of Node's `ServerResponse`. */
export interface NodeResponse {
  statusCode: number
  readonly headersSent: boolean
  setHeader(name: string, value: string): unknown
  end(body: string): unknown
  destroy(): unknown
}

/** Lets the receiver answer. Resolves when the answer has been handed to Node; never rejects. */
export async function answerNode(
  receiver: Receiver,
  request: NodeRequest,
  response: NodeResponse,
  body: Incoming['body'],
): Promise<void> {
  try {
    writeAnswer(request, response, await receiver.receive(incomingOf(request, body)))
  } catch {
    // Something else has written to it, or has put itself in its place. The sender shall try again.
    response.destroy()
  }
}

export function incomingOf(request: NodeRequest, body: Incoming['body']): Incoming {
  return {
    method: request.method ?? 'GET',
    header: (name) => request.headers[name]?.toString(),
    body,
  }
}

function writeAnswer(request: NodeRequest, response: NodeResponse, answer: Answer): void {
  // A middleware that limits the time may have answered before.
  if (!response.headersSent) {
    response.statusCode = answer.status
    for (const [name, value] of Object.entries(answer.headers)) response.setHeader(name, value)
    if (isTooSlow(answer)) response.setHeader('connection', 'close')
    response.end(answer.body)
  }
  dropRest(request)
}

/** A connection whose sender has stopped in the middle of a request is of no more use. */
export function isTooSlow(answer: Answer): boolean {
  return answer.status === 408
}

/**
 * What nobody has read of a body that was refused goes past, as Node does it with a body that nobody began to read. Closed
 * at once, the connection would be reset while the sender still writes, and the answer lost with it.
 */
export function dropRest(request: NodeRequest): void {
  request.resume()
}

/**
 * The bytes as they come. Left early, the request keeps its socket: without it the rest could not go past, and a logger
 * that asks for the address would find none. By events, since Node's own iterator costs half as much as all the rest of
 * a small request.
 */
function streamOf(request: NodeRequest): AsyncIterable<Uint8Array> {
  return { [Symbol.asyncIterator]: () => chunksOf(request) }
}

function chunksOf(request: NodeRequest): AsyncIterator<Uint8Array, undefined> {
  const chunks: Uint8Array[] = []
  let state: 'open' | 'ended' | 'broken' = request.readableEnded
    ? 'ended'
    : request.destroyed
      ? 'broken'
      : 'open'
  let wake: (() => void) | null = null
  const become = (next: typeof state): void => {
    if (state === 'open') state = next
    wake?.()
  }
  const isWaiting = (): boolean => chunks.length === 0 && state === 'open'
  const take = (chunk: Uint8Array): void => {
    chunks.push(chunk)
    wake?.()
  }
  request.on('end', () => become('ended'))
  request.on('error', () => become('broken'))
  // Of a sender that went away in the middle; after the end it says nothing more.
  request.on('close', () => become('broken'))
  request.on('data', take)
  return {
    async next() {
      while (isWaiting()) {
        await new Promise<void>((resolve) => {
          wake = resolve
        })
        wake = null
      }
      const value = chunks.shift()
      if (value !== undefined) return { done: false, value }
      if (state === 'broken') throw new Error('the request ended before its body did')
      return { done: true, value: undefined }
    },
    return() {
      request.off('data', take)
      return Promise.resolve({ done: true, value: undefined })
    },
  }
}

/**
 * The body where a parser may have run before: its bytes where somebody kept them, the stream where nobody has read it,
 * else what was made of it.
 */
export function bodyAfterParser(
  request: NodeRequest,
  { by, move }: Pick<ParsedBody, 'by' | 'move'>,
): Incoming['body'] {
  for (const kept of [request.rawBody, request.body]) {
    if (kept instanceof Uint8Array) return kept
    if (typeof kept === 'string') return new TextEncoder().encode(kept)
  }
  if (!request.readableDidRead) return streamOf(request)
  // JSON that was taken for a form has become the name of a field, cut at the first `=`.
  const isForm = request.headers['content-type']?.includes('form') ?? false
  return { parsed: isForm ? undefined : request.body, by, move }
}
