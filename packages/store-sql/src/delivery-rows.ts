import { isDeepStrictEqual } from 'node:util'
import type {
  AuditEntry,
  DeliveryState,
  DestinationDefinition,
  DestinationFlow,
  DestinationName,
  DestinationVersion,
  ListedDelivery,
  LaneState,
  RecentAttempt,
  ReplayFilter,
  RequestTrace,
  ResponseTrace,
  StoredAttempt,
  StoredDelivery,
  StoredDestination,
  StoredLane,
  StoredReplay,
  WorkResult,
} from '@hookswitch/core'

/** Rows of the tables of deliveries as both drivers give them, and the objects of the port. */

/** Why a delivery is dead that has waited for `deliveryAgeMsMax`. */
export const expiredReason = 'expired: it could not be delivered within 30 days'

/** Why a delivery is dead or skipped whose destination was removed. */
export const removedReason = 'the destination was removed'

/** Counts that are shown stop here: a lane or a destination may have millions of deliveries waiting. */
export const countedMax = 10_000

/** As long a lapsed epoch is remembered, so that a node that wakes up after it is told. */
export const lapsedEpochKeptMs = 24 * 60 * 60 * 1000

export interface DestinationRow {
  key: number
  id: string
  origin: string
  version: number
  definition: string
  sealed_secrets: string | null
  flow: string
  created_at: number
  updated_at: number
}

export function storedDestination(row: DestinationRow): StoredDestination {
  return {
    key: row.key,
    id: row.id,
    origin: row.origin as StoredDestination['origin'],
    version: row.version,
    definition: JSON.parse(row.definition) as DestinationDefinition,
    sealedSecrets: row.sealed_secrets,
    flow: JSON.parse(row.flow) as DestinationFlow,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  }
}

/** Whether a definition says the same as the one that is stored, whatever the order of its fields. */
export function sameDefinition<Definition>(stored: Definition, given: Definition): boolean {
  return isDeepStrictEqual(stored, JSON.parse(JSON.stringify(given)))
}

export interface DestinationVersionRow {
  destination_key: number
  id: string
  version: number
  from_seq: number
  at: number
  name: string
  definition: string | null
}

export function destinationVersion(row: DestinationVersionRow): DestinationVersion {
  return {
    key: row.destination_key,
    id: row.id,
    version: row.version,
    fromSeq: row.from_seq,
    at: row.at,
    name: row.name,
    definition: row.definition === null ? null : (JSON.parse(row.definition) as DestinationDefinition),
  }
}

export interface DestinationNameRow {
  destination_key: number
  id: string
  name: string
}

export function destinationName({ destination_key: key, id, name }: DestinationNameRow): DestinationName {
  return { key, id, name }
}

export interface DeliveryRow {
  key: number
  destination_key: number
  event_seq: number
  lane_key: string
  position: number
  replay_key: number | null
  state: string
  reason: string | null
  attempts: number
  created_at: number
  finished_at: number | null
}

export function storedDelivery(row: DeliveryRow): StoredDelivery {
  return {
    key: row.key,
    destinationKey: row.destination_key,
    eventSeq: row.event_seq,
    laneKey: row.lane_key,
    replayKey: row.replay_key,
    state: row.state as DeliveryState,
    reason: row.reason,
    attempts: row.attempts,
    createdAt: row.created_at,
    finishedAt: row.finished_at,
  }
}

/** A delivery joined with its event and, where it is pending, with its lane. */
export interface ListedDeliveryRow extends DeliveryRow {
  event_id: string | null
  event_type: string | null
  call_id: string | null
  lane: number | null
  lane_state: string | null
  lane_due_at: number | null
  lane_claimed: number | boolean | null
  is_head: number | boolean | null
}

export function listedDelivery(row: ListedDeliveryRow): ListedDelivery {
  return {
    ...storedDelivery(row),
    eventId: row.event_id,
    eventType: row.event_type,
    callId: row.call_id,
    lane:
      row.lane === null
        ? null
        : {
            key: row.lane,
            state: row.lane_state as LaneState,
            isHead: Boolean(row.is_head),
            dueAt: row.lane_due_at ?? 0,
            claimed: Boolean(row.lane_claimed),
          },
  }
}

