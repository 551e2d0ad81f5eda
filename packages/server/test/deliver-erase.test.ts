import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { api, endServerProcesses, startServerProcess, until, type ServerProcess } from '@hookswitch/testkit'
import {
  acceptedCall,
  act,
  addWebhook,
  callEvent,
  accepted,
  listed,
  loopbackAllowed,
  shown,
  startDeliveryReceiver,
  type DeliveryReceiver,
} from '@hookswitch/testkit/delivery-receiver'
import type { PeerAnswer } from '@hookswitch/testkit/destination-contract'
import { postgresMissing, queryPostgres, startPostgres, type Postgres } from '@hookswitch/testkit/postgres'

let receiver: DeliveryReceiver
let postgres: Postgres | null = null
afterEach(async () => {
  await endServerProcesses()
  await receiver.close()
  await postgres?.stop()
  postgres = null
})

const phone = '+966 50 123 4567'
const digits = '966501234567'
/** What was said, and what would betray it. */
const canaries = [digits, '50 123 4567', 'canary-said', 'canary-outcome', 'canary-name']

const busy: PeerAnswer = (_request, response) => response.writeHead(429, { 'retry-after': '1' }).end()

/** Calls of the number and of somebody else, some delivered and some waiting at a destination that fails. */
async function fill(server: ServerProcess): Promise<string[]> {
  receiver = await startDeliveryReceiver()
  receiver.treat(({ path: at }) => (at === '/fails' ? busy : 200))
  await addWebhook(server, receiver, 'works', {
    template: '{"text": call.transcriptText, "to": call.userNumber}',
  })
  await addWebhook(server, receiver, 'fails', { retry: { delaysSeconds: Array(50).fill(0) } })
  await addWebhook(server, receiver, 'paused')
  await act(server, '/destinations/paused/pause')
  const data = { userNumber: phone, text: 'canary-said', outcomeResult: { name: 'canary-outcome' } }
  const ids: string[] = []
  for (let call = 0; call < 12; call += 1) {
    ids.push(...(await acceptedCall(server, `theirs-${call}`, 3, { data, agentName: 'canary-name' })))
    // Of the same call, without the number.
    ids.push(await accepted(server, callEvent(`theirs-${call}`, 3, { data: { text: 'canary-said' } })))
    await acceptedCall(server, `other-${call}`, 2, { data: { userNumber: '+15550123', text: 'kept' } })
  }
  return ids
}

/** All that the API says of anything. */
async function everythingShown(server: ServerProcess): Promise<string> {
  const pages = ['/calls', '/events', '/deliveries', '/lanes', '/destinations', '/replays', '/audit']
  const texts = await Promise.all(pages.map(async (page) => JSON.stringify(await listed(server, page))))
  return texts.join('\n')
}

/** The names of the files below a folder in which a text stands. */
async function filesWith(folder: string, texts: readonly string[]): Promise<string[]> {
  const found: string[] = []
  for (const name of await readdir(folder, { recursive: true })) {
    const bytes = await readFile(path.join(folder, name)).catch(() => Buffer.alloc(0))
    for (const text of texts) if (bytes.includes(text)) found.push(`${text} in ${name}`)
  }
  return found
}

