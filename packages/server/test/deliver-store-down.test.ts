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
  startDeliveryReceiver,
  type DeliveryReceiver,
  type Interruption,
} from '@hookswitch/testkit/delivery-receiver'
import { ownPostgresMissing, startOwnPostgres, type OwnPostgres } from '@hookswitch/testkit/postgres'

let receiver: DeliveryReceiver
let postgres: OwnPostgres
afterEach(async () => {
  await endServerProcesses()
  await receiver.close()
  await postgres.stop()
})

const missing = ownPostgresMissing()
describe.skipIf(missing !== null)(
  `PostgreSQL that stops while events are delivered${missing === null ? '' : ` (skipped: ${missing})`}`,
  () => {
    test('nothing is begun while results cannot be written, no event is given up for it, and all goes on in order', async () => {
      postgres = await startOwnPostgres()
      const server = await startServerProcess({ env: { ...loopbackAllowed, DATABASE_URL: postgres.url } })
      receiver = await startDeliveryReceiver()
      receiver.treat(() => after(100))
      // One try alone: whatever is counted against an event by mistake is its end. The filter reads the call.
      const retry = { preset: 'none' }
      await addWebhook(server, receiver, 'plain', { retry })
      await addWebhook(server, receiver, 'filters', { retry, filter: 'call.callId != ""' })
      const outages: Interruption[] = []
      const acknowledged: string[] = []
      for (const how of ['orderly', 'crash'] as const) {
        const before = receiver.received.length
        const calls = Array.from({ length: 30 }, (_, call) => acceptedCall(server, `${how}-${call}`, 4))
        acknowledged.push(...(await Promise.all(calls)).flat())
        await until('deliveries', async () => receiver.received.length > before + 40, 30_000)
        const from = performance.now()
        await postgres.down(how)
        const downAt = performance.now()
        await until(
          'the outage to be noticed',
          async () => (await fetch(`${server.url}/readyz`)).status === 503,
        )
        await until('two seconds without a store', async () => performance.now() - downAt > 2_000)
        const late = receiver.received.filter(({ beganAt }) => beganAt > downAt + 1_000)
        expect(late, 'begun without a store').toEqual([])
        await postgres.up()
        await until('readiness', async () => (await fetch(`${server.url}/readyz`)).status === 200)
        outages.push({ from, to: performance.now() })
        await drained(server, 60_000)
      }
      expect(await listed(server, '/deliveries?state=dead')).toEqual([])
      const events = await allEvents(server)
      expect(new Set(events.map(({ id }) => id))).toEqual(new Set(acknowledged))
      for (const path of ['/plain', '/filters']) {
        const received = receiver.at(path)
        // A crash of PostgreSQL may take the last results with it: they are done again, and so is what followed.
        const expected = { lanes: lanesOf(events), interruptions: outages, lateRepeats: true }
        expect(laneBreaches(received, expected), path).toEqual([])
        // What was answered while the store was away is written when it is back, or was tried again.
        expect(repeatsIn(received)).toBeLessThan(50)
      }
      expect(await server.stop()).toBe(0)
    }, 120_000)
  },
)
