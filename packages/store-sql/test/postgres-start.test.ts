import { createHash } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { openPostgres } from '@hookswitch/store-sql'
import { destinationId, foldStretch, type DestinationDefinition, type Store } from '@hookswitch/core'
import { postgresMissing, queryPostgres, startPostgres, type Postgres } from '@hookswitch/testkit/postgres'
import { callHead, newEvent, newStartedCall, publication, repeated } from '@hookswitch/testkit/store-contract'
import { append } from '../src/postgres/append.ts'
import { Connections } from '../src/postgres/connections.ts'
import { addDestination } from '../src/postgres/destinations.ts'
import { foldCommit, foldRead } from '../src/postgres/fold.ts'
import { migrate } from '../src/postgres/migrate.ts'
import { migrations } from '../src/postgres/schema.ts'

const missing = postgresMissing()

const destinationDefinition: DestinationDefinition = {
  name: 'one',
  kind: 'webhook',
  events: null,
  scope: { sources: null, agents: null },
  filter: null,
  template: null,
  lane: 'call',
  onExhausted: 'continue',
  retry: { preset: 'standard' },
  limits: { concurrency: 10, perSecond: null },
  settings: {},
}

describe('a database that cannot be had', () => {
  test('a server that is not there - the message names it and a command that starts one, and no password', async () => {
    // Port 1 is reserved; nothing listens on it.
    const failure = await failureOf(openPostgres({ url: 'postgres://ann:s3cret@127.0.0.1:1/calls' }))
    expect(failure).toMatchObject({ name: 'StoreError', code: 'unavailable', outcome: 'none' })
    expect(failure.message).toContain('127.0.0.1:1/calls')
    expect(failure.message).toContain('ECONNREFUSED')
    expect(failure.message).toContain('docker run -d -p 1:5432 -e POSTGRES_USER=ann -e POSTGRES_DB=calls')
    expect(everythingIn(failure)).not.toContain('s3cret')
  })

  test('a URL that cannot be read is not repeated - it may hold a password', async () => {
    for (const url of ['postgres://ann:s3cret@host:notaport/calls', 'postgres://ann:s3cret@[::1/calls']) {
      const failure = await failureOf(openPostgres({ url }))
      expect(failure).toMatchObject({ name: 'StoreError', code: 'unavailable' })
      expect(failure.message).toContain('postgres://user:password@host:5432/database')
      expect(everythingIn(failure)).not.toContain('s3cret')
    }
  })
})

