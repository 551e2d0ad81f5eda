import { createHash } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, expect, test } from 'vitest'
import {
  FoldLoop,
  foldStretch,
  type DestinationDefinition,
  type NewEvent,
  type Store,
} from '@hookswitch/core'
import { openSqlite } from '@hookswitch/store-sql'
import { newStartedCall, publication } from '@hookswitch/testkit/store-contract'
import { Appender } from '../src/sqlite/append.ts'
import { DestinationTable } from '../src/sqlite/destinations.ts'
import { Folder } from '../src/sqlite/fold.ts'
import { LaneTable } from '../src/sqlite/lanes.ts'
import { migrate, schemaVersion } from '../src/sqlite/migrate.ts'
import { migrations } from '../src/sqlite/schema.ts'

let folder = ''
let store: Store | null = null
afterEach(async () => {
  await store?.close()
  await rm(folder, { recursive: true, force: true })
})

const definition: DestinationDefinition = {
  name: 'crm',
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

function event(number: number): NewEvent {
  return {
    id: `evt_${String(number).padStart(26, '0')}`,
    source: 'hamsa',
    callId: `call_${number % 10}`,
    type: 'call.ended',
    dialect: 'v1',
    occurredAt: 1_700_000_000_000 + number,
    receivedAt: 1_700_000_000_000 + number,
    content: Buffer.from(String(number).padStart(16, '0')),
    body: Buffer.from(JSON.stringify({ eventType: 'call.ended', callId: `call_${number % 10}` })),
  }
}

/** A file as the second version of the schema left it: a destination, and 100 events that are routed to it. */
function version2File(): void {
  const database = new DatabaseSync(path.join(folder, 'hookswitch.db'))
  database.exec('PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL')
  migrate(database, migrations.slice(0, 2))
  const lanes = new LaneTable(database)
  const destinations = new DestinationTable(database, lanes)
  destinations.add({ id: 'dst_1', origin: 'api', definition, sealedSecrets: null }, 1)
  new Appender(database).append(Array.from({ length: 100 }, (_, index) => event(index + 1)))
  const written = new Folder(database, destinations, lanes)
  expect(written.commit(foldStretch(written.read(1_000, 1_000_000)), 2)).toBe(true)
  database.close()
}

/** A file as the first version of the schema left it: 100 events, of which half are folded. */
function version1File(): string {
  const file = path.join(folder, 'hookswitch.db')
  const database = new DatabaseSync(file)
  database.exec('PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL')
  migrate(database, migrations.slice(0, 1))
  expect(schemaVersion(database)).toBe(1)
  new Appender(database).append(Array.from({ length: 100 }, (_, index) => event(index + 1)))
  database.exec('UPDATE fold_state SET folded_seq = 50')
  database.close()
  return file
}

test('a file of the first version is brought up with all that is in it, and delivers from then on', async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'hookswitch-migration-'))
  const file = version1File()
  store = await openSqlite({ folder, freeBytesMin: 0 })
  const now = store
  expect((await now.stats()).schemaVersion).toBe(migrations.length)
  expect(await now.listEvents({ after: 0, limit: 1_000 })).toHaveLength(100)
  expect(await now.append([{ ...event(7), id: 'evt_again' }])).toMatchObject([
    { id: event(7).id, seq: 7, duplicate: true },
  ])
  expect(await now.listDestinations()).toEqual([])

  const added = await now.addDestination({ id: 'dst_1', origin: 'api', definition, sealedSecrets: null })
  const loop = new FoldLoop({ store: now, node: 'test' })
  while ((await loop.step()) === 'folded');
  // What was folded before is not delivered; what was not is.
  expect(await now.destinationVersions(51)).toMatchObject([{ key: added?.key, fromSeq: 51 }])
  const deliveries = await now.listDeliveries({ before: null, limit: 1_000 })
  expect(deliveries.map(({ eventSeq }) => eventSeq).toReversed()).toEqual(
    Array.from({ length: 50 }, (_, index) => index + 51),
  )
  expect(
    await now.matchReplay({ destinationKey: added?.key ?? 0, filter: { from: 0 }, totalMax: 1_000 }),
  ).toMatchObject({
    total: 100,
  })
  await now.close()

  const database = new DatabaseSync(file, { readOnly: true })
  expect(database.prepare('PRAGMA integrity_check').get()).toEqual({ integrity_check: 'ok' })
  database.close()
})

test('a file of the second version is brought up with all that is in it, and calls can be started from then on', async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'hookswitch-migration-'))
  version2File()
  store = await openSqlite({ folder, freeBytesMin: 0 })
  expect((await store.stats()).schemaVersion).toBe(migrations.length)
  const [destination] = await store.listDestinations()
  expect(destination).toMatchObject({ id: 'dst_1', definition, origin: 'api' })
  expect((await store.listCalls({ limit: 100 })).items).toHaveLength(10)
  const pending = { state: 'pending' as const, before: null, limit: 1_000 }
  expect(await store.listDeliveries(pending)).toHaveLength(100)
  expect(await store.recentAttempts(destination?.key ?? 0, 0, 10)).toEqual([])
  const call = await store.addStartedCall(newStartedCall())
  expect(await store.publish([publication(call)])).toMatchObject([{ seq: 101, duplicate: false }])
  expect((await store.getStartedCall(call.callId))?.version).toBe(2)
})

test('what versions 1 and 2 made is never changed - files have it', () => {
  expect(
    migrations.slice(0, 2).map((migration) => createHash('sha256').update(migration).digest('hex')),
  ).toEqual([
    '80ba17b13bd83048af5df11bfa932ca8486234dae394ab2fa2add4bf87aec82b',
    'a745f91262ecf6db64d720913482e5cc1292d745753bdb45cc1f4c3295273d2b',
  ])
})

test('a migration that is broken off leaves the file as it was', async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'hookswitch-migration-'))
  const database = new DatabaseSync(version1File())
  const tables = (): unknown[] => database.prepare('SELECT name FROM sqlite_schema ORDER BY name').all()
  const before = tables()
  expect(() => migrate(database, [...migrations, 'CREATE TABLE whole (a); SELECT * FROM nowhere'])).toThrow(
    'nowhere',
  )
  // The steps before it were whole.
  expect(schemaVersion(database)).toBe(migrations.length)
  expect(tables().length).toBeGreaterThan(before.length)
  expect(tables()).not.toContainEqual({ name: 'whole' })
  database.close()
})
