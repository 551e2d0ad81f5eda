import { ingestAnswers } from '@hookswitch/events'
import { memoryDedupe, Rejected, type Dedupe, type Handler, type ReceiverOptions } from '@hookswitch/receiver'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { answered, gate, listening, request, until } from './core-requests.ts'

// A handler that is not done at the deadline goes on; the sender is told to come back.

const unhandled = vi.fn<(reason: unknown) => void>()

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  process.on('unhandledRejection', unhandled)
})

afterEach(async () => {
  vi.useRealTimers()
  await new Promise((resolve) => {
    setImmediate(resolve)
  })
  process.off('unhandledRejection', unhandled)
  expect(unhandled).not.toHaveBeenCalled()
})

/** A receiver whose handler runs until it is let go, at the moment where its deadline is over. */
async function late(options: Partial<ReceiverOptions> = {}) {
  let nowMs = 0
  const dedupe = memoryDedupe({ now: () => nowMs })
  const end = gate()
  const signals: AbortSignal[] = []
  const receiver = listening({
    on: {
      'call.ended': ({ signal }) => {
        signals.push(signal)
        return end.passed
      },
    },
    dedupe,
    now: () => nowMs,
    ...options,
  })
  const pass = async (ms: number): Promise<void> => {
    nowMs += ms
    await vi.advanceTimersByTimeAsync(ms)
  }
  const answer = answered(receiver.fetch(request()))
  await until('the handler to run', () => signals.length === 1)
  await pass(3_999)
  expect(signals[0]?.aborted).toBe(false)
  await pass(1)
  const got = await answer
  return { ...receiver, end, got, pass, signal: signals[0], handled: signals }
}

test('it gets 503, its signal is aborted, and both are told', async () => {
  const { got, signal, told } = await late()
  expect(got).toEqual(ingestAnswers.unavailable)
  expect(signal?.aborted).toBe(true)
  expect(signal?.reason).toMatchObject({ name: 'TimeoutError', message: 'not done within 4000 ms' })
  expect(told.errors).toMatchObject([{ error: signal?.reason as unknown, phase: 'late' }])
  expect(told.log).toMatchObject([{ event: 'failed', reason: 'deadline', status: 503, ms: 4_000 }])
})

test("with onFailure 'acknowledge' it gets 200 with processing_error, and stays done though it fails", async () => {
  const { got, end, told, ...receiver } = await late({ onFailure: 'acknowledge' })
  expect(got).toMatchObject({ status: 200, body: expect.stringContaining('"processing_error":true') })
  end.fail(new Error('no such row'))
  await until('the end', () => told.log.length === 2)
  expect((await answered(receiver.fetch(request()))).body).toContain('"duplicate":true')
})

test('it stays done where the store is away at its end - the repeat is sure to come', async () => {
  const store = memoryDedupe()
  let isAway = false
  const dedupe: Dedupe = {
    ...store,
    claim: (...of) => store.claim(...of),
    release: (...of) => store.release(...of),
    extend: (...of) => store.extend(...of),
    done: (...of) => (isAway ? Promise.reject(new Error('the store is away')) : store.done(...of)),
  }
  const { end, pass, told, handled, ...receiver } = await late({ dedupe })
  isAway = true
  end.open()
  await pass(1)
  expect(told.log).toHaveLength(1)
  isAway = false
  await pass(15_000)
  await until('the end to be told', () => told.log.length === 2)
  expect(told.log[1]).toMatchObject({ event: 'late', reason: 'done' })
  expect(told.errors.filter(({ phase }) => phase === 'dedupe')).toHaveLength(1)
  expect((await answered(receiver.fetch(request()))).body).toContain('"duplicate":true')
  expect(handled).toHaveLength(1)
})

describe('while it goes on', () => {
  test('it keeps its claim, however long - a repeat is told to come back', async () => {
    const { pass, handled, end, ...receiver } = await late()
    for (const ms of [0, 20_000, 29_000, 60_000, 5 * 60_000]) {
      await pass(ms)
      const repeat = await answered(receiver.fetch(request()))
      expect(repeat.status).toBe(503)
      expect(Number(repeat.headers['retry-after'])).toBeLessThanOrEqual(30)
    }
    expect(handled).toHaveLength(1)
    end.open()
  })

  test('until it is given up after ten minutes - a repeat is then handled', async () => {
    const { pass, handled, told, ...receiver } = await late()
    for (let minute = 0; minute < 10; minute += 1) await pass(60_000)
    await until('it to be given up', () => told.log.length === 2)
    expect(told.log[1]).toMatchObject({ level: 'error', event: 'late', reason: 'given_up' })
    await pass(30_000)
    void receiver.fetch(request())
    await until('the repeat to be handled', () => handled.length === 2)
  })

  test('a dedupe that cannot extend is told of, and asked again', async () => {
    const errors: unknown[] = []
    const dedupe: Dedupe = { ...memoryDedupe(), extend: () => Promise.reject(new Error('gone')) }
    const { pass, end, told } = await late({ dedupe })
    await pass(30_000)
    errors.push(...told.errors.slice(1))
    expect(errors).toMatchObject([
      { error: { message: 'gone' }, phase: 'dedupe' },
      { error: { message: 'gone' }, phase: 'dedupe' },
      { error: { message: 'gone' }, phase: 'dedupe' },
    ])
    end.open()
  })
})

