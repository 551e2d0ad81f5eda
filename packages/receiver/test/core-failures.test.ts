import { ingestAnswers, invalidPayload } from '@hookswitch/events'
import {
  memoryDedupe,
  Rejected,
  type Dedupe,
  type EventQueue,
  type Handler,
  type QueuedEvent,
} from '@hookswitch/receiver'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { answered, ended, gate, listening, request, until } from './core-requests.ts'

// The table of what happens, row by row, through `fetch`.

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
const idPattern = /^evt_[0-9a-f]{32}$/

function idIn(body: string): string {
  return (JSON.parse(body) as { id: string }).id
}

/** A dedupe that counts, on the one for one process. */
function watched(): { dedupe: Dedupe; did: string[] } {
  const inner = memoryDedupe()
  const did: string[] = []
  return {
    did,
    dedupe: {
      claim: async (...claim) => {
        const answer = await inner.claim(...claim)
        did.push(`claim ${answer.state}`)
        return answer
      },
      done: (...done) => (did.push('done'), inner.done(...done)),
      release: (...release) => (did.push('release'), inner.release(...release)),
      extend: (...extend) => (did.push(`extend ${extend[2]}`), inner.extend(...extend)),
    },
  }
}

test.each(['GET', 'HEAD', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'])(
  '%s gets 405 and Allow, as of the server',
  async (method) => {
    const receiver = listening({ on: handled })
    const got = await answered(receiver.fetch(request('{}', { method })))
    expect(got).toEqual({ ...ingestAnswers.method_not_allowed, body: ingestAnswers.method_not_allowed.body })
    expect(receiver.told.log).toMatchObject([
      { level: 'warn', event: 'rejected', reason: 'method_not_allowed', status: 405 },
    ])
  },
)

test('a declared length over the limit gets 413 - before the secret is looked at and the body is read', async () => {
  const receiver = listening({ on: handled })
  const got = await answered(
    receiver.fetch(request('{}', { headers: { 'content-length': '10485761', authorization: 'wrong' } })),
  )
  expect(got).toEqual(ingestAnswers.payload_too_large)
  expect(receiver.told.log).toMatchObject([{ reason: 'too_large' }])
})

test('a body over the limit gets 413, one of just the limit is read', async () => {
  const body = JSON.stringify(ended())
  const receiver = listening({ on: handled, bodyBytesMax: body.length })
  expect(await answered(receiver.fetch(request(body)))).toMatchObject({ status: 200 })
  expect(await answered(receiver.fetch(request(`${body} `)))).toEqual(ingestAnswers.payload_too_large)
})

test.each([
  ['gzip', 415],
  ['br', 415],
  ['identity', 200],
  [' Identity ', 200],
])('Content-Encoding %j gets %i', async (encoding, status) => {
  const receiver = listening({ on: handled })
  const got = await answered(receiver.fetch(request(ended(), { headers: { 'content-encoding': encoding } })))
  expect(got.status).toBe(status)
  if (status === 415) expect(got).toEqual(ingestAnswers.unsupported_encoding)
})

test('no secret and a wrong one get the same 401, and only the log tells them apart', async () => {
  const receiver = listening({ on: handled })
  const none = new Request('https://app.example/webhook', { method: 'POST', body: JSON.stringify(ended()) })
  expect(await answered(receiver.fetch(none))).toEqual(ingestAnswers.unauthorized)
  const wrong = request(ended(), { headers: { authorization: 'Bearer sk_live_other' } })
  expect(await answered(receiver.fetch(wrong))).toEqual(ingestAnswers.unauthorized)
  expect(receiver.told.log).toMatchObject([
    { event: 'rejected', reason: 'secret_missing', status: 401 },
    { event: 'rejected', reason: 'secret_mismatch', status: 401 },
  ])
  expect(receiver.told.errors).toEqual([])
})

test('a bad signature gets 401 too', async () => {
  const receiver = listening({
    on: handled,
    signature: { secrets: ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'] },
  })
  expect(await answered(receiver.fetch(request()))).toEqual(ingestAnswers.unauthorized)
  expect(receiver.told.log).toMatchObject([{ reason: 'signature_missing_id' }])
})

test('a body that is slower than bodyMs gets 408, and its stream is cancelled', async () => {
  const receiver = listening({ on: handled, bodyMs: 10_000 })
  const cancelled = gate()
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(new TextEncoder().encode('{"eventType":')),
    cancel: () => cancelled.open(),
  })
  const answer = answered(receiver.fetch(request(body)))
  await until('the body to be read', () => vi.getTimerCount() === 1)
  await vi.advanceTimersByTimeAsync(9_999)
  expect(receiver.told.log).toEqual([])
  await vi.advanceTimersByTimeAsync(1)
  expect(await answer).toEqual(ingestAnswers.request_timeout)
  await cancelled.passed
  expect(receiver.told.log).toMatchObject([{ event: 'rejected', reason: 'too_slow' }])
})

