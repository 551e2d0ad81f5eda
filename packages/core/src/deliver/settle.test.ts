import { describe, expect, test } from 'vitest'
import type { Verdict } from './attempt.ts'
import type { TurnOutcome, WorkResult } from './delivery-store.ts'
import type { DestinationFlow } from './destination.ts'
import { breakerFailures, drawn, freshFlow } from './flow.ts'
import { settle, type Settlement } from './settle.ts'

const now = 1_700_000_000_000
const limits = { concurrency: 10, perSecond: 1 }

function settled(
  outcome: TurnOutcome,
  wanted: {
    verdict?: Verdict
    status?: number
    onExhausted?: 'continue' | 'park'
    flow?: DestinationFlow
    headAttempts?: number
    failingHours?: number
  } = {},
): Settlement {
  const {
    verdict,
    status = null,
    onExhausted = 'continue',
    flow = freshFlow,
    headAttempts = 2,
    failingHours = null,
  } = wanted
  const result: WorkResult = {
    laneKey: 1,
    claim: 1,
    deliveryKey: 7,
    outcome,
    wantsNext: true,
    attempt:
      verdict === undefined
        ? null
        : {
            verdict,
            status,
            cause: null,
            message: null,
            durationMs: 1,
            node: 'node',
            request: null,
            response: null,
          },
  }
  return settle(
    result,
    { onExhausted, limits: { ...limits, failingHours } },
    flow,
    { headAttempts, reason: 'answered 503' },
    now,
  )
}

describe('what a result makes of its delivery and its lane', () => {
  test('a delivered one is finished, and the lane goes on', () => {
    expect(settled({ kind: 'delivered' }, { verdict: 'delivered' })).toMatchObject({
      state: 'delivered',
      reason: null,
      lane: { state: 'done' },
    })
  })

  test('a filtered one is finished with its reason, and the lane goes on', () => {
    expect(settled({ kind: 'filtered', reason: 'no' })).toMatchObject({
      state: 'filtered',
      reason: 'no',
      lane: { state: 'done' },
    })
  })

  test('one to be tried again stays the head, and the lane waits with one more try counted', () => {
    expect(
      settled({ kind: 'retry', delayMs: 500, reason: 'answered 503', holdMs: null }, { verdict: 'retry' }),
    ).toMatchObject({
      state: 'pending',
      reason: 'answered 503',
      lane: { state: 'waits', dueAt: now + 500, headAttempts: 3 },
    })
  })

  test('a dead one is passed over or parks its lane with its last try counted, as the destination says', () => {
    const dead = { kind: 'dead', reason: 'answered 422' } as const
    expect(settled(dead, { verdict: 'reject' })).toMatchObject({
      state: 'dead',
      reason: 'answered 422',
      lane: { state: 'done' },
    })
    expect(settled(dead, { verdict: 'reject', onExhausted: 'park' })).toMatchObject({
      state: 'pending',
      reason: 'answered 422',
      lane: { state: 'parked', reason: 'answered 422', headAttempts: 3 },
    })
  })

  test('one that the destination refuses keeps its place and its budget', () => {
    expect(
      settled({ kind: 'held', hold: 'auth', reason: 'answered 401' }, { verdict: 'auth' }),
    ).toMatchObject({
      state: 'pending',
      reason: 'answered 401',
      lane: { state: 'waits', dueAt: now, headAttempts: 2 },
    })
  })

  test('one that was not tried goes back as it was', () => {
    expect(settled({ kind: 'returned', delayMs: 50 })).toMatchObject({
      state: 'pending',
      reason: 'answered 503',
      lane: { state: 'waits', dueAt: now + 50, headAttempts: 2 },
    })
  })
})

