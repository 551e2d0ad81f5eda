import {
  foldCall,
  readBody,
  readEnvelope,
  readFacts,
  showCall,
  type CallChange,
  type CallHead,
  type CallPart,
  type CallRecord,
  type CallView,
  type FoldedEvent,
} from '../src/index.ts'

/** Reads a body, or its text, the way the receiver does: from its bytes. */
export function eventOf(body: unknown, seq = 1, receivedAt = Date.UTC(2026, 0, 1)): FoldedEvent {
  const reading = readBody(new TextEncoder().encode(typeof body === 'string' ? body : JSON.stringify(body)))
  if (!reading.ok) throw new Error(JSON.stringify(reading.issues))
  const envelope = readEnvelope(reading.value)
  if (!envelope.ok) throw new Error(JSON.stringify(envelope.issues))
  const facts = readFacts(envelope.envelope, reading.value)
  return { seq, receivedAt, source: 'hamsa', envelope: envelope.envelope, facts }
}

/** What a store keeps of a call, changed as a store would: through JSON. */
export class StoredCall {
  head: CallHead | null = null
  readonly parts = new Map<string, CallPart>()

  apply(events: readonly FoldedEvent[]): CallChange {
    const change = foldCall(this.head, events)
    this.head = JSON.parse(JSON.stringify(change.head)) as CallHead
    for (const { kind, seq } of change.drop) {
      if (!this.parts.delete(`${kind} ${seq}`))
        throw new Error(`dropped a part that is not stored: ${kind} ${seq}`)
    }
    for (const part of change.put) {
      this.parts.set(`${part.kind} ${part.seq}`, JSON.parse(JSON.stringify(part)) as CallPart)
    }
    return change
  }

  show(view?: CallView): CallRecord {
    if (this.head === null) throw new Error('nothing was folded')
    return showCall(this.head, [...this.parts.values()], view)
  }
}

/** The record of a call of which these bodies arrived, one after another. */
export function recordOf(bodies: readonly unknown[], view?: CallView): CallRecord {
  const call = new StoredCall()
  bodies.forEach((body, at) => call.apply([eventOf(body, at + 1)]))
  return call.show(view)
}

/** A body of `call.ended` with this inner data. */
export function ended(
  data: Record<string, unknown>,
  timestamp = '2026-05-03T09:02:10.000Z',
): Record<string, unknown> {
  return { eventType: 'call.ended', callId: 'call_1', timestamp, data: { timestamp, data } }
}

/** A body of any other type for the same call. */
export function event(eventType: string, data: unknown, timestamp: string): Record<string, unknown> {
  return { eventType, callId: 'call_1', timestamp, data: { timestamp, data } }
}
