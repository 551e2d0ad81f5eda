import { DatabaseSync } from 'node:sqlite'
import { sqlDedupe, sqliteDatabase } from '@hookswitch/receiver/sql'

// Stands for the database that you have.
const database = new DatabaseSync(process.env['DATABASE'] ?? 'calls.db', { timeout: 1_000 })
database.exec('CREATE TABLE IF NOT EXISTS calls (application_id TEXT PRIMARY KEY, call TEXT NOT NULL)')
const select = database.prepare('SELECT call FROM calls WHERE application_id = ?')
const upsert = database.prepare('INSERT OR REPLACE INTO calls VALUES (?, ?)')

/** Which events were handled, in a table beside the others: also after a restart, and for several processes. */
export const dedupe = sqlDedupe(sqliteDatabase(database))
await dedupe.createTable()

/** What is null becomes null; what is undefined stays as it was. */
export function updateCall(applicationId: string, changes: Record<string, unknown>): void {
  const call = JSON.parse(String(select.get(applicationId)?.['call'] ?? '{}')) as object
  const given = Object.entries(changes).filter(([, value]) => value !== undefined)
  upsert.run(applicationId, JSON.stringify({ ...call, ...Object.fromEntries(given) }))
}
