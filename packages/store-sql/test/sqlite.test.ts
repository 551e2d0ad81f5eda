import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, test } from 'vitest'
import type { NewEvent, Store } from '@hookswitch/core'
import { openSqlite } from '@hookswitch/store-sql'
import { newStartedCall, storeContract, storeContractCases } from '@hookswitch/testkit/store-contract'
import { migrations } from '../src/sqlite/schema.ts'

const folders: string[] = []
const stores: Store[] = []

afterEach(async () => {
  for (const store of stores.splice(0)) await store.close()
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true })
})

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'hookswitch-sqlite-'))
  folders.push(folder)
  return folder
}

async function open(
  folder: string,
  options: { pagesMax?: number; freeBytesMin?: number } = {},
): Promise<Store> {
  const store = await openSqlite({ folder, freeBytesMin: 0, ...options })
  stores.push(store)
  return store
}

function event(number: number, bytes = 100): NewEvent {
  const content = new Uint8Array(16)
  new DataView(content.buffer).setUint32(0, number)
  return {
    id: `evt_${String(number).padStart(26, '0')}`,
    source: 'hamsa',
    callId: `call_${number}`,
    type: 'call.ended',
    dialect: 'v1',
    occurredAt: 1_700_000_000_000 + number,
    receivedAt: 1_700_000_000_000 + number,
    content,
    body: new Uint8Array(bytes).fill(number % 256),
  }
}

describe('SQLite', () => {
  const contract = storeContract('holds to the contract of the store', {
    async open() {
      const folder = await mkdtemp(path.join(tmpdir(), 'hookswitch-sqlite-'))
      let aheadMs = 0
      const clock = (): number => Date.now() + aheadMs
      const openAgain = (): Promise<Store> => openSqlite({ folder, freeBytesMin: 0, clock })
      return {
        store: await openAgain(),
        reopen: openAgain,
        advance: (ms) => {
          aheadMs += ms
        },
        dispose: () => rm(folder, { recursive: true, force: true }),
      }
    },
  })

  test('every case of the contract ran', () => {
    expect(contract.ran()).toBe(storeContractCases)
  })
})