async function expectErased(server: ServerProcess, ids: readonly string[]): Promise<void> {
  await until('one to fail', async () => receiver.at('/fails').length > 0)
  await until('the delivered ones', async () => receiver.at('/works').length === 12 * 6)
  await until('all calls', async () => (await listed(server, '/calls')).length === 24)
  const report = await act(server, '/erase', {
    phone: '+966-50-1234567',
    reason: 'asked to be forgotten',
  })
  const erasedAt = performance.now()
  expect(report).toMatchObject({ calls: 12, events: 48, deliveries: 48 * 3 })
  expect(Number(report['attempts'])).toBeGreaterThanOrEqual(48)

  const all = await everythingShown(server)
  for (const text of canaries) expect(all).not.toContain(text)
  for (const id of ids) expect(all).not.toContain(id)
  expect((await api(server, `/events/${String(ids[0])}`)).status).toBe(404)
  expect((await api(server, `/events/${String(ids[0])}/raw`)).status).toBe(404)
  expect((await api(server, '/calls/theirs-0')).status).toBe(404)
  const [erased] = await listed(server, '/audit')
  expect(erased).toMatchObject({ action: 'erase', target: 'phone', reason: 'asked to be forgotten' })

  // What waited is not sent any more; what was on its way at that moment is over in a second.
  receiver.treat(() => 200)
  await act(server, '/destinations/paused/resume')
  await until(
    'what is left',
    async () => (await listed(server, '/deliveries?state=pending')).length === 0,
    30_000,
  )
  const late = receiver.received.filter(({ id, beganAt }) => ids.includes(id) && beganAt > erasedAt + 1_000)
  expect(late).toEqual([])
  expect(receiver.at('/paused').some(({ id }) => ids.includes(id))).toBe(false)
  // That of others is all there, and was all sent.
  for (const at of ['/works', '/fails', '/paused']) {
    const arrived = new Set(
      receiver
        .at(at)
        .filter(({ id, status }) => status === 200 && !ids.includes(id))
        .map(({ id }) => id),
    )
    expect(arrived.size, at).toBe(24)
  }
  expect((await shown(server, '/calls/other-3'))['userNumber']).toBe('+15550123')
}

describe('erasing a person', () => {
  test('on SQLite nothing of them is left in the API, the log and the files, and nothing of them is sent any more', async () => {
    const server = await startServerProcess({ env: { ...loopbackAllowed, LOG_LEVEL: 'trace' } })
    const ids = await fill(server)
    const before = await filesWith(server.folder, canaries)
    expect(before.length, 'what is looked for can be found').toBeGreaterThan(0)
    await expectErased(server, ids)
    await until(
      'the files to be empty of it',
      async () => (await filesWith(server.folder, canaries)).length === 0,
    )
    const metrics = await (await fetch(`${server.url}/metrics`)).text()
    expect(await server.stop()).toBe(0)
    expect(await filesWith(server.folder, canaries)).toEqual([])
    for (const text of canaries) {
      expect(server.output()).not.toContain(text)
      expect(metrics).not.toContain(text)
    }

    // Nothing of it comes back with the next start.
    const again = await startServerProcess({ folder: server.folder, env: loopbackAllowed })
    expect(await listed(again, '/calls')).toHaveLength(12)
    expect(await again.stop()).toBe(0)
  }, 60_000)

  const missing = postgresMissing()
  test.skipIf(missing !== null)(
    `on PostgreSQL no row has anything of them${missing === null ? '' : ` (skipped: ${missing})`}`,
    async () => {
      postgres = await startPostgres()
      const env = { ...loopbackAllowed, DATABASE_URL: postgres.url, LOG_LEVEL: 'trace' }
      const server = await startServerProcess({ env })
      const ids = await fill(server)
      await expectErased(server, ids)
      expect(await server.stop()).toBe(0)
      for (const text of canaries) expect(server.output()).not.toContain(text)
      const tables = await queryPostgres(
        postgres.url,
        `SELECT table_name AS name FROM information_schema.tables WHERE table_schema = 'hookswitch' AND table_type = 'BASE TABLE'`,
      )
      expect(tables.length).toBeGreaterThan(5)
      for (const { name } of tables) {
        const rows = await queryPostgres(
          postgres.url,
          `SELECT row_to_json(t)::text AS row FROM hookswitch.${String(name)} t`,
        )
        for (const { row } of rows) {
          for (const text of [
            ...canaries,
            ...canaries.map((canary) => Buffer.from(canary).toString('hex')),
          ]) {
            expect(String(row), String(name)).not.toContain(text)
          }
        }
      }
    },
    60_000,
  )
})
