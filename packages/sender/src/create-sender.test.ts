import { deafPort, startPeer, type Peer, type PeerAnswer } from '@hookswitch/testkit/destination-contract'
import { afterEach, describe, expect, test } from 'vitest'
import { buildEvent, type EventInput } from './build-event.ts'
import { createSender, type Sender } from './create-sender.ts'
import type { SenderOptions } from './sender-options.ts'
import type { SendAttempt } from './send-result.ts'
import type { Timers } from './timers.ts'

const peers: Peer[] = []

afterEach(async () => {
  for (const peer of peers.splice(0)) await peer.close()
})

async function peerThat(answer: PeerAnswer): Promise<Peer> {
  const peer = await startPeer(answer)
  peers.push(peer)
  return peer
}

const statuses =
  (...codes: number[]): PeerAnswer =>
  (_request, response) =>
    response.writeHead(codes.shift() ?? 200).end('{"received":true}')

/** Holds every answer back until it is let go. */
function heldAnswers(): { answer: PeerAnswer; letGo: (at?: number) => void } {
  const held: (() => void)[] = []
  return {
    answer: (_request, response) => held.push(() => response.writeHead(200).end()),
    letGo: (at = 0) => held.splice(at, 1)[0]?.(),
  }
}

/** Time that moves only when it is told to: a wait ends when the test ends it. */
function manualTimers(): { timers: Timers; pass: (ms: number) => Promise<void>; waits: () => number[] } {
  let nowMs = Date.UTC(2026, 0, 31, 12)
  const pending = new Map<() => void, number>()
  const watchers = new Set<() => void>()
  const dueIn = (ms: number): (() => void) | undefined => [...pending].find(([, wait]) => wait === ms)?.[0]
  return {
    waits: () => [...pending.values()],
    /** Waits until somebody waits for so long, and ends that. */
    pass: (ms) =>
      new Promise((resolve, reject) => {
        const bound = setTimeout(() => {
          watchers.delete(watch)
          reject(new Error(`nobody waited for ${ms} ms, but for ${[...pending.values()].join(', ')}`))
        }, 10_000)
        const watch = (): void => {
          const run = dueIn(ms)
          if (run === undefined) return
          clearTimeout(bound)
          watchers.delete(watch)
          pending.delete(run)
          nowMs += ms
          run()
          resolve()
        }
        watchers.add(watch)
        watch()
      }),
    timers: {
      nowMs: () => nowMs,
      after(ms, run) {
        const due = (): void => run()
        pending.set(due, ms)
        queueMicrotask(() => {
          for (const watcher of watchers) watcher()
        })
        return () => pending.delete(due)
      },
    },
  }
}

const event = (callId: string, more: Partial<EventInput> = {}): EventInput => ({
  eventType: 'call.answered',
  callId,
  at: Date.UTC(2026, 0, 31, 12),
  agentId: 'agent-123',
  agentName: 'Recruiter',
  ...more,
})
const numbered = (callId: string, number: number): EventInput => event(callId, { data: { number } })

function senderTo(peer: Pick<Peer, 'url'>, options: Partial<SenderOptions> = {}): Sender {
  return createSender({ url: peer.url, allowHttp: true, random: () => 0, ...options })
}

/** `call/number` of each request, in the order in which they came. */
const arrived = (peer: Peer): string[] =>
  peer.requests.map(({ body }) => {
    const { callId, data } = JSON.parse(String(body)) as {
      callId: string
      data: { data: { number: number } }
    }
    return `${callId}/${data.data.number}`
  })

