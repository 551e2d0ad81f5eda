import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { afterAll, expect, test } from 'vitest'
import {
  allEvents,
  endServerProcesses,
  startServerProcess,
  temporaryFolder,
  until,
} from '@hookswitch/testkit'
import {
  accepted,
  acceptedCall,
  addWebhook,
  after,
  callEvent,
  closedGate,
  drained,
  laneBreaches,
  lanesOf,
  listed,
  loopbackAllowed,
  startDeliveryReceiver,
  startTraffic,
} from '@hookswitch/testkit/delivery-receiver'

// All at once, since what they wait for is mostly time.

afterAll(endServerProcesses)

test.concurrent(
  'SIGTERM waits for the sends under way and begins no other; after the next start nothing comes twice',
  async () => {
    const receiver = await startDeliveryReceiver()
    const folder = await temporaryFolder()
    let server = await startServerProcess({ folder, env: loopbackAllowed })
    await addWebhook(server, receiver, 'crm')
    const gate = closedGate()
    receiver.treat(() => gate.answer)
    for (let call = 0; call < 20; call += 1) await acceptedCall(server, `call-${call}`, 3)
    await until('as many sends as are allowed at once', async () => receiver.received.length === 10)

    const stopped = server.stop()
    await until('the server to be stopping', async () => server.output().includes('"msg":"stopping"'))
    // It listens no more, and waits.
    await until('the listener to be closed', async () =>
      fetch(`${server.url}/healthz`).then(
        () => false,
        () => true,
      ),
    )
    expect(server.process.exitCode).toBe(null)
    expect(receiver.received).toHaveLength(10)
    gate.open()
    expect(await stopped).toBe(0)
    expect(receiver.received.map(({ status }) => status)).toEqual(Array(10).fill(200))

    server = await startServerProcess({ folder, env: loopbackAllowed })
    await drained(server)
    expect(laneBreaches(receiver.received, { lanes: lanesOf(await allEvents(server)) })).toEqual([])
    expect(receiver.received).toHaveLength(60)
    expect(await server.stop()).toBe(0)
    await receiver.close()
  },
)

test.concurrent(
  'stops under load, again and again, lose nothing and repeat nothing',
  async () => {
    const receiver = await startDeliveryReceiver()
    receiver.treat(() => after(15))
    const folder = await temporaryFolder()
    let server = await startServerProcess({ folder, env: loopbackAllowed })
    await addWebhook(server, receiver, 'crm')
    const traffic = startTraffic({ name: 'call', nodes: () => [server], eventsPerCall: 5 })
    for (let stop = 0; stop < 4; stop += 1) {
      const before = receiver.received.length
      await until('deliveries', async () => receiver.received.length > before + 30)
      expect(await server.stop()).toBe(0)
      const env = { ...loopbackAllowed, PORT: new URL(server.url).port }
      server = await startServerProcess({ folder, env })
    }
    await traffic.stop()
    await drained(server)
    const events = await allEvents(server)
    expect(laneBreaches(receiver.received, { lanes: lanesOf(events) })).toEqual([])
    expect(receiver.received).toHaveLength(events.length)
    expect(traffic.acknowledged.size).toBe(events.length)
    expect(await server.stop()).toBe(0)
    await receiver.close()
  },
  60_000,
)

const config = `
import { defineConfig, handler } from 'hookswitch'
export default defineConfig({
  destinations: [
    handler({ name: 'heeds', settings: { deadlineSeconds: 900 }, run: ({ signal }) =>
      new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))) }),
    handler({ name: 'never-ends', settings: { deadlineSeconds: 900 }, run: () => new Promise(() => {}) }),
    handler({ name: 'loops', run: () => { for (;;); } }),
  ],
})
`

/** The time that sends have to end by themselves, and as much again for a machine that is busy. */
const stopMsMax = 60_000

test.concurrent(
  'a stop is bounded, whatever is under way: what is cut off keeps its place and its tries',
  async () => {
    const receiver = await startDeliveryReceiver()
    receiver.treat(() => () => {})
    const folder = await temporaryFolder()
    await writeFile(path.join(folder, 'hookswitch.config.ts'), config)
    let server = await startServerProcess({ folder, cwd: folder, env: loopbackAllowed })
    // It may take longer than a stop does.
    await addWebhook(server, receiver, 'silent', {
      settings: { timeoutSeconds: 30 },
      retry: { preset: 'none' },
    })
    const id = await accepted(server, callEvent('call', 0))
    await until('the send', async () => receiver.received.length === 1)
    const stoppedAt = performance.now()
    expect(await server.stop()).toBe(0)
    expect(performance.now() - stoppedAt).toBeLessThan(stopMsMax)

    receiver.treat(() => 200)
    server = await startServerProcess({ folder, env: loopbackAllowed })
    await until('it to be sent again', async () => receiver.received.length === 2)
    expect(receiver.received.map((one) => one.id)).toEqual([id, id])
    await until('it to be delivered', async () =>
      (await listed(server, '/deliveries')).some(
        ({ destination, state }) =>
          (destination as { name: string }).name === 'silent' && state === 'delivered',
      ),
    )
    expect(await server.stop()).toBe(0)
    await receiver.close()
  },
  120_000,
)
