import { StoreError } from '@hookswitch/core'
import { queryWithin, sessionSettings, type Connections } from './connections.ts'
import { storeFailure } from './failure.ts'
import { migrations } from './schema.ts'

/** The oldest PostgreSQL that is still maintained. */
const serverVersionMin = 14

/** A step may build an index over many rows, and a second node waits that long for the first. */
const stepMs = 30 * 60_000

/**
 * Brings the database to this program's schema, one transaction per step under a lock of the whole database, so
 * that nodes may start at once.
 */
export async function migrate(
  connections: Connections,
  steps: readonly string[] = migrations,
): Promise<void> {
  const client = await connections.connect()
  const query = (sql: string): Promise<object[]> => queryWithin(client, stepMs, sql)
  try {
    await query(sessionSettings(stepMs))
    await refuseServer(query, connections.location)
    while ((await schemaVersion(query, steps.length)) < steps.length) await step(query, steps)
  } catch (error) {
    throw storeFailure(error, connections.location, 'none')
  } finally {
    await client.end().catch(() => {})
  }
}

/** Rejects a schema that a newer program has written. */
export function refuseNewer(found: number, known: number): void {
  if (found > known) {
    throw new StoreError(
      'schema_newer',
      `its schema is version ${found}, this program knows up to ${known}; start the version that wrote it, or a newer one`,
    )
  }
}

async function step(query: (sql: string) => Promise<object[]>, steps: readonly string[]): Promise<void> {
  await query('BEGIN')
  try {
    // Other users of the database have no reason to take this pair of numbers.
    await query(`SELECT pg_advisory_xact_lock(hashtext('hookswitch'), 2)`)
    // Another node may have made the step meanwhile.
    const version = await schemaVersion(query, steps.length)
    if (version < steps.length) {
      await query(steps[version] ?? '')
      await query(`UPDATE hookswitch.meta SET schema_version = ${version + 1}`)
    }
    await query('COMMIT')
  } catch (error) {
    await query('ROLLBACK').catch(() => {})
    throw error
  }
}

async function schemaVersion(query: (sql: string) => Promise<object[]>, known: number): Promise<number> {
  // Not to_regclass: it may answer from what this connection remembers of the time before it waited for the lock.
  const [found] = (await query(
    `SELECT EXISTS (SELECT FROM pg_tables WHERE schemaname = 'hookswitch' AND tablename = 'meta') AS there`,
  )) as { there: boolean }[]
  if (found?.there !== true) return 0
  const [meta] = (await query(`SELECT schema_version AS version FROM hookswitch.meta`)) as {
    version: number
  }[]
  const version = meta?.version ?? 0
  refuseNewer(version, known)
  return version
}

async function refuseServer(query: (sql: string) => Promise<object[]>, location: string): Promise<void> {
  const [server] = (await query(
    `SELECT current_setting('server_version_num')::int / 10000 AS version,
            current_setting('server_version') AS full_version,
            current_setting('server_encoding') AS encoding`,
  )) as { version: number; full_version: string; encoding: string }[]
  if (server === undefined) return
  if (server.version < serverVersionMin) {
    throw new StoreError(
      'unavailable',
      `PostgreSQL ${serverVersionMin} or newer is needed, ${location} is ${server.full_version}`,
    )
  }
  if (server.encoding !== 'UTF8') {
    throw new StoreError(
      'unavailable',
      `a database with encoding UTF8 is needed, ${location} has ${server.encoding}; make one with CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0`,
    )
  }
}