describe.skipIf(missing !== null)(`PostgreSQL${missing === null ? '' : ` (skipped: ${missing})`}`, () => {
  let postgres: Postgres
  const stores: Store[] = []
  beforeAll(async () => {
    postgres = await startPostgres()
  })
  afterAll(() => postgres?.stop())
  afterEach(async () => {
    for (const store of stores.splice(0)) await store.close()
  })

  async function open(url: string): Promise<Store> {
    const store = await openPostgres({ url })
    stores.push(store)
    return store
  }

  test('a database that does not exist is named in the words of the server', async () => {
    const url = new URL(postgres.url)
    url.pathname = '/no_such_database'
    const failure = await failureOf(openPostgres({ url: url.href }))
    expect(failure).toMatchObject({ code: 'unavailable' })
    expect(failure.message).toContain('database "no_such_database" does not exist')
    expect(failure.message).not.toContain('docker')
  })

  test('a database with an encoding that cannot hold every text is refused', async () => {
    const name = `latin_${process.pid}`
    await queryPostgres(
      postgres.url,
      `CREATE DATABASE ${name} ENCODING 'LATIN1' LOCALE 'C' LOCALE_PROVIDER libc TEMPLATE template0`,
    )
    const url = new URL(postgres.url)
    url.pathname = `/${name}`
    try {
      await expect(openPostgres({ url: url.href })).rejects.toMatchObject({
        code: 'unavailable',
        message: expect.stringContaining('has LATIN1') as string,
      })
    } finally {
      await queryPostgres(postgres.url, `DROP DATABASE ${name}`)
    }
  })

  test('nodes that start at once on an empty database make one schema, whatever its defaults', async () => {
    const url = await postgres.createDatabase()
    await queryPostgres(
      url,
      `ALTER DATABASE ${new URL(url).pathname.slice(1)} SET default_transaction_isolation = 'serializable'`,
    )
    const nodes = await Promise.all(Array.from({ length: 8 }, () => open(url)))
    expect(
      (await Promise.all(nodes.map((node) => node.stats()))).map(({ schemaVersion }) => schemaVersion),
    ).toEqual(nodes.map(() => migrations.length))
    expect(await queryPostgres(url, 'SELECT schema_version FROM hookswitch.meta')).toHaveLength(1)
    const answers = await Promise.all(nodes.map((node) => node.append([newEvent()])))
    expect(new Set(answers.map(([appended]) => appended?.seq)).size).toBe(8)
  })

  test('a migration that fails leaves nothing of itself, and the next start does it again', async () => {
    const url = await postgres.createDatabase()
    await (await open(url)).append([newEvent()])
    const connections = new Connections(url)
    const table = 'CREATE TABLE hookswitch.further (id integer)'
    try {
      await expect(migrate(connections, [...migrations, `${table}; SELECT 1 / 0`])).rejects.toMatchObject({
        name: 'StoreError',
      })
      expect(await versionOf(url)).toBe(migrations.length)
      expect(await queryPostgres(url, `SELECT to_regclass('hookswitch.further') AS it`)).toEqual([
        { it: null },
      ])
      await migrate(connections, [...migrations, table])
      expect(await versionOf(url)).toBe(migrations.length + 1)
    } finally {
      await connections.close()
    }
  })

  test('what versions 1 and 2 made is never changed - databases have it', () => {
    expect(
      migrations.slice(0, 2).map((migration) => createHash('sha256').update(migration).digest('hex')),
    ).toEqual([
      'e8b3a502a58695142f8019873c75da7af736f2126c322d07b503c304b7017f03',
      'ce5ed9f491642d18a80a8a526a5cd146460c60d9844a0a6ceab5a8cdf1a5f17f',
    ])
  })

  test('a database of version 1 with data is brought up to date - nothing is lost, and deliveries begin', async () => {
    const url = await postgres.createDatabase()
    const connections = new Connections(url)
    const [folded, waiting] = [newEvent({ callId: 'old' }), newEvent({ callId: 'old' })]
    const head = callHead({ callId: 'old' })
    const foldOfVersion1 = `SELECT hookswitch.fold_commit(0, 1, ARRAY['old'], ARRAY[$1], ARRAY[5::bigint],
      ARRAY['started'], ARRAY[NULL], ARRAY[NULL], ARRAY[NULL], ARRAY[NULL], '{}', '{}', '{}', ARRAY['old'],
      ARRAY['params'], ARRAY[1::bigint], ARRAY[5::bigint], ARRAY['{}'], ARRAY['old'], ARRAY[1::bigint], '{}', '{}')`
    try {
      await migrate(connections, migrations.slice(0, 1))
      await append(connections.append, [folded, waiting])
      await connections.fold(foldOfVersion1, [JSON.stringify(head)])
      const store = await open(url)
      expect((await store.stats()).schemaVersion).toBe(migrations.length)
      expect((await store.getCall('old'))?.head).toEqual(head)
      expect((await store.getCall('old'))?.parts).toHaveLength(1)
      expect((await store.listCalls({ limit: 10 })).items).toEqual([head])
      expect((await store.listEvents({ callId: 'old', after: 0, limit: 10 })).map(({ id }) => id)).toEqual([
        folded.id,
        waiting.id,
      ])
      expect(await store.append([repeated(folded)])).toMatchObject([{ id: folded.id, duplicate: true }])
      // What was not folded yet is routed; what was is not.
      await store.addDestination({
        id: destinationId(),
        origin: 'api',
        definition: destinationDefinition,
        sealedSecrets: null,
      })
      const read = await store.foldRead('node', 10, 1_000_000)
      if (read === null) throw new Error('nobody else folds')
      expect(await store.foldCommit(foldStretch(read))).toBe(true)
      const deliveries = await store.listDeliveries({ before: null, limit: 10 })
      expect(deliveries.map(({ eventId }) => eventId)).toEqual([waiting.id])
      // A node of the older version cannot fold any more, which would route nothing.
      await expect(connections.fold(foldOfVersion1, ['{}'])).rejects.toMatchObject({ name: 'StoreError' })
    } finally {
      await connections.close()
    }
  })

  test('a database of version 2 with data is brought up to date - nothing is lost, and calls can be started', async () => {
    const url = await postgres.createDatabase()
    const connections = new Connections(url)
    const event = newEvent({ callId: 'old' })
    try {
      await migrate(connections, migrations.slice(0, 2))
      await append(connections.append, [event])
      const destination = await connections.actTransaction((query) =>
        addDestination(query, {
          id: destinationId(),
          origin: 'api',
          definition: destinationDefinition,
          sealedSecrets: null,
        }),
      )
      const read = await foldRead(connections.fold, 'node', 10, 1_000_000)
      if (read === null) throw new Error('nobody else folds')
      expect(await foldCommit(connections.fold, foldStretch(read))).toBe(true)

      const store = await open(url)
      expect((await store.stats()).schemaVersion).toBe(migrations.length)
      expect(await store.listDestinations()).toEqual([destination])
      expect((await store.getCall('old'))?.head.eventCount).toBe(1)
      const listed = { destinationKey: destination?.key ?? 0, before: null, limit: 10 }
      expect(await store.listDeliveries(listed)).toMatchObject([{ eventId: event.id, state: 'pending' }])
      expect(await store.recentAttempts(destination?.key ?? 0, 0, 10)).toEqual([])
      const call = await store.addStartedCall(newStartedCall())
      const published = publication(call)
      expect(await store.publish([published])).toMatchObject([{ id: published.id }])
      expect((await store.listEvents({ after: 0, limit: 10 })).map(({ id }) => id)).toEqual([
        event.id,
        published.id,
      ])
    } finally {
      await connections.close()
    }
  })

  test('a schema newer than the program is refused with both versions named, also by a node that runs', async () => {
    const url = await postgres.createDatabase()
    const running = await open(url)
    const newer = migrations.length + 7
    await queryPostgres(url, `UPDATE hookswitch.meta SET schema_version = ${newer}`)
    const expected = {
      code: 'schema_newer',
      message: expect.stringMatching(
        new RegExp(`version ${newer}\\b.*up to ${migrations.length}\\b`),
      ) as string,
    }
    await expect(openPostgres({ url })).rejects.toMatchObject(expected)
    await expect(running.ping()).rejects.toMatchObject(expected)
  })

  test('the store keeps to its own schema - the database may be shared', async () => {
    const url = await postgres.createDatabase()
    await queryPostgres(
      url,
      `CREATE TABLE events (seq text); CREATE TABLE calls (x text); CREATE SCHEMA other; CREATE TABLE other.meta (x text);
       ALTER DATABASE ${new URL(url).pathname.slice(1)} SET search_path = other, public`,
    )
    const store = await open(url)
    await store.append([newEvent()])
    const tables = await queryPostgres(
      url,
      `SELECT n.nspname || '.' || c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
       WHERE c.relkind IN ('r', 'S', 'v') AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'hookswitch', 'pg_toast')
       ORDER BY 1`,
    )
    expect(tables.map(({ name }) => name)).toEqual(['other.meta', 'public.calls', 'public.events'])
    expect(await queryPostgres(url, 'SELECT * FROM public.events')).toEqual([])
  })

  test('defaults of the database do not weaken what is promised', async () => {
    const url = await postgres.createDatabase()
    const name = new URL(url).pathname.slice(1)
    await queryPostgres(
      url,
      `ALTER DATABASE ${name} SET default_transaction_isolation = 'serializable';
       ALTER DATABASE ${name} SET synchronous_commit = off`,
    )
    const [one, other] = [await open(url), await open(url)]
    const event = newEvent()
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) => (index % 2 === 0 ? one : other).append([event, newEvent()])),
    )
    expect(answers.filter(([appended]) => appended?.duplicate === false)).toHaveLength(1)
    // What the transaction itself says, at its end.
    await queryPostgres(
      url,
      `CREATE TABLE seen (synchronous_commit text);
       CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$
         BEGIN INSERT INTO public.seen VALUES (current_setting('synchronous_commit')); RETURN NULL; END $$;
       CREATE CONSTRAINT TRIGGER see AFTER INSERT ON hookswitch.events DEFERRABLE INITIALLY DEFERRED
         FOR EACH ROW EXECUTE FUNCTION see();
       CREATE CONSTRAINT TRIGGER see AFTER INSERT OR UPDATE ON hookswitch.started_calls DEFERRABLE INITIALLY DEFERRED
         FOR EACH ROW EXECUTE FUNCTION see()`,
    )
    await one.append([newEvent()])
    const call = await one.addStartedCall(newStartedCall())
    // The event, and the call that moves on with it.
    await one.publish([publication(call)])
    expect(await queryPostgres(url, 'SELECT * FROM seen')).toEqual(
      Array.from({ length: 4 }, () => ({ synchronous_commit: 'on' })),
    )
  })

  test('a node holds twelve connections at most, however much is asked of it', async () => {
    const url = await postgres.createDatabase()
    const store = await open(url)
    const leave = store.watch(() => {})
    await Promise.all(
      Array.from({ length: 50 }, () =>
        Promise.all([
          store.append([newEvent()]),
          store.foldRead('node-1', 10, 1_000),
          store.listCalls({ limit: 1 }),
          store.beat('epoch'),
          store.work({ epoch: 'epoch', results: [], lanesMax: 1, lanesPerDestinationMax: 1 }),
          store.holdDestination('dst_unknown', null),
          store.addStartedCall(newStartedCall()).then((call) => store.publish([publication(call)])),
        ]),
      ),
    )
    const [count] = await queryPostgres(
      postgres.url,
      `SELECT count(*)::int AS open FROM pg_stat_activity WHERE application_name = 'hookswitch' AND datname = $1`,
      [new URL(url).pathname.slice(1)],
    )
    expect(count?.['open']).toBeGreaterThan(1)
    expect(count?.['open']).toBeLessThanOrEqual(12)
    leave()
  })
})

async function failureOf(promise: Promise<unknown>): Promise<Error> {
  const failure: unknown = await promise.then(
    () => new Error('it did not fail'),
    (error: unknown) => error,
  )
  if (!(failure instanceof Error)) throw new Error('what was thrown is no error')
  return failure
}

/** Whatever a logger may find in an error. */
function everythingIn(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const own = Object.getOwnPropertyNames(error).map((name) => String(Reflect.get(error, name)))
  return [...own, JSON.stringify(error), everythingIn(error.cause)].join('\n')
}

async function versionOf(url: string): Promise<unknown> {
  const [row] = await queryPostgres(url, 'SELECT schema_version AS version FROM hookswitch.meta')
  return row?.['version']
}
