import { DatabaseSync } from 'node:sqlite'
import { setImmediate } from 'node:timers/promises'
import { queryPostgres } from '@hookswitch/testkit/postgres'

/** What a store is filled with. */
export interface Filling {
  /** Deliveries that are done, with an attempt each; their lanes are idle and have no rows. */
  delivered: number
  /** Lanes that are parked, with a delivery that waits. */
  parked: number
  /** Lanes that are due, with a delivery that waits, at a destination that is held. */
  due: number
}

/** To whom it belongs, by the keys of their rows. */
export interface FillingOf {
  /** The delivered and the parked. */
  destinationKey: number
  heldKey: number
}

/** Rows of one transaction, so that the write-ahead log stays small and signals are heard between two. */
const chunkRows = 50_000
/** When it all happened, before now. */
const agoMs = 60_000
/** Where the events of these deliveries would stand in the log: far behind those that are there. */
const firstSeq = 1_000_000_000

const delivery =
  'deliveries (destination_key, event_seq, lane_key, position, state, attempts, created_at, finished_at)'
const attempt = 'attempts (delivery_key, number, started_at, duration_ms, verdict, status, node)'

/**
 * Fills a SQLite store as the server would have left it, but by plain INSERTs: through the store it would take many
 * minutes. The attempts have no traces.
 */
export async function fillSqlite(file: string, filling: Filling, of: FillingOf): Promise<void> {
  const database = new DatabaseSync(file)
  const at = Date.now() - agoMs
  const numbers = 'WITH RECURSIVE numbers (n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM numbers WHERE n < ?)'
  const insert = async (rows: number, ...statements: [sql: string, ...values: (string | number)[]][]) => {
    for (let done = 0; done < rows; done += chunkRows) {
      database.exec('BEGIN')
      for (const [sql, ...values] of statements)
        database.prepare(`${numbers} ${sql}`).run(Math.min(chunkRows, rows - done), ...values)
      database.exec('COMMIT')
      await setImmediate()
    }
  }
  try {
    database.exec('PRAGMA synchronous = OFF')
    const last = `(SELECT coalesce(max(key), 0) FROM deliveries)`
    await insert(
      filling.delivered,
      [
        `INSERT INTO ${delivery}
         SELECT ?, ${firstSeq} + ${last} + n, 'call:' || lower(hex(randomblob(16))), 1, 'delivered', 1, ?, ?
         FROM numbers`,
        of.destinationKey,
        at,
        at + 5,
      ],
      [`INSERT INTO ${attempt} SELECT ${last} + 1 - n, 1, ?, 5, 'delivered', 200, 'bench' FROM numbers`, at],
    )
    const lanes = (state: string, parkedAt: string): string =>
      `INSERT INTO lanes (destination_key, lane_key, state, due_at, retrying, head_attempts, claim, tail, parked_at)
       SELECT ?, 'call:' || lower(hex(randomblob(16))), '${state}', ? + n / 100, 0, 0, 1, 1, ${parkedAt} FROM numbers`
    await insert(filling.parked, [lanes('parked', String(at)), of.destinationKey, at])
    await insert(filling.due, [lanes('running', 'NULL'), of.heldKey, at])
    database.exec(
      `INSERT INTO ${delivery}
       SELECT destination_key, ${firstSeq} + ${last} + row_number() OVER (), lane_key, 1, 'pending', 0, ${at}, NULL
       FROM lanes`,
    )
  } finally {
    database.close()
  }
}

/** The same for PostgreSQL. */
export async function fillPostgres(url: string, filling: Filling, of: FillingOf): Promise<void> {
  const at = Date.now() - agoMs
  const schema = 'hookswitch'
  const key = `'call:' || md5(random()::text)`
  await queryPostgres(
    url,
    `WITH done AS (
       INSERT INTO ${schema}.${delivery}
       SELECT $1::bigint, ${firstSeq} + n, ${key}, 1, 'delivered', 1, $2::bigint, $2::bigint + 5 FROM generate_series(1, $3::bigint) n
       RETURNING key)
     INSERT INTO ${schema}.${attempt} SELECT key, 1, $2::bigint, 5, 'delivered', 200, 'bench' FROM done`,
    [of.destinationKey, at, filling.delivered],
  )
  for (const [state, destinationKey, rows] of [
    ['parked', of.destinationKey, filling.parked],
    ['running', of.heldKey, filling.due],
  ] as const) {
    await queryPostgres(
      url,
      `WITH made AS (
         INSERT INTO ${schema}.lanes
           (destination_key, lane_key, state, due_at, head_attempts, claim, tail, parked_at)
         SELECT $1::bigint, ${key}, $2::text, $3::bigint + n / 100, 0, 1, 1, CASE WHEN $2::text = 'parked' THEN $3::bigint END
         FROM generate_series(1, $4::bigint) n
         RETURNING key, destination_key, lane_key)
       INSERT INTO ${schema}.${delivery}
       SELECT destination_key, ${firstSeq} * 2 + key, lane_key, 1, 'pending', 0, $3::bigint, NULL FROM made`,
      [destinationKey, state, at, rows],
    )
  }
  // As autovacuum does in time.
  await queryPostgres(url, 'VACUUM ANALYZE')
}
