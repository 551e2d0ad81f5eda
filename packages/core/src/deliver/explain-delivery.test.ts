import { describe, expect, test } from 'vitest'
import {
  attempt,
  day,
  delivery,
  destination,
  explainOne,
  head,
  lane,
  now,
  of,
} from '../../test/explain-samples.ts'
import type { Hold } from './destination.ts'
import type { Explanation, ExplainSubject } from './explain.ts'

const parkedSince = now - 3_600_000
const another = delivery({ key: 6, eventId: 'evt_0', attempts: 2, lane: head })

describe('a delivery that was made', () => {
  test.each<[string, Partial<ExplainSubject>, Explanation['state'], string]>([
    [
      'delivered at once',
      of({ state: 'delivered', attempts: 1, finishedAt: now }, { lastAttempt: { ...attempt, status: 200 } }),
      'delivered',
      'Delivered at 12:00:00Z (200 after 120 ms).',
    ],
    [
      'delivered on another day, at the third try, by a handler',
      of(
        { state: 'delivered', attempts: 3, finishedAt: now - day },
        { lastAttempt: { ...attempt, status: null, durationMs: 12_300 } },
      ),
      'delivered',
      'Delivered at 2026-01-30 12:00:00Z, by try 3 (after 12 s).',
    ],
    [
      'delivered by a replay, when its attempts are not kept any more',
      of({ state: 'delivered', attempts: 1, finishedAt: now, replayKey: 4 }),
      'delivered',
      'Delivered at 12:00:00Z. This was replay rpl_4.',
    ],
    [
      'filtered',
      of({ state: 'filtered', reason: 'the filter said no', finishedAt: now }),
      'filtered',
      'Not sent: the filter of urgent said no at 12:00:00Z. A replay asks it again.',
    ],
    [
      'dead',
      of({ state: 'dead', reason: 'given up after 3 tries: answered 503', finishedAt: now, attempts: 3 }),
      'dead',
      'Dead since 12:00:00Z: given up after 3 tries: answered 503. It is sent again when somebody retries it.',
    ],
    [
      'skipped',
      of({ state: 'skipped', reason: 'skipped by amal: test data.', finishedAt: now }),
      'skipped',
      'Skipped at 12:00:00Z: skipped by amal: test data.',
    ],
    ['that is due', of({ lane: head }), 'pending', 'Waiting for its turn: its first try is due now.'],
    [
      'that is being sent',
      of({ attempts: 2, lane: { ...head, claimed: true } }),
      'retrying',
      'Being sent now (try 3).',
    ],
    [
      'that failed',
      of({ attempts: 3, lane: { ...head, dueAt: now + 5_000 } }, { lastAttempt: attempt }),
      'retrying',
      'Waiting: 3 tries have failed (last: 503 after 120 ms), the next is at 12:00:05Z.',
    ],
    [
      'that failed without an answer',
      of(
        { attempts: 1, lane: { ...head, dueAt: now + day } },
        { lastAttempt: { ...attempt, status: null, cause: 'timeout', durationMs: 5_000 } },
      ),
      'retrying',
      'Waiting: 1 try has failed (last: no answer after 5000 ms), the next is at 2026-02-01 12:00:00Z.',
    ],
    [
      'that failed with words',
      of(
        { attempts: 2, lane: head },
        { lastAttempt: { ...attempt, status: 200, cause: 'protocol', message: 'Slack answered "no_text".' } },
      ),
      'retrying',
      'Waiting: 2 tries have failed (last: 200, Slack answered "no_text", after 120 ms), the next is due now.',
    ],
    [
      'in a parked lane',
      of(
        { attempts: 1, lane: { ...head, state: 'parked' } },
        {
          lane: lane({ state: 'parked', parkedAt: parkedSince, parkedReason: 'refused: answered 400' }),
          lastAttempt: attempt,
        },
      ),
      'parked',
      'Waiting: its lane has been parked since 11:00:00Z: refused: answered 400. It goes on when somebody resumes the lane or skips this event.',
    ],
    [
      'behind one that is parked',
      of(
        { lane: { ...head, state: 'parked', isHead: false } },
        {
          lane: lane({ state: 'parked', parkedAt: parkedSince, parkedReason: 'refused: answered 400' }),
          head: another,
        },
      ),
      'behind',
      'Waiting behind evt_0 in the same lane, which has been parked since 11:00:00Z: refused: answered 400. It goes on when somebody resumes the lane or skips that event.',
    ],
    [
      'behind one that fails',
      of(
        { lane: { ...head, isHead: false } },
        { lane: lane({ headAttempts: 2, dueAt: now + 60_000 }), head: another },
      ),
      'behind',
      'Waiting behind evt_0 in the same lane, of which 2 tries have failed; its next is at 12:01:00Z.',
    ],
    [
      'behind one that is being sent',
      of(
        { lane: { ...head, isHead: false, claimed: true } },
        { lane: lane(), head: { ...another, lane: { ...head, claimed: true } } },
      ),
      'behind',
      'Waiting behind evt_0 in the same lane, which is being sent now.',
    ],
    [
      'behind one whose turn comes first',
      of({ lane: { ...head, isHead: false } }, { lane: lane(), head: { ...another, attempts: 0 } }),
      'behind',
      'Waiting behind evt_0 in the same lane, which comes first.',
    ],
    [
      'behind one that is gone by now',
      of({ lane: { ...head, isHead: false } }),
      'behind',
      'Waiting behind another event in the same lane.',
    ],
  ])('%s', (_, given, state, sentence) => {
    expect(explainOne(given)).toMatchObject({ state, sentence, destination: { id: 'dst_1', name: 'urgent' } })
  })

  test('the latest decides - it may have been replayed after it was dead', () => {
    const [routed] = of({ key: 7, state: 'dead' }).deliveries ?? []
    const [replayed] = of({ key: 9, state: 'delivered', replayKey: 2 }).deliveries ?? []
    const { state, delivery: latest } = explainOne({
      deliveries: [replayed, routed].filter((one) => one !== undefined),
    })
    expect([state, latest?.delivery.key]).toEqual(['delivered', 9])
  })

  test('a next attempt is told only where nothing else comes first', () => {
    const waiting = of({ attempts: 1, lane: { ...head, dueAt: now + 5_000 } })
    expect(explainOne(waiting).nextAttemptAt).toBe(now + 5_000)
    const hold = { reason: 'paused', since: now, until: null, detail: null } as const
    expect(explainOne({ ...waiting, destinations: [destination({}, hold)] }).nextAttemptAt).toBeNull()
    expect(explainOne(of({ lane: { ...head, isHead: false } })).nextAttemptAt).toBeNull()
  })
})

