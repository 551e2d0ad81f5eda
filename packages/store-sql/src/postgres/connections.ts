import { Client, Pool, types, type ClientConfig, type CustomTypesConfig } from 'pg'
import { StoreError } from '@hookswitch/core'
import { connectionIsLost, storeFailure } from './failure.ts'

/** Runs one statement and returns its rows. By itself it is its own transaction. */
export type Query = <Row extends object>(sql: string, values?: readonly unknown[]) => Promise<Row[]>

/** Runs statements as one transaction, which is rolled back when `run` rejects. */
export type Transaction = <T>(run: (query: Query) => Promise<T>) => Promise<T>

interface PoolOptions {
  connections: number
  /** To open a connection, or to wait for one that is in use. */
  connectMs: number
  /** From the call to its end, at most, the wait for a connection included. */
  deadlineMs: number
  /** `lost_whole`: a commit need not reach the disk, since what a crash takes is lost whole and done again. */
  commit: 'durable' | 'lost_whole'
}

/**
 * Five groups of connections, at most eleven in all and one more to listen, so that neither a slow list nor a long
 * stretch of the fold makes an accept or a delivery wait.
 */
const pools = {
  /** One batch commits while the next is on its way. A sender waits four seconds at most for its answer. */
  append: { connections: 2, connectMs: 1_500, deadlineMs: 4_000, commit: 'durable' },
  /** A node folds one stretch at a time; one that cannot be written in half a minute would never be. */
  fold: { connections: 1, connectMs: 5_000, deadlineMs: 30_000, commit: 'lost_whole' },
  /** A node makes one call of `work` at a time, and a beat must not wait for it: silence costs its lanes. */
  work: { connections: 2, connectMs: 2_000, deadlineMs: 4_000, commit: 'lost_whole' },
  /** What a person does, and upkeep in chunks. */
  act: { connections: 2, connectMs: 5_000, deadlineMs: 15_000, commit: 'durable' },
  read: { connections: 4, connectMs: 5_000, deadlineMs: 15_000, commit: 'durable' },
} as const satisfies Record<string, PoolOptions>

/** A statement is ended by the server this long before the deadline, since its word on the outcome is certain. */
const serverAheadMs = 500

/** An idle connection is closed after this long: a node at rest should not hold twelve. */
const idleMs = 30_000

/**
 * A node that is frozen within a transaction keeps its locks no longer than this, for which others may have to wait.
 * One whose own thread is that slow begins again.
 */
const idleInTransactionMs = 2_000

/** The type bigint in PostgreSQL's catalogue. */
const bigintOid = 20

/** bigint as a number: everything that we keep in one is a count, a place or a time, far below 2^53. */
const ourTypes: CustomTypesConfig = {
  getTypeParser: (oid: number, format?: 'text' | 'binary') =>
    oid === bigintOid ? Number : types.getTypeParser(oid, format),
}

/** The connections of one store to its database. They are opened when they are first needed. */
export class Connections {
  /** `host:port/database`. */
  readonly location: string
  /** Starts a PostgreSQL in which the URL would work, but for the password. */
  readonly startCommand: string
  readonly append: Query
  readonly fold: Query
  readonly read: Query
  readonly work: Query
  readonly workTransaction: Transaction
  readonly act: Query
  readonly actTransaction: Transaction
  readonly #config: ClientConfig
  readonly #pools: Pool[] = []
  readonly #underWay = new Set<Promise<unknown>>()
  #closed = false

  /** Throws a `StoreError` when the URL cannot be read; the message does not contain it. */
  constructor(url: string) {
    this.#config = {
      connectionString: url,
      fallback_application_name: 'hookswitch',
      types: ourTypes,
      connectionTimeoutMillis: pools.read.connectMs,
      keepAlive: true,
    }
    const { host, port, user, database } = parse(this.#config)
    this.location = `${host}:${port}/${database ?? ''}`
    this.startCommand = `docker run -d -p ${port}:5432 -e POSTGRES_USER=${user ?? 'postgres'} -e POSTGRES_DB=${database ?? 'postgres'} -e POSTGRES_PASSWORD=… postgres:18`
    this.append = this.#pool(pools.append).query
    this.fold = this.#pool(pools.fold).query
    this.read = this.#pool(pools.read).query
    const work = this.#pool(pools.work)
    this.work = work.query
    this.workTransaction = work.transaction
    const act = this.#pool(pools.act)
    this.act = act.query
    this.actTransaction = act.transaction
  }

