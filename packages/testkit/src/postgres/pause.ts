import { setTimeout as delay } from 'node:timers/promises'
import { Client } from 'pg'

/** A named place inside a transaction at which the server stops it until the test lets it go on. */
export interface PausePoint {
  /** Resolves when a transaction has stopped here. */
  reached(): Promise<void>
  /** Lets what has stopped go on; nothing stops here any more. */
  letGo(): Promise<void>
  /** Ends the connection whose transaction has stopped here, as an administrator would. */
  kill(): Promise<void>
  /** How many connections to this database wait for a lock of any kind, those that have stopped here included. */
  waiting(): Promise<number>
  close(): Promise<void>
}

export interface PauseOptions {
  /** With its schema. */
  table: string
  /** `insert`: just before a row goes into the table. `commit`: all is written, the commit has begun. */
  before: 'insert' | 'commit'
  /** SQL on the row `new`; rows for which it does not hold pass. */
  rows: string
}

/** Others do not use this first number of an advisory lock; the second one counts the points. */
const lockSpace = 7_654_321
let points = 0

/** Far longer than a transaction needs to get anywhere. */
const reachedMs = 10_000
const lookEveryMs = 5

/** Puts a pause point into the database with a trigger; the program under test knows nothing of it. */
export async function pauseAt(url: string, { table, before, rows }: PauseOptions): Promise<PausePoint> {
  points += 1
  const point = points
  const name = `pause_${point}`
  const lock = `${lockSpace}, ${point}`
  const client = new Client({ connectionString: url })
  await client.connect()
  await client.query(`SELECT pg_advisory_lock(${lock})`)
  await client.query(`
    CREATE FUNCTION ${name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      IF ${rows} THEN PERFORM pg_advisory_xact_lock_shared(${lock}); END IF;
      RETURN new;
    END $$;
    CREATE ${before === 'commit' ? 'CONSTRAINT TRIGGER' : 'TRIGGER'} ${name}
      ${before === 'commit' ? 'AFTER' : 'BEFORE'} INSERT ON ${table}
      ${before === 'commit' ? 'DEFERRABLE INITIALLY DEFERRED' : ''}
      FOR EACH ROW EXECUTE FUNCTION ${name}()`)
  const stopped = async (): Promise<number[]> => {
    const { rows: found } = await client.query<{ pid: number }>(
      `SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND classid = ${lockSpace} AND objid = ${point}
       AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
    )
    return found.map(({ pid }) => pid)
  }
  let gone = false
  return {
    async reached() {
      const deadline = performance.now() + reachedMs
      while ((await stopped()).length === 0) {
        if (performance.now() > deadline)
          throw new Error(`no transaction stopped before the ${before} in ${reachedMs} ms`)
        await delay(lookEveryMs)
      }
    },
    async letGo() {
      if (!gone) await client.query(`SELECT pg_advisory_unlock(${lock})`)
      gone = true
    },
    async kill() {
      for (const pid of await stopped()) await client.query(`SELECT pg_terminate_backend(${pid})`)
    },
    async waiting() {
      const { rows: found } = await client.query<{ count: number }>(
        `SELECT count(*)::integer AS count FROM pg_stat_activity
         WHERE datname = current_database() AND wait_event_type = 'Lock'`,
      )
      return found[0]?.count ?? 0
    },
    close: () => client.end(),
  }
}