describe('a destination that is held', () => {
  const since = now - 60_000
  test.each<[Omit<Hold, 'since'>, string]>([
    [
      { reason: 'paused', until: null, detail: 'maintenance until noon.' },
      'because somebody paused it (maintenance until noon); it goes on when somebody resumes it.',
    ],
    [
      { reason: 'breaker', until: now + 10_000, detail: null },
      'because too many deliveries in a row have failed; it is tried again at 12:00:10Z.',
    ],
    [
      { reason: 'retry_after', until: now + 5_000, detail: null },
      'because it asked to be left alone; it is tried again at 12:00:05Z.',
    ],
    [
      { reason: 'auth', until: null, detail: 'answered 401' },
      'because it refused our credentials (answered 401); it goes on when somebody resumes it or changes its settings.',
    ],
    [
      { reason: 'failing', until: null, detail: 'nothing has succeeded since 2026-01-29T12:00:00Z' },
      'because it has failed for too long (nothing has succeeded since 2026-01-29T12:00:00Z); it goes on when somebody resumes it or changes its settings.',
    ],
    [
      { reason: 'removed', until: null, detail: 'it is not in the config file any more' },
      'because it was removed (it is not in the config file any more); it goes on only if the config file has it again.',
    ],
  ])('%j', (hold, words) => {
    const explanation = explainOne({
      ...of({ attempts: 2, lane: head }, { lastAttempt: attempt }),
      destinations: [destination({}, { ...hold, since })],
    })
    expect(explanation.state).toBe('held')
    expect(explanation.sentence).toBe(
      `Waiting: urgent has been held since 11:59:00Z, ${words} Before that 2 tries have failed (last: 503 after 120 ms).`,
    )
    expect(explanation.hold).toEqual({ ...hold, since })
  })

  test('a hold whose time is over holds nothing', () => {
    const over = destination({}, { reason: 'breaker', since, until: now, detail: null })
    expect(explainOne({ ...of({ lane: head }), destinations: [over] }).state).toBe('pending')
  })
})
