import { bodyNestingMax, ingestAnswers } from '@hookswitch/events'
import { invalid, refused, tooLarge, type Verdict } from './answer.ts'
import type { Incoming } from './incoming.ts'

export type BytesReading = { bytes: Uint8Array } | Verdict

/** The bytes of a body of at most `bytesMax`, all there within `bodyMs`; else the answer. Never rejects. */
export async function readBytes(
  body: Incoming['body'],
  bytesMax: number,
  bodyMs: number,
): Promise<BytesReading> {
  if (body === null) return { bytes: new Uint8Array() }
  if (ArrayBuffer.isView(body)) return within(body, bytesMax)
  if ('parsed' in body) return writtenAgain(body.parsed, bytesMax)
  let timer: ReturnType<typeof setTimeout> | undefined
  const tooSlow = new Promise<null>((resolve) => {
    timer = setTimeout(resolve, bodyMs, null)
  })
  try {
    return await collect('getReader' in body ? chunksOfStream(body) : chunksOf(body), tooSlow, bytesMax)
  } catch {
    // The sender went away; nobody hears this.
    return refused(ingestAnswers.request_timeout, 'aborted')
  } finally {
    clearTimeout(timer)
  }
}

/** What both kinds of stream have in common. */
interface Chunks {
  next(): Promise<{ done?: boolean | undefined; value?: Uint8Array | undefined }>
  leave(): Promise<unknown> | undefined
}

function chunksOfStream(stream: ReadableStream<Uint8Array>): Chunks {
  const reader = stream.getReader()
  return { next: () => reader.read(), leave: () => reader.cancel() }
}

function chunksOf(stream: AsyncIterable<Uint8Array>): Chunks {
  const iterator = stream[Symbol.asyncIterator]()
  return { next: () => iterator.next(), leave: () => iterator.return?.() }
}

async function collect(chunks: Chunks, tooSlow: Promise<null>, bytesMax: number): Promise<BytesReading> {
  const parts: Uint8Array[] = []
  let length = 0
  for (;;) {
    const next = await Promise.race([chunks.next(), tooSlow])
    if (next?.done === true) return { bytes: joined(parts, length) }
    const part = next?.value
    length += part?.length ?? 0
    if (part === undefined || length > bytesMax) {
      // It may only end when the chunk that it waits for has come, which nobody waits for here.
      chunks.leave()?.catch(() => {})
      return part === undefined ? refused(ingestAnswers.request_timeout, 'too_slow') : tooLarge()
    }
    parts.push(part)
  }
}

function joined(parts: readonly Uint8Array[], length: number): Uint8Array {
  const [first] = parts
  if (first !== undefined && parts.length === 1) return first
  const bytes = new Uint8Array(length)
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}

function within(bytes: Uint8Array, bytesMax: number): BytesReading {
  return bytes.length > bytesMax ? tooLarge() : { bytes }
}

/** As JSON again, so that everything after this knows one kind of body only. */
function writtenAgain(parsed: unknown, bytesMax: number): BytesReading {
  let text: string
  try {
    text = typeof parsed === 'string' ? parsed : JSON.stringify(parsed)
  } catch {
    // What was parsed from JSON fails only where it is nested so deep that JSON.stringify cannot follow.
    return invalid([{ path: '', message: `is nested deeper than ${bodyNestingMax} levels` }])
  }
  return within(new TextEncoder().encode(text), bytesMax)
}

/**
 * What to say about a body whose bytes are gone where they are needed, or of which nothing is left; null where it can
 * be read.
 */
export function bodyTaken(body: Incoming['body'], isSigned: boolean): string | null {
  if (body === null) return null
  if ('parsed' in body) {
    const { parsed, by, move } = body
    if (isSigned || parsed === undefined) return `${by} ran before the webhook: ${move}`
    // Two numbers have become one, and with them two events.
    return hasRounded(parsed)
      ? `${by} ran before the webhook, and rounded a number beyond 2^53: ${move}`
      : null
  }
  return 'locked' in body && body.locked
    ? 'something reads the body already: hand over a request that is unread'
    : null
}

/** Whether a whole number in it is none that JSON holds exactly. */
function hasRounded(parsed: unknown): boolean {
  const rest: unknown[] = [parsed]
  while (rest.length > 0) {
    const value = rest.pop()
    if (typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value)) return true
    if (typeof value === 'object' && value !== null)
      for (const member of Object.values(value)) rest.push(member)
  }
  return false
}
