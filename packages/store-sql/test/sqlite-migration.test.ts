import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, expect, test } from 'vitest'
import { FoldLoop, type DestinationDefinition, type NewEvent, type Store } from '@hookswitch/core'
import { openSqlite } from '@hookswitch/store-sql'
import { Appender } from '../src/sqlite/append.ts'
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
