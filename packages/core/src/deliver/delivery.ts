import type { AttemptResult } from './attempt.ts'

export type DeliveryState = 'pending' | 'delivered' | 'filtered' | 'dead' | 'skipped'

/** One event for one destination for one cause. */
export interface StoredDelivery {
  /** The number in its id, `dlv_<key>`. */
  key: number
  destinationKey: number
  eventSeq: number
  laneKey: string
  /** The replay that made it; null for the routing of the event. */
  replayKey: number | null
  state: DeliveryState
  /** Why it is as it is, one sentence without payload; null while nothing has happened. */
  reason: string | null
  /** Tries made so far, of every budget. */
  attempts: number
  /** Unix milliseconds. */
  createdAt: number
  finishedAt: number | null
}

/** A delivery with what a list shows of its event and lane. Event fields are null once the event was removed. */
export interface ListedDelivery extends StoredDelivery {
  eventId: string | null
  eventType: string | null
  callId: string | null
  /** For a pending one whether it is the head of its lane, and how the lane stands. */
  lane: { key: number; state: LaneState; isHead: boolean; dueAt: number; claimed: boolean } | null
}

export interface StoredAttempt extends Omit<AttemptResult, 'retryAfterMs'> {
  deliveryKey: number
  /** From 1, over all budgets. */
  number: number
  startedAt: number
  durationMs: number
  /** The node that made it. */
  node: string
}

export type LaneState = 'running' | 'parked'

/** A lane that has something to deliver; an idle lane has no row. */
export interface StoredLane {
  /** The number in its id, `lane_<key>`; never used again. */
  key: number
  destinationKey: number
  laneKey: string
  state: LaneState
  /** Unix milliseconds by the store's clock; not claimed before. */
  dueAt: number
  /** Tries of the head since its budget was last fresh. */
  headAttempts: number
  /** Of a parked lane. */
  parkedAt: number | null
  parkedReason: string | null
  /** Pending deliveries in it. */
  pending: number
  headDeliveryKey: number
}

/** A delivery that a routing or a replay adds at the tail of its lane. */
export interface RoutedDelivery {
  destinationKey: number
  eventSeq: number
  laneKey: string
  replayKey: number | null
}

export interface StoredReplay {
  /** The number in its id, `rpl_<key>`. */
  key: number
  destinationKey: number
  filter: ReplayFilter
  /** Events that matched when it was asked for. */
  total: number
  /** Deliveries made so far. */
  made: number
  state: 'running' | 'done' | 'cancelled'
  /** Events up to this `seq` have been looked at; it ends after `untilSeq`. */
  cursorSeq: number
  untilSeq: number
  createdAt: number
  finishedAt: number | null
}

/** Which events are replayed; all that is given must hold. Times are Unix milliseconds, half-open, on `receivedAt`. */
export interface ReplayFilter {
  eventIds?: string[]
  callId?: string
  type?: string
  source?: string
  from?: number
  to?: number
  /** Only events whose latest delivery at this destination is in this state. */
  state?: DeliveryState
}

/** One manual act. */
export interface AuditEntry {
  key: number
  at: number
  /** As whoever asked calls itself; `admin` by default. */
  actor: string
  /** Such as `destination.pause`. */
  action: string
  /** The id of what was acted on. */
  target: string
  reason: string | null
  detail: Record<string, unknown> | null
}
