import { describe, expect, test } from 'vitest'
import {
  arrived,
  event,
  heldAnswers,
  manualTimers,
  numbered,
  peerThat,
  senderTo,
  statuses,
} from '../test/sent-events.ts'
import { buildEvent } from './build-event.ts'
import { createSender, type Sender } from './create-sender.ts'
import type { SendAttempt } from './send-result.ts'

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
