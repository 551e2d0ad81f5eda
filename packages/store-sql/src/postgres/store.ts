import type { CallHead, CallPart } from '@hookswitch/events'
import type {
  Appended,
  CallCursor,
  CallQuery,
  EventQuery,
  FoldCommit,
  FoldRead,
  LogBounds,
  NewEvent,
  Store,
  StoredEvent,
  StoredSecret,
  StoreStats,
} from '@hookswitch/core'
import { append } from './append.ts'
import { getCall, listCalls } from './calls.ts'
import { Connections } from './connections.ts'
import { durabilitySettings } from './durability.ts'
import { getEvent, listEvents, logBounds } from './events.ts'
import { unreachable } from './failure.ts'
import { foldCommit, foldRead } from './fold.ts'
import { migrate, refuseNewer } from './migrate.ts'
import { migrations } from './schema.ts'
import { addSecret, expireSecret, listSecrets, removeSecret, touchSecrets } from './secrets.ts'
import { Watch } from './watch.ts'

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
  return new PostgresStore(connections)
}

/** The store in one PostgreSQL database, which any number of nodes may share. */
class PostgresStore implements Store {
  readonly #connections: Connections
  readonly #watch: Watch
  #closing: Promise<void> | null = null

  constructor(connections: Connections) {
    this.#connections = connections
    this.#watch = new Watch(connections)
  }

  async append(batch: readonly NewEvent[]): Promise<Appended[]> {
    const appended = await append(this.#connections.append, batch)
    if (appended.some(({ duplicate }) => !duplicate)) this.#watch.appended()
    return appended
  }

  foldRead(node: string, eventsMax: number, bytesMax: number): Promise<FoldRead | null> {
    return foldRead(this.#connections.fold, node, eventsMax, bytesMax)
  }

  foldCommit(commit: FoldCommit): Promise<boolean> {
    return foldCommit(this.#connections.fold, commit)
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

  watch(onAppended: () => void): () => void {
    return this.#watch.add(onAppended)
  }

  close(): Promise<void> {
    this.#closing ??= Promise.all([this.#watch.close(), this.#connections.close()]).then(() => {})
    return this.#closing
  }
}
