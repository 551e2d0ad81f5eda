import { closeSync, mkdirSync, openSync, statfsSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import {
  StoreError,
  type Appended,
  type CallCursor,
  type CallQuery,
  type DeliveryStore,
  type EventQuery,
  type FoldCommit,
  type FoldRead,
  type LogBounds,
  type NewEvent,
  type PublishStore,
  type Store,
  type StoreChange,
  type StoredEvent,
  type StoredSecret,
  type StoreStats,
} from '@hookswitch/core'
import type { CallHead, CallPart } from '@hookswitch/events'
import { Checkpointer } from './checkpointer.ts'
import { databaseFile } from './database-file.ts'
import { deliveryMethods, type Runner } from './delivery-methods.ts'
import { primaryCode, storeFailure } from './failure.ts'
import { lockFolder } from './folder-lock.ts'
import { migrate, refuseNewer, schemaVersion } from './migrate.ts'
import { publishMethods } from './publish-methods.ts'
import { migrations } from './schema.ts'
import { prepareTables, type Tables } from './tables.ts'

export interface SqliteOptions {
  /** The data folder; made if it is not there. */
  folder: string
  /** A second connection that only reads, beside the one that writes in the same process. Default false. */
  readOnly?: boolean
  /** With `readOnly`: copies the log into the database meanwhile, which blocks its thread; one reader does. Default true. */
  checkpoints?: boolean
  /** Appends are refused below this many free bytes, so that results and retention can still be written. Default 512 MiB. */
  freeBytesMin?: number
  /** The largest size of the database file in pages of 4096 bytes; beyond it the store is full. Default: unbounded. */
  pagesMax?: number
  /** The store's clock, by which lanes are due and epochs lapse: Unix milliseconds. Default `Date.now`. */
  clock?: () => number
}

/** Below this, ingest stops while the rest of the program can go on writing. */
const freeBytesMinDefault = 512 * 1024 * 1024

/** How long an answer of the file system about its free space is good for: filling 512 MiB takes far longer. */
const freeBytesKeptMs = 1_000

/** Another process that reads the file (a backup, a shell) may hold a lock for a moment. */
const busyTimeoutMs = 2_000

/**
 * Pages of WAL after which the writer itself copies them into the database. The checkpointer beside it has done most
 * of that by then, so that the writer only finishes it and begins the log anew; 64 MiB at most are replayed by a start.
 */
const checkpointPages = 16_000

export function openSqlite(options: SqliteOptions): Promise<Store> {
  return Promise.resolve().then(() => {
    const store = new SqliteStore(options)
    return Object.assign(store, deliveryMethods(store.runner), publishMethods(store.runner))
  })
}

/**
 * The store in one SQLite file. Everything in it is synchronous; the methods return promises because the port does.
 * What is appended and what a person did reaches the disk before it resolves (`synchronous=FULL`); what is derived from
 * the log is committed `NORMAL`, since a lost tail is lost whole and folded again.
 */
class SqliteStore implements Omit<Store, keyof DeliveryStore | keyof PublishStore> {
  readonly #options: SqliteOptions
  readonly #file: string
  readonly #lock: { release(): void } | null
  readonly #checkpointer: Checkpointer | null
  readonly #watchers = new Set<(change: StoreChange) => void>()
  readonly #clock: () => number
  #connection: Tables | null
  #closed = false
  #durable: boolean | null = null
  #freeBytes: { at: number; bytes: number } | null = null

  constructor(options: SqliteOptions) {
    this.#options = options
    this.#file = databaseFile(options.folder)
    this.#clock = options.clock ?? Date.now
    if (options.readOnly === true) this.#lock = null
    else {
      mkdirSync(options.folder, { recursive: true, mode: 0o700 })
      this.#lock = lockFolder(options.folder)
    }
    try {
      this.#connection = this.#open()
      // Whoever holds the folder is alone: the nodes before it hold nothing any more.
      if (this.#lock !== null) this.#connection.nodes.endAll(this.#clock())
    } catch (error) {
      this.#lock?.release()
      throw storeFailure(error)
    }
    this.#checkpointer =
      options.readOnly === true && options.checkpoints !== false ? new Checkpointer(this.#file) : null
  }

  /** For the methods that deliver and those that publish. */
  get runner(): Runner {
    return {
      read: (run) => this.#read(run),
      write: (run) => this.#write(run),
      ingest: (run) => this.#ingest(run),
      derive: (run) => this.#derive(run),
      upkeep: (run) => this.#attempt(run),
      tell: (change) => this.#tell(change),
    }
  }

  async append(batch: readonly NewEvent[]): Promise<Appended[]> {
    const appended = await this.#ingest(({ appender }) => appender.append(batch))
    this.#tell('appended')
    return appended
  }

  foldRead(_node: string, eventsMax: number, bytesMax: number): Promise<FoldRead | null> {
    return this.#attempt((connection) => connection.folder.read(eventsMax, bytesMax))
  }

  async foldCommit(commit: FoldCommit): Promise<boolean> {
    const isWritten = await this.#derive(({ folder }, now) => folder.commit(commit, now))
    if (isWritten && commit.deliveries.length > 0) this.#tell('work')
    return isWritten
  }

  getCall(callId: string): Promise<{ head: CallHead; parts: CallPart[] } | null> {
    return this.#read((connection) => connection.calls.get(callId))
  }

  listCalls(query: CallQuery): Promise<{ items: CallHead[]; next: CallCursor | null }> {
    return this.#read((connection) => connection.calls.list(query))
  }

  listEvents(query: EventQuery): Promise<StoredEvent[]> {
    return this.#read((connection) => connection.events.list(query))
  }

  getEvent(id: string): Promise<StoredEvent | null> {
    return this.#read((connection) => connection.events.get(id))
  }

  logBounds(): Promise<LogBounds> {
    return this.#read((connection) => connection.events.bounds())
  }

  listSecrets(): Promise<StoredSecret[]> {
    return this.#read((connection) => connection.secrets.list())
  }

  addSecret(secret: StoredSecret): Promise<StoredSecret> {
    return this.#write((connection) => connection.secrets.add(secret))
  }

  expireSecret(source: string, id: string, expiresAt: number): Promise<boolean> {
    return this.#write((connection) => connection.secrets.expire(source, id, expiresAt))
  }

  removeSecret(source: string, id: string): Promise<boolean> {
    return this.#write((connection) => connection.secrets.remove(source, id))
  }

  touchSecrets(uses: readonly { id: string; lastUsedAt: number }[]): Promise<void> {
    return this.#write((connection) => connection.secrets.touch(uses))
  }

  stats(): Promise<StoreStats> {
    return this.#attempt(({ database }) => {
      const pragma = (name: string): number =>
        Object.values(database.prepare(`PRAGMA ${name}`).get() ?? {})[0] as number
      return {
        engine: 'sqlite' as const,
        bytes: pragma('page_count') * pragma('page_size'),
        freeBytes: freeBytes(this.#options.folder),
        schemaVersion: schemaVersion(database),
        location: this.#file,
        durability: {
          journal_mode: String(pragma('journal_mode')),
          synchronous: 'FULL for the log, NORMAL for what is derived from it',
        },
      }
    })
  }

  ping(): Promise<void> {
    return this.#attempt(({ database }) => {
      if (this.#options.readOnly !== true) this.#requireFreeDisk()
      database.prepare('SELECT 1').get()
    })
  }

  watch(onChange: (change: StoreChange) => void): () => void {
    this.#watchers.add(onChange)
    return () => this.#watchers.delete(onChange)
  }

  close(): Promise<void> {
    this.#closed = true
    this.#checkpointer?.close()
    this.#disconnect()
    this.#lock?.release()
    this.#watchers.clear()
    return Promise.resolve()
  }

  #read<T>(run: (connection: Tables, now: number) => T): Promise<T> {
    // One transaction, so that all statements of a read see one moment.
    return this.#attempt((connection) =>
      inTransaction(connection.database, () => run(connection, this.#clock()), 'BEGIN DEFERRED'),
    )
  }

  #ingest<T>(run: (connection: Tables, now: number) => T): Promise<T> {
    return this.#attempt((connection) => {
      this.#requireFreeDisk()
      this.#durability(connection, true)
      try {
        return inTransaction(connection.database, () => run(connection, this.#clock()))
      } catch (error) {
        if (connection.database.isOpen) connection.appender.forget(connection.database)
        throw error
      }
    })
  }

  #write<T>(run: (connection: Tables, now: number) => T): Promise<T> {
    return this.#transact(run, true)
  }

  #derive<T>(run: (connection: Tables, now: number) => T): Promise<T> {
    return this.#transact(run, false)
  }

  #transact<T>(run: (connection: Tables, now: number) => T, durable: boolean): Promise<T> {
    return this.#attempt((connection) => {
      this.#durability(connection, durable)
      return inTransaction(connection.database, () => run(connection, this.#clock()))
    })
  }

  #tell(change: StoreChange): void {
    for (const watcher of this.#watchers) queueMicrotask(() => watcher(change))
  }

  /** Runs on the open connection; after an error of the file below it the next attempt begins on a new one. */
  async #attempt<T>(run: (connection: Tables) => T): Promise<T> {
    if (this.#closed) throw new StoreError('closed')
    try {
      this.#connection ??= this.#open()
      return run(this.#connection)
    } catch (error) {
      const failure = storeFailure(error)
      // What a failed fsync left in the page cache cannot be trusted: only a new connection reads the disk again.
      if (failure.code === 'io') this.#disconnect()
      throw failure
    }
  }

  #open(): Tables {
    const readOnly = this.#options.readOnly === true
    // Made before SQLite makes it, so that nobody else may read it, also in a folder that others may enter. SQLite
    // gives the files beside it the same mode.
    if (!readOnly) closeSync(openSync(this.#file, 'a', 0o600))
    const database = new DatabaseSync(this.#file, { readOnly, timeout: busyTimeoutMs })
    try {
      if (readOnly) {
        refuseNewer(schemaVersion(database), migrations.length)
        database.exec('PRAGMA cache_size = -8000')
      } else {
        database.exec(`
          PRAGMA auto_vacuum = INCREMENTAL;
          PRAGMA journal_mode = WAL;
          PRAGMA wal_autocheckpoint = ${checkpointPages};
          PRAGMA journal_size_limit = 67108864;
          PRAGMA cache_size = -16000;
          PRAGMA temp_store = MEMORY;
          PRAGMA secure_delete = ON;
        `)
        if (this.#options.pagesMax !== undefined) {
          database.exec(`PRAGMA max_page_count = ${this.#options.pagesMax}`)
        }
        migrate(database)
      }
      this.#durable = null
      return prepareTables(database)
    } catch (error) {
      database.close()
      throw error
    }
  }

  #disconnect(): void {
    try {
      if (this.#connection?.database.isOpen === true) this.#connection.database.close()
    } finally {
      this.#connection = null
    }
  }

  #durability({ database }: Tables, durable: boolean): void {
    if (this.#durable === durable) return
    database.exec(`PRAGMA synchronous = ${durable ? 'FULL' : 'NORMAL'}`)
    this.#durable = durable
  }

  #requireFreeDisk(): void {
    const min = this.#options.freeBytesMin ?? freeBytesMinDefault
    if (min === 0) return
    const now = performance.now()
    if (this.#freeBytes === null || now - this.#freeBytes.at > freeBytesKeptMs) {
      this.#freeBytes = { at: now, bytes: freeBytes(this.#options.folder) }
    }
    if (this.#freeBytes.bytes < min) {
      throw new StoreError('disk_low', `${this.#freeBytes.bytes} bytes free, ${min} needed`)
    }
  }
}

function freeBytes(folder: string): number {
  const { bavail, bsize } = statfsSync(folder)
  return bavail * bsize
}

function inTransaction<T>(database: DatabaseSync, run: () => T, begin = 'BEGIN IMMEDIATE'): T {
  database.exec(begin)
  try {
    const result = run()
    database.exec('COMMIT')
    return result
  } catch (error) {
    // SQLite has rolled back by itself after some errors, among them a full disk.
    if (database.isOpen && database.isTransaction) {
      try {
        database.exec('ROLLBACK')
      } catch (rollback) {
        if (primaryCode(rollback) === null) throw rollback
      }
    }
    throw error
  }
}
