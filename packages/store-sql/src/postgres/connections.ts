import { Client, Pool, types, type ClientConfig, type CustomTypesConfig } from 'pg'
import { StoreError } from '@hookswitch/core'
import { connectionIsLost, storeFailure } from './failure.ts'

/** Runs one statement, which is its own transaction, and returns its rows. */
export type Query = <Row extends object>(sql: string, values?: readonly unknown[]) => Promise<Row[]>

interface PoolSize {
  connections: number
  /** To open a connection, or to wait for one that is in use. */
  connectMs: number
  /** From the call to its end, at most, the wait for a connection included. */
  deadlineMs: number
}

/**
 * Three groups of connections, at most seven in all and one more to listen, so that neither a slow list nor a long
 * stretch of the fold makes an accept wait.
 */
const poolSizes = {
  /** One batch commits while the next is on its way. A sender waits four seconds at most for its answer. */
  append: { connections: 2, connectMs: 1_500, deadlineMs: 4_000 },
  /** A node folds one stretch at a time; one that cannot be written in half a minute would never be. */
  fold: { connections: 1, connectMs: 5_000, deadlineMs: 30_000 },
  read: { connections: 4, connectMs: 5_000, deadlineMs: 15_000 },
} as const satisfies Record<string, PoolSize>

/** A statement is ended by the server this long before the deadline, since its word on the outcome is certain. */
const serverAheadMs = 500

/** An idle connection is closed after this long: a node at rest should not hold eight. */
const idleMs = 30_000

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
      connectionTimeoutMillis: poolSizes.read.connectMs,
      keepAlive: true,
    }
    const { host, port, user, database } = parse(this.#config)
    this.location = `${host}:${port}/${database ?? ''}`
    this.startCommand = `docker run -d -p ${port}:5432 -e POSTGRES_USER=${user ?? 'postgres'} -e POSTGRES_DB=${database ?? 'postgres'} -e POSTGRES_PASSWORD=… postgres:18`
    this.append = this.#pool(poolSizes.append)
    this.fold = this.#pool(poolSizes.fold)
    this.read = this.#pool(poolSizes.read)
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

  #pool({ connections, connectMs, deadlineMs }: PoolSize): Query {
    const pool = new Pool({
      ...this.#config,
      max: connections,
      connectionTimeoutMillis: connectMs,
      idleTimeoutMillis: idleMs,
      verify: (client, done) => {
        queryWithin(client, connectMs, sessionSettings(deadlineMs - serverAheadMs)).then(() => done(), done)
      },
    })
    pool.on('error', ignore)
    pool.on('connect', (client) => client.on('error', ignore))
    this.#pools.push(pool)
    return async <Row extends object>(sql: string, values: readonly unknown[] = []) => {
      if (this.#closed) throw new StoreError('closed')
      const running = this.#run(pool, deadlineMs, sql, values)
      this.#underWay.add(running)
      try {
        return (await running) as Row[]
      } finally {
        this.#underWay.delete(running)
      }
    }
  }

  async #run(pool: Pool, deadlineMs: number, sql: string, values: readonly unknown[]): Promise<object[]> {
    const begun = performance.now()
    const client = await pool.connect().catch((error: unknown) => {
      throw storeFailure(error, this.location, 'none')
    })
    const leftMs = Math.max(deadlineMs - (performance.now() - begun), serverAheadMs)
    try {
      const rows = await queryWithin(client, leftMs, sql, values)
      client.release()
      return rows
    } catch (error) {
      client.release(connectionIsLost(error))
      throw storeFailure(error, this.location, 'unknown')
    }
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
    SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3`
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
