import type { CallHead } from '@hookswitch/events'
import type { StoredEvent } from '../store/store.ts'
import type {
  AuditEntry,
  DeliveryState,
  LaneState,
  ListedDelivery,
  ReplayFilter,
  RoutedDelivery,
  StoredAttempt,
  StoredDelivery,
  StoredLane,
  StoredReplay,
} from './delivery.ts'
import type {
  DestinationDefinition,
  DestinationName,
  DestinationOrigin,
  DestinationVersion,
  Hold,
  StoredDestination,
} from './destination.ts'

/**
 * The part of the `Store` that delivers. What is decided (how a result changes a lane, how much a destination may be
 * sent) stands in pure functions of `core/src/deliver` that every engine calls within its transaction; an engine
 * only reads and writes rows. All times are the store's clock, Unix milliseconds.
 */
export interface DeliveryStore {
  // ── Destinations ──────────────────────────────────────────────────────────────────────────────────────────────

  /** All that exist, by key, or the one that has a name. */
  listDestinations(wanted?: { name: string }): Promise<StoredDestination[]>
  /** Null when the name is taken. It is routed to from the next event that is folded. */
  addDestination(destination: NewDestination): Promise<StoredDestination | null>
  /**
   * Changes definition and secrets, on condition that `version` is still the one that was read. Where both are the
   * same nothing changes; other secrets alone are a change and a new version. A hold for `auth`, `gone`, `failing` or `removed` ends with a change.
   */
  changeDestination(
    id: string,
    version: number,
    change: { definition: DestinationDefinition; sealedSecrets: string | null },
  ): Promise<StoredDestination | 'changed' | 'not_found' | 'name_taken'>
  /**
   * Removes it, at most `deliveriesMax` pending deliveries with each call: those become what `undelivered` says.
   * `remaining` above 0 with `refuse` means that nothing was changed, otherwise that it is to be called again.
   */
  removeDestination(
    id: string,
    undelivered: 'refuse' | 'skip' | 'dead',
    deliveriesMax: number,
  ): Promise<{ remaining: number } | null>
  /** Sets or ends the hold; null when there is no such destination. Nothing starts after a hold is committed. */
  holdDestination(id: string, hold: Omit<Hold, 'since'> | null): Promise<StoredDestination | null>
  /**
   * Of each destination that there ever was the version that was valid for an event at `seq`, the one after that and
   * the latest; by key and version.
   */
  destinationVersions(seq: number): Promise<DestinationVersion[]>
  /**
   * The destinations with these keys, or all that have this id or had this name last, by key; also those that were
   * removed.
   */
  destinationNames(wanted: { keys: readonly number[] } | { idOrName: string }): Promise<DestinationName[]>

  // ── Work ──────────────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Renews the node's epoch, and frees the lanes of epochs that have been silent for `epochLapsesMs`. False when this
   * epoch has lapsed itself: the node must take a new one and drop all it holds.
   */
  beat(epoch: string): Promise<boolean>
  /** Ends an epoch; what it still holds is free at once. It never beats true again, no more than one that has lapsed. */
  endEpoch(epoch: string): Promise<void>
  /** Writes results and claims lanes, in one transaction. */
  work(request: WorkRequest): Promise<WorkAnswer>
  /** The events of these places that are still there. */
  eventsAt(seqs: readonly number[]): Promise<StoredEvent[]>

  // ── Looking and acting by hand ────────────────────────────────────────────────────────────────────────────────

  /** Newest first by key. */
  listDeliveries(query: DeliveryQuery): Promise<ListedDelivery[]>
  getDelivery(key: number): Promise<{ delivery: ListedDelivery; attempts: StoredAttempt[] } | null>
  /** All deliveries of one event. */
  deliveriesOfEvent(seq: number): Promise<ListedDelivery[]>
  /**
   * A dead, skipped or filtered one joins its lane at the tail with a fresh budget; a pending one whose lane waits is
   * due now. `claimed`: it is being tried at this moment. `delivered`: a replay sends it again.
   */
  retryDelivery(key: number): Promise<RetryResult>
  /** A pending one is passed over. */
  skipDelivery(key: number, reason: string): Promise<'done' | 'not_found' | 'claimed' | 'finished'>
  /** By key, ascending. */
  listLanes(query: LaneQuery): Promise<StoredLane[]>
  /** A parked lane runs again and tries its head with a fresh budget; `running`: it was not parked. */
  resumeLane(key: number): Promise<'done' | 'not_found' | 'running'>
  /** The head is passed over; the next is due now, with a fresh budget, also in a parked lane. */
  skipLaneHead(key: number, reason: string): Promise<'done' | 'not_found' | 'claimed'>

