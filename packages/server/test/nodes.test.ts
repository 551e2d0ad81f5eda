import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import {
  allEvents,
  api,
  endServerProcesses,
  post,
  startServerProcess,
  until,
  type ServerProcess,
} from '@hookswitch/testkit'
import { postgresMissing, queryPostgres, startPostgres, type Postgres } from '@hookswitch/testkit/postgres'

const missing = postgresMissing()

describe.skipIf(missing !== null)(
  `two nodes, one PostgreSQL${missing === null ? '' : ` (skipped: ${missing})`}`,
  () => {
    let postgres: Postgres | null = null
    afterEach(endServerProcesses)
    afterAll(() => postgres?.stop())

    let url = ''
    async function startTwo(): Promise<[ServerProcess, ServerProcess]> {
      postgres ??= await startPostgres()
      url = await postgres.createDatabase()
      const env = { DATABASE_URL: url }
      // At once, on an empty database: the migrations run under a lock.
      return Promise.all([startServerProcess({ env }), startServerProcess({ env })])
    }

    test('P2: one event 200 times at once to both - one row, and one id in all answers', async () => {
      const nodes = await startTwo()
      const body = JSON.stringify({
        eventType: 'call.ended',
        callId: 'once',
        timestamp: '2026-01-15T14:35:00Z',
      })
      const answers = await Promise.all(
        Array.from({ length: 200 }, (_, index) => post(nodes[index % 2] as ServerProcess, body)),
      )
      expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200))
      expect(new Set(answers.map(({ body: { id } }) => id)).size).toBe(1)
      expect(answers.filter(({ body: { duplicate } }) => duplicate !== true)).toHaveLength(1)
      expect(await allEvents(nodes[1])).toHaveLength(1)
      for (const node of nodes) expect(await node.stop()).toBe(0)
    })

    test('a call whose events arrive at either node is one record, and both show it', async () => {
      const nodes = await startTwo()
      const types = [
        'call.started',
        'call.answered',
        'transcription.update',
        'transcription.update',
        'call.ended',
      ]
      for (const [index, eventType] of types.entries()) {
        const body = {
          eventType,
          callId: 'shared',
          timestamp: new Date(Date.UTC(2026, 0, 1) + index * 1_000).toISOString(),
          data: {
            data: eventType === 'transcription.update' ? { speaker: 'User', text: `part ${index}` } : {},
          },
        }
        expect((await post(nodes[index % 2] as ServerProcess, JSON.stringify(body))).status).toBe(200)
      }
      for (const node of nodes) {
        const call = await until('the whole call', async () => {
          const { body } = await api(node, '/calls/shared')
          return body['eventCount'] === types.length ? body : null
        })
        expect(call).toMatchObject({
          status: 'ended',
          transcriptText: 'User: part 2\nUser: part 3',
          ringSeconds: 1,
        })
      }
      for (const node of nodes) expect(await node.stop()).toBe(0)
    })

    test('a secret that is added on one node counts on the other within seconds', async () => {
      const [first, second] = await startTwo()
      const made = await api(first, '/sources/hamsa/secrets', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ label: 'second' }),
      })
      expect(made.status).toBe(201)
      const secret = String(made.body['secret'])
      const body = JSON.stringify({ eventType: 'call.started', callId: `s${randomInt(1_000_000)}` })
      await until(
        'the secret to count on the other node',
        async () => (await post({ ...second, secret }, body)).status === 200,
      )
    })

    test('a node that is frozen loses the turn to fold, and does no harm when it goes on', async () => {
      const [first, second] = await startTwo()
      const send = async (node: ServerProcess, callId: string): Promise<void> => {
        expect((await post(node, JSON.stringify({ eventType: 'call.ended', callId }))).status).toBe(200)
      }
      await send(first, 'before')
      await until('the first fold', async () => (await api(second, '/calls/before')).status === 200)
      // Whichever of them has the turn: each is frozen once while the other goes on.
      for (const [frozen, other] of [
        [first, second],
        [second, first],
      ] as const) {
        const callId = `during-${String(frozen.process.pid)}`
        frozen.process.kill('SIGSTOP')
        await send(other, callId)
        await until(
          'the fold without the frozen node',
          async () => (await api(other, `/calls/${callId}`)).status === 200,
          20_000,
        )
        frozen.process.kill('SIGCONT')
      }
      const events = await allEvents(first)
      for (const { callId } of events) {
        const { body } = await api(first, `/calls/${String(callId)}`)
        expect(body['eventCount'], String(callId)).toBe(1)
      }
    }, 90_000)

    test('a running node that finds the store newer than itself drains and ends - a newer one has taken over', async () => {
      const [first] = await startTwo()
      expect((await post(first, JSON.stringify({ eventType: 'call.ended', callId: 'kept' }))).status).toBe(
        200,
      )
      const exited = once(first.process, 'exit')
      await queryPostgres(url, 'UPDATE hookswitch.meta SET schema_version = 999')
      expect(await exited).toEqual([1, null])
      expect(first.output()).toContain('the store is newer than this program')
    }, 60_000)
  },
)
