import { randomInt } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
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
  acceptedCall,
  addWebhook,
  after,
  drained,
  laneBreaches,
  lanesOf,
  listed,
  loopbackAllowed,
  repeatsIn,
  shown,
  startDeliveryReceiver,
  type DeliveryReceiver,
} from '@hookswitch/testkit/delivery-receiver'
import { postgresMissing, startPostgres, type Postgres } from '@hookswitch/testkit/postgres'

let receiver: DeliveryReceiver
let postgres: Postgres
afterEach(async () => {
  await endServerProcesses()
  await receiver.close()
  await postgres.stop()
})

const missing = postgresMissing()
describe.skipIf(missing !== null)(
  `nodes on one PostgreSQL${missing === null ? '' : ` (skipped: ${missing})`}`,
  () => {
    test('one is frozen past its lease: another takes its lanes, its late results are refused, and it goes on', async () => {
      postgres = await startPostgres()
      const env = { ...loopbackAllowed, DATABASE_URL: postgres.url }
      const nodes = [await startServerProcess({ env }), await startServerProcess({ env })] as const
      const [frozen, other] = nodes
      receiver = await startDeliveryReceiver()
      // So many at once, and so long, that one node alone cannot take them all, and each has many under way.
      receiver.treat(() => after(300 + randomInt(300)))
      await addWebhook(other, receiver, 'crm', { limits: { concurrency: 150 } })
      await Promise.all(
        Array.from({ length: 200 }, (_, call) =>
          acceptedCall(call % 2 === 0 ? frozen : other, `call-${call}`, 5),
        ),
      )
      for (const node of nodes) {
        await until('each node to deliver', async () => node.output().includes('"msg":"delivered"'))
      }

      const from = performance.now()
      frozen.process.kill('SIGSTOP')
      // The first that comes again: the lease is over. The other node is now in the middle of the frozen one's lanes.
      await until('the other node to take over', async () => repeatsIn(receiver.received) > 0, 30_000)
      // Ten seconds after its last beat, which was at most two seconds before.
      expect(performance.now() - from).toBeGreaterThan(7_500)
      frozen.process.kill('SIGCONT')
      await until('its late results to be refused', async () =>
        frozen.output().includes('late result refused'),
      )
      const interruptions = [{ from, to: performance.now() }]
      await drained(other, 60_000)

      // What came twice was delivered once, as far as the store is concerned.
      const twice = new Set(
        [...Map.groupBy(receiver.received, ({ deliveryId }) => deliveryId)]
          .filter(([, requests]) => requests.length > 1)
          .map(([deliveryId]) => deliveryId),
      )
      expect(twice.size).toBeGreaterThan(0)
      for (const id of twice) {
        const { state, attempts } = await shown(other, `/deliveries/${id}`)
        const verdicts = (attempts as { verdict: string }[]).map(({ verdict }) => verdict)
        expect([state, verdicts.filter((verdict) => verdict === 'delivered')]).toEqual([
          'delivered',
          ['delivered'],
        ])
      }
      expect(await listed(other, '/lanes')).toEqual([])

      // It goes on under a new lease, by itself.
      expect(await other.stop()).toBe(0)
      for (let call = 0; call < 5; call += 1) await acceptedCall(frozen, `later-${call}`, 3)
      await drained(frozen)
      const lanes = lanesOf(await allEvents(frozen))
      expect(laneBreaches(receiver.received, { lanes, interruptions, lateRepeats: true })).toEqual([])
      expect(await frozen.stop()).toBe(0)
    }, 120_000)

    test('nodes with two states of the config file: each sends only what its own file says, and no event is spent on the other', async () => {
      postgres = await startPostgres()
      receiver = await startDeliveryReceiver()
      const url = (name: string): string => `'${receiver.url}/${name}'`
      // One try alone: a node that cannot send must not use it up.
      const retry = `retry: { preset: 'none' }`
      const moved = (to: string): string =>
        `{ kind: 'webhook', name: 'moved', ${retry}, settings: { url: ${url(to)}, authSecret: 'of-${to}' } }`
      const added = `{ kind: 'webhook', name: 'added', ${retry}, settings: { url: ${url('added')} } }`
      const own = `{ kind: 'handler', name: 'own', ${retry}, settings: {}, run: ({ event }) =>
        fetch(${url('own')}, { method: 'POST', headers: { 'webhook-id': event.id } }) }`
      const start = async (destinations: string): Promise<ServerProcess> => {
        const folder = await temporaryFolder()
        const config = `export default { destinations: [${destinations}] }`
        await writeFile(path.join(folder, 'hookswitch.config.ts'), config)
        const env = { ...loopbackAllowed, DATABASE_URL: postgres.url }
        return startServerProcess({ folder, cwd: folder, env })
      }
      // As in a rolling update: whoever starts last decides what counts.
      const before = await start(moved('before'))
      const second = await start([moved('after'), added, own].join(', '))
      // The older node is alone with the events for a moment, and leaves them.
      second.process.kill('SIGSTOP')
      for (let call = 0; call < 20; call += 1) await acceptedCall(before, `call-${call}`, 3)
      await until('the older node to look at them', async () =>
        before.output().includes('left to other nodes'),
      )
      second.process.kill('SIGCONT')
      await drained(second, 60_000)
      const lanes = lanesOf(await allEvents(second))
      for (const name of ['/after', '/added', '/own']) {
        expect(laneBreaches(receiver.at(name), { lanes }), name).toEqual([])
      }
      expect(receiver.at('/before')).toEqual([])
      expect(new Set(receiver.at('/after').map(({ headers }) => headers['authorization']))).toEqual(
        new Set(['of-after']),
      )
      for (const node of [before, second]) expect(await node.stop()).toBe(0)
      expect(second.output()).not.toContain('left to other nodes')
    }, 90_000)
  },
)
