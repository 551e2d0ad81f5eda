import { hash } from 'node:crypto'
import { canonicalContent, type Envelope } from '@hookswitch/events'
import type { NewEvent } from '../store/store.ts'
import { eventId } from './event-id.ts'

/**
 * An event that came just now, ready to be stored.
 *
 * @param read its body as `readBody` gives it.
 * @param now Unix milliseconds.
 */
export function newEvent(
  source: string,
  { dialect, type, callId, occurredAt }: Envelope,
  read: { value: Record<string, unknown>; text: string },
  body: Uint8Array,
  now: number,
): NewEvent {
  return {
    id: eventId(now),
    source,
    callId,
    type,
    dialect,
    occurredAt,
    receivedAt: now,
    content: contentHash(canonicalContent(read.value, read.text) ?? body),
    body,
  }
}

/** Half of a SHA-256. As text and back, because asking for a buffer costs twice as much. */
function contentHash(content: string | Uint8Array): Buffer {
  return Buffer.from(hash('sha256', content, 'hex').slice(0, 32), 'hex')
}