export interface AttemptRow {
  delivery_key: number
  number: number
  started_at: number
  duration_ms: number
  verdict: string
  status: number | null
  cause: string | null
  message: string | null
  node: string
  request: string | null
  response: string | null
}

export function storedAttempt(row: AttemptRow): StoredAttempt {
  return {
    ...recentAttempt(row),
    deliveryKey: row.delivery_key,
    number: row.number,
    node: row.node,
    request: row.request === null ? null : (JSON.parse(row.request) as RequestTrace),
    response: row.response === null ? null : (JSON.parse(row.response) as ResponseTrace),
  }
}

export type RecentAttemptRow = Pick<
  AttemptRow,
  'started_at' | 'duration_ms' | 'verdict' | 'status' | 'cause' | 'message'
>

export function recentAttempt(row: RecentAttemptRow): RecentAttempt {
  return {
    startedAt: row.started_at,
    durationMs: row.duration_ms,
    verdict: row.verdict as StoredAttempt['verdict'],
    status: row.status,
    cause: row.cause as StoredAttempt['cause'],
    message: row.message,
  }
}

/** The row of an attempt that has just ended, the `number`th of its delivery. */
export function attemptRow(
  deliveryKey: number,
  number: number,
  attempt: NonNullable<WorkResult['attempt']>,
  now: number,
): AttemptRow {
  const { durationMs, verdict, status, cause, message, node, request, response } = attempt
  return {
    delivery_key: deliveryKey,
    number,
    started_at: now - durationMs,
    duration_ms: durationMs,
    verdict,
    status,
    cause,
    message,
    node,
    request: request === null ? null : JSON.stringify(request),
    response: response === null ? null : JSON.stringify(response),
  }
}

/** A lane with what its pending deliveries say; `pending` is counted up to `countedMax`. */
export interface LaneRow {
  key: number
  destination_key: number
  lane_key: string
  state: string
  due_at: number
  head_attempts: number
  parked_at: number | null
  parked_reason: string | null
  pending: number
  head_delivery_key: number
}

export function storedLane(row: LaneRow): StoredLane {
  return {
    key: row.key,
    destinationKey: row.destination_key,
    laneKey: row.lane_key,
    state: row.state as LaneState,
    dueAt: row.due_at,
    headAttempts: row.head_attempts,
    parkedAt: row.parked_at,
    parkedReason: row.parked_reason,
    pending: row.pending,
    headDeliveryKey: row.head_delivery_key,
  }
}

export interface ReplayRow {
  key: number
  destination_key: number
  filter: string
  total: number
  made: number
  state: string
  cursor_seq: number
  until_seq: number
  created_at: number
  finished_at: number | null
}

export function storedReplay(row: ReplayRow): StoredReplay {
  return {
    key: row.key,
    destinationKey: row.destination_key,
    filter: JSON.parse(row.filter) as ReplayFilter,
    total: row.total,
    made: row.made,
    state: row.state as StoredReplay['state'],
    cursorSeq: row.cursor_seq,
    untilSeq: row.until_seq,
    createdAt: row.created_at,
    finishedAt: row.finished_at,
  }
}

export interface AuditRow {
  key: number
  at: number
  actor: string
  action: string
  target: string
  reason: string | null
  detail: string | null
}

export function auditEntry(row: AuditRow): AuditEntry {
  return {
    key: row.key,
    at: row.at,
    actor: row.actor,
    action: row.action,
    target: row.target,
    reason: row.reason,
    detail: row.detail === null ? null : (JSON.parse(row.detail) as Record<string, unknown>),
  }
}

/** Fewer digits name nobody. */
const phoneDigitsMin = 5

/** What phone numbers are compared by; null for what is too short to be one. */
export function phoneDigits(phone: string): string | null {
  const digits = phone.replace(/\D/g, '')
  return digits.length < phoneDigitsMin ? null : digits
}

/** Whether a stored object of params or outcome has the field with a scalar that reads as this text. */
export function saysParam(data: string, { name, value }: { name: string; value: string }): boolean {
  const fields = JSON.parse(data) as Record<string, unknown>
  if (!Object.hasOwn(fields, name)) return false
  const found = fields[name]
  return (
    (typeof found === 'string' || typeof found === 'number' || typeof found === 'boolean') &&
    String(found) === value
  )
}
