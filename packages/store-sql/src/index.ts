// The store, wherever it is.
export { inspectStore, openReader, openStore } from './open-store.ts'
export type { StoreLocation } from './open-store.ts'
export type { StoreInspection } from './inspection.ts'

// Each engine by itself.
export { openSqlite } from './sqlite/store.ts'
export type { SqliteOptions } from './sqlite/store.ts'
export { openPostgres } from './postgres/store.ts'
