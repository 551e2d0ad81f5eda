import { rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
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
  ask,
  drained,
  listed,
  loopbackAllowed,
  shown,
  startDeliveryReceiver,
  type DeliveryReceiver,
} from '@hookswitch/testkit/delivery-receiver'

let receiver: DeliveryReceiver
beforeEach(async () => {
  receiver = await startDeliveryReceiver()
})
afterEach(async () => {
  await endServerProcesses()
  await receiver.close()
})

const idsAt = (at: string): string[] => receiver.at(at).map(({ id }) => id)

/** A config file with these destinations, beside the data. */
async function writeConfig(folder: string, destinations: string): Promise<void> {
  const text = `import { handler, slack, webhook } from 'hookswitch'\nexport default { destinations: [${destinations}] }\n`
  await writeFile(path.join(folder, 'hookswitch.config.ts'), text)
}

function start(folder: string, env: Record<string, string> = {}): Promise<ServerProcess> {
  return startServerProcess({ folder, cwd: folder, env: { ...loopbackAllowed, ...env } })
}

describe('a setting that is wrong', () => {
  test('in the config file refuses the start, with destination, key, value and expectation, all at once', async () => {
    const folder = await temporaryFolder()
    await writeConfig(
      folder,
      `webhook({ name: 'crm', settings: { url: 'not a url', timeoutSeconds: 90 } }),
       webhook({ name: 'crm2', onExhausted: 'stop', settings: { url: '${receiver.url}/' } }),
       webhook({ name: 'crm3', filter: 'event.type = ', settings: { url: '${receiver.url}/' } })`,
    )
    const refusal = await start(folder).then(
      () => '',
      (error: Error) => error.message,
    )
    for (const said of [
      'ended with code 2',
      'settings.url is "not a url", expected a URL such as https://example.com/hook',
      'settings.timeoutSeconds is 90, expected a number of seconds from 1 to 30',
      'onExhausted is "stop", expected continue or park',
      'filter is not JSONata, at line 1, column',
    ]) {
      expect(refusal).toContain(said)
    }
    for (const name of ['crm', 'crm2', 'crm3']) expect(refusal).toContain(`"${name}"`)
    // An address that only the egress refuses.
    await writeConfig(folder, `webhook({ name: 'inside', settings: { url: 'http://192.168.0.1/' } })`)
    await expect(start(folder)).rejects.toThrow(/destination "inside": settings\.url .*192\.168\.0\.1/)
    // Nothing of it was stored.
    await writeConfig(folder, '')
    expect(await listed(await start(folder), '/destinations')).toEqual([])
  })

  test('over the API is answered with 400 and changes nothing, and what is delivered goes on as it was', async () => {
    const server = await start(await temporaryFolder())
    const id = await addWebhook(server, receiver, 'crm', { filter: 'event.type = "call.ended"' })
    const before = await shown(server, `/destinations/${id}`)
    const url = `${receiver.url}/crm`
    for (const [change, said] of [
      [{ lane: 'caller' }, 'lane is "caller", expected call, destination, none or'],
      [{ limits: { concurrency: 0 } }, 'limits.concurrency is 0, expected a whole number from 1'],
      [
        { retry: { preset: 'forever' } },
        'retry.preset is "forever", expected none, quick, guide or standard',
      ],
      [{ retry: { delaysSeconds: [-1] } }, 'retry.delaysSeconds[0] is -1, expected a number of seconds'],
      [{ filter: 'event.(' }, 'filter is not JSONata, at line 1, column 8'],
      [{ events: ['call.ended', ''] }, 'events[1] is "", expected an event type'],
      [{ settings: { url: 'http://10.0.0.1/' } }, 'settings.url'],
      [{ settings: { timeoutSeconds: '5' } }, 'settings.timeoutSeconds is "5", expected a number of seconds'],
      [{ colour: 'red' }, 'colour is not a known field'],
      [{ kind: 'slack' }, 'kind stays webhook'],
    ] as const) {
      const answer = await ask(server, 'PATCH', `/destinations/${id}`, change)
      expect([answer.status, answer.body['code']], said).toEqual([400, 'invalid_request'])
      expect(answer.body['error']).toContain(said)
    }
    const twice = await ask(server, 'POST', '/destinations', {
      name: 'crm',
      kind: 'webhook',
      settings: { url },
    })
    expect([twice.status, twice.body['code']]).toEqual([409, 'conflict'])
    const handler = await ask(server, 'POST', '/destinations', { name: 'own', kind: 'handler', settings: {} })
    expect([handler.status, handler.body['code']]).toEqual([400, 'invalid_request'])
    expect(await shown(server, `/destinations/${id}`)).toEqual(before)
    expect(await listed(server, '/destinations')).toHaveLength(1)

    const [event] = await acceptedCall(server, 'call', 1, { eventType: 'call.ended' })
    await drained(server)
    expect(idsAt('/crm')).toEqual([event])
  })
})

