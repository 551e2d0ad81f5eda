import type { Store } from '@hookswitch/core'
import type { StoreInspection } from './inspection.ts'
import { inspectPostgres } from './postgres/inspect.ts'
import { openPostgres } from './postgres/store.ts'
import { inspectSqlite } from './sqlite/inspect.ts'
import { openSqlite, type SqliteOptions } from './sqlite/store.ts'

/** Where the store is. It is plain data, so that it can be handed to a thread. */
export type StoreLocation =
  | ({ engine: 'sqlite' } & Omit<SqliteOptions, 'readOnly' | 'checkpoints' | 'clock'>)
  | { engine: 'postgres'; url: string }

/** Opens the store for writing: migrates it, and with SQLite takes the data folder for this process. */
export function openStore(location: StoreLocation): Promise<Store> {
  if (location.engine === 'postgres') return openPostgres({ url: location.url })
  const { engine: _, ...options } = location
  return openSqlite(options)
}

/**
 * Opens a further way in for reads, which never waits for the writer.
 *
 * @param checkpoints whether it also does the checkpoints of SQLite, which one reader of a process should.
 */
export function openReader(location: StoreLocation, checkpoints = true): Promise<Store> {
  if (location.engine === 'postgres') return openPostgres({ url: location.url })
  const { engine: _, ...options } = location
  return openSqlite({ ...options, readOnly: true, checkpoints })
}

/** Looks at the store without opening it for work: nothing is made, migrated or locked. */
export function inspectStore(location: StoreLocation): Promise<StoreInspection> {
  return location.engine === 'postgres'
    ? inspectPostgres({ url: location.url })
    : inspectSqlite({ folder: location.folder })
}
