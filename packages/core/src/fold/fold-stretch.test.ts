import { describe, expect, test } from 'vitest'
import type { StoredEvent } from '../store/store.ts'
import { foldStretch } from './fold-stretch.ts'

function stored(seq: number, callId: string, body: unknown): StoredEvent {
  return {
    seq,
    id: `evt_${seq}`,
    source: 'hamsa',
    callId,
    type: 'call.ended',
    dialect: 'v1',
    occurredAt: 1_700_000_000_000 + seq,
    receivedAt: 1_700_000_000_000 + seq,
    issues: [],
    body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
  }
}

const ended = (callId: string, outcome: Record<string, unknown>): unknown => ({
  eventType: 'call.ended',
  callId,
  data: { data: { outcomeResult: outcome } },
})

describe('one stretch of the log', () => {
  test('events of several calls are folded call by call, and the place moves to the last of them', () => {
    const commit = foldStretch({
      foldedSeq: 4,
      events: [
        stored(5, 'a', ended('a', { x: 1 })),
        stored(6, 'b', ended('b', {})),
        stored(9, 'a', ended('a', { x: 2 })),
      ],
      heads: new Map(),
    })
    expect(commit).toMatchObject({ expectedFoldedSeq: 4, foldedSeq: 9, marked: [] })
    expect(commit.calls.map(({ head }) => [head.callId, head.eventCount])).toEqual([
      ['a', 2],
      ['b', 1],
    ])
    expect(commit.calls[0]?.put.find(({ kind }) => kind === 'outcome')).toMatchObject({
      seq: 9,
      data: { x: 2 },
    })
    expect(commit.events).toEqual([
      { seq: 5, callId: 'a' },
      { seq: 6, callId: 'b' },
      { seq: 9, callId: 'a' },
    ])
  })

  test('a poisonous event is marked, still counts for its call, and holds up nothing after it', () => {
    const commit = foldStretch({
      foldedSeq: 0,
      events: [
        stored(1, 'a', ended('a', { before: true })),
        stored(2, 'a', 'this was never JSON: a damaged disk, or an older reader that was more lenient'),
        stored(3, 'a', ended('a', { after: true })),
      ],
      heads: new Map(),
    })
    expect(commit.foldedSeq).toBe(3)
    expect(commit.marked).toEqual([
      { seq: 2, issue: { path: '', message: expect.stringContaining('foldError') as string } },
    ])
    expect(commit.calls[0]?.head).toMatchObject({ eventCount: 3, status: 'ended' })
    expect(commit.calls[0]?.put.find(({ kind }) => kind === 'outcome')).toMatchObject({ seq: 3 })
  })

  test('a head that cannot be folded onto takes its own events with it and no others', () => {
    const damaged = { callId: 'a', sources: null } as never
    const commit = foldStretch({
      foldedSeq: 0,
      events: [
        stored(1, 'a', ended('a', { x: 1 })),
        stored(2, 'b', ended('b', { x: 1 })),
        stored(3, 'a', ended('a', {})),
      ],
      heads: new Map([['a', damaged]]),
    })
    expect(commit.foldedSeq).toBe(3)
    expect(commit.marked.map(({ seq }) => seq)).toEqual([1, 3])
    expect(commit.calls.map(({ head }) => head.callId)).toEqual(['b'])
  })

  test('what marks a poisonous event says nothing of its body - it may be private', () => {
    const commit = foldStretch({
      foldedSeq: 0,
      events: [stored(1, 'a', '{"phone":"+966501234567')],
      heads: new Map(),
    })
    expect(JSON.stringify(commit.marked)).not.toContain('966')
  })
})
