import type { DeliveryStore } from '../deliver/delivery-store.ts'
import type { RoutedDelivery } from '../deliver/delivery.ts'
import type { StoredDestination } from '../deliver/destination.ts'
import type { PublishStore } from '../publish/publish-store.ts'
import type { CallChange, CallHead, CallPart, CallStatus, Dialect, Issue } from '@hookswitch/events'

/** An event that was received and is not stored yet. */
export interface NewEvent {
  /** `evt_…`, time-sortable. */
  id: string
  source: string
  callId: string
  /** Normalised type. */
  type: string
  dialect: Dialect
  /** Unix milliseconds, or null where the event has no time of its own. */
  occurredAt: number | null
  /** Unix milliseconds by this node's clock. */
  receivedAt: number
  /** 16 bytes: a hash of the canonical content. With (occurredAt, source, callId, type) it makes a duplicate. */
  content: Uint8Array
  /** The bytes as they came. */
  body: Uint8Array
}

/** What became of one appended event, in the order of the batch. */
export interface Appended {
  /** The id under which the content is stored: for a duplicate that of the first. */
  id: string
  /** Place in the log of the stored event. */
  seq: number
  /** The same event was stored before, or earlier in the same batch; nothing was written. */
  duplicate: boolean
  /** An event with the same key and other content was there already; both are kept, and this one says so. */
  collision: boolean
}

export interface StoredEvent {
  seq: number
  id: string
  source: string
  callId: string
  type: string
  dialect: Dialect
  occurredAt: number | null
  receivedAt: number
  /** What only the store and the fold know (a key collision, a fold error). What the bytes say is read from them. */
  issues: Issue[]
  body: Uint8Array
}

/** The next stretch of the log for the fold, with the heads of the calls in it. */
export interface FoldRead {
  foldedSeq: number
  events: StoredEvent[]
  heads: Map<string, CallHead>
  /** The destinations that are routed to, as they are at this place of the log. */
  destinations: readonly RoutedDestination[]
  /** Counts the changes of that list. */
  routing: number
}

export type RoutedDestination = Pick<StoredDestination, 'key' | 'definition'>

export interface FoldCommit {
  /** What `foldRead` returned; if the store has moved on since, nothing is written. */
  expectedFoldedSeq: number
  /** The list of destinations that was read; if it has changed since, nothing is written. */
  expectedRouting: number
  foldedSeq: number
  calls: CallChange[]
  /** The call of every event of the stretch, in `seq` order; it makes the index of events by call. */
  events: { seq: number; callId: string }[]
  /** Events that broke the fold, each with what is added to its issues. */
  marked: { seq: number; issue: Issue }[]
  /** In `seq` order; each joins its lane at the tail, and an idle lane begins to run. */
  deliveries: RoutedDelivery[]
}

export interface CallQuery {
  agentId?: string
  status?: CallStatus
  /** Half-open on `firstEventAt`, Unix milliseconds. */
  from?: number
  to?: number
  /** Prefix of callId, conversationId or agentName, compared without regard to ASCII case. */
  prefix?: string
  /** Every pair must hold: the field's value, written as text, is this text. */
  outcome?: { field: string; text: string }[]
  /** Continue after this place. */
  after?: CallCursor
  limit: number
}

/** A place in the list of calls, which runs by (firstEventAt, key), newest first. */
export interface CallCursor {
  firstEventAt: number
  key: number
}

export interface EventQuery {
  callId?: string
  type?: string
  /** Exclusive; 0 starts at the oldest. */
  after: number
  limit: number
  /** Stop after the event that reaches this many bytes of bodies; at least one event is returned. */
  bytesMax?: number
}

export interface LogBounds {
  /** 0 when the log is empty. */
  oldestSeq: number
  newestSeq: number
  foldedSeq: number
  /** When the oldest event that is not folded yet was received, Unix milliseconds; null if there is none. */
  oldestUnfoldedAt: number | null
}

export type SecretOrigin = 'environment' | 'config' | 'file' | 'api'

/** A secret that a sender must show. The store has only its SHA-256. */
export interface StoredSecret {
  id: string
  source: string
  /** SHA-256 of the secret, 64 hexadecimal digits. */
  hash: string
  origin: SecretOrigin
  label: string | null
  /** Unix milliseconds; for a secret of the environment or the config, when it was first seen. */
  createdAt: number
  /** Not accepted from this moment on; null is no end. */
  expiresAt: number | null
  lastUsedAt: number | null
}

export interface StoreStats {
  engine: 'sqlite' | 'postgres'
  /** Bytes that the store takes on disk. */
  bytes: number
  /** Free bytes where the store lies, where that is known. */
  freeBytes: number | null
  schemaVersion: number
  /** One line for people: file or host/database, without credentials. */
  location: string
  /** The settings that durability rests on, by name. */
  durability: Record<string, string>
}

/**
 * The port to the one place where everything lies. All methods reject with a `StoreError` when the store cannot
 * serve; whoever calls must then not acknowledge anything. Implementations pass the contract suite of `testkit`.
 */
export interface Store extends DeliveryStore, PublishStore {
  /**
   * Writes the batch durably in one transaction and in its order; `seq` order is commit order is the order in which
   * readers see the events. The bodies are handed over: whoever calls does not read them afterwards. When it rejects with `outcome: 'none'` nothing was written; otherwise it is unknown.
   */
  append(batch: readonly NewEvent[]): Promise<Appended[]>

  /**
   * The next events after `foldedSeq`, at most `eventsMax` or the first that reaches `bytesMax`. Null when another
   * node has the turn; a node that falls silent loses the turn after `foldTurnMs`.
   */
  foldRead(node: string, eventsMax: number, bytesMax: number): Promise<FoldRead | null>
  /** Writes the fold of a stretch, on condition that `foldedSeq` is still what was read; false when it is not. */
  foldCommit(commit: FoldCommit): Promise<boolean>

  getCall(callId: string): Promise<{ head: CallHead; parts: CallPart[] } | null>
  listCalls(query: CallQuery): Promise<{ items: CallHead[]; next: CallCursor | null }>
  /** Ascending by `seq`; an event is there as soon as its append has resolved, folded or not. */
  listEvents(query: EventQuery): Promise<StoredEvent[]>
  getEvent(id: string): Promise<StoredEvent | null>
  logBounds(): Promise<LogBounds>

  listSecrets(): Promise<StoredSecret[]>
  /** Adds the secret, or where source and hash are known already, leaves it as it is and returns that one. */
  addSecret(secret: StoredSecret): Promise<StoredSecret>
  /** Sets the end of a secret; false when there is no such secret. */
  expireSecret(source: string, id: string, expiresAt: number): Promise<boolean>
  removeSecret(source: string, id: string): Promise<boolean>
  /** Notes last uses; never moves one backwards. */
  touchSecrets(uses: readonly { id: string; lastUsedAt: number }[]): Promise<void>

  stats(): Promise<StoreStats>
  /** Resolves when the store answers. */
  ping(): Promise<void>
  /**
   * Calls back soon after events were appended, or after there may be something to deliver (`work`), by whatever
   * node. It is a hint: readers still ask.
   */
  watch(onChange: (change: StoreChange) => void): () => void
  close(): Promise<void>
}

export type StoreChange = 'appended' | 'work'

/** How long a node keeps the turn to fold without using it, by the store's clock. */
export const foldTurnMs = 2_000
