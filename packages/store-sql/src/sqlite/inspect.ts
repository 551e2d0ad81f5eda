import { existsSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import type { StoreInspection } from '../inspection.ts'
import { databaseFile } from './database-file.ts'
import { storeFailure } from './failure.ts'
import { schemaVersion } from './migrate.ts'
import { migrations } from './schema.ts'

/** Looks at the file of a data folder, read-only. */
export async function inspectSqlite({ folder }: { folder: string }): Promise<StoreInspection> {
  const location = databaseFile(folder)
  const found = { location, schemaKnown: migrations.length, clockAheadMs: null }
  if (!existsSync(location)) return { ...found, schemaVersion: null, durability: {} }
  try {
    const database = new DatabaseSync(location, { readOnly: true })
    try {
      const mode = database.prepare('PRAGMA journal_mode').get() as { journal_mode: string }
      return { ...found, schemaVersion: schemaVersion(database), durability: { ...mode } }
    } finally {
      database.close()
    }
  } catch (error) {
    throw storeFailure(error)
  }
}