describe('one process per data folder', () => {
  test('a second opening is refused, and the message names the folder and the way out', async () => {
    const folder = await newFolder()
    await open(folder)
    await expect(openSqlite({ folder })).rejects.toMatchObject({
      code: 'locked',
      message: expect.stringMatching(new RegExp(`${folder}.*HOOKSWITCH_DATA_DIR`)) as string,
    })
  })

  test('a killed process leaves no lock behind - there is nothing to clean up by hand', async () => {
    const folder = await newFolder()
    const entry = fileURLToPath(new URL('../src/index.ts', import.meta.url))
    const holder = spawn(
      process.execPath,
      [
        '--conditions=hookswitch-source',
        '--input-type=module',
        '-e',
        `const { openSqlite } = await import(${JSON.stringify(entry)})
         await openSqlite({ folder: ${JSON.stringify(folder)} })
         process.stdout.write('open')
         setInterval(() => {}, 1000)`,
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    )
    try {
      await once(holder.stdout, 'data')
      await expect(openSqlite({ folder })).rejects.toMatchObject({ code: 'locked' })
    } finally {
      holder.kill('SIGKILL')
      await once(holder, 'exit')
    }
    await open(folder)
  })

  test('a closed store gives the folder back', async () => {
    const folder = await newFolder()
    const store = await openSqlite({ folder, freeBytesMin: 0 })
    await store.close()
    await open(folder)
  })
})

describe('schema', () => {
  test('a store newer than the program is refused, with both versions named', async () => {
    const folder = await newFolder()
    await (await openSqlite({ folder, freeBytesMin: 0 })).close()
    const database = new DatabaseSync(path.join(folder, 'hookswitch.db'))
    database.exec(`PRAGMA user_version = ${migrations.length + 7}`)
    database.close()
    await expect(openSqlite({ folder })).rejects.toMatchObject({
      code: 'schema_newer',
      message: expect.stringContaining(`version ${migrations.length + 7}`) as string,
    })
    // The refusal has let go of the folder.
    await expect(openSqlite({ folder })).rejects.toMatchObject({ code: 'schema_newer' })
  })

  test('a file that is not a database is refused, not overwritten', async () => {
    const folder = await newFolder()
    const { writeFile, readFile } = await import('node:fs/promises')
    const file = path.join(folder, 'hookswitch.db')
    await writeFile(file, 'something else entirely, and more than sixteen bytes of it'.repeat(100))
    await expect(openSqlite({ folder })).rejects.toMatchObject({ code: 'io' })
    expect(String(await readFile(file))).toContain('something else entirely')
  })
})

describe('a full disk', () => {
  test('nothing is half written, and the store goes on by itself when there is room again', async () => {
    const folder = await newFolder()
    const store = await open(folder, { pagesMax: 60 })
    let stored = 0
    let failure: unknown = null
    while (failure === null && stored < 1_000) {
      try {
        await store.append([event(stored * 2, 2_000), event(stored * 2 + 1, 2_000)])
        stored += 1
      } catch (error) {
        failure = error
      }
    }
    expect(failure).toMatchObject({ code: 'full', outcome: 'none' })
    expect(await store.listEvents({ after: 0, limit: 1_000 })).toHaveLength(stored * 2)
    // Room is made, from outside; the same store, without a restart, takes the refused batch.
    const other = new DatabaseSync(path.join(folder, 'hookswitch.db'))
    other.exec('DELETE FROM events WHERE seq <= 20; DELETE FROM event_keys WHERE seq <= 20')
    other.close()
    const [first, second] = await store.append([event(stored * 2, 2_000), event(stored * 2 + 1, 2_000)])
    expect(first).toMatchObject({ duplicate: false, seq: stored * 2 + 1 })
    expect(second).toMatchObject({ duplicate: false, seq: stored * 2 + 2 })
  })

  test('little free disk refuses events and readiness, while reads and the fold go on', async () => {
    const folder = await newFolder()
    const store = await open(folder, { freeBytesMin: Number.MAX_SAFE_INTEGER })
    await expect(store.append([event(1)])).rejects.toMatchObject({ code: 'disk_low', outcome: 'none' })
    await expect(store.ping()).rejects.toMatchObject({ code: 'disk_low' })
    const refused = { code: 'disk_low', outcome: 'none' }
    await expect(store.addStartedCall(newStartedCall())).rejects.toMatchObject(refused)
    await expect(store.publish([])).rejects.toMatchObject(refused)
    expect(await store.listEvents({ after: 0, limit: 10 })).toEqual([])
    expect(await store.foldRead('node', 10, 1_000)).toMatchObject({ events: [] })
  })
})

test('a place in the log is never given twice, also when the newest events have been removed', async () => {
  const folder = await newFolder()
  const store = await openSqlite({ folder, freeBytesMin: 0 })
  await store.append([event(1), event(2), event(3)])
  const { foldStretch } = await import('@hookswitch/core')
  const read = await store.foldRead('node', 10, 1_000_000)
  if (read === null) throw new Error('the only node has the turn')
  expect(await store.foldCommit(foldStretch(read))).toBe(true)
  await store.close()
  const database = new DatabaseSync(path.join(folder, 'hookswitch.db'))
  database.exec('DELETE FROM events')
  database.close()
  const [next] = await (await open(folder)).append([event(4)])
  expect(next?.seq).toBe(4)
})

test('a second connection reads while the first writes - a long page holds up no commit', async () => {
  const folder = await newFolder()
  const writer = await open(folder)
  const reader = await openSqlite({ folder, readOnly: true })
  stores.push(reader)
  await writer.append([event(1)])
  expect(await reader.listEvents({ after: 0, limit: 10 })).toHaveLength(1)
  await expect(reader.append([event(2)])).rejects.toMatchObject({ name: 'StoreError' })
})
