import type { CallHead, CallPart } from '@hookswitch/events'
import type {
  Appended,
  AuditEntry,
  CallCursor,
  CallQuery,
  DeliveryQuery,
  DeliveryStats,
  DeliveryStore,
  DestinationName,
  DestinationVersion,
  EraseReport,
  EraseSelection,
  EventQuery,
  FoldCommit,
  FoldRead,
  LaneQuery,
  ListedDelivery,
  LogBounds,
  NewDestination,
  NewEvent,
  PublishStore,
  RecentAttempt,
  ReplayMatch,
  ReplayRead,
  RetentionCutoffs,
  RetentionReport,
  RetryResult,
  Store,
  StoreChange,
  StoredAttempt,
  StoredDestination,
  StoredEvent,
  StoredLane,
  StoredReplay,
  StoredSecret,
  StoreStats,
  WorkAnswer,
  WorkRequest,
} from '@hookswitch/core'
import { append } from './append.ts'
import { addAudit, listAudit } from './audit.ts'
import { getCall, listCalls } from './calls.ts'
import { Connections } from './connections.ts'
import {
  deliveriesOfEvent,
  expireDeliveries,
  getDelivery,
  listDeliveries,
  recentAttempts,
  retryDelivery,
  skipDelivery,
} from './deliveries.ts'
import { deliveryStats } from './delivery-stats.ts'
import {
  addDestination,
  changeDestination,
  destinationNames,
  destinationVersions,
  holdDestination,
  listDestinations,
  removeDestination,
} from './destinations.ts'
import { durabilitySettings } from './durability.ts'
import { Eraser } from './erase.ts'
import { getEvent, listEvents, logBounds } from './events.ts'
import { unreachable } from './failure.ts'
import { foldCommit, foldRead } from './fold.ts'
import { listLanes, resumeLane, skipLaneHead } from './lanes.ts'
import { migrate, refuseNewer } from './migrate.ts'
import { beat, endEpoch } from './nodes.ts'
import { publishMethods } from './publish-methods.ts'
import {
  addReplay,
  cancelReplay,
  getReplay,
  listReplays,
  matchReplay,
  replayCommit,
  replayRead,
} from './replays.ts'
import { Retention } from './retention.ts'
import { migrations } from './schema.ts'
import { addSecret, expireSecret, listSecrets, removeSecret, touchSecrets } from './secrets.ts'
import { Watch } from './watch.ts'
import { eventsAt, work } from './work.ts'

export interface PostgresOptions {
  /** `postgres://user:password@host:5432/database`, with the parameters that `pg` understands. */
  url: string
}

/**
 * Opens the store in a PostgreSQL database and brings its schema up to date. Rejects with `unavailable` where the
 * database does not answer and with `schema_newer` where a newer program has written it. Once open, it serves again
 * by itself after the database was away.
 */
export async function openPostgres({ url }: PostgresOptions): Promise<Store> {
  const connections = new Connections(url)
  try {
    await migrate(connections)
  } catch (error) {
    await connections.close()
    throw unreachable(error, connections.location, connections.startCommand)
  }
  const watch = new Watch(connections)
  return Object.assign(new PostgresStore(connections, watch), publishMethods(connections, watch))
}

/** The store in one PostgreSQL database, which any number of nodes may share. */
class PostgresStore implements Omit<Store, keyof PublishStore> {
  readonly #connections: Connections
  readonly #watch: Watch
  readonly #eraser: Eraser
  readonly #retention = new Retention()
  /** The last call of `work` left something that was due to other nodes. */
  #leaves = false
  #closing: Promise<void> | null = null

  constructor(connections: Connections, watch: Watch) {
    this.#connections = connections
    this.#watch = watch
    this.#eraser = new Eraser(connections.read, connections.actTransaction)
  }