describe('removing a destination', () => {
  test('with undelivered events is refused and changes nothing, unless it is told what becomes of them', async () => {
    const server = await start(await temporaryFolder())
    const waiting = async (name: string): Promise<string> => {
      const id = await addWebhook(server, receiver, name)
      await act(server, `/destinations/${id}/pause`)
      return id
    }
    const [skipped, dead] = [await waiting('skipped'), await waiting('dead')]
    await addWebhook(server, receiver, 'other')
    await acceptedCall(server, 'call', 3)
    await until('all to wait', async () => (await listed(server, '/deliveries?state=pending')).length === 6)

    for (const id of [skipped, dead]) {
      const refused = await ask(server, 'DELETE', `/destinations/${id}`)
      expect([refused.status, refused.body['code']]).toEqual([409, 'conflict'])
      expect(refused.body['error']).toContain('3 deliveries wait for this destination')
    }
    expect((await ask(server, 'DELETE', `/destinations/${dead}?undelivered=send`)).status).toBe(400)
    expect(await listed(server, '/deliveries?state=pending')).toHaveLength(6)
    expect(await listed(server, '/destinations')).toHaveLength(3)

    expect((await ask(server, 'DELETE', `/destinations/${skipped}?undelivered=skip`)).status).toBe(204)
    expect((await ask(server, 'DELETE', `/destinations/${dead}?undelivered=dead`)).status).toBe(204)
    expect(await listed(server, '/deliveries?state=pending')).toEqual([])
    expect(await listed(server, '/deliveries?state=skipped')).toHaveLength(3)
    expect(await listed(server, '/deliveries?state=dead')).toHaveLength(3)
    expect(await listed(server, '/lanes')).toEqual([])
    // One that waits for nothing needs no word.
    await drained(server)
    expect((await ask(server, 'DELETE', '/destinations/other')).status).toBe(204)
    expect(idsAt('/skipped').concat(idsAt('/dead'))).toEqual([])
  })
})

describe('a destination of the config file', () => {
  const crm = `webhook({ name: 'crm', retry: { delaysSeconds: Array(50).fill(1) }, settings: { url: process.env.RECEIVER + '/crm' } })`
  const other = `webhook({ name: 'other', settings: { url: process.env.RECEIVER + '/other' } })`

  test('that is not in the file any more is held with its events; put back, it is sent them in order', async () => {
    const folder = await temporaryFolder()
    const env = { RECEIVER: receiver.url }
    receiver.treat(({ path: at }) => (at === '/crm' ? 503 : 200))
    await writeConfig(folder, `${crm}, ${other}`)
    let server = await start(folder, env)
    expect((await ask(server, 'PATCH', '/destinations/crm', { events: ['call.ended'] })).status).toBe(409)
    const call = await acceptedCall(server, 'call', 3)
    await until('the other', async () => idsAt('/other').length === 3)
    await until('a try', async () => idsAt('/crm').length > 0)
    expect(await server.stop()).toBe(0)

    await writeConfig(folder, other)
    receiver.treat(() => 200)
    const triesBefore = idsAt('/crm').length
    server = await start(folder, env)
    expect((await shown(server, '/destinations/crm'))['state']).toMatchObject({
      state: 'held',
      reason: 'removed',
    })
    // What comes while it is away is not for it.
    const meanwhile = await acceptedCall(server, 'meanwhile', 2)
    await until('the other', async () => idsAt('/other').length === 5)
    expect(await listed(server, '/deliveries?state=pending')).toHaveLength(3)
    const { destinations } = (await shown(server, `/events/${String(call[0])}/explain`)) as {
      destinations: { destination: { name: string }; sentence: string }[]
    }
    const said = destinations.find(({ destination: { name } }) => name === 'crm')?.sentence
    expect(said).toMatch(/not in the config file any more/)
    expect((await ask(server, 'POST', '/destinations/crm/resume', {})).status).toBe(409)
    expect((await ask(server, 'DELETE', '/destinations/crm')).status).toBe(409)
    expect(await server.stop()).toBe(0)
    expect(idsAt('/crm')).toHaveLength(triesBefore)

    await writeConfig(folder, `${crm}, ${other}`)
    server = await start(folder, env)
    await drained(server)
    expect(idsAt('/crm').slice(triesBefore)).toEqual(call)
    expect(idsAt('/crm').some((id) => meanwhile.includes(id))).toBe(false)
    expect((await shown(server, '/destinations/crm'))['state']).toEqual({ state: 'active' })
    const later = await acceptedCall(server, 'later', 1)
    await until('it to be routed to again', async () => idsAt('/crm').includes(String(later[0])))
    expect(await server.stop()).toBe(0)

    // Without any file it is as without a destination.
    await rm(path.join(folder, 'hookswitch.config.ts'))
    server = await start(folder, env)
    for (const { state } of await listed(server, '/destinations'))
      expect(state).toMatchObject({ reason: 'removed' })
    expect((await ask(server, 'DELETE', '/destinations/crm')).status).toBe(204)
    expect(await server.stop()).toBe(0)
  })
})
