import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
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
  type MadeAgent,
} from '@hookswitch/testkit/delivery-receiver'

/** Each test has agents of its own, and a receiver that nobody else is sent to. */
let server: ServerProcess
let receiver: DeliveryReceiver
beforeAll(async () => {
  server = await startServerProcess({ env: loopbackAllowed })
})
beforeEach(async () => {
  receiver = await startDeliveryReceiver()
})
afterEach(() => receiver.close())
afterAll(endServerProcesses)

const addAgentAt = (path: string, webhook: Record<string, unknown> = {}): Promise<MadeAgent> =>
  addAgent(server, { url: receiver.url + path, ...webhook })

const idsAt = (path: string): string[] => receiver.at(path).map(({ id }) => id)

/** The ids of the events of a whole call. */
async function wholeCallOf({ id }: MadeAgent, name = 'Sara'): Promise<string[]> {
  return publishAll(server, await startCall(server, id), wholeCall(name))
}

async function webhookOf({ id }: MadeAgent): Promise<Record<string, Record<string, unknown>>> {
  const { webhook } = await shown(server, `/agents/${id}`)
  return webhook as Record<string, Record<string, unknown>>
}

async function held(agent: MadeAgent, reason: string): Promise<Record<string, unknown>> {
  return until(`the hold ${reason}`, async () => {
    const { state } = await webhookOf(agent)
    return state?.['reason'] === reason ? state : null
  })
}

/** Resolves when so many deliveries wait for it. */
async function waiting({ destinationId }: MadeAgent, count: number): Promise<void> {
  const path = `/deliveries?state=pending&destination=${destinationId}`
  await until(`${count} deliveries to wait`, async () => (await listed(server, path)).length === count)
}

/** Another agent's calls go through as if nothing were the matter: at once, with one try each. */
async function expectUndisturbed(other: MadeAgent, path: string): Promise<void> {
  const call = await wholeCallOf(other)
  await until('the events of the other agent', async () => idsAt(path).length >= call.length)
  expect(idsAt(path)).toEqual(call)
  const tries = await listed(server, `/deliveries?destination=${other.destinationId}`)
  await waiting(other, 0)
  expect(tries.filter(({ attempts }) => Number(attempts) > 1)).toEqual([])
}

describe('the webhook of an agent whose endpoint refuses', () => {
  test('401 holds it, its events are kept, and a new secret lets them go on in order', async () => {
    receiver.treat(({ headers }) => (headers['authorization'] === 'Token right' ? 200 : 401))
    const credentials = { authKey: 'Token', authSecret: 'wrong', limits: { concurrency: 1 } }
    const agent = await addAgentAt('/refuses', credentials)
    const other = await addAgentAt('/other', { authSecret: 'Token right' })
    const call = await wholeCallOf(agent)
    expect(await held(agent, 'auth')).toMatchObject({ state: 'held', until: null })
    await waiting(agent, call.length)
    await expectUndisturbed(other, '/other')
    expect(idsAt('/refuses'), 'one try said it all').toEqual([call[0]])
    const { health, enabled } = await webhookOf(agent)
    expect([enabled, health]).toMatchObject([
      true,
      { attempts: 1, successRate: 0, lastFailure: { status: 401 } },
    ])

    // What is not about the webhook changes nothing about that.
    await ask(server, 'PATCH', `/agents/${agent.id}`, { name: 'Another name' })
    await held(agent, 'auth')
    const path = `/agents/${agent.id}`
    const { status, body } = await ask(server, 'PATCH', path, { webhook: { authSecret: 'right' } })
    expect([status, body['webhook']]).toMatchObject([200, { state: { state: 'active' }, authKey: 'Token' }])
    await drained(server)
    expect(idsAt('/refuses')).toEqual([call[0], ...call])
    expect((await webhookOf(agent))['health']).toMatchObject({ failingSince: null, holdsAt: null })
  })

  test('410 holds it as gone, until a person resumes its destination', async () => {
    receiver.treat(({ path }) => (path === '/gone' ? 410 : 200))
    const agent = await addAgentAt('/gone', { limits: { concurrency: 1 } })
    const call = await wholeCallOf(agent)
    expect(await held(agent, 'gone')).toMatchObject({ state: 'held', until: null })
    await waiting(agent, call.length)
    // Agents share nothing but the server that they are sent from.
    await expectUndisturbed(await addAgentAt('/other'), '/other')
    receiver.treat(() => 200)
    await act(server, `/destinations/${agent.destinationId}/resume`)
    await drained(server)
    expect(idsAt('/gone')).toEqual([call[0], ...call])
    expect((await webhookOf(agent))['state']).toEqual({ state: 'active' })
  })

  test('one that has failed for as long as its limit says is held as failing, and all that was kept drains in order', async () => {
    receiver.treat(({ path }) => (path === '/fails' ? 503 : 200))
    // The least that lets a few tries fail, and all tries that there are for longer than it.
    const agent = await addAgentAt('/fails', {
      limits: { failingHours: 0.0005 },
      retry: { delaysSeconds: Array.from({ length: 50 }, () => 0.4) },
    })
    const other = await addAgentAt('/other')
    const calls = [await wholeCallOf(agent, 'Sara'), await wholeCallOf(agent, 'Omar')]
    const { health } = await until('it to be failing', async () => {
      const webhook = await webhookOf(agent)
      return webhook['health']?.['holdsAt'] === null ? null : webhook
    })
    const { failingSince, holdsAt } = health as { failingSince: string; holdsAt: string }
    expect(Date.parse(holdsAt) - Date.parse(failingSince)).toBe(1_800)
    await expectUndisturbed(other, '/other')

    const state = await held(agent, 'failing')
    expect(state).toMatchObject({ state: 'held', until: null })
    expect(state['detail']).toContain('nothing has succeeded since')
    expect(await listed(server, '/deliveries?state=dead'), 'none was given up').toEqual([])
    // What comes now is kept too, and nothing is tried.
    const tried = receiver.at('/fails').length
    calls.push(await wholeCallOf(agent, 'Lina'))
    await waiting(agent, calls.flat().length)
    expect(receiver.at('/fails')).toHaveLength(tried)
    expect((await webhookOf(agent))['health']).toMatchObject({ successRate: 0, lastFailure: { status: 503 } })

    receiver.treat(() => 200)
    await act(server, `/destinations/${agent.destinationId}/resume`)
    await drained(server)
    const drainedIds = idsAt('/fails').slice(tried)
    expect(drainedIds).toHaveLength(calls.flat().length)
    for (const call of calls) expect(drainedIds.filter((id) => call.includes(id))).toEqual(call)
    expect((await webhookOf(agent))['state']).toEqual({ state: 'active' })
  })

  test('one that was disabled keeps its events, and sends them in order once it is enabled', async () => {
    const agent = await addAgentAt('/off', { enabled: false })
    const call = await wholeCallOf(agent)
    expect(await held(agent, 'paused')).toMatchObject({ until: null })
    await waiting(agent, call.length)
    expect(receiver.received).toEqual([])
    const enabled = await ask(server, 'PATCH', `/agents/${agent.id}`, { webhook: { enabled: true } })
    expect(enabled.status).toBe(200)
    await drained(server)
    expect(idsAt('/off')).toEqual(call)
  })
})
