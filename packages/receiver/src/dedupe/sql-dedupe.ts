import type { Claim, Dedupe } from './dedupe.ts'
import { keptMs } from './kept-claim.ts'
import { storedKey } from './stored-key.ts'
import { withDefaults } from './with-defaults.ts'

/** A database that keeps what was handled. `pgDatabase` and `sqliteDatabase` make one of a usual client. */
export interface DedupeDatabase {
  dialect: 'postgresql' | 'sqlite'
  /** Runs one statement by itself, in no transaction of others, and returns its rows. */
  query(sql: string, values: readonly (string | number)[]): Promise<readonly Record<string, unknown>[]>
}

/** What is used of `pg` (`Pool` or a connected `Client`), and of others that are made like it. */
export interface PgClient {
  query(sql: string, values: (string | number)[]): Promise<{ rows: Record<string, unknown>[] }>
}

/** What is used of `DatabaseSync` of `node:sqlite`, and of better-sqlite3. */
export interface SqliteClient {
  prepare(sql: string): { all(...values: (string | number)[]): unknown[] }
  exec(sql: string): unknown
}

export interface SqlDedupeOptions {
  /** Lower-case letters, digits and `_`; in PostgreSQL also with a schema before it. Default: `hookswitch_dedupe`. */
  table?: string
}

export interface SqlDedupe extends Dedupe {
  /** Creates the table and its index where they are not there. Several processes may call it at once. */
  createTable(): Promise<void>
}

const defaults: Required<SqlDedupeOptions> = { table: 'hookswitch_dedupe' }

/** The first claim of a process and then each so many removes old rows, because a process may live for a few only. */
const claimsPerRemoval = 50
/** More than are claimed in between, so that the table gets smaller; few enough for a millisecond. */
const removedMax = 100

/** An index is named after its table, and PostgreSQL cuts names after 63 bytes. */
const nameCharactersMax = 50

/**
 * Remembers in PostgreSQL or SQLite what has been handled, for all processes that use the table. Each operation is one
 * statement; time is that of the database. Old rows are removed on the way, at most a hundred by one claim.
 *
 * The table is made by `createTable()`, or by a migration of yours:
 *
 * ```sql
 * CREATE TABLE hookswitch_dedupe (
 *   event_key text   PRIMARY KEY,
 *   token     text   NOT NULL,
 *   state     text   NOT NULL, -- 'claimed' or 'done'
 *   until     bigint NOT NULL  -- Unix ms
 * );
 * CREATE INDEX hookswitch_dedupe_until ON hookswitch_dedupe (until);
 * ```
 *
 * @throws TypeError where `db` is none, an option is unknown, or the name of the table is not of the allowed form.
 * @example
 * const pool = new Pool({ connectionString: process.env['DATABASE_URL'] })
 * pool.on('error', ({ message }) => console.error(message))
 * const dedupe = sqlDedupe(pgDatabase(pool))
 * await dedupe.createTable()
 * createReceiver({
 *   secrets: process.env['WEBHOOK_SECRET'],
 *   dedupe,
 *   on: { 'call.ended': ({ event }) => console.log(event.callId) },
 * })
 */
export function sqlDedupe(db: DedupeDatabase, options: SqlDedupeOptions = {}): SqlDedupe {
  const { table } = withDefaults('sqlDedupe', options, defaults)
  if (typeof db?.query !== 'function' || (db.dialect !== 'postgresql' && db.dialect !== 'sqlite')) {
    throw new TypeError(
      'sqlDedupe: db has no query or no dialect; expected pgDatabase(pool), sqliteDatabase(db) or one of your own',
    )
  }
  const sql = statementsOf(db.dialect, table)
  let claims = 0

  return {
    async createTable() {
      for (const statement of sql.create) await db.query(statement, [])
    },

    async claim(key, leaseMs) {
      // Before the claim: were it to fail after it, nobody would have what was claimed.
      if (claims % claimsPerRemoval === 0) await db.query(sql.removeOld, [keptMs, removedMax])
      claims += 1
      const token = crypto.randomUUID()
      return claimOf(await db.query(sql.claim, [await storedKey(key), token, leaseMs]), token)
    },

    async done(key, token, windowMs) {
      return (await db.query(sql.done, [windowMs, await storedKey(key), token])).length > 0
    },

    async release(key, token) {
      await db.query(sql.release, [await storedKey(key), token])
    },

    async extend(key, token, leaseMs) {
      return (await db.query(sql.extend, [leaseMs, await storedKey(key), token])).length > 0
    },
  }
}

/** What a claim has found. A database of the app's own is not known to give what it should. */
function claimOf(rows: Awaited<ReturnType<DedupeDatabase['query']>> | undefined, token: string): Claim {
  const row = rows?.[0]
  if (row?.['token'] === token) return { state: 'claimed', token }
  if (row?.['state'] === 'done') return { state: 'done' }
  const retryAfterMs = Number(row?.['left_ms'])
  if (Number.isNaN(retryAfterMs)) {
    throw new Error(
      'sqlDedupe: query gave no row with token, state and left_ms for a claim; expected the rows of RETURNING',
    )
  }
  return { state: 'busy', retryAfterMs }
}

/**
 * PostgreSQL by `pg`: a pool, or a client that is connected and in no transaction.
 *
 * @throws TypeError where the client is none.
 */
