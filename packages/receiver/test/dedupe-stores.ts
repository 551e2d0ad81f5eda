import { DatabaseSync } from 'node:sqlite'
import { Redis } from 'ioredis'
import { Pool, type PoolConfig } from 'pg'
import { createClient } from 'redis'
import type { Dedupe } from '../src/dedupe/dedupe.ts'
import { redisDedupe } from '../src/dedupe/redis-dedupe.ts'
import { pgDatabase, sqlDedupe, sqliteDatabase, type SqlDedupe } from '../src/dedupe/sql-dedupe.ts'

/** A dedupe that several processes share, by one of the clients that it is made for. */
export interface DedupeStore {
  dedupe: Dedupe
  close(): Promise<void> | void
}

export type StoreKind = 'ioredis' | 'node-redis' | 'pg' | 'node:sqlite'

/** Opens a connection of its own. `place` is a URL, or a file for SQLite. */
export async function openStore(kind: StoreKind, place: string): Promise<DedupeStore> {
  switch (kind) {
    case 'ioredis': {
      const client = new Redis(place)
      return { dedupe: redisDedupe(client), close: () => client.disconnect() }
    }
    case 'node-redis': {
      const client = createClient({ url: place })
      await client.connect()
      return { dedupe: redisDedupe(client), close: () => client.destroy() }
    }
    case 'pg': {
      const pool = openPool({ connectionString: place, max: 4 })
      const dedupe = sqlDedupe(pgDatabase(pool))
      return { dedupe: await created(dedupe), close: () => pool.end() }
    }
    case 'node:sqlite': {
      const db = new DatabaseSync(place, { timeout: 10_000 })
      db.exec('PRAGMA journal_mode = WAL')
      return { dedupe: await created(sqlDedupe(sqliteDatabase(db))), close: () => db.close() }
    }
  }
}

async function created(dedupe: SqlDedupe): Promise<SqlDedupe> {
  await dedupe.createTable()
  return dedupe
}

/** A pool whose connections may still be closing when the server ends, which is no error of a test. */
export function openPool(config: PoolConfig): Pool {
  const pool = new Pool(config)
  pool.on('error', () => {})
  pool.on('connect', (client) => client.on('error', () => {}))
  return pool
}
