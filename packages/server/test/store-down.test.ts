import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, describe, expect, test } from 'vitest'
import { readEnvironment, resolveConfig, startServer, type RunningServer } from '../src/index.ts'
import {
  allEvents,
  api,
  endServerProcesses,
  post,
  startServerProcess,
  temporaryFolder,
  testAdminToken,
  testSecret,
  until,
} from '@hookswitch/testkit'
import { ownPostgresMissing, startOwnPostgres } from '@hookswitch/testkit/postgres'

const running: RunningServer[] = []
afterEach(async () => {
  for (const server of running.splice(0)) await server.stop()
  await endServerProcesses()
})

const body = (number: number, bytes = 10): string =>
  JSON.stringify({ eventType: 'call.ended', callId: `call_${number}`, data: { text: 'x'.repeat(bytes) } })

describe('a full disk', () => {
  test('503 with Retry-After, not ready, nothing acknowledged; and it goes on without a restart', async () => {
    const folder = await temporaryFolder()
    const environment = readEnvironment(
      {
        PORT: '0',
        HOOKSWITCH_DATA_DIR: folder,
        WEBHOOK_SECRET: testSecret,
        HOOKSWITCH_ADMIN_TOKEN: testAdminToken,
      },
      folder,
    )
    const started = await startServer({
      environment,
      config: resolveConfig({}),
      ownModuleUrl: import.meta.url,
      sqlite: { pagesMax: 200, freeBytesMin: 0 },
      writeLog: () => {},
    })
    running.push(started)
    const server = { url: started.url, secret: testSecret, adminToken: testAdminToken }
    const ids = new Set<unknown>()
    let refused = null
    for (let number = 0; refused === null && number < 500; number += 1) {
      const answer = await post(server, body(number, 5_000))
      if (answer.status === 200) ids.add(answer.body['id'])
      else refused = answer
    }
    expect(refused).toMatchObject({ status: 503, body: { code: 'unavailable' } })
    expect(Number(refused?.headers.get('retry-after'))).toBeGreaterThan(0)
    expect((await fetch(`${server.url}/readyz`)).status).toBe(503)
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200)
    expect(new Set((await allEvents(server)).map(({ id }) => id))).toEqual(ids)

    // Room is made, from outside.
    const other = new DatabaseSync(path.join(folder, 'hookswitch.db'), { timeout: 5_000 })
    other.exec('DELETE FROM events WHERE seq <= 40; DELETE FROM event_keys WHERE seq <= 40')
    other.close()
    const again = await until('an event to be accepted again', async () => {
      const answer = await post(server, body(9_999, 1_000))
      return answer.status === 200 ? answer : null
    })
    expect(again.body['duplicate']).toBeUndefined()
    await until('readiness', async () => (await fetch(`${server.url}/readyz`)).status === 200)
    const metrics = await (await fetch(`${server.url}/metrics`)).text()
    expect(metrics).toMatch(/hookswitch_rejections_total\{reason="store_unavailable"\} [1-9]/)
  })
})

const missing = ownPostgresMissing()
describe.skipIf(missing !== null)(
  `PostgreSQL that stops${missing === null ? '' : ` (skipped: ${missing})`}`,
  () => {
    test('503 while it is away, nothing acknowledged, and it goes on when it is back', async () => {
      const postgres = await startOwnPostgres()
      try {
        const server = await startServerProcess({ env: { DATABASE_URL: postgres.url } })
        expect((await post(server, body(1))).status).toBe(200)
        await postgres.down()
        const refused = await post(server, body(2))
        expect(refused).toMatchObject({ status: 503, body: { code: 'unavailable' } })
        expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
        expect((await fetch(`${server.url}/readyz`)).status).toBe(503)
        expect((await api(server, '/events')).status).toBe(503)
        await postgres.up()
        await until(
          'an event to be accepted again',
          async () => (await post(server, body(3))).status === 200,
          20_000,
        )
        await until('readiness', async () => (await fetch(`${server.url}/readyz`)).status === 200)
        const calls = (await allEvents(server)).map(({ callId }) => callId)
        expect(calls).toContain('call_1')
        expect(calls).toContain('call_3')
        await until('the fold', async () => (await api(server, '/calls/call_3')).status === 200)
        expect(await server.stop()).toBe(0)
      } finally {
        await endServerProcesses()
        await postgres.stop()
      }
    }, 90_000)
  },
)
