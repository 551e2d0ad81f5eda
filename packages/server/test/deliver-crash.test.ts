import { randomInt } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import {
  allEvents,
  endServerProcesses,
  startServerProcess,
  temporaryFolder,
  until,
  type ServerProcess,
} from '@hookswitch/testkit'
import {
  addWebhook,
  after,
  drained,
  laneBreaches,
  lanesOf,
  loopbackAllowed,
  repeatsIn,
  startDeliveryReceiver,
  startTraffic,
  type DeliveryReceiver,
  type Interruption,
  type Traffic,
} from '@hookswitch/testkit/delivery-receiver'
import { postgresMissing, startPostgres, type Postgres } from '@hookswitch/testkit/postgres'

let receiver: DeliveryReceiver
let postgres: Postgres | null = null
afterEach(async () => {
  await endServerProcesses()
  await receiver.close()
  await postgres?.stop()
})

/** Calls share so few numbers that events of several calls meet in one lane. */
const numbers = 6
const numberOf = (callId: string): string => String(Number(callId.split('-')[1]) % numbers)

/**
 * Three destinations: a lane for each call, a lane for each number, and one whose receiver refuses every seventh
 * request, so that retries are cut short too.
 */
async function addDestinations(server: ServerProcess): Promise<void> {
  receiver = await startDeliveryReceiver()
  let requests = 0
  receiver.treat(({ path }) => {
    requests += 1
    return after(randomInt(12), path === '/flaky' && requests % 7 === 0 ? 503 : 200)
  })
  const limits = { concurrency: 25 }
  await addWebhook(server, receiver, 'calls', { limits })
  await addWebhook(server, receiver, 'numbers', { limits, lane: { path: 'call.userNumber' } })
  const retry = { delaysSeconds: Array.from({ length: 30 }, () => 0.05) }
  await addWebhook(server, receiver, 'flaky', { limits, retry })
}

function startCalls(name: string, nodes: () => readonly ServerProcess[]): Traffic {
  const given = (callId: string) => ({ data: { userNumber: `+1555010${numberOf(callId)}` } })
  return startTraffic({ name, nodes, eventsPerCall: 5, given })
}

/** Resolves when so many more requests have come. */
async function delivering(requests: number): Promise<void> {
  const before = receiver.received.length
  await until(`${requests} deliveries`, async () => receiver.received.length >= before + requests, 30_000)
}

const deliveredBy = (node: ServerProcess): number => node.output().split('"msg":"delivered"').length - 1

/** Holds what came to the promises; returns how many requests came again. */
async function expectKept(
  server: ServerProcess,
  acknowledged: readonly string[],
  kills: readonly Interruption[],
): Promise<number> {
  const events = await allEvents(server)
  const ids = new Set(events.map(({ id }) => id))
  const lost = acknowledged.filter((id) => !ids.has(id))
  expect(lost, 'acknowledged and not there').toEqual([])
  const byCall = lanesOf(events)
  const byNumber = lanesOf(events, numberOf)
  let repeats = 0
  for (const [path, lanes] of Object.entries({ '/calls': byCall, '/numbers': byNumber, '/flaky': byCall })) {
    const received = receiver.at(path)
    expect(laneBreaches(received, { lanes, interruptions: kills }), path).toEqual([])
    repeats += repeatsIn(received)
  }
  return repeats
}

describe('P3, P4: kill -9 at random moments while it delivers', () => {
  const killsCount = 15

  test('on SQLite nothing is missing, each lane keeps its order, and only what a kill cut short comes again', async () => {
    const folder = await temporaryFolder()
    let server = await startServerProcess({ folder, env: loopbackAllowed })
    await addDestinations(server)
    const traffic = startCalls('sqlite', () => [server])
    const kills: Interruption[] = []
    for (let kill = 0; kill < killsCount; kill += 1) {
      await delivering(20)
      await delay(randomInt(250))
      const from = performance.now()
      await server.kill()
      const env = { ...loopbackAllowed, PORT: new URL(server.url).port }
      server = await startServerProcess({ folder, env })
      kills.push({ from, to: performance.now() })
    }
    await traffic.stop()
    await drained(server, 60_000)
    const repeats = await expectKept(server, [...traffic.acknowledged], kills)
    expect(repeats, 'no kill has met a delivery under way').toBeGreaterThan(0)
    expect(await server.stop()).toBe(0)
  }, 180_000)
})

const missing = postgresMissing()
describe.skipIf(missing !== null)(
  `P3, P4: two nodes on PostgreSQL${missing === null ? '' : ` (skipped: ${missing})`}`,
  () => {
    test('one is killed and the other goes on, then both are: nothing is missing, and lanes keep their order', async () => {
      postgres = await startPostgres()
      const env = { ...loopbackAllowed, DATABASE_URL: postgres.url }
      const nodes = [await startServerProcess({ env }), await startServerProcess({ env })]
      await addDestinations(nodes[0] as ServerProcess)
      const kills: Interruption[] = []

      const traffic = startCalls('one', () => nodes)
      await delivering(200)
      // The one that delivers more, which may be all.
      const [survivor, victim] = nodes.toSorted((a, b) => deliveredBy(a) - deliveredBy(b)) as [
        ServerProcess,
        ServerProcess,
      ]
      expect(deliveredBy(victim)).toBeGreaterThan(0)
      nodes.splice(nodes.indexOf(victim), 1)
      const from = performance.now()
      await victim.kill()
      // What it had sent is read at once; nobody may take its lanes for ten seconds.
      kills.push({ from, to: from + 5_000 })
      await delivering(100)
      await traffic.stop()
      // Also what the dead node held, as soon as its lease is over.
      await drained(survivor, 60_000)
      await expectKept(survivor, [...traffic.acknowledged], kills)

      nodes.push(await startServerProcess({ env }))
      const more = startCalls('both', () => nodes)
      await delivering(200)
      const bothFrom = performance.now()
      await Promise.all(nodes.map((node) => node.kill()))
      nodes.splice(0, 2, await startServerProcess({ env }), await startServerProcess({ env }))
      kills.push({ from: bothFrom, to: performance.now() })
      await more.stop()
      const [first] = nodes as [ServerProcess, ServerProcess]
      await drained(first, 60_000)
      const repeats = await expectKept(first, [...traffic.acknowledged, ...more.acknowledged], kills)
      expect(repeats, 'no kill has met a delivery under way').toBeGreaterThan(0)
      for (const node of nodes) expect(await node.stop()).toBe(0)
    }, 180_000)
  },
)
