import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { endServerProcesses, startServerProcess, until, type ServerProcess } from '@hookswitch/testkit'
import {
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
} from '@hookswitch/testkit/delivery-receiver'
import { asHost, refusedAddresses, refusedNotations } from '@hookswitch/testkit/destination-contract'

afterAll(endServerProcesses)

describe('a webhook at an address that deliveries may not reach', () => {
  let server: ServerProcess
  let agent: string
  beforeAll(async () => {
    server = await startServerProcess()
    agent = (await addAgent(server, { url: 'https://93.184.215.14/hook' })).id
  })

  /** Everywhere that a URL can be set. */
  async function expectRefused(url: string, reason: string): Promise<void> {
    const webhook = { url }
    const answers = await Promise.all([
      ask(server, 'POST', '/agents', { name: 'Recruiter', webhook }),
      ask(server, 'PATCH', `/agents/${agent}`, { webhook }),
      ask(server, 'POST', `/agents/${agent}/calls`, { webhook }),
    ])
    for (const { status, body } of answers) {
      expect([status, body['code']]).toEqual([400, 'invalid_request'])
      expect(body['error']).toMatch(/^webhook\.url /)
      expect(body['error']).toContain(reason)
    }
  }

  test.each([
    ...refusedAddresses.map(([address, name]): [string, string] => [asHost(address), name]),
    ...refusedNotations,
    ['localhost', 'loopback'] as const,
  ])('%s (%s) is refused for an agent, in a change of one, and for a call', async (host, name) => {
    await expectRefused(`https://${host}:8443/hook`, `(${name})`)
  })

  test.each(['http://93.184.215.14/hook', 'http://127.0.0.1/hook', 'HTTP://public.example/'])(
    '%s is refused - where nothing is allowed, everything goes by https',
    (url) => expectRefused(url, 'is http, expected https'),
  )

  test('leaves nothing behind that is refused', async () => {
    expect(await listed(server, '/agents')).toMatchObject([
      { id: agent, version: 1, webhook: { url: 'https://93.184.215.14/hook' } },
    ])
    const destinations = await listed(server, '/destinations')
    expect(destinations.map(({ name, version }) => [name, version])).toEqual([[`agent:${agent}`, 1]])
  })
})

test('plain http goes to what is allowed and nowhere else', async () => {
  const server = await startServerProcess({ env: { HOOKSWITCH_EGRESS_ALLOW: '10.1.0.0/16' } })
  const set = async (url: string): Promise<unknown[]> => {
    const { status, body } = await ask(server, 'POST', '/agents', { name: 'Recruiter', webhook: { url } })
    return [status, body['error']]
  }
  expect(await set('http://10.1.2.3/hook')).toEqual([201, undefined])
  expect(await set('https://10.1.2.3/hook')).toEqual([201, undefined])
  const byHttp = expect.stringMatching(/^webhook\.url .* by plain http, expected https/)
  expect(await set('http://93.184.215.14/hook')).toEqual([400, byHttp])
  for (const url of ['http://10.2.0.1/hook', 'https://10.2.0.1/hook']) {
    expect(await set(url)).toEqual([400, expect.stringMatching(/^webhook\.url .*\(private\)/)])
  }
})

test('what is not allowed any more after a restart is not sent, waits, and goes out once it is allowed again', async () => {
  const receiver = await startDeliveryReceiver()
  let server = await startServerProcess({ env: loopbackAllowed })
  const restart = async (env: Record<string, string>): Promise<void> => {
    expect(await server.stop()).toBe(0)
    server = await startServerProcess({ folder: server.folder, env })
  }
  try {
    const agent = await addAgent(server, { url: `${receiver.url}/agent` })
    const calls = [
      await startCall(server, agent.id),
      await startCall(server, agent.id, { webhook: { url: `${receiver.url}/call` } }),
    ]
    const [started, ...others] = wholeCall('Sara')
    for (const callId of calls) await publishAll(server, callId, started === undefined ? [] : [started])
    await drained(server)
    const before = receiver.received.length
    expect(before).toBe(2)

    // Another range than the one that they are in.
    await restart({ HOOKSWITCH_EGRESS_ALLOW: '10.1.0.0/16' })
    for (const callId of calls) await publishAll(server, callId, others)
    const heads: string[] = []
    for (const callId of calls) {
      const head = await until('the first try', async () => {
        const pending = await listed(server, `/deliveries?state=pending&callId=${callId}`)
        return pending.find(({ attempts }) => Number(attempts) > 0)
      })
      heads.push(String(head['id']))
      const { attempts } = await shown(server, `/deliveries/${String(head['id'])}`)
      expect((attempts as unknown[])[0]).toMatchObject({
        verdict: 'retry',
        status: null,
        cause: 'blocked',
        message: expect.stringContaining('127.0.0.1 (loopback)'),
      })
    }
    const { webhook } = await shown(server, `/agents/${agent.id}`)
    expect(webhook).toMatchObject({ health: { lastFailure: { cause: 'blocked', status: null } } })
    const { status, body } = await ask(server, 'POST', `/agents/${agent.id}/test`, { events: ['call.ended'] })
    expect([status, body['ok']]).toEqual([200, false])
    expect(JSON.stringify(body['results'])).toContain('It was not sent: ')
    const again = await ask(server, 'POST', `/agents/${agent.id}/calls`, {
      webhook: { url: `${receiver.url}/call` },
    })
    expect([again.status, again.body['error']]).toEqual([400, expect.stringMatching(/^webhook\.url /)])
    expect(receiver.received, 'nothing has arrived').toHaveLength(before)

    await restart(loopbackAllowed)
    // Their next tries are seconds away.
    for (const head of heads) await ask(server, 'POST', `/deliveries/${head}/retry`, {})
    await drained(server)
    for (const [index, path] of ['/agent', '/call'].entries()) {
      const types = receiver.at(path).map(({ body: sent }) => {
        const { eventType, callId } = JSON.parse(sent.toString()) as Record<string, unknown>
        return [eventType, callId]
      })
      expect(types).toEqual(wholeCall('').map(({ eventType }) => [eventType, calls[index]]))
    }
  } finally {
    await receiver.close()
  }
}, 90_000)
