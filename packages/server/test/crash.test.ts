import { randomInt } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import {
  allEvents,
  api,
  endServerProcesses,
  post,
  startServerProcess,
  temporaryFolder,
  until,
  type ServerProcess,
} from '@hookswitch/testkit'
import { postgresMissing, startPostgres, type Postgres } from '@hookswitch/testkit/postgres'

afterAll(endServerProcesses)

const kills = 30
const senders = 8

/** What the senders know: every body that was answered 200, with its id. */
interface Acknowledged {
  id: string
  callId: string
  type: string
}

/** Sends the life of call after call until told to stop; what fails is sent again, as a platform does. */
async function sendCalls(
  name: string,
  nodes: () => readonly ServerProcess[],
  stopped: () => boolean,
  acknowledged: Map<string, Acknowledged>,
): Promise<void> {
  for (let number = 0; !stopped(); number += 1) {
    const callId = `${name}-${number}`
    const base = Date.UTC(2026, 0, 1) + number * 60_000
    const types = [
      'call.started',
      'call.answered',
      'transcription.update',
      'transcription.update',
      'call.ended',
    ]
    for (const [step, eventType] of types.entries()) {
      const key = `${callId} ${step}`
      const body = JSON.stringify({
        eventType,
        callId,
        timestamp: new Date(base + step * 1_000).toISOString(),
        data: {
          data: eventType === 'transcription.update' ? { speaker: 'User', text: `words ${step}` } : {},
        },
      })
      while (!acknowledged.has(key)) {
        try {
          const up = nodes()
          const answer = await post(up[randomInt(up.length)] as ServerProcess, body, {
            signal: AbortSignal.timeout(6_000),
          })
          if (answer.status === 200)
            acknowledged.set(key, { id: String(answer.body['id']), callId, type: eventType })
          else await delay(5)
        } catch {
          // Killed in the middle; the new process listens in a moment.
          if (stopped()) return
          await delay(20)
        }
      }
      if (stopped()) return
    }
  }
}

/** Starts the nodes, kills one after the other at random moments and starts it again, with senders all the while. */
async function killAndCount(nodesCount: number, env: Record<string, string>): Promise<void> {
  const folder = await temporaryFolder()
  const nodes: ServerProcess[] = []
  for (let node = 0; node < nodesCount; node += 1) nodes.push(await startServerProcess({ folder, env }))
  let stopped = false
  const acknowledged = new Map<string, Acknowledged>()
  const sending = Array.from({ length: senders }, (_, index) =>
    sendCalls(
      `sender${index}`,
      () => nodes,
      () => stopped,
      acknowledged,
    ),
  )
  for (let kill = 0; kill < kills; kill += 1) {
    await delay(randomInt(10, 250))
    const index = randomInt(nodes.length)
    const node = nodes[index] as ServerProcess
    await node.kill()
    nodes[index] = await startServerProcess({ folder, env: { ...env, PORT: new URL(node.url).port } })
  }
  stopped = true
  await Promise.all(sending)
  await expectAllThere(nodes[0] as ServerProcess, acknowledged)
  for (const node of nodes) expect(await node.stop()).toBe(0)
}

async function expectAllThere(server: ServerProcess, acknowledged: Map<string, Acknowledged>): Promise<void> {
  const events = await allEvents(server)
  const ids = events.map(({ id }) => id)
  expect(new Set(ids).size, 'an id twice in the log').toBe(ids.length)
  const keys = events.map(
    ({ callId, type, occurredAt }) => `${String(callId)} ${String(type)} ${String(occurredAt)}`,
  )
  expect(new Set(keys).size, 'an event stored twice').toBe(keys.length)
  const stored = new Map(events.map((event) => [event['id'], event]))
  for (const [key, { id, callId, type }] of acknowledged) {
    expect(stored.get(id), `${key} was acknowledged as ${id}`).toMatchObject({ callId, type })
  }
  expect(acknowledged.size).toBeGreaterThan(kills * 5)

  // Every record is what a fold of its events gives, however often the fold was interrupted.
  const ofCall = Map.groupBy(events, ({ callId }) => String(callId))
  for (const [callId, own] of ofCall) {
    const call = await until(`the fold of ${callId}`, async () => {
      const { body } = await api(server, `/calls/${callId}`)
      return Number(body['eventCount']) >= own.length ? body : null
    })
    const types = own.map(({ type }) => type)
    const said = types.filter((type) => type === 'transcription.update').length
    expect(call, callId).toMatchObject({
      eventCount: own.length,
      status: types.includes('call.ended')
        ? 'ended'
        : types.includes('call.answered')
          ? 'answered'
          : 'started',
    })
    expect((call['transcript'] as unknown[]).length, callId).toBe(said)
  }
}

describe('P1, P2: kill -9 at random moments', () => {
  test('on SQLite every acknowledged event is there exactly once, and every call is folded right', async () => {
    await killAndCount(1, {})
  }, 240_000)
})

const missing = postgresMissing()
describe.skipIf(missing !== null)(
  `P1, P2 on PostgreSQL${missing === null ? '' : ` (skipped: ${missing})`}`,
  () => {
    let postgres: Postgres | null = null
    afterEach(async () => {
      await endServerProcesses()
      await postgres?.stop()
    })

    test('one of two nodes is killed again and again: every acknowledged event is there exactly once', async () => {
      postgres = await startPostgres()
      await killAndCount(2, { DATABASE_URL: postgres.url })
    }, 240_000)
  },
)