test.each([
  ['', [{ path: '', message: 'is empty, expected a JSON object' }]],
  ['[]', [{ path: '', message: 'is an array, expected a JSON object' }]],
  [
    '{}',
    [
      { path: 'eventType', message: 'is missing' },
      { path: 'callId', message: 'is missing' },
    ],
  ],
  ['{"eventType":"call.ended"}', [{ path: 'callId', message: 'is missing' }]],
  ['{"event_type":"call_end","caller_info":{}}', [{ path: 'caller_info.call_id', message: 'is missing' }]],
])('%s gets 400 with all that is wrong with it, as of the server', async (body, issues) => {
  const receiver = listening({ on: handled })
  expect(await answered(receiver.fetch(request(body)))).toEqual(invalidPayload(issues))
  expect(receiver.told.log).toMatchObject([{ event: 'rejected', reason: 'invalid_payload', status: 400 }])
})

test('a type without a handler gets 200 and is passed over - without a claim', async () => {
  const { dedupe, did } = watched()
  const receiver = listening({ on: handled, dedupe })
  const got = await answered(receiver.fetch(request({ eventType: 'call.started', callId: 'call_1' })))
  expect(got.status).toBe(200)
  expect(got.body).toBe(`{"received":true,"id":"${idIn(got.body)}"}`)
  expect(did).toEqual([])
  expect(receiver.told.log).toMatchObject([{ event: 'ignored', type: 'call.started', callId: 'call_1' }])
})

test('a handler that is done gets 200, and the event is done', async () => {
  const { dedupe, did } = watched()
  const receiver = listening({ on: handled, dedupe })
  const got = await answered(receiver.fetch(request()))
  expect(got).toEqual({
    status: 200,
    headers: { 'content-type': 'application/json' },
    body: `{"received":true,"id":"${idIn(got.body)}"}`,
  })
  expect(idIn(got.body)).toMatch(idPattern)
  expect(did).toEqual(['claim claimed', 'done'])
  expect(receiver.told.log).toEqual([
    {
      level: 'info',
      event: 'accepted',
      status: 200,
      type: 'call.ended',
      callId: 'call_1',
      id: idIn(got.body),
      ms: expect.any(Number),
    },
  ])
})

test('what dedupe says is done gets 200 with duplicate and the id of the first, and no handler', async () => {
  const handler = vi.fn<Handler>()
  const receiver = listening({ on: { 'call.ended': handler }, dedupe: memoryDedupe() })
  const first = await answered(receiver.fetch(request()))
  // The same event, written differently.
  const again = await answered(receiver.fetch(request(JSON.stringify(ended(), null, 2))))
  expect(again.body).toBe(`{"received":true,"duplicate":true,"id":"${idIn(first.body)}"}`)
  expect(again.status).toBe(200)
  expect(handler).toHaveBeenCalledTimes(1)
  expect(receiver.told.log[1]).toMatchObject({ event: 'duplicate', status: 200 })
})

test('what dedupe says is busy gets 503, until the lease of the other is over for certain', async () => {
  const handler = vi.fn<Handler>()
  const dedupe: Dedupe = { ...memoryDedupe(), claim: async () => ({ state: 'busy', retryAfterMs: 7_001 }) }
  const receiver = listening({ on: { 'call.ended': handler }, dedupe })
  const { unavailable } = ingestAnswers
  expect(await answered(receiver.fetch(request()))).toEqual({
    ...unavailable,
    headers: { ...unavailable.headers, 'retry-after': '8' },
  })
  expect(handler).not.toHaveBeenCalled()
  expect(receiver.told.log).toMatchObject([{ event: 'duplicate', reason: 'busy', status: 503 }])
})

