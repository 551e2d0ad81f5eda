import { DatabaseSync } from 'node:sqlite'
import { Client, Pool } from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { postgresMissing, queryPostgres, startPostgres, type Postgres } from '@hookswitch/testkit/postgres'
import {
  pgDatabase,
  sqlDedupe,
  sqliteDatabase,
  type DedupeDatabase,
  type PgClient,
  type SqlDedupe,
  type SqlDedupeOptions,
  type SqliteClient,
} from '../src/dedupe/sql-dedupe.ts'
import { openPool } from './dedupe-stores.ts'

const leaseMs = 30_000
const windowMs = 60_000
/** Older than what is kept of a claim that is over. */
const longAgoMs = 3_600_000

const missing = postgresMissing()
const closers: (() => Promise<void> | void)[] = []

afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

/** Puts rows into the table that were over long ago, and one that has just become so. */
async function fill(db: DedupeDatabase, count: number): Promise<void> {
  // One moment for all: to write a row may take longer than the rows lie apart.
  const newest = Date.now() - longAgoMs
  for (let row = 0; row < count; row += 1) {
    await insert(db, `old ${row}`, row % 2 === 0 ? 'done' : 'claimed', newest - row)
  }
  await insert(db, 'just over', 'claimed', Date.now() - 1_000)
}

async function insert(db: DedupeDatabase, key: string, state: string, until: number): Promise<void> {
  const places = db.dialect === 'sqlite' ? '?, ?, ?, ?' : '$1, $2, $3, $4'
  await db.query(
    `INSERT INTO hookswitch_dedupe (event_key, token, state, until) VALUES (${places}) RETURNING event_key`,
    [key, `token of ${key}`, state, until],
  )
}

async function keysOf(db: DedupeDatabase): Promise<string[]> {
  // With a value, because it returns rows.
  const place = db.dialect === 'sqlite' ? '?' : '$1'
  const rows = await db.query(`SELECT event_key FROM hookswitch_dedupe WHERE event_key <> ${place}`, [''])
  return rows.map((row) => String(row['event_key']))
}

async function claimNew(dedupe: SqlDedupe, key: string): Promise<string> {
  const claim = await dedupe.claim(key, leaseMs)
  if (claim.state !== 'claimed') throw new Error(`${key} is ${claim.state}`)
  return claim.token
}

/** What holds for each engine, besides the contract. */
function holdsForEngine(open: () => Promise<DedupeDatabase>): void {
  test('old rows are removed on the way, few at a time - no claim waits for a clean table', async () => {
    const db = await open()
    const dedupe = sqlDedupe(db)
    await dedupe.createTable()
    await fill(db, 250)
    await claimNew(dedupe, 'new 0')
    expect((await keysOf(db)).filter((key) => key.startsWith('old'))).toHaveLength(150)
    // Those that were over first are gone first.
    expect(await keysOf(db)).toContain('old 149')
    for (let event = 1; event <= 100; event += 1) await claimNew(dedupe, `new ${event}`)
    const left = await keysOf(db)
    expect(left.filter((key) => key.startsWith('old'))).toEqual([])
    // It is still its holder's.
    expect(left).toContain('just over')
    expect(await dedupe.done('just over', 'token of just over', windowMs)).toBe(true)
  })

  test('an old row that was not yet removed is claimed anew', async () => {
    const db = await open()
    const dedupe = sqlDedupe(db)
    await dedupe.createTable()
    await claimNew(dedupe, 'first')
    await insert(db, 'old', 'done', Date.now() - longAgoMs)
    await claimNew(dedupe, 'old')
  })

  test('the table may be there already, also one made as the documentation says', async () => {
    const db = await open()
    await db.query(
      `CREATE TABLE hookswitch_dedupe (
         event_key text   PRIMARY KEY,
         token     text   NOT NULL,
         state     text   NOT NULL, -- 'claimed' or 'done'
         until     bigint NOT NULL  -- Unix ms
       )`,
      [],
    )
    await db.query('CREATE INDEX hookswitch_dedupe_until ON hookswitch_dedupe (until)', [])
    const dedupe = sqlDedupe(db)
    await dedupe.createTable()
    await dedupe.createTable()
    expect(await dedupe.done('key', await claimNew(dedupe, 'key'), windowMs)).toBe(true)
  })

  test('another table is another memory', async () => {
    const db = await open()
    // A word of SQL, and the longest name.
    const tables = ['hookswitch_dedupe', 'order', 'x'.repeat(50)]
    for (const dedupe of tables.map((table) => sqlDedupe(db, { table }))) {
      await dedupe.createTable()
      await claimNew(dedupe, 'key')
    }
  })

  test('without its table a claim rejects - nothing is answered 200 that may be lost or done twice', async () => {
    await expect(sqlDedupe(await open()).claim('key', leaseMs)).rejects.toThrow(/hookswitch_dedupe/)
  })

  test('a usual key stands in the table as it is, so that people can look it up', async () => {
    const db = await open()
    const dedupe = sqlDedupe(db)
    await dedupe.createTable()
    const key = `1764590400000:call_1:call.ended:${'0123456789abcdef'.repeat(2)}`
    await claimNew(dedupe, key)
    await claimNew(dedupe, 'x'.repeat(201))
    expect(await keysOf(db)).toEqual([key, expect.stringMatching(/^sha256:[0-9a-f]{64}$/) as string])
  })
}

describe('a dedupe in SQLite', () => {
  holdsForEngine(async () => {
    const db = new DatabaseSync(':memory:')
    closers.push(() => db.close())
    return sqliteDatabase(db)
  })
})

