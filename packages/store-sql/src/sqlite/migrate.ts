import type { DatabaseSync } from 'node:sqlite'
import { StoreError } from '@hookswitch/core'
import { migrations } from './schema.ts'

/**
 * Brings the file to this program's schema, one transaction per step, and returns the version. The version stands
 * in SQLite's own `user_version`. The caller holds the lock of the data folder.
 */
export function migrate(database: DatabaseSync, steps: readonly string[] = migrations): number {
  const from = schemaVersion(database)
  refuseNewer(from, steps.length)
  for (let version = from; version < steps.length; version += 1) {
    database.exec('BEGIN IMMEDIATE')
    try {
      database.exec(steps[version] ?? '')
      database.exec(`PRAGMA user_version = ${version + 1}`)
      database.exec('COMMIT')
    } catch (error) {
      database.exec('ROLLBACK')
      throw error
    }
  }
  return steps.length
}

export function schemaVersion(database: DatabaseSync): number {
  return (database.prepare('PRAGMA user_version').get() as { user_version: number }).user_version
}

export function refuseNewer(found: number, known: number): void {
  if (found > known) {
    throw new StoreError(
      'schema_newer',
      `its schema is version ${found}, this program knows up to ${known}; start the version that wrote it, or a newer one`,
    )
  }
}