test('concurrent repeats are handled once - the others are told to come back', async () => {
  const open = gate()
  const handler = vi.fn<Handler>(() => open.passed)
  const receiver = listening({ on: { 'call.ended': handler }, dedupe: memoryDedupe() })
  const answers = Array.from({ length: 20 }, () => answered(receiver.fetch(request())))
  const held = Promise.all(answers)
  await until('19 answers', () => receiver.told.log.length === 19)
  open.open()
  const statuses = (await held).map(({ status }) => status)
  expect(statuses.toSorted((a, b) => a - b)).toEqual([200, ...Array.from({ length: 19 }, () => 503)])
  expect(handler).toHaveBeenCalledTimes(1)
})

test('a dedupe that throws gets 503 - not handled twice, not lost', async () => {
  const handler = vi.fn<Handler>()
  const error = new Error('the connection is gone')
  const dedupe: Dedupe = { ...memoryDedupe(), claim: () => Promise.reject(error) }
  const receiver = listening({ on: { 'call.ended': handler }, dedupe })
  const got = await answered(receiver.fetch(request()))
  expect(got).toEqual(ingestAnswers.unavailable)
  expect(handler).not.toHaveBeenCalled()
  expect(receiver.told.errors).toMatchObject([
    { error, phase: 'dedupe', id: expect.stringMatching(idPattern) },
  ])
  expect(receiver.told.log).toMatchObject([
    { level: 'error', event: 'failed', reason: 'dedupe', status: 503 },
  ])
})

test('a dedupe that does not answer gets 503 at the deadline, and gives back what it claims after it', async () => {
  const answer = gate()
  const inner = watched()
  const claim = vi.fn<Dedupe['claim']>(async (key, leaseMs) => {
    await answer.passed
    return inner.dedupe.claim(key, leaseMs)
  })
  const handler = vi.fn<Handler>()
  const receiver = listening({ on: { 'call.ended': handler }, dedupe: { ...inner.dedupe, claim } })
  const got = answered(receiver.fetch(request()))
  await until('the claim', () => claim.mock.calls.length === 1)
  await vi.advanceTimersByTimeAsync(4_000)
  expect(await got).toEqual(ingestAnswers.unavailable)
  expect(receiver.told.errors).toMatchObject([{ error: { name: 'TimeoutError' }, phase: 'dedupe' }])
  answer.open()
  await until('the release', () => inner.did.length === 2)
  expect(inner.did).toEqual(['claim claimed', 'release'])
  expect(handler).not.toHaveBeenCalled()
})

test('what the queue has taken gets 200 and is done; handlers run in the worker', async () => {
  const { dedupe, did } = watched()
  const added: QueuedEvent[] = []
  const handler = vi.fn<Handler>()
  const receiver = listening({
    on: { 'call.ended': handler },
    dedupe,
    queue: { add: async (event) => added.push(event) },
    now: () => Date.UTC(2024, 0, 15, 14, 35, 1),
  })
  const body = JSON.stringify(ended(), null, 1)
  const got = await answered(receiver.fetch(request(body, { headers: { 'hookswitch-test': 'true' } })))
  expect(got.status).toBe(200)
  expect(did).toEqual(['claim claimed', 'done'])
  expect(handler).not.toHaveBeenCalled()
  expect(added).toEqual([
    {
      version: 1,
      id: idIn(got.body),
      key: expect.stringMatching(/^1705329300000:call_1:call\.ended:[0-9a-f]{32}$/),
      receivedAt: '2024-01-15T14:35:01.000Z',
      body,
      isTest: true,
    },
  ])
  expect(receiver.told.log).toMatchObject([{ event: 'queued', status: 200 }])
})

test.each([
  ['rejects', () => Promise.reject(new Error('Redis is full'))],
  [
    'throws',
    () => {
      throw new Error('Redis is full')
    },
  ],
])('a queue that %s gets 503, never 200, and the claim is released', async (_how, add) => {
  const { dedupe, did } = watched()
  const receiver = listening({ on: handled, dedupe, queue: { add } })
  expect(await answered(receiver.fetch(request()))).toEqual(ingestAnswers.unavailable)
  expect(did).toEqual(['claim claimed', 'release'])
  expect(receiver.told.errors).toMatchObject([{ error: { message: 'Redis is full' }, phase: 'queue' }])
  expect(receiver.told.log).toMatchObject([{ event: 'failed', reason: 'queue', status: 503 }])
})

