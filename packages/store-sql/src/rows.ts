import type { CallHead, Dialect, Issue } from '@hookswitch/events'
import type { NewEvent, SecretOrigin, StoredEvent, StoredSecret } from '@hookswitch/core'

/** A row of `events` as both drivers give it. */
export interface EventRow {
  seq: number
  id: string
  source: string
  call_id: string
  type: string
  dialect: string
  occurred_at: number | null
  received_at: number
  issues: string | null
  body: Uint8Array
}

export function storedEvent(row: EventRow): StoredEvent {
  return {
    seq: row.seq,
    id: row.id,
    source: row.source,
    callId: row.call_id,
    type: row.type,
    dialect: row.dialect as Dialect,
    occurredAt: row.occurred_at,
    receivedAt: row.received_at,
    issues: row.issues === null ? [] : (JSON.parse(row.issues) as Issue[]),
    body: row.body,
  }
}

/** Stands in the key where an event has no time of its own. */
const noOccurredAt = 0

export function keyTime(event: NewEvent): number {
  return event.occurredAt ?? noOccurredAt
}

export function collisionIssue(firstId: string): Issue {
  return {
    path: '',
    message: `has the same time, source, call and type as ${firstId} but other content; both are kept`,
  }
}

/** The columns of `calls` that stand beside the head, because the list is filtered and ordered by them. */
export interface CallColumns {
  firstEventAt: number
  status: string
  agentId: string | null
  agentName: string | null
  conversationId: string | null
}

export function callColumns(head: CallHead): CallColumns {
  return {
    firstEventAt: head.firstEventAt,
    status: head.status,
    agentId: indexable(head.agentId?.value),
    agentName: indexable(head.agentName?.value),
    conversationId: indexable(head.conversationId?.value),
  }
}

export function sameColumns(a: CallColumns, b: CallColumns): boolean {
  return (
    a.firstEventAt === b.firstEventAt &&
    a.status === b.status &&
    a.agentId === b.agentId &&
    a.agentName === b.agentName &&
    a.conversationId === b.conversationId
  )
}

/** What an index entry may hold: bounded, well-formed, and without the NUL that PostgreSQL text cannot carry. */
const indexedCharactersMax = 200

function indexable(value: string | undefined): string | null {
  if (value === undefined) return null
  return value.slice(0, indexedCharactersMax).toWellFormed().replaceAll('\0', '')
}

/** The end of the range of all texts that begin with `prefix`: no code point sorts after this one. */
export function prefixEnd(prefix: string): string {
  return `${prefix}\u{10FFFF}`
}

/** The fields of a head that may be null; the compiler holds this to the type. */
const nothingSaid: { [Field in keyof CallHead as null extends CallHead[Field] ? Field : never]: null } = {
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
  outcome: null,
  params: null,
  final: null,
  cumulative: null,
}

const nullable = Object.keys(nothingSaid) as (keyof typeof nothingSaid)[]

/** A head as text. Nulls are left out: they are a third of a typical head, and a head is written with every fold. */
export function writeHead(head: CallHead): string {
  const said: Record<keyof typeof nothingSaid, unknown> = { ...head }
  // Set and not deleted, which would turn the object into a slow one; JSON leaves undefined out.
  for (const field of nullable) if (said[field] === null) said[field] = undefined
  return JSON.stringify(said)
}

export function readHead(text: string): CallHead {
  return { ...nothingSaid, ...(JSON.parse(text) as Omit<CallHead, keyof typeof nothingSaid>) }
}

/** A row of `secrets` as both drivers give it. */
export interface SecretRow {
  id: string
  source: string
  hash: string
  origin: string
  label: string | null
  created_at: number
  expires_at: number | null
  last_used_at: number | null
}

export function storedSecret(row: SecretRow): StoredSecret {
  return {
    id: row.id,
    source: row.source,
    hash: row.hash,
    origin: row.origin as SecretOrigin,
    label: row.label,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    lastUsedAt: row.last_used_at,
  }
}
