import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { endServerProcesses, startServerProcess, until, type ServerProcess } from '@hookswitch/testkit'
import {
  accepted,
  acceptedCall,
  act,
  addWebhook,
  ask,
  callEvent,
  drained,
  listed,
  loopbackAllowed,
  shown,
  startDeliveryReceiver,
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

async function held(id: string, reason: string): Promise<Record<string, unknown>> {
  return until(`the hold ${reason}`, async () => {
    const { state } = (await shown(server, `/destinations/${id}`)) as { state: Record<string, unknown> }
    return state['reason'] === reason ? state : null
  })
}

const idsAt = (path: string): string[] => receiver.at(path).map(({ id }) => id)

describe('a destination that refuses', () => {
  test('401 holds it for auth with its events waiting; a new secret lets it go on, in order', async () => {
    receiver.treat(({ headers }) => (headers['authorization'] === 'Bearer right' ? 200 : 401))
    const settings = { authKey: 'Bearer', authSecret: 'wrong' }
    const id = await addWebhook(server, receiver, 'crm', { settings, limits: { concurrency: 1 } })
    const call = await acceptedCall(server, 'call', 3)
    const other = await acceptedCall(server, 'other', 1)
    expect(await held(id, 'auth')).toMatchObject({ state: 'held', until: null })
    await until('all to wait', async () => (await listed(server, '/deliveries?state=pending')).length === 4)
    // One try was enough; the events behind it, and those of other lanes, were not burnt on it.
    expect(idsAt('/crm')).toEqual([call[0]])
    const { destinations } = await shown(server, `/events/${String(call[1])}/explain`)
    expect(destinations).toMatchObject([{ hold: { reason: 'auth' } }])

    // Something else that is changed does end the hold too, and the same answer holds it again.
    await ask(server, 'PATCH', `/destinations/${id}`, { settings: { timeoutSeconds: 4 } })
    await until('one more try', async () => idsAt('/crm').length === 2)
    await held(id, 'auth')
    const changed = await ask(server, 'PATCH', `/destinations/${id}`, { settings: { authSecret: 'right' } })
    expect(changed.status).toBe(200)
    await drained(server)
    expect([...new Set(idsAt('/crm').filter((event) => call.includes(event)))]).toEqual(call)
    expect(idsAt('/crm')).toContain(other[0])
    expect(idsAt('/crm')).toHaveLength(2 + 4)
    expect((await shown(server, `/destinations/${id}`))['state']).toEqual({ state: 'active' })
  })

  test('410 holds it as gone, and a person may resume it', async () => {
    receiver.treat(() => 410)
    const id = await addWebhook(server, receiver, 'crm', { limits: { concurrency: 1 } })
    const call = await acceptedCall(server, 'call', 2)
    expect(await held(id, 'gone')).toMatchObject({ state: 'held', until: null })
    receiver.treat(() => 200)
    await act(server, `/destinations/${id}/resume`)
    await drained(server)
    expect(idsAt('/crm')).toEqual([call[0], ...call])
  })

  test('429 with Retry-After holds the whole destination for so long, and no other', async () => {
    let refusedAt = 0
    receiver.treat(({ path, beganAt }) => {
      if (path !== '/crm' || refusedAt > 0) return 200
      refusedAt = beganAt
      return (_request, response) => response.writeHead(429, { 'retry-after': '2' }).end()
    })
    const id = await addWebhook(server, receiver, 'crm', { retry: { delaysSeconds: [0, 0] } })
    await addWebhook(server, receiver, 'other')
    const [first] = await acceptedCall(server, 'call', 1)
    await held(id, 'retry_after')
    const others = await acceptedCall(server, 'others', 3)
    await until('the other destination', async () => idsAt('/other').length === 4)
    await drained(server)
    const [, ...later] = receiver.at('/crm')
    expect(later.map((one) => one.id).sort()).toEqual([first, ...others].map(String).sort())
    // Also the events of other calls: it has asked to be left alone.
    for (const { beganAt } of later) expect(beganAt - refusedAt).toBeGreaterThanOrEqual(2_000 - clockMs)
  })
})

/** The store's clock counts whole milliseconds, and not the test's. */
const clockMs = 5

test('no retry comes sooner than its delay says, lane by lane, while first tries go through', async () => {
  const delaysSeconds = [0.3, 0.6, 1.2]
  let failing = true
  receiver.treat(({ body }) => (failing && body.includes('"part 0"') ? 500 : 200))
  await addWebhook(server, receiver, 'crm', { retry: { delaysSeconds } })
  const heads: string[] = []
  for (let call = 0; call < 5; call += 1) {
    heads.push(String((await acceptedCall(server, `call-${call}`, 2))[0]))
  }
  await until('the second tries', async () => idsAt('/crm').filter((id) => id === heads[0]).length >= 2)
  await accepted(server, callEvent('fresh', 1))
  await until('the last tries', async () =>
    heads.every((head) => idsAt('/crm').filter((id) => id === head).length === 4),
  )
  failing = false
  await drained(server)
  for (const head of heads) {
    const tries = receiver.at('/crm').filter(({ id }) => id === head)
    const waits = tries.slice(1).map(({ beganAt }, index) => beganAt - (tries[index]?.endedAt ?? Infinity))
    expect(waits).toHaveLength(3)
    for (const [index, wait] of waits.entries()) {
      expect(wait, `before try ${index + 2}`).toBeGreaterThanOrEqual(
        (delaysSeconds[index] ?? 0) * 1_000 - clockMs,
      )
    }
  }
})

test('a receiver that cuts off or hangs costs tries with their cause, and what follows arrives after it', async () => {
  let request = 0
  receiver.treat(() => {
    request += 1
    if (request === 1) return (_request, _response, socket) => socket.resetAndDestroy()
    if (request === 2) return () => {}
    return 200
  })
  const retry = { delaysSeconds: [0, 0, 0] }
  await addWebhook(server, receiver, 'crm', { retry, settings: { timeoutSeconds: 1 } })
  const call = await acceptedCall(server, 'call', 2)
  await drained(server)
  expect(idsAt('/crm')).toEqual([call[0], call[0], call[0], call[1]])
  const [, first] = await listed(server, '/deliveries')
  expect(await shown(server, `/deliveries/${String(first?.['id'])}`)).toMatchObject({
    state: 'delivered',
    attempts: [{ cause: 'reset' }, { cause: 'timeout' }, { cause: null, status: 200 }],
  })
})
