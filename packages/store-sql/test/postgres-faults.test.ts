import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { Client } from 'pg'
import { openPostgres } from '@hookswitch/store-sql'
import { StoreError, type Appended, type Store } from '@hookswitch/core'
import { until } from '@hookswitch/testkit'
import {
  ownPostgresMissing,
  queryPostgres,
  startOwnPostgres,
  startProxy,
  type OwnPostgres,
  type Proxy,
} from '@hookswitch/testkit/postgres'
import { change, foldAll, newEvent, repeated } from '@hookswitch/testkit/store-contract'

const missing = ownPostgresMissing()

describe.skipIf(missing !== null)(`PostgreSQL${missing === null ? '' : ` (skipped: ${missing})`}`, () => {
  let postgres: OwnPostgres
  const stores: Store[] = []
  const proxies: Proxy[] = []
  beforeAll(async () => {
    postgres = await startOwnPostgres()
  })
  afterAll(() => postgres?.stop())
  afterEach(async () => {
    for (const proxy of proxies.splice(0)) await proxy.stop()
    for (const store of stores.splice(0)) await store.close()
  })

  async function open(url: string): Promise<Store> {
    const store = await openPostgres({ url })
    stores.push(store)
    return store
  }

  async function openThroughProxy(): Promise<{ store: Store; direct: Store; proxy: Proxy; url: string }> {
    const url = await postgres.createDatabase()
    const proxy = await startProxy(url)
    proxies.push(proxy)
    return { store: await open(proxy.url), direct: await open(url), proxy, url }
  }

  describe('the server goes away', () => {
    test('everything is refused as unavailable, and served again without a restart of ours', async () => {
      const url = await postgres.createDatabase()
      const store = await open(url)
      const event = newEvent()
      await store.append([event])
      let told = 0
      store.watch(() => (told += 1))
      await until('the reader to be told at first', async () => told > 0)

      await postgres.down()
      const refusals = await Promise.all(
        [
          () => store.append([newEvent()]),
          () => store.foldRead('node-1', 1, 1),
          () => store.getEvent(event.id),
          () => store.ping(),
        ].map(refusalOf),
      )
      for (const refusal of refusals) expect(refusal.code).toBe('unavailable')
      // No connection could be made, so nothing can have been written.
      expect((await refusalOf(() => store.append([newEvent()]))).outcome).toBe('none')
      expect((await refusalOf(() => store.ping())).message).toContain('ECONNREFUSED')

      await postgres.up()
      await store.ping()
      const [again, fresh] = await store.append([repeated(event), newEvent()])
      expect(again).toMatchObject({ id: event.id, duplicate: true })
      expect(fresh).toMatchObject({ duplicate: false })
      // The listening connection has to come back, too: another node appends until it has.
      const other = await open(url)
      told = 0
      await until('the reader to be told by another node', async () => {
        await other.append([newEvent()])
        return told > 0
      })
    })

    test('a crash of the server in the middle of many appends loses nothing that was acknowledged', async () => {
      const url = await postgres.createDatabase()
      const nodes = [await open(url), await open(url)]
      const acknowledged: Appended[] = []
      const unknown: string[] = []
      let refused = 0
      const write = async (node: Store): Promise<void> => {
        for (;;) {
          const event = newEvent()
          try {
            acknowledged.push(...(await node.append([event])))
          } catch (error) {
            if (!(error instanceof StoreError)) throw error
            if (error.outcome === 'unknown') unknown.push(event.id)
            refused += 1
            return
          }
        }
      }
      const writers = Promise.all([...nodes, ...nodes].map(write))
      await until('a hundred acknowledgements', async () => acknowledged.length >= 100)
      // What is folded is committed without waiting for the disk, so this is what the crash may take back.
      const folder = nodes[0] as Store
      await foldAll(folder, [change({ eventCount: 1 })])
      await postgres.down('crash')
      await writers
      expect(refused).toBe(4)
      await postgres.up()

      const stored = await nodes[1]?.listEvents({ after: 0, limit: 1_000_000 })
      const ids = stored?.map(({ id }) => id) ?? []
      expect(new Set(ids).size).toBe(ids.length)
      for (const { id, seq } of acknowledged) expect(stored?.find((event) => event.id === id)?.seq).toBe(seq)
      // Beyond the acknowledged ones only those are there whose outcome was not known.
      const known = new Set([...acknowledged.map(({ id }) => id), ...unknown])
      expect(ids.filter((id) => !known.has(id))).toEqual([])
      // The place of the fold and what was folded were kept or lost together.
      const { foldedSeq } = await folder.logBounds()
      expect((await folder.getCall('call_1')) !== null).toBe(foldedSeq > 0)
    })
  })

  describe('the connection breaks', () => {
    test('an answer that is lost leaves the outcome unknown, and a repeat is a duplicate', async () => {
      const { store, direct, proxy } = await openThroughProxy()
      const event = newEvent()
      await store.append([newEvent()])
      proxy.holdAnswers()
      const refusal = refusalOf(() => store.append([event]))
      await until('the event to be committed', () => direct.getEvent(event.id))
      proxy.cut()
      expect(await refusal).toMatchObject({ code: 'unavailable', outcome: 'unknown' })
      proxy.resume()
      const [again] = await store.append([repeated(event)])
      expect(again).toMatchObject({ id: event.id, duplicate: true })
    })

    test('a silent connection is given up after four seconds, and the outcome is unknown', async () => {
      const { store, direct, proxy } = await openThroughProxy()
      const event = newEvent()
      await store.append([newEvent()])
      proxy.holdAnswers()
      const begun = performance.now()
      const refusal = await refusalOf(() => store.append([event]))
      expect(refusal).toMatchObject({ code: 'unavailable', outcome: 'unknown' })
      expect(performance.now() - begun).toBeGreaterThan(3_000)
      expect(performance.now() - begun).toBeLessThan(5_000)
      proxy.resume()
      expect((await direct.getEvent(event.id))?.id).toBe(event.id)
      const [again] = await store.append([event])
      expect(again).toMatchObject({ id: event.id, duplicate: true })
    })

    test('where no connection can be had nothing was written, and that is known within four seconds', async () => {
      const { store, proxy } = await openThroughProxy()
      proxy.holdAnswers()
      const begun = performance.now()
      expect(await refusalOf(() => store.append([newEvent()]))).toMatchObject({
        code: 'unavailable',
        outcome: 'none',
      })
      expect(performance.now() - begun).toBeLessThan(5_000)
    })

    test('an idle connection that breaks harms nobody', async () => {
      const { store, proxy } = await openThroughProxy()
      store.watch(() => {})
      for (let time = 0; time < 3; time += 1) {
        await until('the store to serve', () => store.append([newEvent()]).catch(() => null))
        proxy.cut()
      }
      await until('the store to serve', () => store.listEvents({ after: 0, limit: 1 }).catch(() => null))
    })
  })

  describe('the server refuses', () => {
    test('an append that waits too long for its turn is given up by the server, and was never written', async () => {
      const url = await postgres.createDatabase()
      const store = await open(url)
      const event = newEvent()
      const holder = new Client({ connectionString: url })
      await holder.connect()
      try {
        await holder.query(`SELECT pg_advisory_lock(hashtext('hookswitch'), 1)`)
        const refusal = await refusalOf(() => store.append([event]))
        expect(refusal).toMatchObject({ code: 'unavailable', outcome: 'none' })
      } finally {
        await holder.end()
      }
      expect(await store.getEvent(event.id)).toBeNull()
      expect(await store.append([event])).toMatchObject([{ id: event.id, duplicate: false }])
    })

    test('a full disk is called by its name, and nothing of the batch is written', async () => {
      const url = await postgres.createDatabase()
      const store = await open(url)
      await queryPostgres(
        url,
        `CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
           IF new.call_id = 'last' THEN RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100'; END IF;
           RETURN new;
         END $$;
         CREATE TRIGGER refuse BEFORE INSERT ON hookswitch.events FOR EACH ROW EXECUTE FUNCTION refuse()`,
      )
      const batch = [newEvent(), newEvent({ callId: 'last' })]
      expect(await refusalOf(() => store.append(batch))).toMatchObject({ code: 'full', outcome: 'none' })
      expect(await store.listEvents({ after: 0, limit: 10 })).toEqual([])
      await queryPostgres(url, 'DROP TRIGGER refuse ON hookswitch.events')
      expect((await store.append(batch)).map(({ duplicate }) => duplicate)).toEqual([false, false])
    })

    test('a refusal quotes no value - it may be a phone number', async () => {
      const store = await open(await postgres.createDatabase())
      const refusal = await refusalOf(() => store.append([newEvent({ callId: '+15550001111\0' })]))
      expect(refusal).toMatchObject({ code: 'io', outcome: 'none' })
      const seen = [refusal.message, refusal.stack, JSON.stringify(refusal), JSON.stringify(refusal.cause)]
      expect(seen.join('\n')).not.toContain('15550001111')
    })
  })
})

async function refusalOf(ask: () => Promise<unknown>): Promise<StoreError> {
  const refusal: unknown = await ask().then(
    () => 'it was not refused',
    (error: unknown) => error,
  )
  if (!(refusal instanceof StoreError)) throw new Error(`expected a StoreError, got ${String(refusal)}`)
  return refusal
}