  async append(batch: readonly NewEvent[]): Promise<Appended[]> {
    const appended = await append(this.#connections.append, batch)
    if (appended.some(({ duplicate }) => !duplicate)) this.#watch.changed('appended')
    return appended
  }

  foldRead(node: string, eventsMax: number, bytesMax: number): Promise<FoldRead | null> {
    return foldRead(this.#connections.fold, node, eventsMax, bytesMax)
  }

  async foldCommit(commit: FoldCommit): Promise<boolean> {
    const committed = await foldCommit(this.#connections.fold, commit)
    this.#workIf(committed && commit.deliveries.length > 0)
    return committed
  }

  getCall(callId: string): Promise<{ head: CallHead; parts: CallPart[] } | null> {
    return getCall(this.#connections.read, callId)
  }

  listCalls(query: CallQuery): Promise<{ items: CallHead[]; next: CallCursor | null }> {
    return listCalls(this.#connections.read, query)
  }

  listEvents(query: EventQuery): Promise<StoredEvent[]> {
    return listEvents(this.#connections.read, query)
  }

  getEvent(id: string): Promise<StoredEvent | null> {
    return getEvent(this.#connections.read, id)
  }

  logBounds(): Promise<LogBounds> {
    return logBounds(this.#connections.read)
  }

  listSecrets(): Promise<StoredSecret[]> {
    return listSecrets(this.#connections.read)
  }

  addSecret(secret: StoredSecret): Promise<StoredSecret> {
    return addSecret(this.#connections.read, secret)
  }

  expireSecret(source: string, id: string, expiresAt: number): Promise<boolean> {
    return expireSecret(this.#connections.read, source, id, expiresAt)
  }

  removeSecret(source: string, id: string): Promise<boolean> {
    return removeSecret(this.#connections.read, source, id)
  }

  touchSecrets(uses: readonly { id: string; lastUsedAt: number }[]): Promise<void> {
    return touchSecrets(this.#connections.read, uses)
  }

  listDestinations(wanted?: { name: string }): Promise<StoredDestination[]> {
    return listDestinations(this.#connections.read, wanted?.name ?? null)
  }

  addDestination(destination: NewDestination): Promise<StoredDestination | null> {
    return this.#connections.actTransaction((query) => addDestination(query, destination))
  }

  async changeDestination(
    id: string,
    version: number,
    change: Parameters<DeliveryStore['changeDestination']>[2],
  ): Promise<StoredDestination | 'changed' | 'not_found' | 'name_taken'> {
    const changed = await this.#connections.actTransaction((query) =>
      changeDestination(query, id, version, change),
    )
    // It may be allowed more now, or be held no longer.
    this.#workIf(typeof changed === 'object')
    return changed
  }

  removeDestination(
    id: string,
    undelivered: 'refuse' | 'skip' | 'dead',
    deliveriesMax: number,
  ): Promise<{ remaining: number } | null> {
    return this.#connections.actTransaction((query) =>
      removeDestination(query, id, undelivered, deliveriesMax),
    )
  }

  async holdDestination(
    id: string,
    hold: Parameters<DeliveryStore['holdDestination']>[1],
  ): Promise<StoredDestination | null> {
    const held = await this.#connections.actTransaction((query) => holdDestination(query, id, hold))
    this.#workIf(held !== null && hold === null)
    return held
  }

  destinationVersions(seq: number): Promise<DestinationVersion[]> {
    return destinationVersions(this.#connections.read, seq)
  }

  destinationNames(wanted: Parameters<DeliveryStore['destinationNames']>[0]): Promise<DestinationName[]> {
    return destinationNames(this.#connections.read, wanted)
  }

  async beat(epoch: string): Promise<boolean> {
    const { alive, freed } = await beat(this.#connections.work, epoch)
    this.#workIf(freed > 0)
    return alive
  }

  async endEpoch(epoch: string): Promise<void> {
    this.#workIf((await this.#connections.workTransaction((query) => endEpoch(query, epoch))) > 0)
  }

  async work(request: WorkRequest): Promise<WorkAnswer> {
    const { work: query, workTransaction } = this.#connections
    const { answer, leftForOthers } = await work(query, workTransaction, request)
    // Once: as long as it stays so, the others have taken what they can, and ask by themselves with each result.
    if (leftForOthers && !this.#leaves) this.#watch.tellOthers('work')
    this.#leaves = leftForOthers
    return answer
  }

  eventsAt(seqs: readonly number[]): Promise<StoredEvent[]> {
    return eventsAt(this.#connections.read, seqs)
  }

  listDeliveries(query: DeliveryQuery): Promise<ListedDelivery[]> {
    return listDeliveries(this.#connections.read, query)
  }

  getDelivery(key: number): Promise<{ delivery: ListedDelivery; attempts: StoredAttempt[] } | null> {
    return getDelivery(this.#connections.read, key)
  }

  deliveriesOfEvent(seq: number): Promise<ListedDelivery[]> {
    return deliveriesOfEvent(this.#connections.read, seq)
  }

  async retryDelivery(key: number): Promise<RetryResult> {
    const done = await this.#connections.actTransaction((query) => retryDelivery(query, key))
    this.#workIf(done === 'done')
    return done
  }

  async skipDelivery(key: number, reason: string): Promise<'done' | 'not_found' | 'claimed' | 'finished'> {
    const done = await this.#connections.actTransaction((query) => skipDelivery(query, key, reason))
    this.#workIf(done === 'done')
    return done
  }

  listLanes(query: LaneQuery): Promise<StoredLane[]> {
    return listLanes(this.#connections.read, query)
  }

  async resumeLane(key: number): Promise<'done' | 'not_found' | 'running'> {
    const done = await this.#connections.actTransaction((query) => resumeLane(query, key))
    this.#workIf(done === 'done')
    return done
  }

  async skipLaneHead(key: number, reason: string): Promise<'done' | 'not_found' | 'claimed'> {
    const done = await this.#connections.actTransaction((query) => skipLaneHead(query, key, reason))
    this.#workIf(done === 'done')
    return done
  }

  matchReplay(
    replay: Parameters<DeliveryStore['matchReplay']>[0],
  ): Promise<ReplayMatch | { tooMany: number }> {
    return matchReplay(this.#connections.read, replay)
  }

  async addReplay(replay: Parameters<DeliveryStore['addReplay']>[0]): Promise<StoredReplay> {
    const added = await addReplay(this.#connections.act, replay)
    this.#workIf(true)
    return added
  }

  getReplay(key: number): Promise<StoredReplay | null> {
    return getReplay(this.#connections.read, key)
  }

  listReplays(query: { before: number | null; limit: number }): Promise<StoredReplay[]> {
    return listReplays(this.#connections.read, query)
  }

  cancelReplay(key: number): Promise<StoredReplay | null> {
    return cancelReplay(this.#connections.act, key)
  }

  replayRead(eventsMax: number): Promise<ReplayRead | null> {
    return replayRead(this.#connections.act, eventsMax)
  }

  async replayCommit(commit: Parameters<DeliveryStore['replayCommit']>[0]): Promise<boolean> {
    const committed = await this.#connections.actTransaction((query) => replayCommit(query, commit))
    this.#workIf(committed && commit.deliveries.length > 0)
    return committed
  }

  addAudit(entry: Omit<AuditEntry, 'key' | 'at'>): Promise<void> {
    return addAudit(this.#connections.act, entry)
  }

  listAudit(query: { before: number | null; limit: number }): Promise<AuditEntry[]> {
    return listAudit(this.#connections.read, query)
  }

  deliveryStats(): Promise<DeliveryStats> {
    return deliveryStats(this.#connections.read)
  }

  recentAttempts(destinationKey: number, since: number, attemptsMax: number): Promise<RecentAttempt[]> {
    return recentAttempts(this.#connections.read, destinationKey, since, attemptsMax)
  }

  async expireDeliveries(createdBefore: number, deliveriesMax: number): Promise<number> {
    const expired = await this.#connections.actTransaction((query) =>
      expireDeliveries(query, createdBefore, deliveriesMax),
    )
    this.#workIf(expired > 0)
    return expired
  }

  retain(retention: RetentionCutoffs, rowsMax: number): Promise<RetentionReport> {
    return this.#connections.actTransaction((query) => this.#retention.retain(query, retention, rowsMax))
  }

  async erase(selection: EraseSelection, callsMax: number): Promise<EraseReport & { more: boolean }> {
    const report = await this.#eraser.erase(selection, callsMax)
    // What stood behind it in its lanes may be due.
    this.#workIf(report.deliveries > 0)
    return report
  }

  async stats(): Promise<StoreStats> {
    const [row] = await this.#connections.read<{
      bytes: number
      version: number
      durability: Record<string, string>
    }>(
      `SELECT (SELECT coalesce(sum(pg_total_relation_size(oid)), 0)::bigint FROM pg_class
               WHERE relnamespace = 'hookswitch'::regnamespace AND relkind = 'r') AS bytes,
              (SELECT schema_version FROM hookswitch.meta) AS version,
              (SELECT jsonb_object_agg(name, setting) FROM pg_settings WHERE name = ANY ($1)) AS durability`,
      [durabilitySettings],
    )
    return {
      engine: 'postgres',
      bytes: row?.bytes ?? 0,
      freeBytes: null,
      schemaVersion: row?.version ?? 0,
      location: this.#connections.location,
      durability: row?.durability ?? {},
    }
  }

  /** Also rejects once a newer program has changed the schema: this one must not go on writing. */
  async ping(): Promise<void> {
    const [row] = await this.#connections.read<{ version: number }>(
      `SELECT schema_version AS version FROM hookswitch.meta`,
    )
    refuseNewer(row?.version ?? 0, migrations.length)
  }

  watch(onChange: (change: StoreChange) => void): () => void {
    return this.#watch.add(onChange)
  }

  close(): Promise<void> {
    this.#closing ??= Promise.all([this.#watch.close(), this.#connections.close()]).then(() => {})
    return this.#closing
  }

  /** Says that there may be something to deliver. */
  #workIf(isSo: boolean): void {
    if (isSo) this.#watch.changed('work')
  }
}
