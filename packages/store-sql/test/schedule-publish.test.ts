import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { Client } from 'pg'
import { openPostgres } from '@hookswitch/store-sql'
import type { StartedCall, Store } from '@hookswitch/core'
import {
  pauseAt,
  postgresMissing,
  queryPostgres,
  startPostgres,
  type PausePoint,
  type Postgres,
} from '@hookswitch/testkit/postgres'
import { newEvent, newStartedCall, publication } from '@hookswitch/testkit/store-contract'
import { publishFunction } from '../src/postgres/started-calls.ts'
import { Begun } from './stopping-node.ts'

/**
 * Two nodes publish in one call, and one of them is stopped inside its transaction: whatever becomes of that one, the
 * event is in the log if and only if the call has moved on, and nobody waits for the lock of the store on account of
 * a call.
 */

const missing = postgresMissing()

/** Where A stops: when its call has moved on and its place in the log is drawn, and when all is written but the commit. */
const points = { 'seq drawn': 'insert', inserted: 'commit' } as const

describe.skipIf(missing !== null)(`PostgreSQL${missing === null ? '' : ` (skipped: ${missing})`}`, () => {
  let postgres: Postgres
  let url: string
  let a: Store
  let b: Store
  let call: StartedCall
  const opened: { close(): Promise<void> }[] = []
  beforeAll(async () => {
    postgres = await startPostgres()
    url = postgres.url
  })
  afterAll(() => postgres?.stop())
  beforeEach(async () => {
    await queryPostgres(url, 'DROP SCHEMA IF EXISTS hookswitch CASCADE')
    a = keep(await openPostgres({ url }))
    b = keep(await openPostgres({ url }))
    call = await a.addStartedCall(newStartedCall({ callId: 'stopped' }))
  })
  afterEach(async () => {
    // The pause points first, so that nothing has to wait for them.
    for (const one of opened.splice(0).toReversed()) await one.close()
  })

  function keep<T extends { close(): Promise<void> }>(one: T): T {
    opened.push(one)
    return one
  }

  async function pause(before: 'insert' | 'commit'): Promise<PausePoint> {
    return keep(await pauseAt(url, { table: 'hookswitch.events', before, rows: `new.call_id = 'stopped'` }))
  }

  /** The version of the call, and the events that are in the log. */
  async function state(): Promise<{ version: number | undefined; log: string[] }> {
    return {
      version: (await b.getStartedCall('stopped'))?.version,
      log: (await b.listEvents({ after: 0, limit: 100 })).map(({ id }) => id),
    }
  }

  for (const [name, before] of Object.entries(points)) {
    test(`A is stopped (${name}), B publishes in the same call: it waits, and is told that the call has changed`, async () => {
      const point = await pause(before)
      const ours = publication(call)
      const first = new Begun(a.publish([ours]))
      await point.reached()
      const second = new Begun(b.publish([publication(call)]))
      expect(await second.waits(url, 1)).toBe(true)
      expect(await state()).toEqual({ version: 1, log: [] })
      await point.letGo()
      expect(await first.value()).toMatchObject([{ id: ours.id, duplicate: false }])
      expect(await second.value()).toEqual(['changed'])
      expect(await state()).toEqual({ version: 2, log: [ours.id] })
    })

    test(`A is stopped (${name}) and killed, B publishes in the same call: nothing of A is left, and B is not told of a change`, async () => {
      const point = await pause(before)
      const first = new Begun(a.publish([publication(call)]))
      await point.reached()
      const ours = publication(call)
      const second = new Begun(b.publish([ours]))
      expect(await second.waits(url, 1)).toBe(true)
      await point.kill()
      expect(await first.outcome).toMatchObject({ code: 'unavailable', outcome: 'unknown' })
      // B stops there in its turn.
      await point.letGo()
      expect(await second.value()).toMatchObject([{ id: ours.id, duplicate: false }])
      expect(await state()).toEqual({ version: 2, log: [ours.id] })
    })
  }

  test('A has moved its call on, waits for its turn to append and is killed: the call is where it was', async () => {
    const holder = await hold(`SELECT pg_advisory_lock(hashtext('hookswitch'), 1)`)
    const first = new Begun(a.publish([publication(call)]))
    expect(await first.waits(url, 0)).toBe(true)
    const killed = await queryPostgres(
      url,
      `SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
         AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
    )
    expect(killed).toHaveLength(1)
    expect(await first.outcome).toMatchObject({ code: 'unavailable', outcome: 'unknown' })
    expect(await state()).toEqual({ version: 1, log: [] })
    await holder.close()
    const again = publication(call)
    expect(await b.publish([again])).toMatchObject([{ id: again.id, duplicate: false }])
    expect(await state()).toEqual({ version: 2, log: [again.id] })
  })

  /** Whether an append of B has to wait while A waits for a call that somebody else holds. */
  async function appendWaits(): Promise<boolean> {
    const holder = await hold(`BEGIN; SELECT FROM hookswitch.started_calls FOR UPDATE`)
    const first = new Begun(a.publish([publication(call)]))
    expect(await first.waits(url, 0)).toBe(true)
    const append = new Begun(b.append([newEvent()]))
    const waits = await append.waits(url, 1)
    await holder.close()
    expect(await first.value()).not.toEqual(['changed'])
    await append.value()
    return waits
  }

  test('A waits for a call that somebody holds: an append of B goes on meanwhile', async () => {
    expect(await appendWaits()).toBe(false)
  })

  test('if the lock of the store were taken first it would not - so this test would notice', async () => {
    const first = `PERFORM pg_advisory_xact_lock(hashtext('hookswitch'), 1);`
    const early = publishFunction.replace(/BEGIN\n/, `BEGIN ${first}\n`)
    expect(early).not.toBe(publishFunction)
    await queryPostgres(url, early.replace('CREATE FUNCTION', 'CREATE OR REPLACE FUNCTION'))
    expect(await appendWaits()).toBe(true)
  })

  test('an erase of a call waits for who publishes in it - nothing is published in it after that', async () => {
    const point = await pause('commit')
    const first = new Begun(a.publish([publication(call)]))
    await point.reached()
    const erase = new Begun(b.erase({ callId: 'stopped' }, 10))
    expect(await erase.waits(url, 1)).toBe(true)
    await point.letGo()
    expect(await first.value()).not.toEqual(['changed'])
    expect(await erase.value()).toMatchObject({ calls: 1 })
    expect(await b.getStartedCall('stopped')).toBeNull()
    expect(await a.publish([publication({ ...call, version: 2 })])).toEqual(['changed'])
  })

  /** A connection that holds what this locks until it is closed. */
  async function hold(sql: string): Promise<{ close(): Promise<void> }> {
    const client = new Client({ connectionString: url })
    await client.connect()
    await client.query(sql)
    let ended: Promise<void> | null = null
    return keep({ close: () => (ended ??= client.end()) })
  }
})