  /**
   * Counts what a replay would send now. It looks through the log, and belongs on a connection that only reads. An
   * event that is not folded yet does not count, since it is still to be routed.
   */
  matchReplay(replay: {
    destinationKey: number
    filter: ReplayFilter
    totalMax: number
  }): Promise<ReplayMatch | { tooMany: number }>
  /** Begins a replay of what was matched. One of nothing ends with its first stretch. */
  addReplay(replay: { destinationKey: number; filter: ReplayFilter } & ReplayMatch): Promise<StoredReplay>
  getReplay(key: number): Promise<StoredReplay | null>
  listReplays(query: { before: number | null; limit: number }): Promise<StoredReplay[]>
  cancelReplay(key: number): Promise<StoredReplay | null>
  /**
   * The next events of the running replay whose last stretch was written longest ago, with what names their lanes;
   * null when none is running. There may be none among as many places as one read looks at; the replay's cursor then
   * stands after them.
   */
  replayRead(eventsMax: number): Promise<ReplayRead | null>
  /** Adds the deliveries and moves the cursor, on condition that it is still what was read. The others go first then. */
  replayCommit(commit: {
    replayKey: number
    expectedCursorSeq: number
    cursorSeq: number
    done: boolean
    deliveries: RoutedDelivery[]
  }): Promise<boolean>

  addAudit(entry: Omit<AuditEntry, 'key' | 'at'>): Promise<void>
  /** Newest first. */
  listAudit(query: { before: number | null; limit: number }): Promise<AuditEntry[]>
  deliveryStats(): Promise<DeliveryStats>
  /**
   * The newest tries of a destination that were begun at `since` or later, newest first; of at most the newest
   * `attemptsMax` deliveries in each state (of those that wait, only those that were tried), so that it costs the same
   * however many there are.
   */
  recentAttempts(destinationKey: number, since: number, attemptsMax: number): Promise<RecentAttempt[]>

  // ── Upkeep ────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Deliveries that have waited since before `createdBefore` become `dead`; at most `deliveriesMax`. */
  expireDeliveries(createdBefore: number, deliveriesMax: number): Promise<number>
  /** Removes one chunk of what is too old; see `Retention`. Also gives free pages back to the disk. */
  retain(retention: RetentionCutoffs, rowsMax: number): Promise<RetentionReport>
  /** Removes one chunk of what is known of a person; repeat while `more`. */
  erase(selection: EraseSelection, callsMax: number): Promise<EraseReport & { more: boolean }>
}

export interface NewDestination {
  id: string
  origin: DestinationOrigin
  definition: DestinationDefinition
  sealedSecrets: string | null
}

/** Silence after which a node's lanes go to others, by the store's clock. */
export const epochLapsesMs = 10_000

/** A delivery never waits longer than this; it is then dead, with the reason `expired`. */
export const deliveryAgeMsMax = 30 * 24 * 60 * 60 * 1000

export interface WorkRequest {
  epoch: string
  results: readonly WorkResult[]
  /** Lanes that this node can take besides those that it keeps. */
  lanesMax: number
  /** How many lanes of one destination this node works on at once. */
  lanesPerDestinationMax: number
}

/** What came of a lane's turn so far. */
export interface WorkResult {
  laneKey: number
  /** The fencing number of the claim. */
  claim: number
  deliveryKey: number
  outcome: TurnOutcome
  attempt: Omit<StoredAttempt, 'deliveryKey' | 'number' | 'startedAt'> | null
  /** The worker goes on with the next delivery of this lane, if there is one that may be sent now. */
  wantsNext: boolean
}