test('a queue that is too late gets 503, and the claim is released', async () => {
  const { dedupe, did } = watched()
  const adding = gate()
  const add = vi.fn<EventQueue['add']>(() => adding.passed)
  const receiver = listening({ on: handled, dedupe, queue: { add } })
  const got = answered(receiver.fetch(request()))
  await until('the queue to be asked', () => add.mock.calls.length === 1)
  await vi.advanceTimersByTimeAsync(4_000)
  expect(await got).toEqual(ingestAnswers.unavailable)
  await until('the release', () => did.length === 2)
  expect(did).toEqual(['claim claimed', 'release'])
  expect(receiver.told.errors).toMatchObject([{ error: { name: 'TimeoutError' }, phase: 'queue' }])
  adding.fail(new Error('after all'))
})

test.each([
  ['rejects', () => Promise.reject(new Error('no such row'))],
  [
    'throws',
    () => {
      throw new Error('no such row')
    },
  ],
])('a handler that %s gets 500, and a repeat is handled', async (_how, fail) => {
  const { dedupe, did } = watched()
  const handler = vi.fn<Handler>().mockImplementationOnce(fail)
  const receiver = listening({ on: { 'call.ended': handler }, dedupe })
  expect(await answered(receiver.fetch(request()))).toEqual(internal)
  expect(await answered(receiver.fetch(request()))).toMatchObject({ status: 200 })
  expect(did).toEqual(['claim claimed', 'release', 'claim claimed', 'done'])
  expect(receiver.told.errors).toMatchObject([{ error: { message: 'no such row' }, phase: 'handler' }])
  expect(receiver.told.log).toMatchObject([
    { level: 'error', event: 'failed', reason: 'failed', status: 500 },
    { event: 'accepted', status: 200 },
  ])
})

test("a handler that throws gets the guide's 200 with onFailure 'acknowledge', and is not run again", async () => {
  const { dedupe, did } = watched()
  const handler = vi.fn<Handler>().mockRejectedValueOnce(new Error('no such row'))
  const receiver = listening({ on: { 'call.ended': handler }, dedupe, onFailure: 'acknowledge' })
  const got = await answered(receiver.fetch(request()))
  expect(got.status).toBe(200)
  expect(got.body).toBe(`{"received":true,"id":"${idIn(got.body)}","processing_error":true}`)
  expect((await answered(receiver.fetch(request()))).body).toContain('"duplicate":true')
  expect(did).toEqual(['claim claimed', 'done', 'claim done'])
  expect(receiver.told.errors).toHaveLength(1)
})

test('a handler that throws Rejected gets 200 with processing_error, and is not run again', async () => {
  const { dedupe, did } = watched()
  const error = new Rejected('there is no such application')
  const receiver = listening({ on: { 'call.ended': () => Promise.reject(error) }, dedupe })
  const got = await answered(receiver.fetch(request()))
  expect(got.status).toBe(200)
  expect(got.body).toBe(`{"received":true,"id":"${idIn(got.body)}","processing_error":true}`)
  expect(did).toEqual(['claim claimed', 'done'])
  expect(receiver.told.errors).toMatchObject([{ error, phase: 'handler' }])
})

test('a process that dies loses its claim when the lease is over, and a repeat is handled', async () => {
  let nowMs = 0
  const dedupe = memoryDedupe({ now: () => nowMs })
  const dying = listening({
    on: { 'call.ended': () => new Promise(() => {}) },
    dedupe: { ...dedupe, extend: async () => false },
  })
  void dying.fetch(request())
  const handler = vi.fn<Handler>()
  const other = listening({ on: { 'call.ended': handler }, dedupe })
  await until('the deadline to run', () => vi.getTimerCount() === 1)
  const busy = await answered(other.fetch(request()))
  expect([busy.status, busy.headers['retry-after']]).toEqual([503, '30'])
  nowMs = 30_000
  expect(await answered(other.fetch(request()))).toMatchObject({ status: 200 })
  expect(handler).toHaveBeenCalledTimes(1)
})