  /** A connection outside the pools, which whoever asked must end. */
  async connect(): Promise<Client> {
    const client = new Client(this.#config)
    // What ends a connection also rejects the query on it, or the next one.
    client.on('error', ignore)
    try {
      await client.connect()
      return client
    } catch (error) {
      throw storeFailure(error, this.location, 'none')
    }
  }

  /** Lets what is under way finish, and then closes all connections. */
  async close(): Promise<void> {
    this.#closed = true
    // A pool that is ended forgets those that wait for a connection.
    await Promise.allSettled(this.#underWay)
    await Promise.all(this.#pools.filter((pool) => !pool.ending).map((pool) => pool.end()))
  }

  #pool({ connections, connectMs, deadlineMs, commit }: PoolOptions): {
    query: Query
    transaction: Transaction
  } {
    const pool = new Pool({
      ...this.#config,
      max: connections,
      connectionTimeoutMillis: connectMs,
      idleTimeoutMillis: idleMs,
      verify: (client, done) => {
        const settings = `${sessionSettings(deadlineMs - serverAheadMs)}; ${commitSettings[commit]}`
        queryWithin(client, connectMs, settings).then(() => done(), done)
      },
    })
    pool.on('error', ignore)
    pool.on('connect', (client) => client.on('error', ignore))
    this.#pools.push(pool)
    return {
      query: (sql, values) => this.#run(pool, deadlineMs, ({ query }) => query(sql, values)),
      transaction: (run) => this.#run(pool, deadlineMs, (use) => inTransaction(use, run)),
    }
  }

  /** Runs on a connection of the pool; closing waits for whatever is under way. */
  async #run<T>(pool: Pool, deadlineMs: number, run: (use: ConnectionUse) => Promise<T>): Promise<T> {
    if (this.#closed) throw new StoreError('closed')
    const running = this.#runOnClient(pool, deadlineMs, run)
    this.#underWay.add(running)
    try {
      return await running
    } finally {
      this.#underWay.delete(running)
    }
  }

  async #runOnClient<T>(pool: Pool, deadlineMs: number, run: (use: ConnectionUse) => Promise<T>): Promise<T> {
    const deadline = performance.now() + deadlineMs
    const client = await pool.connect().catch((error: unknown) => {
      throw storeFailure(error, this.location, 'none')
    })
    const use: ConnectionUse = {
      query: async <Row extends object>(sql: string, values?: readonly unknown[]) => {
        const leftMs = Math.max(deadline - performance.now(), serverAheadMs)
        return (await queryWithin(client, leftMs, sql, values)) as Row[]
      },
      outcome: 'unknown',
    }
    try {
      const result = await run(use)
      client.release()
      return result
    } catch (error) {
      client.release(connectionIsLost(error))
      throw storeFailure(error, this.location, use.outcome)
    }
  }
}

interface ConnectionUse {
  readonly query: Query
  /** What is known of the outcome if the connection is lost now. */
  outcome: 'none' | 'unknown'
}

async function inTransaction<T>(use: ConnectionUse, run: (query: Query) => Promise<T>): Promise<T> {
  const { query } = use
  use.outcome = 'none'
  await query('BEGIN')
  try {
    const result = await run(query)
    use.outcome = 'unknown'
    await query('COMMIT')
    return result
  } catch (error) {
    // On a connection that is given up the server does so by itself.
    if (!connectionIsLost(error)) await query('ROLLBACK')
    throw error
  }
}

/** Runs a query; a connection on which no answer comes in time is cut, which rejects the query. */
export async function queryWithin(
  client: Client,
  ms: number,
  sql: string,
  values: readonly unknown[] = [],
): Promise<object[]> {
  const timer = setTimeout(() => {
    client.connection.stream.destroy(new Error(`no answer within ${Math.round(ms)} ms`))
  }, ms)
  try {
    // Without values it goes out as a simple query, which may hold several statements.
    const { rows } = await (values.length === 0
      ? client.query<Record<string, unknown>>(sql)
      : client.query<Record<string, unknown>>(sql, [...values]))
    return rows
  } finally {
    clearTimeout(timer)
  }
}

/**
 * Settings that what we promise rests on, whatever the server's defaults: an append must see what was committed
 * while it waited for its turn, and a server must notice soon that a node is gone that held a lock.
 */
export function sessionSettings(statementMs: number): string {
  return `SET default_transaction_isolation = 'read committed';
    SET statement_timeout = ${statementMs};
    SET idle_in_transaction_session_timeout = ${idleInTransactionMs};
    SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3`
}

const commitSettings: Record<PoolOptions['commit'], string> = {
  // A stricter setting than `on` is left as it is.
  durable: `SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'`,
  lost_whole: 'SET synchronous_commit = off',
}

function parse(config: ClientConfig): Pick<Client, 'host' | 'port' | 'user' | 'database'> {
  try {
    return new Client(config)
  } catch {
    // Whatever is wrong with it, the URL may hold a password.
    throw new StoreError(
      'unavailable',
      'the URL of the database cannot be read; it has the form postgres://user:password@host:5432/database',
    )
  }
}

function ignore(): void {}
