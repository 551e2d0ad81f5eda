import { createReceiver, type Handler, type Receiver } from '@hookswitch/receiver'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { answered as answerOf, ended, gate, listening, request, until } from './core-requests.ts'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
})

afterEach(() => {
  vi.useRealTimers()
})

/** What a handler does, and for how many turns of the event loop. */
const courses = fc.array(
  fc.record({
    call: fc.integer({ min: 1, max: 3 }),
    turns: fc.integer({ min: 0, max: 6 }),
    does: fc.constantFrom('return', 'throw', 'reject', 'hang'),
  }),
  { minLength: 1, maxLength: 12 },
)

test('whatever handlers do, those of one call never overlap, and start in the order in which they came', async () => {
  await fc.assert(
    fc.asyncProperty(courses, fc.boolean(), async (events, inWorker) => {
      const running = new Map<string, number>()
      const started = new Map<string, number[]>()
      let overlaps = 0
      const letGo: (() => void)[] = []
      async function run(callId: string, index: number): Promise<void> {
        const now = (running.get(callId) ?? 0) + 1
        running.set(callId, now)
        if (now > 1) overlaps += 1
        started.set(callId, [...(started.get(callId) ?? []), index])
        try {
          const { turns, does } = events[index] ?? { turns: 0, does: 'return' }
          for (let turn = 0; turn < turns; turn += 1)
            await new Promise((resolve) => void setImmediate(resolve))
          if (does === 'hang') await new Promise<void>((resolve) => void letGo.push(resolve))
          if (does === 'reject') throw new Error('rejected')
        } finally {
          running.set(callId, (running.get(callId) ?? 0) - 1)
        }
      }
      const receiver = createReceiver({
        order: 'call',
        auth: 'none',
        on: {
          'call.ended': ({ event }) => {
            const index = event.body['index'] as number
            if (events[index]?.does === 'throw') throw new Error('thrown')
            return run(event.callId, index)
          },
        },
      })
      const answers = events.map(({ call }, index): Promise<unknown> => {
        const body = JSON.stringify({ ...ended(`call_${call}`), index })
        if (!inWorker) {
          return receiver.receive({
            method: 'POST',
            header: () => null,
            body: new TextEncoder().encode(body),
          })
        }
        const id = `evt_${index}`
        const receivedAt = '2024-01-15T14:35:00.000Z'
        return receiver.process({ version: 1, id, key: id, receivedAt, body, isTest: false }).catch(() => {})
      })
      const answered = new Set<number>()
      for (const [index, answer] of answers.entries()) void answer.then(() => answered.add(index))
      // What hangs is let go only after the deadline, and holds its own call alone until then.
      for (let turns = 0; answered.size < answers.length; turns += 1) {
        expect(turns, 'turns of the event loop').toBeLessThan(2_000)
        await new Promise((resolve) => void setImmediate(resolve))
        if (turns % 50 === 49) {
          await vi.advanceTimersByTimeAsync(4_000)
          for (const go of letGo.splice(0)) go()
        }
      }
      expect(overlaps).toBe(0)
      for (const indexes of started.values()) expect(indexes).toEqual(indexes.toSorted((a, b) => a - b))
    }),
    { numRuns: 60 },
  )
})

test('different calls run side by side, and one that fails does not block the next of its call', async () => {
  const gates = new Map(['call_1', 'call_2'].map((callId) => [callId, gate()]))
  const started: string[] = []
  const receiver = listening({
    order: 'call',
    on: {
      'call.ended': ({ event }) => {
        started.push(event.callId)
        return gates.get(event.callId)?.passed
      },
    },
  })
  const answers = ['call_1', 'call_1', 'call_2'].map((callId, at) =>
    answerOf(receiver.fetch(request(ended(callId, String(at))))),
  )
  await until('two calls', () => started.length === 2)
  expect(started).toEqual(['call_1', 'call_2'])
  gates.get('call_2')?.open()
  expect(await answers[2]).toMatchObject({ status: 200 })
  gates.get('call_1')?.fail(new Error('no such row'))
  expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([500, 500, 200])
  expect(started).toEqual(['call_1', 'call_2', 'call_1'])
})

test('the wait counts against the deadline - who has waited in vain is not handled, and is told to come back', async () => {
  const first = gate()
  const handled: string[] = []
  const claims: string[] = []
  const receiver = listening({
    order: 'call',
    onFailure: 'acknowledge',
    dedupe: {
      claim: async (key) => (claims.push(key), { state: 'claimed', token: 'token' }),
      done: async () => true,
      release: async () => {},
      extend: async () => true,
    },
    on: {
      'call.ended': ({ event }) => {
        handled.push(event.id)
        return handled.length === 1 ? first.passed : undefined
      },
    },
  })
  const ask = (id: string): Promise<Response> =>
    receiver.fetch(request(ended('call_1', id), { headers: { 'webhook-id': id } }))
  const one = ask('one')
  await until('the first', () => handled.length === 1)
  const two = ask('two')
  await until('both to wait', () => vi.getTimerCount() === 2)
  await vi.advanceTimersByTimeAsync(4_000)
  expect([(await one).status, (await two).status]).toEqual([200, 503])
  expect(receiver.told.log.map(({ id, reason }) => [id, reason])).toEqual([
    ['one', 'deadline'],
    ['two', 'call_busy'],
  ])
  // The first still runs: nothing of its call begins.
  const three = ask('three')
  await until('the third to wait', () => vi.getTimerCount() === 2)
  expect(handled).toEqual(['one'])
  first.open()
  expect((await three).status).toBe(200)
  expect(handled).toEqual(['one', 'three'])
  expect(claims).toHaveLength(2)
})

test('without order events of one call run side by side', async () => {
  const open = gate()
  const handler = vi.fn<Handler>(() => open.passed)
  const receiver = listening({ on: { 'call.ended': handler } })
  const answers = ['a', 'b'].map((text) => receiver.fetch(request(ended('call_1', text))))
  await until('both', () => handler.mock.calls.length === 2)
  open.open()
  expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([200, 200])
})

test('a queue that handles the event at once does not wait for a turn that is its own', async () => {
  const handled: string[] = []
  const receiver: Receiver = createReceiver({
    secrets: 'X',
    order: 'call',
    on: { '*': ({ event }) => void handled.push(event.callId) },
    queue: { add: (event) => receiver.process(event) },
  })
  const response = await receiver.fetch(request(ended('call_1'), { headers: { authorization: 'Bearer X' } }))
  expect([response.status, handled]).toEqual([200, ['call_1']])
})

test('a worker that stops does not wait for the turn of its event', async () => {
  const first = gate()
  const begun: string[] = []
  const { process } = createReceiver({
    secrets: 'X',
    order: 'call',
    on: {
      '*': ({ event }) => {
        begun.push(event.id)
        return first.passed
      },
    },
  })
  const queued = (id: string) => ({
    version: 1 as const,
    id,
    key: id,
    receivedAt: new Date(0).toISOString(),
    body: JSON.stringify(ended('call_1', id)),
    isTest: false,
  })
  const one = process(queued('evt_1'))
  const stop = new AbortController()
  const two = process(queued('evt_2'), { signal: stop.signal })
  const reason = new Error('the worker stops')
  stop.abort(reason)
  await expect(two).rejects.toBe(reason)
  first.open()
  await one
  expect(begun).toEqual(['evt_1'])
})