describe('order', () => {
  test('the next event of a call starts once the one before it has its answer; other calls go on meanwhile', async () => {
    const { answer, letGo } = heldAnswers()
    const peer = await peerThat(answer)
    const sender = senderTo(peer)
    const results = [
      sender.send(numbered('a', 1)),
      sender.send(numbered('a', 2)),
      sender.send(numbered('b', 1)),
    ]
    await peer.reached(2)
    expect(arrived(peer).sort()).toEqual(['a/1', 'b/1'])
    letGo(arrived(peer).indexOf('b/1'))
    await results[2]
    results.push(sender.send(numbered('a', 3)))
    for (const next of ['a/2', 'a/3', 'a/4']) {
      const before = peer.requests.length
      expect(arrived(peer)).not.toContain(next)
      letGo()
      await peer.reached(before + 1)
      expect(arrived(peer).slice(before)).toEqual([next])
      if (next === 'a/2') results.push(sender.send(numbered('a', 4)))
    }
    letGo()
    for (const result of results) expect(await result).toMatchObject({ ok: true, attempts: 1, status: 200 })
  })

  test('an event that is tried again holds back those behind it, and one that is given up lets them go', async () => {
    const peer = await peerThat(statuses(503, 200, 503, 503, 503))
    const { timers, pass } = manualTimers()
    const sender = senderTo(peer, { timers })
    const results = [1, 2, 3].map((number) => sender.send(numbered('a', number)))
    for (const ms of [2_000, 2_000, 4_000]) await pass(ms)
    expect(await Promise.all(results)).toMatchObject([
      { ok: true, attempts: 2 },
      {
        ok: false,
        attempts: 3,
        status: 503,
        cause: 'unavailable',
        message: '503: the endpoint cannot take it now',
      },
      { ok: true, attempts: 1 },
    ])
    expect(arrived(peer)).toEqual(['a/1', 'a/1', 'a/2', 'a/2', 'a/2', 'a/3'])
  })

  test('no more than concurrency requests run at a time, and a wait takes none of their places', async () => {
    const { answer, letGo } = heldAnswers()
    let isFirst = true
    const peer = await peerThat((request, response, socket) => {
      if (isFirst) response.writeHead(503).end()
      else answer(request, response, socket)
      isFirst = false
    })
    const { timers, pass } = manualTimers()
    const sender = senderTo(peer, { concurrency: 1, timers })
    const results = ['a', 'b', 'c'].map((callId) => sender.send(numbered(callId, 1)))
    await peer.reached(2)
    expect(arrived(peer)).toEqual(['a/1', 'b/1'])
    await pass(2_000)
    letGo()
    await results[1]
    await peer.reached(3)
    expect(peer.requests, 'the third is alone').toHaveLength(3)
    letGo()
    await peer.reached(4)
    letGo()
    expect(await Promise.all(results)).toMatchObject([{ attempts: 2 }, { attempts: 1 }, { attempts: 1 }])
    expect(arrived(peer)).toEqual(['a/1', 'b/1', 'c/1', 'a/1'])
  })
})

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

test('every try is reported, with what follows it', async () => {
  const peer = await peerThat(statuses(503))
  const attempts: SendAttempt[] = []
  const sender = senderTo(peer, { retry: { delaysMs: [1] }, onAttempt: (attempt) => attempts.push(attempt) })
  const { id } = await sender.send(event('a'))
  const every = { id, callId: 'a', eventType: 'call.answered', durationMs: expect.any(Number) }
  expect(attempts).toEqual([
    {
      ...every,
      attempt: 1,
      status: 503,
      cause: 'unavailable',
      message: '503: the endpoint cannot take it now',
      retryInMs: 1,
    },
    { ...every, attempt: 2, status: 200, cause: null, message: null, retryInMs: null },
  ])
})

test('what onAttempt throws is the failure of its event alone', async () => {
  const peer = await peerThat(statuses())
  const sender = senderTo(peer, {
    onAttempt({ eventType }) {
      if (eventType === 'call.started') throw new Error('of the listener')
    },
  })
  const [first, second] = [sender.send(event('a', { eventType: 'call.started' })), sender.send(event('a'))]
  await expect(first).rejects.toThrow('of the listener')
  expect(await second).toMatchObject({ ok: true })
  await sender.close()
})

describe('the queue', () => {
  test('takes so many events, says so when it is full, and takes more when some are through', async () => {
    const { answer, letGo } = heldAnswers()
    const peer = await peerThat(answer)
    const sender = senderTo(peer, { queueEventsMax: 2 })
    const first = sender.send(numbered('a', 1))
    const second = sender.send(numbered('a', 2))
    await expect(sender.send(numbered('b', 1))).rejects.toMatchObject({
      name: 'SenderError',
      code: 'queue_full',
      message: 'the queue is full: 2 events, as queueEventsMax allows',
    })
    await peer.reached(1)
    letGo()
    await first
    const third = sender.send(numbered('b', 2))
    await peer.reached(3)
    letGo()
    letGo()
    expect(await Promise.all([second, third])).toMatchObject([{ ok: true }, { ok: true }])
    expect(arrived(peer)).not.toContain('b/1')
  })

  test('takes so many bytes', async () => {
    const peer = await peerThat(statuses())
    const { body } = buildEvent(event('a'))
    const sender = senderTo(peer, { queueBytesMax: body.length * 2 - 1 })
    const first = sender.send(event('a'))
    await expect(sender.send(event('a'))).rejects.toThrow(
      `the queue is full: ${body.length} bytes came, and ${body.length - 1} are left of queueBytesMax`,
    )
    await first
    expect(await sender.send(event('a'))).toMatchObject({ ok: true })
  })
})

