import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { endServerProcesses, startServerProcess, until, type ServerProcess } from '@hookswitch/testkit'
import {
  act,
  addAgent,
  ask,
  drained,
  listed,
  loopbackAllowed,
  publishAll,
  shown,
  startCall,
  startDeliveryReceiver,
  wholeCall,
  type DeliveryReceiver,
} from '@hookswitch/testkit/delivery-receiver'

/** Each test has an agent of its own, and a receiver that nobody else is sent to. */
let server: ServerProcess
let receiver: DeliveryReceiver
let agent: string
beforeAll(async () => {
  server = await startServerProcess({ env: loopbackAllowed })
})
beforeEach(async () => {
  receiver = await startDeliveryReceiver()
  agent = (await addAgent(server, { url: `${receiver.url}/agent`, authSecret: 'of-the-agent' })).id
})
afterEach(() => receiver.close())
afterAll(endServerProcesses)

const idsAt = (path: string): string[] => receiver.at(path).map(({ id }) => id)

/** Starts a call with a webhook of its own. */
function startWith(path: string, webhook: Record<string, unknown> = {}): Promise<string> {
  const params = { application_id: path }
  return startCall(server, agent, { params, webhook: { url: receiver.url + path, ...webhook } })
}

/** The lane of a call, once it is parked and so many deliveries wait in it. */
function parkedLane(callId: string, pending: number): Promise<Record<string, unknown>> {
  return until(`the lane to be parked with ${pending} deliveries`, async () => {
    const parked = await listed(server, '/lanes?state=parked')
    return parked.find((lane) => lane['key'] === `call:${callId}` && lane['pending'] === pending)
  })
}

const overrideName = (): string => `override:${new URL(receiver.url).host}`

test('one whose secret is refused waits for a person, and other calls at that host go on', async () => {
  let isFixed = false
  receiver.treat(({ path, headers }) =>
    path === '/wrong' && !isFixed && headers['authorization'] === 'Bearer wrong' ? 401 : 200,
  )
  const [wrong, right, plain] = await Promise.all([
    startWith('/wrong', { authKey: 'Bearer', authSecret: 'wrong' }),
    startWith('/right', { authSecret: 'Token of-the-call' }),
    startCall(server, agent),
  ])
  const [refused, taken, ofAgent] = await Promise.all(
    [wrong, right, plain].map((callId) => publishAll(server, callId, wholeCall(callId))),
  )
  const lane = await parkedLane(wrong, refused?.length ?? 0)
  await until('the other calls', async () => idsAt('/right').length + idsAt('/agent').length === 12)
  expect(lane).toMatchObject({
    destination: { name: overrideName() },
    headAttempts: 1,
    parkedReason: expect.stringMatching(
      /^refused: 401: the call's own webhook refuses the authorization .*resume the lane/,
    ),
  })
  expect(idsAt('/wrong')).toEqual([refused?.[0]])
  expect(idsAt('/right')).toEqual(taken)
  expect(idsAt('/agent'), 'nothing of the calls with their own').toEqual(ofAgent)
  expect(new Set(receiver.at('/right').map(({ headers }) => headers['authorization']))).toEqual(
    new Set(['Token of-the-call']),
  )
  const { state } = await shown(server, `/destinations/${encodeURIComponent(overrideName())}`)
  expect(state, 'nothing else of that host is held').toEqual({ state: 'active' })
  const explained = await shown(server, `/events/${String(refused?.[1])}/explain`)
  expect(JSON.stringify(explained)).toContain('parked')

  isFixed = true
  await act(server, `/lanes/${String(lane['id'])}/resume`)
  await drained(server)
  expect(idsAt('/wrong')).toEqual([refused?.[0], ...(refused ?? [])])
  expect(await listed(server, `/deliveries?state=dead&callId=${wrong}`)).toEqual([])
  expect(idsAt('/agent')).toEqual(ofAgent)
})

test('it is sent the types that it asks for, in order, and they outlive a restart', async () => {
  const callId = await startWith('/some', { authSecret: 'a-secret', events: ['call.started', 'call.ended'] })
  const [first, ...others] = wholeCall('Sara')
  const started = await publishAll(server, callId, first === undefined ? [] : [first])
  expect(await server.stop()).toBe(0)
  server = await startServerProcess({ folder: server.folder, env: loopbackAllowed })
  const ids = [...started, ...(await publishAll(server, callId, others))]
  await drained(server)
  expect(idsAt('/some')).toEqual([ids[0], ids[5]])
  expect(receiver.at('/some').map(({ headers }) => headers['authorization'])).toEqual([
    'a-secret',
    'a-secret',
  ])
  const filtered = await listed(server, `/deliveries?state=filtered&callId=${callId}`)
  expect(new Set(filtered.map(({ eventId }) => eventId))).toEqual(new Set(ids.slice(1, 5)))
  expect(filtered[0]?.['reason']).toContain("the call's own webhook does not take")
  expect(idsAt('/agent')).toEqual([])
  // The call is one of the agent all the same.
  expect(await shown(server, `/calls/${callId}`)).toMatchObject({
    agentId: agent,
    status: 'ended',
    sources: [overrideName()],
    outcome: {
      application_id: { value: '/some', origin: 'echoed' },
      expectedSalary: { value: '80000', origin: 'collected' },
    },
  })
})

test('410 parks the lane of the call as well, and who skips its head lets the rest go', async () => {
  const treatment = new Map([['/gone', 410]])
  receiver.treat(({ path }) => treatment.get(path) ?? 200)
  const callId = await startWith('/gone')
  const ids = await publishAll(server, callId, wholeCall('Sara'))
  const lane = await parkedLane(callId, ids.length)
  expect(lane['parkedReason']).toContain('410')
  treatment.clear()
  await act(server, `/lanes/${String(lane['id'])}/skip`)
  await drained(server)
  expect(idsAt('/gone')).toEqual([ids[0], ...ids.slice(1)])
  expect(await listed(server, `/deliveries?state=skipped&callId=${callId}`)).toMatchObject([
    { eventId: ids[0] },
  ])
})

test('its destination may be removed once all is delivered, and is there again for what the call publishes later', async () => {
  const callId = await startWith('/later')
  const [first, ...others] = wholeCall('Sara')
  const ids = await publishAll(server, callId, first === undefined ? [] : [first])
  await drained(server)
  const removed = await ask(server, 'DELETE', `/destinations/${encodeURIComponent(overrideName())}`)
  expect(removed.status).toBe(204)
  ids.push(...(await publishAll(server, callId, others)))
  await drained(server)
  expect(idsAt('/later')).toEqual(ids)
})
