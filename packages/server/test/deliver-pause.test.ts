import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
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
  act,
  addWebhook,
  after,
  drained,
  laneBreaches,
  lanesOf,
  loopbackAllowed,
  shown,
  startDeliveryReceiver,
  startTraffic,
  type DeliveryReceiver,
} from '@hookswitch/testkit/delivery-receiver'

let receiver: DeliveryReceiver
let server: ServerProcess
beforeEach(async () => {
  receiver = await startDeliveryReceiver()
  server = await startServerProcess({ env: loopbackAllowed })
})
afterEach(async () => {
  await endServerProcesses()
  await receiver.close()
})

const concurrency = 10

/** The store's clock counts whole milliseconds, and not the test's. */
const clockMs = 5

describe('a pause under load', () => {
  test('nothing begins later than a second after the answer, nothing is lost, and a resume drains in order at a growing pace', async () => {
    receiver.treat(() => after(10))
    const id = await addWebhook(server, receiver, 'paused', { limits: { concurrency } })
    await addWebhook(server, receiver, 'other')
    const traffic = startTraffic({ name: 'call', nodes: () => [server], eventsPerCall: 4 })
    await until('deliveries under load', async () => receiver.at('/paused').length > 100)

    const paused = await act(server, `/destinations/${id}/pause`, { reason: 'maintenance' })
    const pausedAt = performance.now()
    expect(paused['state']).toMatchObject({ state: 'held', reason: 'paused', detail: 'maintenance' })
    // The load goes on for three seconds, and the other destination is sent all of it.
    const before = receiver.at('/other').length
    await until('three seconds of load', async () => performance.now() - pausedAt > 3_000)
    expect(receiver.at('/other').length).toBeGreaterThan(before + 50)
    const late = receiver.at('/paused').filter(({ beganAt }) => beganAt > pausedAt + 1_000)
    expect(late).toEqual([])

    await traffic.stop()
    const sentBefore = receiver.at('/paused').length
    await act(server, `/destinations/${id}/resume`)
    await drained(server)
    const lanes = lanesOf(await allEvents(server))
    for (const place of ['/paused', '/other']) {
      expect(laneBreaches(receiver.at(place), { lanes }), place).toEqual([])
    }
    // One at first, then two, then four: each answer doubles what may be under way.
    const resumed = receiver.at('/paused').slice(sentBefore)
    expect(resumed.length).toBeGreaterThan(50)
    for (const [index, { beganAt }] of resumed.entries()) {
      const earlier = resumed.slice(0, index)
      const answered = earlier.filter(({ endedAt }) => endedAt !== null && endedAt <= beganAt).length
      const underWay = index + 1 - answered
      expect(underWay, `request ${index + 1} after the resume`).toBeLessThanOrEqual(
        Math.min(concurrency, 2 ** answered),
      )
    }
  })

  test('what waits in a filter meanwhile is not sent when the filter has ended', async () => {
    // Longer than a second, and within the time that a filter has.
    const filter = 'async () => { await new Promise((resolve) => setTimeout(resolve, 1_200)); return true }'
    const destination = `{ kind: 'webhook', name: 'crm', filter: ${filter}, settings: { url: '${receiver.url}/crm' } }`
    const folder = await temporaryFolder()
    const config = `export default { destinations: [${destination}] }`
    await writeFile(path.join(folder, 'hookswitch.config.ts'), config)
    const filtering = await startServerProcess({ folder, cwd: folder, env: loopbackAllowed })
    for (let call = 0; call < 4; call += 1) await acceptedCall(filtering, `call-${call}`, 2)
    // The second events of the calls are in the filter now.
    await until('the first events', async () => receiver.received.length === 4)
    await act(filtering, '/destinations/crm/pause')
    const pausedAt = performance.now()
    await until('three seconds', async () => performance.now() - pausedAt > 3_000)
    expect(receiver.received.filter(({ beganAt }) => beganAt > pausedAt + 1_000)).toEqual([])
    await act(filtering, '/destinations/crm/resume')
    await drained(filtering)
    expect(laneBreaches(receiver.received, { lanes: lanesOf(await allEvents(filtering)) })).toEqual([])
    expect(receiver.received).toHaveLength(8)
  })

  test('what has gathered goes out no faster than the rate of the destination', async () => {
    const perSecond = 40
    const id = await addWebhook(server, receiver, 'slow', { limits: { concurrency, perSecond } })
    await act(server, `/destinations/${id}/pause`)
    for (let call = 0; call < 20; call += 1) await acceptedCall(server, `call-${call}`, 4)
    expect(receiver.received).toEqual([])
    const resumedAt = performance.now()
    await act(server, `/destinations/${id}/resume`)
    await drained(server)
    const begun = receiver.received.map(({ beganAt }) => beganAt)
    expect(begun).toHaveLength(80)
    expect(laneBreaches(receiver.received, { lanes: lanesOf(await allEvents(server)) })).toEqual([])
    // The rate is held over any longer time: what comes due within 50 ms of each other may go together.
    const earliest = (index: number): number => resumedAt + (index * 1_000) / perSecond - 50 - clockMs
    for (const [index, at] of begun.entries()) {
      expect(at, `request ${index + 1}`).toBeGreaterThanOrEqual(earliest(index))
    }
    expect((await shown(server, `/destinations/${id}`))['state']).toEqual({ state: 'active' })
  })

  test('a pause outlives a restart', async () => {
    const id = await addWebhook(server, receiver, 'crm')
    await act(server, `/destinations/${id}/pause`)
    const [event] = await acceptedCall(server, 'call', 1)
    expect(await server.stop()).toBe(0)
    server = await startServerProcess({ folder: server.folder, env: loopbackAllowed })
    expect((await shown(server, `/destinations/${id}`))['state']).toMatchObject({ reason: 'paused' })
    expect(receiver.received).toEqual([])
    await act(server, `/destinations/${id}/resume`)
    await drained(server)
    expect(receiver.received.map((one) => one.id)).toEqual([event])
  })
})