describe('an event that cannot be sent is refused, and nothing else', () => {
  const sender = createSender({ url: 'https://example.com/hook' })
  const id = {
    message: 'id is no webhook-id, expected 1 to 200 visible ASCII characters without a full stop',
  }

  test.each<[what: string, event: Parameters<Sender['send']>[0], options: { id?: string }, error: object]>([
    ['an input that cannot be built', event(''), {}, { message: 'callId is empty' }],
    [
      'a body without an envelope',
      { event: {}, body: new Uint8Array() },
      {},
      { message: /^eventType is missing/ },
    ],
    ['an id with a full stop', event('a'), { id: 'a.b' }, id],
    ['an id that is no header', event('a'), { id: 'a\nb' }, id],
    ['an empty id', event('a'), { id: '' }, id],
    ['a long id', event('a'), { id: 'x'.repeat(201) }, id],
  ])('%s', async (_what, given, options, error) => {
    const [{ message }] = [error as { message: string | RegExp }]
    await expect(sender.send(given, options)).rejects.toThrow(message)
  })
})

describe('close', () => {
  test('waits for what is queued, and takes nothing more', async () => {
    const { answer, letGo } = heldAnswers()
    const peer = await peerThat(answer)
    const sender = senderTo(peer)
    const results = [sender.send(numbered('a', 1)), sender.send(numbered('a', 2))]
    const closed = sender.close()
    await expect(sender.send(numbered('b', 1))).rejects.toMatchObject({
      code: 'closed',
      message: 'the sender is closed',
    })
    await peer.reached(1)
    letGo()
    await peer.reached(2)
    letGo()
    await closed
    expect(await Promise.all(results)).toMatchObject([{ ok: true }, { ok: true }])
  })

  test('gives up after drainMs: the try that is under way, the wait, and what has not begun', async () => {
    const peer = await peerThat((request, response) => {
      if (String(request.body).includes('"callId":"failing"')) {
        response.writeHead(503, { connection: 'close' }).end()
      }
    })
    const { timers, pass, waits } = manualTimers()
    const failed = Promise.withResolvers<void>()
    const sender = senderTo(peer, { timers, onAttempt: () => failed.resolve() })
    const results = ['hanging', 'hanging', 'failing'].map((callId, number) =>
      sender.send(numbered(callId, number)),
    )
    await peer.reached(2)
    await failed.promise
    const closed = sender.close({ drainMs: 300 })
    await pass(300)
    await closed
    expect(await Promise.all(results)).toMatchObject([
      { cause: 'closed', attempts: 1, message: 'the sender was closed before the answer came' },
      { cause: 'closed', attempts: 0, message: 'the sender was closed before the first try' },
      {
        cause: 'closed',
        attempts: 1,
        status: 503,
        message:
          'the sender was closed before another try; the last one: 503: the endpoint cannot take it now',
      },
    ])
    expect(peer.requests).toHaveLength(2)
    expect(waits()).toEqual([])
    await peer.deserted()
  })

  test('may be called again with less time, and by an AbortSignal', async () => {
    const peer = await peerThat(() => {})
    const patient = senderTo(peer)
    const one = patient.send(event('a'))
    await peer.reached(1)
    const closed = patient.close({ drainMs: 1_000_000 })
    await patient.close({ drainMs: 0 })
    await closed
    expect(await one).toMatchObject({ ok: false, cause: 'closed' })

    const controller = new AbortController()
    const aborted = senderTo(peer, { signal: controller.signal })
    const other = aborted.send(event('a'))
    await peer.reached(2)
    controller.abort()
    expect(await other).toMatchObject({ ok: false, cause: 'closed' })
    await expect(aborted.send(event('a'))).rejects.toMatchObject({ code: 'closed' })
    await expect(senderTo(peer, { signal: AbortSignal.abort() }).send(event('a'))).rejects.toThrow(
      'the sender is closed',
    )
  })

  test.each([-1, 0.5, Infinity, NaN])('refuses to wait for %o ms', async (drainMs) => {
    await expect(createSender({ url: 'https://example.com/hook' }).close({ drainMs })).rejects.toThrow(
      `drainMs is ${drainMs}, expected a whole number from 0 to 2147483647`,
    )
  })
})