describe('what a result says of its destination', () => {
  const failing = { ...freshFlow, failures: breakerFailures - 1, failedDelivery: 1 }

  test('a delivered one says that it is there', () => {
    expect(settled({ kind: 'delivered' }, { verdict: 'delivered', flow: failing }).flow).toMatchObject({
      failures: 0,
      lastSuccessAt: now,
    })
  })

  test('a failed one is counted, and may open the breaker', () => {
    const retry = { kind: 'retry', delayMs: 1, reason: 'x', holdMs: null } as const
    expect(settled(retry, { verdict: 'retry' }).flow).toMatchObject({ failures: 1, failedDelivery: 7 })
    expect(settled(retry, { verdict: 'retry', flow: failing }).flow.hold?.reason).toBe('breaker')
  })

  test('a failed one counts against the time that it may fail, whether it is tried again or given up', () => {
    const flow = {
      ...freshFlow,
      failures: 1,
      failedDelivery: 1,
      failingSince: now - 3_600_000,
      failingDeliveries: 1,
      lastFailureAt: now - 3_600_000,
    }
    for (const outcome of [
      { kind: 'retry', delayMs: 1, reason: 'x', holdMs: null },
      { kind: 'dead', reason: 'x' },
    ] as const) {
      const held = settled(outcome, { verdict: 'retry', flow, failingHours: 1 }).flow.hold
      expect(held?.reason).toBe('failing')
      expect(settled(outcome, { verdict: 'retry', flow, failingHours: 1.01 }).flow.hold).toBeNull()
    }
  })

  test('Retry-After holds it', () => {
    const retry = { kind: 'retry', delayMs: 1, reason: 'x', holdMs: 9_000 } as const
    expect(settled(retry, { verdict: 'retry' }).flow.hold).toMatchObject({
      reason: 'retry_after',
      until: now + 9_000,
    })
  })

  test('the answer to the last try may ask for a rest too', () => {
    const { flow } = settled({ kind: 'dead', reason: 'x', holdMs: 9_000 }, { verdict: 'retry' })
    expect(flow.hold).toMatchObject({ reason: 'retry_after', until: now + 9_000 })
    expect(settled({ kind: 'dead', reason: 'x' }, { verdict: 'retry' }).flow.hold).toBeNull()
  })

  test('one that refuses an event is there - a poisonous event opens no breaker', () => {
    for (const onExhausted of ['continue', 'park'] as const) {
      const { flow } = settled(
        { kind: 'dead', reason: 'x' },
        { verdict: 'reject', status: 422, flow: failing, onExhausted },
      )
      expect(flow).toMatchObject({ failures: 0, hold: null, lastSuccessAt: null, lastFailureAt: now })
    }
  })

  test('what code rejected says nothing of it - nothing was sent', () => {
    const { flow } = settled({ kind: 'dead', reason: 'x' }, { verdict: 'reject', flow: failing })
    expect(flow).toEqual({ ...failing, lastFailureAt: now })
  })

  test('one at which all tries of an event failed may be away', () => {
    for (const onExhausted of ['continue', 'park'] as const) {
      const { flow } = settled(
        { kind: 'dead', reason: 'x' },
        { verdict: 'retry', flow: failing, onExhausted },
      )
      expect(flow.hold?.reason).toBe('breaker')
    }
  })

  test('a refusal holds it until a person acts, and says why', () => {
    for (const hold of ['auth', 'gone'] as const) {
      const { flow } = settled({ kind: 'held', hold, reason: 'answered so' }, { verdict: hold })
      expect(flow.hold).toEqual({ reason: hold, since: now, until: null, detail: 'answered so' })
    }
  })

  test('what was not sent says nothing of it, and gives its place in the rate back', () => {
    const taken = drawn(limits, failing, 1, now)
    for (const outcome of [
      { kind: 'filtered', reason: 'no' },
      { kind: 'returned', delayMs: 0 },
    ] as const) {
      const { flow } = settled(outcome, { flow: taken })
      expect(flow.rateAt).toBe(taken.rateAt - 1_000)
      expect(flow).toMatchObject({ failures: failing.failures, hold: null, lastSuccessAt: null })
    }
    // One that was cut short had begun.
    expect(settled({ kind: 'returned', delayMs: 0 }, { verdict: 'interrupted', flow: taken }).flow).toBe(
      taken,
    )
  })
})