describe('when it ends', () => {
  test('well, it is done: a repeat is a duplicate, and the log has when', async () => {
    const { end, pass, told, ...receiver } = await late()
    await pass(1_500)
    end.open()
    await until('the end', () => told.log.length === 2)
    expect(told.log[1]).toEqual({
      level: 'info',
      event: 'late',
      reason: 'done',
      type: 'call.ended',
      callId: 'call_1',
      id: expect.any(String),
      ms: 5_500,
    })
    expect(told.errors).toHaveLength(1)
    expect((await answered(receiver.fetch(request()))).body).toContain('"duplicate":true')
    expect(vi.getTimerCount()).toBe(0)
  })

  test('with an error, it is released and the error told: a repeat is handled', async () => {
    const { end, handled, told, ...receiver } = await late()
    const error = new Error('no such row')
    end.fail(error)
    await until('the end', () => told.log.length === 2)
    expect(told.log[1]).toMatchObject({ level: 'error', event: 'late', reason: 'failed' })
    expect(told.errors[1]).toMatchObject({ error, phase: 'late' })
    await answered(receiver.fetch(request()))
    expect(handled).toHaveLength(2)
  })

  test('with the reason of its own signal, it is released, and nothing is told twice', async () => {
    const { end, signal, told, handled, ...receiver } = await late()
    end.fail(signal?.reason)
    await until('the end', () => told.log.length === 2)
    expect(told.errors).toHaveLength(1)
    await answered(receiver.fetch(request()))
    expect(handled).toHaveLength(2)
  })

  test('with Rejected, it is done', async () => {
    const { end, told, ...receiver } = await late()
    end.fail(new Rejected('never'))
    await until('the end', () => told.log.length === 2)
    expect(told.log[1]).toMatchObject({ reason: 'rejected' })
    expect((await answered(receiver.fetch(request()))).body).toContain('"duplicate":true')
  })
})

test('a claim that was lost meanwhile is told of - the event may be handled twice', async () => {
  const receiver = listening({
    on: { 'call.ended': () => {} },
    dedupe: { ...memoryDedupe(), done: async () => false },
  })
  expect((await receiver.fetch(request())).status).toBe(200)
  expect(receiver.told.errors).toMatchObject([
    { error: { message: expect.stringContaining('may be handled twice') }, phase: 'dedupe' },
  ])
})

test('what is handled is answered 200, also where the dedupe cannot be told of it', async () => {
  const failing = listening({
    on: { 'call.ended': () => {} },
    dedupe: { ...memoryDedupe(), done: () => Promise.reject(new Error('gone')) },
  })
  expect((await failing.fetch(request())).status).toBe(200)
  expect(failing.told.errors).toMatchObject([{ error: { message: 'gone' }, phase: 'dedupe' }])
  const done = vi.fn<Dedupe['done']>(() => new Promise<boolean>(() => {}))
  const hanging = listening({ on: { 'call.ended': () => {} }, dedupe: { ...memoryDedupe(), done } })
  const answer = hanging.fetch(request())
  await until('the dedupe to be told', () => done.mock.calls.length === 1)
  await vi.advanceTimersByTimeAsync(4_000)
  expect((await answer).status).toBe(200)
  expect(hanging.told.errors).toMatchObject([{ error: { name: 'TimeoutError' }, phase: 'dedupe' }])
})

test('an outcome schema that takes until after the deadline is not followed by the handler', async () => {
  const validating = gate<{ value: Record<string, unknown> }>()
  const validate = vi.fn<(value: unknown) => Promise<{ value: Record<string, unknown> }>>(
    () => validating.passed,
  )
  const handler = vi.fn<Handler>()
  const receiver = listening({
    on: { 'call.ended': handler },
    outcome: { '~standard': { version: 1, vendor: 'test', validate } },
    dedupe: memoryDedupe(),
  })
  const answer = receiver.fetch(request())
  await until('the schema', () => validate.mock.calls.length === 1)
  await vi.advanceTimersByTimeAsync(4_000)
  expect((await answer).status).toBe(503)
  validating.open({ value: {} })
  await until('the end', () => receiver.told.log.length === 2)
  expect(handler).not.toHaveBeenCalled()
  expect((await receiver.fetch(request())).status).toBe(200)
})
