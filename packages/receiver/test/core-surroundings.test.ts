import { ingestAnswers } from '@hookswitch/events'
import type { Handler } from '@hookswitch/receiver'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { answered, ended, listening, request, secret } from './core-requests.ts'

// What the app and its middlewares do to a request before the receiver gets it, and what they are told.

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
})

afterEach(() => {
  vi.useRealTimers()
})

const handled = { 'call.ended': () => {} }
const internal = {
  status: 500,
  headers: { 'content-type': 'application/json' },
  body: '{"error":"Internal error","code":"internal"}',
}

test('a body that a middleware has parsed is used where no signature is asked for', async () => {
  const handler = vi.fn<Handler>()
  const receiver = listening({ on: { 'call.ended': handler } })
  const got = await receiver.receive({
    method: 'POST',
    header: (name) => (name === 'authorization' ? secret : null),
    body: { parsed: ended(), by: 'express.json()', move: 'move the webhook above it' },
  })
  expect(got.status).toBe(200)
  expect(handler.mock.calls[0]?.[0]).toMatchObject({ event: { body: ended() } })
})

test.each([
  ['a signature is asked for', ended(), { secrets: ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'] }],
  ['nothing is left of it', undefined, undefined],
])(
  'a body that a middleware has parsed gets 503 where %s, and the log says what to move',
  async (_when, parsed, signature) => {
    const receiver = listening({ on: handled, ...(signature === undefined ? {} : { signature }) })
    const got = await receiver.receive({
      method: 'POST',
      header: (name) => (name === 'authorization' ? secret : null),
      body: {
        parsed,
        by: 'express.json()',
        move: "move app.post('/webhook', …) above app.use(express.json())",
      },
    })
    expect(got).toEqual(ingestAnswers.unavailable)
    const message =
      "express.json() ran before the webhook: move app.post('/webhook', …) above app.use(express.json())"
    expect(receiver.told.log).toMatchObject([
      { level: 'error', event: 'failed', reason: 'body_taken', message },
    ])
    expect(receiver.told.errors).toMatchObject([{ error: { message }, phase: 'body', id: null }])
  },
)

test('a request whose body was read gets 503 that says so', async () => {
  const receiver = listening({ on: handled })
  const read = request()
  await read.text()
  expect(await answered(receiver.fetch(read))).toEqual(ingestAnswers.unavailable)
  expect(receiver.told.log).toMatchObject([
    { reason: 'body_taken', message: expect.stringContaining('clone') },
  ])
  const locked = request()
  locked.body?.getReader()
  expect(await answered(receiver.fetch(locked))).toEqual(ingestAnswers.unavailable)
  expect(receiver.told.log[1]).toMatchObject({
    reason: 'body_taken',
    message: expect.stringContaining('unread'),
  })
})

test('what breaks in an adapter gets 503, and is told', async () => {
  const receiver = listening({ on: handled })
  const error = new Error('there are no headers')
  const got = await receiver.receive({
    method: 'POST',
    header: () => {
      throw error
    },
    body: null,
  })
  expect(got).toEqual(ingestAnswers.unavailable)
  expect(receiver.told.errors).toEqual([{ error, phase: 'internal', id: null }])
  expect(receiver.told.log).toMatchObject([{ reason: 'internal', status: 503 }])
})

test('an app whose own log, onError and clock fail gets the same answers', async () => {
  const fail = (): never => {
    throw new Error('the log is full')
  }
  const sync = listening({ on: { 'call.ended': fail }, log: fail, onError: fail })
  expect(await answered(sync.fetch(request()))).toEqual(internal)
  const rejecting = (): Promise<never> => Promise.reject(new Error('the log is full'))
  // Which the types forbid, and JavaScript does not.
  const told = { log: rejecting, onError: rejecting } as object
  const async = listening({ on: { 'call.ended': rejecting }, ...told })
  expect(await answered(async.fetch(request()))).toEqual(internal)
})

test.each([
  undefined,
  {},
  { state: 'claimed' },
  { state: 'busy' },
  { state: 'busy', retryAfterMs: Number.NaN },
])(
  'a dedupe that answers %j gets 503, and is told - what it does not say must not be guessed',
  async (answer) => {
    const runs: unknown[] = []
    const receiver = listening({
      on: { '*': (context) => void runs.push(context) },
      dedupe: {
        claim: () => Promise.resolve(answer as never),
        done: () => Promise.resolve(true),
        release: () => Promise.resolve(),
        extend: () => Promise.resolve(true),
      },
    })
    expect(await answered(receiver.fetch(request()))).toEqual(ingestAnswers.unavailable)
    expect(receiver.told.errors).toMatchObject([{ phase: 'dedupe' }])
    expect(runs).toEqual([])
  },
)

test('a body that a parser has rounded is not used - two numbers have become one, and with them two events', async () => {
  const receiver = listening({ on: { '*': () => {} } })
  const got = await receiver.receive({
    method: 'POST',
    header: (name) => (name === 'authorization' ? `Bearer ${secret}` : undefined),
    body: { parsed: { ...ended(), n: [{ m: 2 ** 60 }] }, by: 'express.json()', move: 'move it' },
  })
  expect(got).toEqual(ingestAnswers.unavailable)
  expect(receiver.told.errors).toMatchObject([
    {
      error: { message: 'express.json() ran before the webhook, and rounded a number beyond 2^53: move it' },
    },
  ])
})
