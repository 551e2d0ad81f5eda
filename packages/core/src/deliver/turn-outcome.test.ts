import { describe, expect, test } from 'vitest'
import type { AttemptResult } from './attempt.ts'
import { turnOutcome } from './turn-outcome.ts'

const quick = { preset: 'quick' } as const
const never = (): number => 0

function result(wanted: Partial<AttemptResult>): AttemptResult {
  return {
    verdict: 'retry',
    status: null,
    cause: null,
    message: null,
    retryAfterMs: null,
    request: null,
    response: null,
    ...wanted,
  }
}

describe('what a try means for its delivery', () => {
  test('a failure is tried again by the policy until its tries are used up', () => {
    expect(turnOutcome(result({ status: 503 }), quick, 0, never)).toEqual({
      kind: 'retry',
      delayMs: 200,
      reason: 'answered 503',
      holdMs: null,
    })
    expect(turnOutcome(result({ status: 503 }), quick, 9, never)).toMatchObject({
      kind: 'dead',
      reason: 'given up after 10 tries: answered 503',
    })
    expect(turnOutcome(result({ cause: 'dns' }), { preset: 'none' }, 0, never)).toMatchObject({
      kind: 'dead',
      reason: 'given up after 1 try: dns',
    })
  })

  test('Retry-After of a 429 or 503 is longer than the policy, and holds the destination; of a 500 only the delivery', () => {
    const asked = { retryAfterMs: 30_000 }
    expect(turnOutcome(result({ status: 429, ...asked }), quick, 0, never)).toMatchObject({
      delayMs: 30_000,
      holdMs: 30_000,
    })
    expect(turnOutcome(result({ status: 500, ...asked }), quick, 0, never)).toMatchObject({
      delayMs: 30_000,
      holdMs: null,
    })
  })

  test('Retry-After counts up to an hour, with standard up to a day', () => {
    const asked = result({ status: 429, retryAfterMs: 100 * 60 * 60_000 })
    expect(turnOutcome(asked, quick, 0, never)).toMatchObject({ holdMs: 60 * 60_000 })
    expect(turnOutcome(asked, { preset: 'standard' }, 0, never)).toMatchObject({ holdMs: 24 * 60 * 60_000 })
  })

  test('what can never succeed is dead at once, whatever tries are left', () => {
    expect(turnOutcome(result({ verdict: 'reject', status: 400 }), quick, 0, never)).toMatchObject({
      kind: 'dead',
      reason: 'refused: answered 400',
    })
  })

  test('a destination that refuses us is held, and the delivery loses no try', () => {
    expect(turnOutcome(result({ verdict: 'auth', status: 401 }), quick, 9, never)).toEqual({
      kind: 'held',
      hold: 'auth',
      reason: 'answered 401',
    })
  })

  test('a reason is one sentence - an exception may hold a book', () => {
    const outcome = turnOutcome(result({ message: 'x'.repeat(10_000) }), quick, 0, never)
    expect('reason' in outcome && outcome.reason.length).toBe(500)
  })
})
