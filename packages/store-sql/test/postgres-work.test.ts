import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Claim } from '@hookswitch/core'
import { openPostgres } from '@hookswitch/store-sql'
import { until } from '@hookswitch/testkit'
import {
  pauseAt,
  postgresMissing,
  queryPostgres,
  startPostgres,
  type Postgres,
} from '@hookswitch/testkit/postgres'
import { Connections } from '../src/postgres/connections.ts'
import { holdDestination } from '../src/postgres/destinations.ts'
import { work } from '../src/postgres/work.ts'
import { claimedOne, Stage } from './stage.ts'
import { Begun, result } from './stopping-node.ts'

const missing = postgresMissing()
const paused = { reason: 'paused', until: null, detail: null } as const

describe.skipIf(missing !== null)(`PostgreSQL${missing === null ? '' : ` (skipped: ${missing})`}`, () => {
  let postgres: Postgres
  let stage: Stage
  let connections: Connections
  beforeAll(async () => {
    postgres = await startPostgres()
  })
  afterAll(() => postgres?.stop())
  beforeEach(async () => {
    stage = await Stage.set(postgres.url)
    connections = stage.keep(new Connections(postgres.url))
  })
  afterEach(() => stage?.close())

  describe('what work costs', () => {
    /** The statements of one call, those of its transaction apart; BEGIN and COMMIT come on top of these. */
    async function statements(results: readonly ReturnType<typeof result>[] = []) {
      const counts = { alone: 0, inTransaction: 0 }
      const { a } = stage
      const { answer } = await work(
        (sql, values) => {
          counts.alone += 1
          return a.query(sql, values)
        },
        (run) =>
          a.transaction((query) =>
            run((sql, values) => {
              counts.inTransaction += 1
              return query(sql, values)
            }),
          ),
        { epoch: a.epoch, results, lanesMax: 100, lanesPerDestinationMax: 100 },
      )
      return { counts, claims: answer.claims }
    }

    test('where nothing is due it is one statement and no transaction', async () => {
      expect((await statements()).counts).toEqual({ alone: 1, inTransaction: 0 })
      const one = await stage.addDestination()
      await stage.receive('ab')
      await stage.store.holdDestination(one.id, paused)
      expect((await statements()).counts).toEqual({ alone: 1, inTransaction: 0 })
    })

    test('however many results and claims there are it is two more in a transaction', async () => {
      const calls = 'abcdefghijklmnopqrstuvwxyz'
      for (const name of ['one', 'two', 'three']) await stage.addDestination({ name })
      await stage.receive(calls)
      const first = await statements()
      expect(first).toMatchObject({ counts: { alone: 1, inTransaction: 2 } })
      expect(first.claims).toHaveLength(78)
      await stage.receive(calls.toUpperCase())
      const second = await statements(first.claims.map((claim) => result(claim)))
      expect(second).toMatchObject({ counts: { alone: 1, inTransaction: 2 } })
      expect(second.claims).toHaveLength(78)
    })

    test('a destination of which nothing is due, or that is held, is not locked - nor waited for', async () => {
      const { a, b, store } = stage
      const held = await stage.addDestination({ name: 'held' })
      const later = await stage.addDestination({ name: 'later' })
      await stage.receive('a')
      const claims = await a.claim()
      const outcome = { kind: 'retry', delayMs: 60_000, reason: 'answered 503', holdMs: null } as const
      await a.work(
        claims.map((claim) => result(claim, outcome)),
        0,
      )
      await stage.receive('b')
      const ofLater = (await a.claim()).filter(({ destinationKey }) => destinationKey === later.key)
      await a.work(
        ofLater.map((claim) => result(claim)),
        0,
      )
      await store.holdDestination(held.id, paused)
      await stage.addDestination({ name: 'free' })
      await stage.receive('c')
      const stop = b.stopAfter('FOR UPDATE')
      const locked = new Begun(
        b.transaction((query) =>
          query(`SELECT FROM hookswitch.destinations WHERE key = $1 FOR UPDATE`, [held.key]),
        ),
      )
      await stop.reached()
      expect((await a.claim()).length).toBeGreaterThan(0)
      stop.goOn()
      await locked.value()
    })
  })

  describe('transactions', () => {
    test('a call of work that is cut before its commit wrote nothing, and at its commit nobody knows', async () => {
      const { store, a, url } = stage
      await stage.addDestination()
      await stage.receive('a')
      const told = result(await claimedOne(a))
      for (const [before, outcome] of [
        ['insert', 'none'],
        ['commit', 'unknown'],
      ] as const) {
        const point = stage.keep(await pauseAt(url, { table: 'hookswitch.attempts', before, rows: 'true' }))
        const refusal = new Begun(
          store.work({ epoch: a.epoch, results: [told], lanesMax: 0, lanesPerDestinationMax: 0 }),
        )
        await point.reached()
        await point.kill()
        expect(await refusal.outcome).toMatchObject({ name: 'StoreError', code: 'unavailable', outcome })
        await point.letGo()
      }
      expect((await a.work([told], 0)).written).toEqual([true])
    })

    test('what throws in a transaction takes it back, and the connection serves again', async () => {
      const wrong = new Error('not of the database')
      const insert = `INSERT INTO hookswitch.nodes VALUES ('x', 1)`
      await expect(
        connections.actTransaction(async (query) => {
          await query(insert)
          throw wrong
        }),
      ).rejects.toMatchObject({ name: 'StoreError', cause: wrong })
      for (const sql of ['SELECT 1 / 0', 'SELECT nonsense']) {
        await expect(
          connections.actTransaction(async (query) => {
            await query(insert)
            await query(sql)
          }),
        ).rejects.toMatchObject({ name: 'StoreError', outcome: 'none' })
      }
      await connections.actTransaction((query) => query(insert))
      expect(await connections.act(`SELECT FROM hookswitch.nodes WHERE epoch = 'x'`)).toHaveLength(1)
    })

    test('a node that is frozen inside a transaction loses it after two seconds - only results wait so long', async () => {
      const { store, a, b } = stage
      const one = await stage.addDestination()
      await stage.receive('a')
      const told = result(await claimedOne(a))
      const frozen = Promise.withResolvers<void>()
      const reached = Promise.withResolvers<void>()
      const held = new Begun(
        connections.workTransaction(async (query) => {
          await holdDestination(query, one.id, paused)
          reached.resolve()
          await frozen.promise
          await query('SELECT 1')
        }),
      )
      try {
        await reached.promise
        const answer = new Begun(a.work([told], 0))
        expect(await answer.waits(stage.url, 0)).toBe(true)
        expect(await b.work()).toMatchObject({ alive: true, claims: [] })
        expect(answer.isOver).toBe(false)
        expect((await answer.value()).written).toEqual([true])
      } finally {
        frozen.resolve()
      }
      expect(await held.outcome).toMatchObject({ name: 'StoreError', code: 'unavailable', outcome: 'none' })
      expect((await store.listDestinations())[0]?.flow.hold).toBeNull()
    })

    test('what a person does reaches the disk before it is answered, and what is derived need not', async () => {
      const { url } = stage
      const name = new URL(url).pathname.slice(1)
      const tables = { destination_versions: 'on', audit: 'on', attempts: 'off', deliveries: 'off' }
      await queryPostgres(url, `ALTER DATABASE ${name} SET synchronous_commit = off`)
      try {
        await stage.close()
        stage = await Stage.set(url)
        const { store, a } = stage
        for (const table of Object.keys(tables)) {
          await queryPostgres(
            url,
            `CREATE TABLE IF NOT EXISTS public.seen (relation text, setting text);
             CREATE OR REPLACE FUNCTION public.see() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
               INSERT INTO public.seen VALUES (TG_TABLE_NAME, current_setting('synchronous_commit'));
               RETURN NULL; END $$;
             CREATE CONSTRAINT TRIGGER see AFTER INSERT ON hookswitch.${table} DEFERRABLE INITIALLY DEFERRED
               FOR EACH ROW EXECUTE FUNCTION public.see()`,
          )
        }
        await stage.addDestination()
        await store.addAudit({ actor: 'admin', action: 'x', target: 'y', reason: null, detail: null })
        await stage.receive('a')
        const room = { lanesMax: 10, lanesPerDestinationMax: 10 }
        const { claims } = await store.work({ epoch: a.epoch, results: [], ...room })
        await store.work({ epoch: a.epoch, results: [result(claims[0] as Claim)], ...room })
        const seen = await queryPostgres(url, 'SELECT DISTINCT relation, setting FROM public.seen')
        expect(Object.fromEntries(seen.map((row) => [row['relation'], row['setting']]))).toEqual(tables)
      } finally {
        await queryPostgres(
          url,
          `ALTER DATABASE ${name} RESET synchronous_commit; DROP TABLE public.seen; DROP FUNCTION public.see() CASCADE`,
        )
      }
    })
  })

  describe('signals', () => {
    test('a node that has no room for what is due tells the others', async () => {
      const { store, url } = stage
      await stage.addDestination()
      await stage.receive('abc')
      let told = 0
      const other = stage.keep(await openPostgres({ url }))
      other.watch((change) => {
        if (change === 'work') told += 1
      })
      await until('the other node to listen', async () => told > 0)
      const { epoch } = stage.a
      const before = told
      const room = { lanesMax: 1, lanesPerDestinationMax: 1 }
      expect((await store.work({ epoch, results: [], ...room })).claims).toHaveLength(1)
      await until('the other node to be told', async () => told > before)
      // Nothing more is told of what the destination itself does not allow.
      const [one] = await store.listDestinations()
      await store.holdDestination(one?.id ?? '', paused)
      const quiet = told
      await store.work({ epoch, results: [], ...room })
      await store.holdDestination(one?.id ?? '', null)
      await until('the other node to be told of the end of the hold', async () => told > quiet)
      expect(told).toBe(quiet + 1)
    })

    test('a node is not told twice of what it did itself', async () => {
      const { store } = stage
      const one = await stage.addDestination()
      let told = 0
      store.watch((change) => {
        if (change === 'work') told += 1
      })
      await until('it to listen', async () => told > 0)
      const other = stage.keep(await openPostgres({ url: stage.url }))
      let heard = 0
      other.watch((change) => {
        if (change === 'work') heard += 1
      })
      await until('the other to listen', async () => heard > 0)
      const [own, others] = [told, heard]
      await store.holdDestination(one.id, null)
      await until('the other to be told', async () => heard > others)
      expect(told).toBe(own + 1)
    })
  })
})
