import { randomBytes } from 'node:crypto'
import { Client } from 'pg'
import { findBinaries } from './binaries.ts'
import { startServer, type PostgresServer } from './server.ts'

/** A PostgreSQL for one test file: a database of its own on a server that others may use as well. */
export interface Postgres {
  /** Of a database that is empty. */
  readonly url: string
  /** Makes a further empty database on the same server and returns its URL. */
  createDatabase(): Promise<string>
  /** Removes what was made: the databases, or the whole server where it is ours. */
  stop(): Promise<void>
}

/** One that can be taken down and brought back, because the server is ours alone. */
export interface OwnPostgres extends Postgres, Pick<PostgresServer, 'down' | 'up'> {}

/** Why no PostgreSQL can be had here; null when one can. Say it in the name of what is skipped. */
export function postgresMissing(): string | null {
  return process.env['DATABASE_URL'] === undefined ? findBinaries().missing : null
}

/** Why no server of our own can be started here; null when one can. */
export function ownPostgresMissing(): string | null {
  return findBinaries().missing
}

/** Uses the server that `DATABASE_URL` names, or starts one. */
export async function startPostgres(): Promise<Postgres> {
  const given = process.env['DATABASE_URL']
  if (given === undefined) return startOwnPostgres()
  const { createDatabase, dropDatabases } = databasesOn(given)
  return { url: await createDatabase(), createDatabase, stop: dropDatabases }
}

/** Starts a server, whatever `DATABASE_URL` says. */
export async function startOwnPostgres(): Promise<OwnPostgres> {
  const server = await startServer()
  try {
    const { createDatabase } = databasesOn(server.url)
    const { down, up, stop } = server
    return { url: await createDatabase(), createDatabase, down, up, stop }
  } catch (error) {
    await server.stop()
    throw error
  }
}

/** Runs one statement on a connection of its own and returns the rows. */
export async function queryPostgres(
  url: string,
  sql: string,
  values: unknown[] = [],
): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query<Record<string, unknown>>(sql, values)).rows
  } finally {
    await client.end()
  }
}

function databasesOn(serverUrl: string): {
  createDatabase(): Promise<string>
  dropDatabases(): Promise<void>
} {
  const names: string[] = []
  return {
    async createDatabase() {
      const name = `hookswitch_test_${randomBytes(6).toString('hex')}`
      await queryPostgres(serverUrl, `CREATE DATABASE ${name}`)
      names.push(name)
      const url = new URL(serverUrl)
      url.pathname = `/${name}`
      return url.href
    },
    async dropDatabases() {
      for (const name of names) {
        await queryPostgres(serverUrl, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`)
      }
    },
  }
}
