import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { destinationId, type HoldReason, type Store, type StoredDestination } from '@hookswitch/core'
import { webhook, type DestinationConfig } from '@hookswitch/destinations/config'
import { openSqlite } from '@hookswitch/store-sql'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { ConfigurationError } from '../config/configuration-error.ts'
import { resolveConfig } from '../config/resolve-config.ts'
import { syncDestinations } from './sync-destinations.ts'

let folder: string
let store: Store
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hookswitch-sync-'))
  store = await openSqlite({ folder, freeBytesMin: 0 })
})
afterEach(async () => {
  await store.close()
  await rm(folder, { recursive: true })
})

function start(...destinations: DestinationConfig[]): Promise<void> {
  return syncDestinations(store, resolveConfig({ destinations }).destinations, 'hookswitch.config.ts')
}

function crm(given: Partial<DestinationConfig> = {}): DestinationConfig {
  return {
    ...webhook({ name: 'crm', settings: { url: 'https://crm.example/', authSecret: 'very-secret' } }),
    ...given,
  }
}

const log = (given: Partial<DestinationConfig> = {}): DestinationConfig => ({ ...crm(given), name: 'log' })

async function stored(): Promise<Record<string, StoredDestination>> {
  return Object.fromEntries((await store.listDestinations()).map((one) => [one.definition.name, one]))
}

async function hold(name: string, reason: HoldReason): Promise<void> {
  await store.holdDestination((await stored())[name]?.id ?? '', { reason, until: null, detail: null })
}

test('the first start makes them, and their secrets are nowhere in the store', async () => {
  await start(crm(), log())
  expect(await store.listDestinations()).toMatchObject([
    { origin: 'config', version: 1, sealedSecrets: null, definition: { name: 'crm' } },
    { origin: 'config', definition: { name: 'log' } },
  ])
  expect(JSON.stringify(await store.listDestinations())).not.toContain('very-secret')
})

test('a start with the same file changes nothing', async () => {
  await start(crm(), log())
  const before = await store.listDestinations()
  await start(crm(), log())
  expect(await store.listDestinations()).toEqual(before)
})

test('what the file says otherwise is changed, and the destination stays the same one', async () => {
  await start(crm())
  const before = (await stored())['crm']
  await start(crm({ lane: 'destination', filter: 'true' }))
  expect((await stored())['crm']).toMatchObject({
    key: before?.key,
    id: before?.id,
    version: 2,
    definition: { lane: 'destination', filter: { jsonata: 'true' } },
  })
})

test('one that is taken out is held, and goes on when it comes back, changed or not', async () => {
  await start(crm(), log())
  await start()
  for (const name of ['crm', 'log']) {
    expect((await stored())[name]?.flow.hold).toMatchObject({
      reason: 'removed',
      until: null,
      detail: 'it is not in the config file any more',
    })
  }
  const held = await store.listDestinations()
  await start()
  expect(await store.listDestinations()).toEqual(held)
  await start(crm(), log({ onExhausted: 'park' }))
  for (const name of ['crm', 'log']) expect((await stored())[name]?.flow.hold).toBeNull()
  const { destinations } = (await store.foldRead('node', 1, 1)) ?? {}
  expect(destinations?.map(({ definition }) => definition.name)).toEqual(['crm', 'log'])
})

test('a person’s pause outlives a start', async () => {
  await start(crm())
  await hold('crm', 'paused')
  await start(crm({ lane: 'none' }))
  expect((await stored())['crm']?.flow.hold).toMatchObject({ reason: 'paused' })
})

test.each(['auth', 'gone', 'failing'] as const)(
  'a start ends the hold %s where the file has secrets - a new one may be what it waited for',
  async (reason) => {
    const open = webhook({ name: 'open', settings: { url: 'https://crm.example/' } })
    await start(crm(), open)
    await hold('crm', reason)
    await hold('open', reason)
    await start(crm(), open)
    const { crm: mended, open: other } = await stored()
    expect([mended?.flow.hold, other?.flow.hold?.reason]).toEqual([null, reason])
  },
)

test('those of the API are left alone', async () => {
  const [{ definition } = { definition: null }] = resolveConfig({ destinations: [log()] }).destinations
  if (definition === null) throw new Error('there is one')
  await store.addDestination({ id: destinationId(), origin: 'api', definition, sealedSecrets: 'v1.x' })
  const before = (await stored())['log']
  await start(crm())
  expect((await stored())['log']).toEqual(before)
})

test('a name of the API is refused, and nothing is changed', async () => {
  const [{ definition } = { definition: null }] = resolveConfig({ destinations: [log()] }).destinations
  if (definition === null) throw new Error('there is one')
  await store.addDestination({ id: 'dst_of_the_api', origin: 'api', definition, sealedSecrets: null })
  const before = await store.listDestinations()
  const refused = start(crm(), log())
  await expect(refused).rejects.toThrow(ConfigurationError)
  await expect(refused).rejects.toThrow(
    'hookswitch.config.ts: destination "log" has the name of dst_of_the_api, which was made over the API; rename one of the two, or remove that one',
  )
  expect(await store.listDestinations()).toEqual(before)
})

test('nodes that start at the same time make each of them once', async () => {
  await Promise.all(Array.from({ length: 8 }, () => start(crm(), log())))
  expect(await store.listDestinations()).toHaveLength(2)
  await Promise.all(Array.from({ length: 8 }, () => start(crm({ lane: 'none' }), log())))
  expect(await store.listDestinations()).toMatchObject([
    { version: 2, definition: { lane: 'none' } },
    { version: 1 },
  ])
})