export function pgDatabase(client: PgClient): DedupeDatabase {
  if (typeof client?.query !== 'function') {
    throw new TypeError(
      `pgDatabase: the client is ${client === null ? 'null' : typeof client} without query; ` +
        'expected a Pool or a Client of pg',
    )
  }
  return {
    dialect: 'postgresql',
    query: async (sql, values) => (await client.query(sql, [...values])).rows,
  }
}

/**
 * SQLite by `node:sqlite` or better-sqlite3. Where several processes use the file, let it wait for its turn:
 * `new DatabaseSync(file, { timeout: 1_000 })`.
 *
 * @throws TypeError where the database is none.
 */
export function sqliteDatabase(db: SqliteClient): DedupeDatabase {
  if (typeof db?.prepare !== 'function' || typeof db.exec !== 'function') {
    throw new TypeError(
      `sqliteDatabase: the client is ${db === null ? 'null' : typeof db} without prepare and exec; ` +
        'expected a database of node:sqlite or better-sqlite3',
    )
  }
  const statements = new Map<string, ReturnType<SqliteClient['prepare']>>()
  return {
    dialect: 'sqlite',
    async query(sql, values) {
      // Those without values make tables, and return nothing.
      if (values.length === 0) {
        db.exec(sql)
        return []
      }
      const statement = statements.get(sql) ?? db.prepare(sql)
      statements.set(sql, statement)
      return statement.all(...values) as Record<string, unknown>[]
    },
  }
}

function statementsOf(dialect: DedupeDatabase['dialect'], table: string) {
  const isPostgres = dialect === 'postgresql'
  const name = quoted(table, isPostgres)
  // Without the schema: an index stands in that of its table.
  const index = `"${table.replace(/^.*\./, '')}_until"`
  // Both are the same wherever they stand in a statement.
  const now = isPostgres
    ? 'CAST(floor(extract(epoch FROM statement_timestamp()) * 1000) AS bigint)'
    : "CAST((julianday('now') - 2440587.5) * 86400000 AS integer)"
  const create = [
    `CREATE TABLE IF NOT EXISTS ${name} (
       event_key text PRIMARY KEY, token text NOT NULL, state text NOT NULL, until bigint NOT NULL
     )`,
    `CREATE INDEX IF NOT EXISTS ${index} ON ${name} (until)`,
  ]
  const old = (lock: string): string =>
    `SELECT event_key FROM ${name} WHERE until < ${now} - ? ORDER BY until LIMIT ? ${lock}`
  const isOver = `held.until <= ${now}`
  const numbered = (sql: string): string => {
    let count = 0
    return isPostgres ? sql.replaceAll('?', () => `$${(count += 1)}`) : sql
  }
  return {
    // "If not exists" alone fails where two processes do it at once.
    create: isPostgres
      ? [`DO $$ BEGIN PERFORM pg_advisory_xact_lock(hashtext('${table}')); ${create.join('; ')}; END $$`]
      : create,
    removeOld: numbered(
      isPostgres
        ? // An array, because a plan may run what stands after IN more than once, each time with a limit of its own.
          `DELETE FROM ${name} WHERE event_key = ANY (ARRAY(${old('FOR UPDATE SKIP LOCKED')})) RETURNING event_key`
        : `DELETE FROM ${name} WHERE event_key IN (${old('')}) RETURNING event_key`,
    ),
    // The row is always written, so that one statement can say what it found: `DO UPDATE … WHERE` returns no row for
    // a claim that is held, and a second look would be at another time.
    claim: numbered(`
      INSERT INTO ${name} AS held (event_key, token, state, until) VALUES (?, ?, 'claimed', ${now} + ?)
      ON CONFLICT (event_key) DO UPDATE SET
        token = CASE WHEN ${isOver} THEN excluded.token ELSE held.token END,
        state = CASE WHEN ${isOver} THEN excluded.state ELSE held.state END,
        until = CASE WHEN ${isOver} THEN excluded.until ELSE held.until END
      RETURNING token, state, until - ${now} AS left_ms`),
    done: numbered(
      `UPDATE ${name} SET state = 'done', until = ${now} + ? WHERE event_key = ? AND token = ? RETURNING state`,
    ),
    extend: numbered(`
      UPDATE ${name} SET until = ${now} + ? WHERE event_key = ? AND token = ? AND state = 'claimed' RETURNING state`),
    release: numbered(
      `DELETE FROM ${name} WHERE event_key = ? AND token = ? AND state = 'claimed' RETURNING event_key`,
    ),
  }
}

/** The name as it may stand in a statement. In lower case it is the same with quotes and without. */
function quoted(table: string, schemaAllowed: boolean): string {
  const parts = typeof table === 'string' ? table.split('.') : []
  const isName = parts.every((part) => /^[a-z_][a-z0-9_]*$/.test(part) && part.length <= nameCharactersMax)
  if (!isName || parts.length < 1 || parts.length > (schemaAllowed ? 2 : 1)) {
    throw new TypeError(
      `sqlDedupe: table is ${JSON.stringify(table)}; expected up to ${nameCharactersMax} lower-case letters, ` +
        `digits and "_", such as "hookswitch_dedupe"${schemaAllowed ? ', with or without a schema before it' : ''}`,
    )
  }
  return parts.map((part) => `"${part}"`).join('.')
}
