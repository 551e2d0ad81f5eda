import {
  canonicalContent,
  readBody,
  readEnvelope,
  readFacts,
  type Envelope,
  type Issue,
} from '@hookswitch/events'
import type { QueuedEvent } from '../queue/event-queue.ts'
import { sha256Hex } from '../receiver/sha256.ts'
import { MadeEvent, type Arrival } from './made-event.ts'
import type { ReceivedEvent } from './received-event.ts'

/** A body in which an event was found. */
export interface ReadEvent {
  envelope: Envelope
  value: Record<string, unknown>
  text: string
}

export type EventReading = { ok: true; read: ReadEvent } | { ok: false; issues: Issue[] }

/** Everything that is wrong with a body, or the event in it. */
export function readEvent(bytes: Uint8Array): EventReading {
  const body = readBody(bytes)
  if (!body.ok) return body
  const reading = readEnvelope(body.value)
  if (!reading.ok) return reading
  return { ok: true, read: { envelope: reading.envelope, value: body.value, text: body.text } }
}

/**
 * The key, `<ms>:<callId>:<type>:<hash>`, and the id: the sender's own where it can stand in a log and in JSON as it is.
 * Both go by the content, not by the bytes, so that a sender that writes the same event differently repeats itself.
 */
export async function nameEvent(
  { envelope, value, text }: ReadEvent,
  webhookId: string | null | undefined,
): Promise<{ key: string; id: string }> {
  const { occurredAt, callId, type } = envelope
  const hash = await sha256Hex(canonicalContent(value, text) ?? text)
  const key = `${occurredAt ?? 0}:${callId}:${type}:${hash.slice(0, 32)}`
  const isUsable = typeof webhookId === 'string' && /^[\w-]{1,200}$/.test(webhookId)
  // The content has the time, the call and the type in it: the other half of its hash is as good as one of the key.
  return { key, id: isUsable ? webhookId : `evt_${hash.slice(32)}` }
}

export function makeEvent({ envelope, value }: ReadEvent, arrival: Arrival): ReceivedEvent {
  return new MadeEvent(envelope, readFacts(envelope, value), value, arrival)
}

/** @throws TypeError for what no receiver has queued. */
export function eventOfQueued(queued: QueuedEvent): ReceivedEvent {
  const { version, id, key, receivedAt, body, isTest } = queued
  // Written by a later version, perhaps, which means something else by it.
  if ((version as unknown) !== 1) throw new TypeError('the queued event is not of version 1')
  const reading = readEvent(new TextEncoder().encode(body))
  if (!reading.ok) throw new TypeError('the body of the queued event holds no event')
  return makeEvent(reading.read, { id, key, receivedAt, isTest })
}