describe.skipIf(missing !== null)(
  `a dedupe in PostgreSQL${missing === null ? '' : ` (skipped: ${missing})`}`,
  () => {
    let postgres: Postgres
    beforeAll(async () => {
      postgres = await startPostgres()
    })
    afterAll(() => postgres.stop())

    async function emptyPool(): Promise<Pool> {
      const pool = openPool({ connectionString: await postgres.createDatabase(), max: 10 })
      closers.push(() => pool.end())
      return pool
    }

    holdsForEngine(async () => pgDatabase(await emptyPool()))

    test('a single connected client will do', async () => {
      const client = new Client({ connectionString: await postgres.createDatabase() })
      client.on('error', () => {})
      await client.connect()
      closers.push(() => client.end())
      const dedupe = sqlDedupe(pgDatabase(client))
      await dedupe.createTable()
      expect(await dedupe.done('key', await claimNew(dedupe, 'key'), windowMs)).toBe(true)
    })

    test('ten processes that start at once may all create the table', async () => {
      const db = pgDatabase(await emptyPool())
      await Promise.all(Array.from({ length: 10 }, () => sqlDedupe(db).createTable()))
      await claimNew(sqlDedupe(db), 'key')
    })

    test('the table may stand in a schema', async () => {
      const pool = await emptyPool()
      await pool.query('CREATE SCHEMA app')
      const dedupe = sqlDedupe(pgDatabase(pool), { table: 'app.handled' })
      await dedupe.createTable()
      await claimNew(dedupe, 'key')
      expect((await pool.query('SELECT count(*)::integer AS count FROM app.handled')).rows).toEqual([
        { count: 1 },
      ])
    })

    test('a row that another transaction holds is left out of the removal - a claim does not wait for it', async () => {
      const pool = await emptyPool()
      const db = pgDatabase(pool)
      const dedupe = sqlDedupe(db)
      await dedupe.createTable()
      await fill(db, 3)
      const holder = await pool.connect()
      try {
        await holder.query('BEGIN')
        await holder.query(`SELECT * FROM hookswitch_dedupe WHERE event_key = 'old 1' FOR UPDATE`)
        await claimNew(dedupe, 'new')
        expect((await keysOf(db)).sort()).toEqual(['just over', 'new', 'old 1'])
      } finally {
        await holder.query('ROLLBACK')
        holder.release()
      }
    })

    test('time is that of the database, wherever its clients are', async () => {
      const url = await postgres.createDatabase()
      const pool = openPool({ connectionString: url, options: '-c timezone=Pacific/Kiritimati' })
      closers.push(() => pool.end())
      const dedupe = sqlDedupe(pgDatabase(pool))
      await dedupe.createTable()
      await claimNew(dedupe, 'key')
      const [row] = await queryPostgres(
        url,
        `SELECT until - extract(epoch FROM clock_timestamp()) * 1000 > 0 AS ahead,
                until - extract(epoch FROM clock_timestamp()) * 1000 <= 30000 AS "within" FROM hookswitch_dedupe`,
      )
      expect(row).toEqual({ ahead: true, within: true })
    })
  },
)

test('a table of the wrong form is refused - its name stands in the statements', () => {
  const sqlite = sqliteDatabase(new DatabaseSync(':memory:'))
  const names = [
    '',
    'x; DROP TABLE y',
    'x"',
    'Handled',
    '1x',
    'a.b',
    'x'.repeat(51),
    'é',
    5 as unknown as string,
  ]
  for (const table of names) {
    expect(() => sqlDedupe(sqlite, { table }), table).toThrow(
      `sqlDedupe: table is ${JSON.stringify(table)}; expected up to 50 lower-case letters, digits and "_"`,
    )
  }
  const pg = pgDatabase({ query: () => Promise.reject(new Error('not asked')) })
  for (const table of ['a.b.c', '.b', 'a.']) {
    expect(() => sqlDedupe(pg, { table }), table).toThrow(TypeError)
  }
})

test('an option that there is not is refused by its name', () => {
  const db = sqliteDatabase(new DatabaseSync(':memory:'))
  expect(() => sqlDedupe(db, { tabel: 'handled' } as SqlDedupeOptions)).toThrow(
    new TypeError('sqlDedupe has no option tabel'),
  )
})

test('what is no client is refused when the database is made - not at the first event', () => {
  for (const client of [undefined, null, {}, 'postgres://127.0.0.1'] as unknown[]) {
    const came = client === null ? 'null' : typeof client
    expect(() => pgDatabase(client as PgClient)).toThrow(
      new TypeError(`pgDatabase: the client is ${came} without query; expected a Pool or a Client of pg`),
    )
    expect(() => sqliteDatabase(client as SqliteClient)).toThrow(
      new TypeError(
        `sqliteDatabase: the client is ${came} without prepare and exec; ` +
          'expected a database of node:sqlite or better-sqlite3',
      ),
    )
  }
})

test('a database that does not give the rows of a claim makes it reject - nobody knows whose the event is', async () => {
  const answers: unknown[] = [[], undefined, { rows: [{ token: 'of another', state: 'claimed' }] }]
  // As of a client that renames columns.
  answers.push([{ token: 'of another', state: 'claimed', leftMs: 5 }])
  for (const answer of answers) {
    const db = { dialect: 'postgresql', query: async () => answer } as unknown as DedupeDatabase
    await expect(sqlDedupe(db).claim('key', leaseMs)).rejects.toThrow(
      new Error(
        'sqlDedupe: query gave no row with token, state and left_ms for a claim; expected the rows of RETURNING',
      ),
    )
  }
})

test('what is no database is refused, with what makes one', () => {
  for (const db of [null, undefined, new Pool(), new DatabaseSync(':memory:')]) {
    expect(() => sqlDedupe(db as unknown as DedupeDatabase)).toThrow(
      'sqlDedupe: db has no query or no dialect; expected pgDatabase(pool), sqliteDatabase(db) or one of your own',
    )
  }
})
