import { deafPort } from '@hookswitch/testkit/destination-contract'
import { describe, expect, test } from 'vitest'
import { event, manualTimers, peerThat, senderTo, statuses } from '../test/sent-events.ts'
import type { SenderOptions } from './sender-options.ts'

describe('another try', () => {
  test.each([408, 425, 429, 500, 502, 503, 504, 599])('follows %i', async (status) => {
    const peer = await peerThat(statuses(status))
    const sender = senderTo(peer, { retry: { delaysMs: [0] } })
    expect(await sender.send(event('a'))).toMatchObject({ ok: true, attempts: 2 })
  })

  test.each<[status: number, cause: string]>([
    [300, 'rejected'],
    [304, 'rejected'],
    [400, 'rejected'],
    [401, 'auth'],
    [403, 'auth'],
    [404, 'rejected'],
    [410, 'gone'],
    [413, 'rejected'],
    [422, 'rejected'],
  ])('does not follow %i', async (status, cause) => {
    const peer = await peerThat(statuses(status))
    const sender = senderTo(peer, { retry: 'quick' })
    const result = await sender.send(event('a'))
    expect(result).toMatchObject({ ok: false, attempts: 1, status, cause })
    expect(result).toHaveProperty('message', expect.stringMatching(new RegExp(`^${status}: the endpoint `)))
    expect(peer.requests).toHaveLength(1)
  })

  test('follows a connection that is refused, and one that breaks', async () => {
    const sender = senderTo({ url: `http://127.0.0.1:${await deafPort()}` }, { retry: { delaysMs: [0] } })
    expect(await sender.send(event('a'))).toMatchObject({
      ok: false,
      attempts: 2,
      status: null,
      cause: 'network',
      message: 'no answer (ECONNREFUSED)',
    })
    let broken = 1
    const peer = await peerThat((_request, response, socket) => {
      if (broken-- > 0) socket.destroy()
      else response.writeHead(200).end()
    })
    const again = senderTo(peer, { retry: { delaysMs: [0] } })
    expect(await again.send(event('a'))).toMatchObject({ ok: true, attempts: 2 })
  })

  test('follows when no answer comes in time, and the connection is given up', async () => {
    const peer = await peerThat(() => {})
    const { timers, pass } = manualTimers()
    const result = senderTo(peer, { timers, retry: { delaysMs: [7] } }).send(event('a'))
    await peer.reached(1)
    await pass(5_000)
    await pass(7)
    await peer.reached(2)
    await pass(5_000)
    expect(await result).toMatchObject({
      ok: false,
      attempts: 2,
      status: null,
      cause: 'timeout',
      message: 'no answer within 5000 ms',
    })
    await peer.deserted()
  })

  test('waits as long as Retry-After asks, and no longer than an hour', async () => {
    const asked = ['3', '86400']
    const peer = await peerThat((_request, response) => {
      const retryAfter = asked.shift()
      if (retryAfter === undefined) response.writeHead(200).end()
      else response.writeHead(429, { 'retry-after': retryAfter }).end()
    })
    const { timers, pass } = manualTimers()
    const result = senderTo(peer, { timers }).send(event('a'))
    await pass(3_000)
    await pass(3_600_000)
    expect(await result).toMatchObject({ ok: true, attempts: 3 })
  })

  test('has the same webhook-id and bytes, and the time at which it is sent', async () => {
    const peer = await peerThat(statuses(500))
    const { timers, pass } = manualTimers()
    const signingSecrets = ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw']
    const result = senderTo(peer, { timers, signingSecrets }).send(event('a'))
    await pass(2_000)
    const { id } = await result
    const [first, second] = peer.requests
    expect(first?.body.equals(second?.body ?? Buffer.alloc(0))).toBe(true)
    expect(peer.requests.map(({ headers }) => headers['webhook-id'])).toEqual([id, id])
    const times = peer.requests.map(({ headers }) => Number(headers['webhook-timestamp']))
    expect(times).toEqual([1769860800, 1769860802])
    expect(first?.headers['webhook-signature']).not.toBe(second?.headers['webhook-signature'])
  })
})

describe('an answer', () => {
  test('that redirects is not followed', async () => {
    const elsewhere = await peerThat(statuses())
    for (const status of [301, 302, 303, 307, 308]) {
      const peer = await peerThat((_request, response) =>
        response.writeHead(status, { location: `${elsewhere.url}/secret` }).end(),
      )
      const result = await senderTo(peer, { authSecret: 'X' }).send(event('a'))
      expect(result).toMatchObject({ ok: false, status, cause: 'rejected', attempts: 1 })
      expect(result).toHaveProperty('message', expect.stringContaining('the endpoint redirects'))
    }
    expect(elsewhere.requests).toEqual([])
  })

  test('counts from its status on - an endless body is given up', async () => {
    const peer = await peerThat((_request, response) => {
      response.writeHead(200)
      const more = (): void => {
        while (!response.destroyed && response.write('x'.repeat(64 * 1024)));
      }
      response.on('drain', more)
      more()
    })
    expect(await senderTo(peer).send(event('a'))).toMatchObject({ ok: true, attempts: 1 })
    await peer.deserted()
  })

  test('counts from its status on - a body that does not end takes no longer than the try may', async () => {
    const peer = await peerThat((_request, response) => response.writeHead(200).write('received'))
    const { timers, pass } = manualTimers()
    const statusCame = Promise.withResolvers<void>()
    const sender = senderTo(peer, {
      timers,
      async fetch(...request) {
        const response = await fetch(...request)
        statusCame.resolve()
        return response
      },
    })
    const result = sender.send(event('a'))
    await statusCame.promise
    await pass(5_000)
    expect(await result).toMatchObject({ ok: true, attempts: 1, status: 200 })
    await peer.deserted()
  })

  test('of 401 is explained by what was sent, without the secret', async () => {
    const peer = await peerThat((_request, response) => response.writeHead(401).end())
    const messageOf = async (options: Partial<SenderOptions>): Promise<unknown> => {
      const result = await senderTo(peer, options).send(event('a'))
      return result.ok ? null : result.message
    }
    expect(await messageOf({ authKey: 'bearer', authSecret: 'Bearer hidden' })).toBe(
      '401: the endpoint refuses the Authorization that it received, "bearer Bearer …": it may compare the whole header, with its scheme',
    )
    expect(await messageOf({})).toBe(
      '401: the endpoint refuses a request without Authorization: set authKey and authSecret',
    )
  })
})
