import { describe, expect, test } from 'vitest'
import type { RecentAttempt } from './delivery-store.ts'
import { freshFlow } from './flow.ts'
import { destinationHealth, type DestinationHealth } from './health.ts'

const now = 1_700_000_000_000
const limits = { concurrency: 10, perSecond: null, failingHours: 48 }
const hourMs = 60 * 60_000

/** The newest first, a second apart. */
function health(...wanted: Partial<RecentAttempt>[]): DestinationHealth {
  const attempts = wanted.map((one, place): RecentAttempt => ({
    startedAt: now - place * 1_000,
    durationMs: 100,
    verdict: 'delivered',
    status: 200,
    cause: null,
    message: null,
    ...one,
  }))
  return destinationHealth(attempts, freshFlow, limits, now)
}

const refused = { verdict: 'retry', status: null, cause: 'refused', message: 'nobody listens' } as const

describe('the health of a destination', () => {
  test('is not known where nothing was tried', () => {
    expect(health()).toEqual({
      attempts: 0,
      successRate: null,
      p95Ms: null,
      lastSuccessAt: null,
      lastFailure: null,
      failingSince: null,
      holdsAt: null,
    })
  })

  test('is the part of its tries that was delivered', () => {
    expect(
      health({}, {}, { verdict: 'reject', status: 400 }, { verdict: 'retry', status: 503 }),
    ).toMatchObject({
      attempts: 4,
      successRate: 0.5,
    })
    expect(health({ verdict: 'auth', status: 401 })).toMatchObject({ attempts: 1, successRate: 0 })
  })

  test('does not suffer from tries that were cut short - it was no fault of theirs', () => {
    const cut = { verdict: 'interrupted', status: null, message: 'cut short', durationMs: 5_000 } as const
    expect(health(cut, {}, cut)).toMatchObject({ attempts: 1, successRate: 1, p95Ms: 100, lastFailure: null })
    expect(health(cut)).toMatchObject({ attempts: 0, successRate: null, p95Ms: null })
  })

  test('names the newest failure as its attempt has it', () => {
    expect(health({}, refused, { verdict: 'retry', status: 503 }).lastFailure).toEqual({
      at: now - 1_000,
      status: null,
      cause: 'refused',
      message: 'nobody listens',
    })
  })

  test('counts for the time of an answer only what was answered - a timeout is a time of ours', () => {
    expect(health({ ...refused, durationMs: 5_000 }, { status: 500, verdict: 'retry' }).p95Ms).toBe(100)
    expect(health(refused).p95Ms).toBeNull()
    // Of a handler, which has no status.
    expect(health({ status: null, durationMs: 7 }).p95Ms).toBe(7)
  })

  test('has as p95 the smallest time that 95 of 100 do not exceed, in whatever order they came', () => {
    const times = (...all: number[]) => health(...all.map((durationMs) => ({ durationMs }))).p95Ms
    expect(times(3)).toBe(3)
    expect(times(9, 1)).toBe(9)
    expect(times(...Array.from({ length: 100 }, (_, index) => ((index * 37) % 100) + 1))).toBe(95)
    expect(times(...Array.from({ length: 20 }, (_, index) => 20 - index))).toBe(19)
  })

  test('says since when nothing has succeeded, and when that ends in a hold', () => {
    const flow = { ...freshFlow, lastSuccessAt: now - 50 * hourMs, failingSince: now - 12 * hourMs }
    const at = (failingDeliveries: number) =>
      destinationHealth([], { ...flow, failingDeliveries }, limits, now)
    expect(at(2)).toMatchObject({
      lastSuccessAt: now - 50 * hourMs,
      failingSince: now - 12 * hourMs,
      holdsAt: now + 36 * hourMs,
    })
    expect(at(1)).toMatchObject({ failingSince: now - 12 * hourMs, holdsAt: null })
  })

  test('is told of a row from before there was such a thing', () => {
    const { failingSince: _, ...old } = freshFlow
    expect(destinationHealth([], old, { concurrency: 1, perSecond: null }, now)).toMatchObject({
      failingSince: null,
      holdsAt: null,
    })
  })
})
