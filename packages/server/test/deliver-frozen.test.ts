import { randomInt } from 'node:crypto'
import { afterEach, describe, expect, test } from 'vitest'
import { allEvents, endServerProcesses, startServerProcess, until } from '@hookswitch/testkit'
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
  `a node that is frozen past its lease${missing === null ? '' : ` (skipped: ${missing})`}`,
  () => {
    test('P3: another takes its lanes, its late results are refused, and it goes on - order holds and nothing is lost', async () => {
      postgres = await startPostgres()
      const env = { ...loopbackAllowed, DATABASE_URL: postgres.url }
      const nodes = [await startServerProcess({ env }), await startServerProcess({ env })] as const
      const [frozen, other] = nodes
      receiver = await startDeliveryReceiver()
      // So long that every node has many sends under way at any moment.
      receiver.treat(() => after(100 + randomInt(200)))
      await addWebhook(other, receiver, 'crm', { limits: { concurrency: 40 } })
      await Promise.all(
        Array.from({ length: 60 }, (_, call) =>
          acceptedCall(nodes[call % 2] as typeof frozen, `call-${call}`, 6),
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
      const deliveredBefore = frozen.output().split('"msg":"delivered"').length
      frozen.process.kill('SIGCONT')
      await until('its late results to be refused', async () =>
        frozen.output().includes('late result refused'),
      )
      const interruptions = [{ from, to: performance.now() }]
      await Promise.all(
        Array.from({ length: 40 }, (_, call) =>
          acceptedCall(nodes[call % 2] as typeof frozen, `later-${call}`, 3),
        ),
      )
      await drained(other, 60_000)

      const lanes = lanesOf(await allEvents(other))
      expect(laneBreaches(receiver.received, { lanes, interruptions, lateRepeats: true })).toEqual([])
      expect(frozen.output().split('"msg":"delivered"').length, 'delivered by it afterwards').toBeGreaterThan(
        deliveredBefore,
      )
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
      for (const node of nodes) expect(await node.stop()).toBe(0)
    }, 120_000)
  },
)
