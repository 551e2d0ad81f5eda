import type { LogBounds, StoredEvent } from '@hookswitch/core'
import { eventJson } from '../api/event-json.ts'

// The text of server-sent events (html.spec.whatwg.org, "Server-sent events").

/** One event. Line breaks in its JSON stand between values, where a space means the same. */
export function eventFrame(event: StoredEvent): string {
  return `id: ${event.seq}\nevent: ${event.type}\ndata: ${eventJson(event).replaceAll(/[\r\n]+/g, ' ')}\n\n`
}

/** Where a stream begins. A block without data makes no event, but a reader that is cut before the first one resumes here. */
export function openingFrame(cursor: number): string {
  return `: hookswitch\nretry: 1000\nid: ${cursor}\n\n`
}

/** Events after the reader's cursor are not there, or the log does not reach it. */
export function gapFrame(after: number, { oldestSeq }: LogBounds, cursor: number): string {
  return `id: ${cursor}\nevent: gap\ndata: ${JSON.stringify({ after, oldest: oldestSeq })}\n\n`
}

export const keepAliveFrame = ': keep-alive\n\n'
