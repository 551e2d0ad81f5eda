import { setTimeout as delay } from 'node:timers/promises'
import { createParser, type EventSourceMessage } from 'eventsource-parser'
import type { ApiClient, Query } from '../api/api-client.ts'
import { reasonOf } from '../api/unreachable.ts'
import { CommandFailure } from '../failure.ts'
import type { ApiEvent } from '../api/api-event.ts'

/** What a follower sees: events, and what happened to the stream that brings them. */
export type Followed =
  /** `text` is the event as JSON on one line, as it came. */
  | { kind: 'event'; event: ApiEvent; text: string }
  /** The log of the server does not go on where this reader was; see `oldest`, the first `seq` that is kept. */
  | { kind: 'gap'; after: number; oldest: number }
  | { kind: 'cut'; reason: string }
  /** Connected, for the first time or again after a cut: from here on nothing is missed. */
  | { kind: 'open'; again: boolean }

export interface FollowOptions {
  /** Begin after this place in the log; from now on if it is left out. */
  after?: number | undefined
  type?: string | undefined
  callId?: string | undefined
  /** Ends the following; it then returns. */
  signal: AbortSignal
}

/** The server writes a comment every 15 s; after three that did not come the connection is dead. */
const silenceMs = 45_000

/** A restart takes about a second; a longer outage is asked about every five. */
const retryFirstMs = 250
const retryMaxMs = 5_000

/**
 * The events of a server as they are stored, in `seq` order. After a cut it goes on where it was, so that nothing is
 * missed; events that a gap was reported for are gone. Throws when the first connection fails, or a later one is
 * refused for good.
 */
export async function* followStream(api: ApiClient, options: FollowOptions): AsyncGenerator<Followed, void> {
  const { signal, ...query } = options
  let lastId: string | null = null
  let failures = 0
  let wasOpen = false
  while (!signal.aborted) {
    try {
      for await (const message of readOnce(api, query, lastId, signal)) {
        lastId = message.id ?? lastId
        if (message.event === 'open') {
          yield { kind: 'open', again: wasOpen }
          wasOpen = true
          failures = 0
        } else if (message.event === 'gap') {
          yield { kind: 'gap', ...(JSON.parse(message.data) as { after: number; oldest: number }) }
        } else {
          yield { kind: 'event', event: JSON.parse(message.data) as ApiEvent, text: message.data }
        }
      }
      if (signal.aborted) return
      if (failures === 0) yield { kind: 'cut', reason: 'the server ended it' }
    } catch (error) {
      if (signal.aborted) return
      if (!wasOpen || !mayPass(error)) throw error
      if (failures === 0) yield { kind: 'cut', reason: reasonOf(error) }
    }
    failures += 1
    await delay(retryDelayMs(failures), undefined, { signal }).catch(() => undefined)
  }
}

/**
 * One connection, from its opening to its end. Its first message is `open`, with the place where it begins: the server
 * says that in a block without data, which the parser passes over.
 */
async function* readOnce(
  api: ApiClient,
  query: Query,
  lastId: string | null,
  signal: AbortSignal,
): AsyncGenerator<EventSourceMessage, void> {
  const silence = new AbortController()
  const timer = setTimeout(() => {
    silence.abort(new DOMException(`nothing came for ${silenceMs / 1000} s`, 'TimeoutError'))
  }, silenceMs)
  try {
    const response = await api.stream(
      '/stream',
      query,
      { accept: 'text/event-stream', ...(lastId === null ? {} : { 'last-event-id': lastId }) },
      AbortSignal.any([signal, silence.signal]),
    )
    const messages: EventSourceMessage[] = []
    const parser = createParser({ onEvent: (message) => messages.push(message) })
    const decoder = new TextDecoder()
    let opening: string | null = ''
    for await (const chunk of response.body ?? []) {
      timer.refresh()
      const text = decoder.decode(chunk as Uint8Array, { stream: true })
      parser.feed(text)
      if (opening !== null) {
        opening += text
        if (!opening.includes('\n\n')) continue
        yield { event: 'open', id: /^id: (\d+)$/m.exec(opening)?.[1], data: '' }
        opening = null
      }
      yield* messages.splice(0)
    }
  } finally {
    clearTimeout(timer)
  }
}

/** Whether the same request may succeed later. What cannot be parsed would come again and again. */
function mayPass(error: unknown): boolean {
  if (error instanceof SyntaxError) return false
  return !(error instanceof CommandFailure) || error.ending === 'unreachable' || error.ending === 'failed'
}

/** Doubling, and spread over half of itself, so that many followers do not return in one moment. */
function retryDelayMs(failures: number): number {
  return Math.min(retryMaxMs, retryFirstMs * 2 ** (failures - 1)) * (0.5 + Math.random() / 2)
}
