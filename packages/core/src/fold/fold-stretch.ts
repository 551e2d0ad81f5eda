import {
  foldCall,
  noFacts,
  readBody,
  readEnvelope,
  readFacts,
  type CallChange,
  type CallHead,
  type FoldedEvent,
  type Issue,
} from '@hookswitch/events'
import { routeEvent } from '../route/route.ts'
import type { FoldCommit, FoldRead, StoredEvent } from '../store/store.ts'

/** Stands for what a poisonous event says. */
const nothing = noFacts()

/**
 * Folds one stretch of the log, call by call, and routes its events; pure. An event that breaks the fold is marked
 * and passed over: it still counts as an event of its call and is still routed, it only says nothing about the call.
 */
export function foldStretch({ foldedSeq, events, heads, destinations, routing }: FoldRead): FoldCommit {
  const marked: FoldCommit['marked'] = []
  const ofCall = new Map<string, FoldedEvent[]>()
  for (const event of events) {
    const folded = foldedEvent(event, marked)
    const group = ofCall.get(event.callId)
    if (group === undefined) ofCall.set(event.callId, [folded])
    else group.push(folded)
  }
  const calls: CallChange[] = []
  for (const [callId, group] of ofCall) {
    const change = foldGroup(heads.get(callId) ?? null, group, marked)
    if (change !== null) calls.push(change)
  }
  const folded = new Map(calls.map(({ head }) => [head.callId, head]))
  return {
    expectedFoldedSeq: foldedSeq,
    expectedRouting: routing,
    foldedSeq: events.at(-1)?.seq ?? foldedSeq,
    calls,
    events: events.map(({ seq, callId }) => ({ seq, callId })),
    marked,
    deliveries:
      destinations.length === 0
        ? []
        : events.flatMap((event) =>
            routeEvent(
              { event, head: folded.get(event.callId) ?? heads.get(event.callId) ?? null },
              destinations,
            ),
          ),
  }
}

function foldedEvent(event: StoredEvent, marked: FoldCommit['marked']): FoldedEvent {
  const { seq, receivedAt, source } = event
  // The envelope stands in the row, so that whatever the body does to its readers, the event keeps its call and place.
  const { dialect, type, callId, occurredAt } = event
  const envelope = { dialect, type, callId, occurredAt, issues: [] }
  try {
    const body = readBody(event.body)
    if (!body.ok) throw new Error('the stored body cannot be read')
    const read = readEnvelope(body.value)
    return {
      seq,
      receivedAt,
      source,
      envelope,
      facts: readFacts(read.ok ? read.envelope : envelope, body.value),
    }
  } catch (error) {
    marked.push({ seq, issue: foldError(error) })
    return { seq, receivedAt, source, envelope, facts: nothing }
  }
}

/** Folds a call's events together; where that fails, one by one, so that only the poisonous one is passed over. */
function foldGroup(
  head: CallHead | null,
  group: readonly FoldedEvent[],
  marked: FoldCommit['marked'],
): CallChange | null {
  try {
    return foldCall(head, group)
  } catch (error) {
    if (group.length === 1) {
      const event = group[0] as FoldedEvent
      marked.push({ seq: event.seq, issue: foldError(error) })
      if (event.facts === nothing) return null
      return foldGroup(head, [{ ...event, facts: nothing }], [])
    }
  }
  let change: CallChange | null = null
  for (const event of group) {
    const next = foldGroup(change?.head ?? head, [event], marked)
    if (next !== null) change = change === null ? next : joinChanges(change, next)
  }
  return change
}

/** Two changes of one call, one after the other, as one. */
function joinChanges(first: CallChange, second: CallChange): CallChange {
  const dropped = new Set(second.drop.map(({ kind, seq }) => `${kind} ${seq}`))
  return {
    ...first,
    ...second,
    put: [...first.put.filter(({ kind, seq }) => !dropped.has(`${kind} ${seq}`)), ...second.put],
    drop: [...first.drop, ...second.drop],
  }
}

/** The name of what was thrown, and never its message, which may quote the body. */
function foldError(error: unknown): Issue {
  const name = error instanceof Error ? error.name : typeof error
  return { path: '', message: `foldError: the event could not be folded (${name}) and was passed over` }
}
