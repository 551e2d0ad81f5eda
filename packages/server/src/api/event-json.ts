import type { StoredEvent } from '@hookswitch/core'
import { readBody, readEnvelope, readFacts, type Issue } from '@hookswitch/events'

/**
 * An event as JSON text. `body` is the sender's own text, so that its keys keep their order and its numbers their
 * digits. The text may contain line breaks, between values only.
 */
export function eventJson(event: StoredEvent): string {
  const { id, seq, callId, type, occurredAt, receivedAt, source, dialect } = event
  const { text, issues } = readAgain(event)
  const head = JSON.stringify({
    id,
    seq,
    callId,
    type,
    occurredAt: occurredAt === null ? null : new Date(occurredAt).toISOString(),
    receivedAt: new Date(receivedAt).toISOString(),
    source,
    dialect,
    issues,
  })
  return `${head.slice(0, -1)},"body":${text}}`
}

/** What the bytes say is not stored beside them but read from them, together with what only the store knows. */
function readAgain(event: StoredEvent): { text: string; issues: Issue[] } {
  const body = readBody(event.body)
  // It was read before it was stored; should that ever be otherwise, the event is still shown, and its raw bytes too.
  if (!body.ok) return { text: 'null', issues: [...body.issues, ...event.issues] }
  const envelope = readEnvelope(body.value)
  if (!envelope.ok) return { text: body.text, issues: [...envelope.issues, ...event.issues] }
  const facts = readFacts(envelope.envelope, body.value)
  return { text: body.text, issues: [...envelope.envelope.issues, ...facts.issues, ...event.issues] }
}
