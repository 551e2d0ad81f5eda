import { randomBytes } from 'node:crypto'
import { Client, types } from 'pg'
import type { Claim, TurnOutcome, WorkAnswer, WorkResult } from '@hookswitch/core'
import { until } from '@hookswitch/testkit'
import { queryPostgres } from '@hookswitch/testkit/postgres'
import type { Query, Transaction } from '../src/postgres/connections.ts'
import { work } from '../src/postgres/work.ts'

/** A place between the statements of a transaction at which it has stopped. */
export interface Stop {
  reached(): Promise<void>
  goOn(): void
  /** Ends the connection, as an administrator would, and lets the program find out. */
  kill(): Promise<void>
}

/**
 * A node of two connections without time limits, so that its transactions can be stopped for as long as a test likes.
 * It runs what the store runs.
 */
export class StoppingNode {
  readonly epoch = randomBytes(9).toString('base64url')
  /** Gives the program something else than what the server answered. */
  falsify: ((sql: string, rows: object[]) => void) | null = null
  readonly #url: string
  readonly #plain: Client
  #stop: { after: string; at: (pid: number) => Promise<void> } | null = null

  private constructor(url: string, plain: Client) {
    this.#url = url
    this.#plain = plain
  }

  static async open(url: string): Promise<StoppingNode> {
    return new StoppingNode(url, await connect(url))
  }

  close(): Promise<void> {
    return this.#plain.end()
  }

  /** The next transaction stops after its first statement in which this text stands. */
  stopAfter(text: string): Stop {
    const reached = Promise.withResolvers<number>()
    const goesOn = Promise.withResolvers<void>()
    this.#stop = {
      after: text,
      at: (pid) => {
        this.#stop = null
        reached.resolve(pid)
        return goesOn.promise
      },
    }
    return {
      reached: async () => {
        await reached.promise
      },
      goOn: () => goesOn.resolve(),
      kill: async () => {
        await queryPostgres(this.#url, 'SELECT pg_terminate_backend($1)', [await reached.promise])
        goesOn.resolve()
      },
    }
  }

  readonly query: Query = async <Row extends object>(sql: string, values: readonly unknown[] = []) =>
    (await this.#plain.query<Row & Record<string, unknown>>(sql, [...values])).rows

  readonly transaction: Transaction = async (run) => {
    const client = await connect(this.#url)
    try {
      const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')
      await client.query('BEGIN')
      const done = await run(async <Row extends object>(sql: string, values: readonly unknown[] = []) => {
        const answer = await client.query<Row & Record<string, unknown>>(sql, [...values])
        this.falsify?.(sql, answer.rows)
        if (this.#stop !== null && sql.includes(this.#stop.after)) await this.#stop.at(rows[0]?.pid ?? 0)
        return answer.rows as Row[]
      })
      await client.query('COMMIT')
      return done
    } finally {
      await client.end().catch(() => {})
    }
  }

  async work(results: readonly WorkResult[] = [], lanesMax = 100): Promise<WorkAnswer> {
    const request = { epoch: this.epoch, results, lanesMax, lanesPerDestinationMax: lanesMax }
    return (await work(this.query, this.transaction, request)).answer
  }

  async claim(lanesMax?: number): Promise<Claim[]> {
    return (await this.work([], lanesMax)).claims
  }
}

/** The type bigint in PostgreSQL's catalogue. */
const bigintOid = 20

async function connect(url: string): Promise<Client> {
  const client = new Client({
    connectionString: url,
    types: {
      getTypeParser: (oid: number, format?: 'text' | 'binary') =>
        oid === bigintOid ? Number : types.getTypeParser(oid, format),
    },
  })
  // What ends a connection also rejects the query on it.
  client.on('error', () => {})
  await client.connect()
  return client
}

/** Something that was begun and may have to wait for somebody. */
export class Begun<T> {
  readonly outcome: Promise<T | Error>
  isOver = false

  constructor(promise: Promise<T>) {
    this.outcome = promise
      .catch((error: unknown) => (error instanceof Error ? error : new Error(String(error))))
      .finally(() => {
        this.isOver = true
      })
  }

  /** What came of it; rejects with what it rejected with. */
  async value(): Promise<T> {
    const outcome = await this.outcome
    if (outcome instanceof Error) throw outcome
    return outcome
  }

  /** Until it gets no further by itself; whether it waits for a lock. */
  async waits(url: string, others: number): Promise<boolean> {
    await until('it to be over or to wait', async () => this.isOver || (await waiting(url)) > others)
    return !this.isOver
  }
}

/** How many connections to this database wait for a lock of any kind. */
async function waiting(url: string): Promise<number> {
  const [row] = await queryPostgres(
    url,
    `SELECT count(*)::integer AS count FROM pg_stat_activity
     WHERE datname = current_database() AND wait_event_type = 'Lock'`,
  )
  return Number(row?.['count'])
}

export function result(
  { laneKey, claim, delivery }: Claim,
  outcome: TurnOutcome = { kind: 'delivered' },
  wantsNext = true,
): WorkResult {
  return {
    laneKey,
    claim,
    deliveryKey: delivery.key,
    outcome,
    attempt: {
      verdict: outcome.kind === 'retry' ? 'retry' : 'delivered',
      status: 200,
      cause: null,
      message: null,
      durationMs: 5,
      node: 'node-1',
      request: null,
      response: null,
    },
    wantsNext,
  }
}

export function permutations<T>(items: readonly T[]): T[][] {
  if (items.length === 0) return [[]]
  return items.flatMap((item, index) =>
    permutations(items.toSpliced(index, 1)).map((rest) => [item, ...rest]),
  )
}