/** What a delivery, its lane and its destination are to become. Delays count from when the store writes it. */
export type TurnOutcome =
  | { kind: 'delivered' }
  | { kind: 'filtered'; reason: string }
  /** Tried again after `delayMs`; the budget is not spent. */
  | { kind: 'retry'; delayMs: number; reason: string; holdMs: number | null }
  /**
   * The budget is spent, or it can never succeed; the definition's `onExhausted` decides about the lane. The answer to
   * the last try may ask for a rest of the destination all the same.
   */
  | { kind: 'dead'; reason: string; holdMs?: number }
  /** The destination refuses: it is held until a person acts, and the delivery keeps its place and its budget. */
  | { kind: 'held'; hold: 'auth' | 'gone'; reason: string }
  /** Not tried, or cut short through no fault of its own: back to the head of its lane, budget untouched. */
  | { kind: 'returned'; delayMs: number }

export interface WorkAnswer {
  /** False when this epoch has lapsed: nothing of the request was done. */
  alive: boolean
  /** For each result whether it was written; false where the claim was not this node's any more. */
  written: boolean[]
  claims: Claim[]
  /** Until something that this node could take is due; null when only a signal can say. */
  waitMs: number | null
}

/** A lane that is this node's, with the delivery to make. */
export interface Claim {
  laneKey: number
  claim: number
  /** Whether it goes on from a result of the same request. */
  continued: boolean
  destinationKey: number
  destinationVersion: number
  delivery: StoredDelivery
  /** Tries of this delivery since its budget was last fresh. */
  headAttempts: number
}

/** `destination_removed`: there is nowhere to send it any more. `event_removed`: there is nothing to send. */
export type RetryResult =
  'done' | 'not_found' | 'claimed' | 'delivered' | 'destination_removed' | 'event_removed'

/** What a replay is of: so many events after one place of the log and up to another. */
export interface ReplayMatch {
  total: number
  afterSeq: number
  untilSeq: number
}

export interface DeliveryQuery {
  state?: DeliveryState
  destinationKey?: number
  callId?: string
  /** Continue below this key. */
  before: number | null
  limit: number
}

export interface LaneQuery {
  state?: LaneState
  destinationKey?: number
  after: number
  limit: number
}

/** Events to replay, and the heads of their calls, which name their lanes. */
export interface ReplayRead {
  replay: StoredReplay
  events: (Pick<StoredEvent, 'seq' | 'id' | 'source' | 'callId' | 'type'> & { body: Uint8Array })[]
  heads: Map<string, CallHead>
  /** Nothing after these. */
  last: boolean
}

/** What the health of a destination is told from. */
export type RecentAttempt = Pick<
  StoredAttempt,
  'startedAt' | 'durationMs' | 'verdict' | 'status' | 'cause' | 'message'
>

export interface DeliveryStats {
  destinations: {
    id: string
    name: string
    kind: string
    hold: Hold | null
    pending: number
    lanesDue: number
    lanesWaiting: number
    lanesParked: number
    /** When the longest overdue lane was due; null if none is. */
    oldestDueAt: number | null
  }[]
  /** Counting stops here; a larger number says "at least". */
  countedMax: number
}

/** Unix milliseconds; what is older is removed. Null keeps it for good. */
export interface RetentionCutoffs {
  /** Attempts and finished deliveries. */
  attempts: number | null
  /** Turns and tools of call records; never while a delivery of the call waits, which is made from them. */
  transcripts: number | null
  /** Call records, likewise; and what calls were started with here. */
  records: number | null
  /** Events with their bytes, and what was delivered of them; never one that is not folded or not delivered yet. */
  events: number | null
  /** Keys of events that are gone; held to at least `keysKeptMs`. */
  keys: number
}

/** Duplicates are recognised for at least this long. */
export const keysKeptMs = 30 * 24 * 60 * 60 * 1000

export interface RetentionReport {
  attempts: number
  deliveries: number
  transcripts: number
  records: number
  events: number
  keys: number
  /** There may be more to remove. */
  more: boolean
}

/**
 * Whose data is erased: one call, the phone number of a user (its digits are compared, at least five), or all calls with
 * a param. What calls were started with here goes along.
 */
export type EraseSelection =
  { callId: string } | { phone: string } | { param: { name: string; value: string } }

export interface EraseReport {
  calls: number
  events: number
  deliveries: number
  attempts: number
}
