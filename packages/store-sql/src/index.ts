// The store, wherever it is.
export { openReader, openStore } from './open-store.ts'
export type { StoreLocation } from './open-store.ts'

// Each engine by itself.
export { openSqlite } from './sqlite/store.ts'
export type { SqliteOptions } from './sqlite/store.ts'
export { openPostgres } from './postgres/store.ts'
