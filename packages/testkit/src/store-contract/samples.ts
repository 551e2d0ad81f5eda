import { createHash, randomBytes } from 'node:crypto'
import {
  routeEvent,
  type FoldCommit,
  type FoldRead,
  type NewEvent,
  type Store,
  type StoredSecret,
} from '@hookswitch/core'
import type { CallChange, CallHead } from '@hookswitch/events'

/** A fixed moment, so that a failure reads the same on every day. */
export const sampleTime = Date.UTC(2026, 0, 15, 12)

let made = 0

/** An event unlike any other, but for what is asked. */
export function newEvent(wanted: Partial<NewEvent> = {}): NewEvent {
  made += 1
  const body = wanted.body ?? Buffer.from(JSON.stringify({ eventType: 'call.ended', number: made }))
  return {
    id: `evt_${String(made).padStart(10, '0')}${randomBytes(8).toString('hex')}`,
    source: 'hamsa',
    callId: 'call_1',
    type: 'call.ended',
    dialect: 'v1',
    occurredAt: sampleTime + made,
    receivedAt: sampleTime + made + 50,
    content: contentOf(body),
    body,
    ...wanted,
  }
}

/** The same event as the sender sends it again: it got another id and came later. */
export function repeated(event: NewEvent): NewEvent {
  const { id, receivedAt } = newEvent()
  return { ...event, id, receivedAt }
}

/** The same event in all that makes its key, with another body. */
export function withOtherContent(event: NewEvent, text = 'other content'): NewEvent {
  const body = Buffer.from(text)
  return { ...repeated(event), body, content: contentOf(body) }
}

function contentOf(body: Uint8Array): Uint8Array {
  return createHash('sha256').update(body).digest().subarray(0, 16)
}

/** The head of a call of which nothing is known but what is asked. */
export function callHead(wanted: Partial<CallHead> = {}): CallHead {
  return {
    callId: 'call_1',
    status: 'started',
    sources: ['hamsa'],
    agentId: null,
    agentName: null,
    projectId: null,
    conversationId: null,
    direction: null,
    channel: null,
    userNumber: null,
    agentNumber: null,
    recordingUrl: null,
    durationSeconds: null,
    ringSeconds: null,
    startedEventAt: null,
    answeredEventAt: null,
    endedEventAt: null,
    startedReportedAt: null,
    answeredReportedAt: null,
    endedReportedAt: null,
    eventCount: 1,
    firstEventAt: sampleTime,
    lastEventAt: sampleTime,
    outcome: null,
    params: null,
    final: null,
    cumulative: null,
    liveTurns: 0,
    liveCharacters: 0,
    otherCharacters: 0,
    truncated: false,
    ...wanted,
  }
}

export function said<T>(value: T): { value: T; at: number; seq: number } {
  return { value, at: sampleTime, seq: 1 }
}

export function change(head: Partial<CallHead>, rest: Partial<Omit<CallChange, 'head'>> = {}): CallChange {
  return { head: callHead(head), put: [], drop: [], ...rest }
}

/** Appends one event for each of the changes and folds them, as a node would, each call in a stretch with others. */
export async function foldCalls(store: Store, changes: CallChange[]): Promise<void> {
  await store.append(changes.map(({ head }) => newEvent({ callId: head.callId })))
  await foldAll(store, changes)
}

/** Folds the whole log; the changes are written with the first stretch. */
export async function foldAll(
  store: Store,
  changes: CallChange[] = [],
  marked: FoldCommit['marked'] = [],
): Promise<void> {
  for (let rest = { calls: changes, marked }; ; rest = { calls: [], marked: [] }) {
    const read = await readStretch(store)
    const last = read.events.at(-1)
    if (last === undefined) return
    const committed = await store.foldCommit({
      expectedFoldedSeq: read.foldedSeq,
      expectedRouting: read.routing,
      foldedSeq: last.seq,
      events: read.events.map(({ seq, callId }) => ({ seq, callId })),
      deliveries: read.events.flatMap((event) => routeEvent({ event, head: null }, read.destinations)),
      ...rest,
    })
    if (!committed) throw new Error('another node has folded')
  }
}

/** The whole of the log that is not folded yet, for the only node that folds. */
export async function readStretch(store: Store): Promise<FoldRead> {
  const read = await store.foldRead('node-1', 1_000, 64 * 1024 * 1024)
  if (read === null) throw new Error('another node has the turn')
  return read
}

/** Folds the log up to and including `seq`, each of its calls with a bare head. */
export async function foldUpTo(store: Store, seq: number): Promise<void> {
  const read = await readStretch(store)
  const events = read.events.filter((event) => event.seq <= seq)
  const callIds = [...new Set(events.map(({ callId }) => callId))]
  const committed = await store.foldCommit({
    expectedFoldedSeq: read.foldedSeq,
    expectedRouting: read.routing,
    foldedSeq: seq,
    calls: callIds.map((callId) => change({ callId })),
    events: events.map((event) => ({ seq: event.seq, callId: event.callId })),
    marked: [],
    deliveries: [],
  })
  if (!committed) throw new Error('another node has folded')
}

export function secret(wanted: Partial<StoredSecret> = {}): StoredSecret {
  made += 1
  return {
    id: `sec_${made}_${randomBytes(4).toString('hex')}`,
    source: 'hamsa',
    hash: randomBytes(32).toString('hex'),
    origin: 'api',
    label: null,
    createdAt: sampleTime + made,
    expiresAt: null,
    lastUsedAt: null,
    ...wanted,
  }
}
