import { describe, expect, test } from 'vitest'
import type { DestinationDefinition } from '../deliver/destination.ts'
import type { FoldRead, RoutedDestination, StoredEvent } from '../store/store.ts'
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

/** Nothing is routed. */
const nowhere: Pick<FoldRead, 'destinations' | 'routing'> = { destinations: [], routing: 0 }

function destination(key: number, wanted: Partial<DestinationDefinition> = {}): RoutedDestination {
  return {
    key,
    definition: {
      name: `destination-${key}`,
      kind: 'webhook',
      events: null,
      scope: { sources: null, agents: null },
      filter: null,
      template: null,
      lane: 'call',
      onExhausted: 'continue',
      retry: { preset: 'standard' },
      limits: { concurrency: 10, perSecond: null },
      settings: {},
      ...wanted,
    },
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
      ...nowhere,
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
      ...nowhere,
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
      ...nowhere,
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
      ...nowhere,
    })
    expect(JSON.stringify(commit.marked)).not.toContain('966')
  })
})

describe('the routing of a stretch', () => {
  test('every event goes to every destination that takes it, in the order of the log', () => {
    const commit = foldStretch({
      foldedSeq: 4,
      events: [
        stored(5, 'a', ended('a', {})),
        stored(6, 'b', ended('b', {})),
        stored(9, 'a', ended('a', {})),
      ],
      heads: new Map(),
      destinations: [destination(2), destination(1, { lane: 'destination' }), destination(3, { events: [] })],
      routing: 17,
    })
    expect(commit.expectedRouting).toBe(17)
    expect(
      commit.deliveries.map(({ eventSeq, destinationKey, laneKey }) => [eventSeq, destinationKey, laneKey]),
    ).toEqual([
      [5, 2, 'call:a'],
      [5, 1, 'all'],
      [6, 2, 'call:b'],
      [6, 1, 'all'],
      [9, 2, 'call:a'],
      [9, 1, 'all'],
    ])
    expect(commit.deliveries.every(({ replayKey }) => replayKey === null)).toBe(true)
  })

  test('where nothing is routed to, there are no deliveries', () => {
    const commit = foldStretch({
      foldedSeq: 0,
      events: [stored(1, 'a', ended('a', {}))],
      heads: new Map(),
      ...nowhere,
    })
    expect(commit.deliveries).toEqual([])
  })

  test('a poisonous event is routed all the same - what it says may be of use to another reader', () => {
    const commit = foldStretch({
      foldedSeq: 0,
      events: [stored(1, 'a', 'this was never JSON'), stored(2, 'a', ended('a', {}))],
      heads: new Map(),
      destinations: [destination(1), destination(2, { lane: { path: 'event.body.who' } })],
      routing: 0,
    })
    expect(commit.marked.map(({ seq }) => seq)).toEqual([1])
    expect(commit.deliveries.map(({ eventSeq, laneKey }) => [eventSeq, laneKey])).toEqual([
      [1, 'call:a'],
      [1, 'call:a'],
      [2, 'call:a'],
      [2, 'call:a'],
    ])
  })

  test('a head that cannot be folded onto stops no routing - one damaged row would hold up the whole log', () => {
    const damaged = { callId: 'a', sources: null } as never
    const commit = foldStretch({
      foldedSeq: 0,
      events: [stored(1, 'a', ended('a', {})), stored(2, 'b', ended('b', {}))],
      heads: new Map([['a', damaged]]),
      destinations: [
        destination(1),
        destination(2, { lane: { path: 'call.userNumber' } }),
        destination(3, { scope: { sources: null, agents: ['x'] } }),
      ],
      routing: 0,
    })
    expect(commit.marked.map(({ seq }) => seq)).toEqual([1])
    expect(commit.deliveries.map(({ eventSeq, destinationKey }) => [eventSeq, destinationKey])).toEqual([
      [1, 1],
      [1, 2],
      [2, 1],
      [2, 2],
    ])
  })

  test('the lane that a path names is kept in the head that is written, from its first event on', () => {
    const said = (who: string): unknown => ({ eventType: 'call.ended', callId: 'a', who })
    const byWho = destination(4, { lane: { path: 'event.body.who' } })
    const first = foldStretch({
      foldedSeq: 0,
      events: [stored(1, 'a', said('ann')), stored(2, 'a', said('bob'))],
      heads: new Map(),
      destinations: [byWho],
      routing: 0,
    })
    expect(first.deliveries.map(({ laneKey }) => laneKey)).toEqual(['key:ann', 'key:ann'])
    const head = first.calls[0]?.head
    expect(head?.lanes).toEqual({ 4: 'key:ann' })
    if (head === undefined) throw new Error('the call was folded')
    const second = foldStretch({
      foldedSeq: 2,
      events: [stored(3, 'a', said('carl'))],
      heads: new Map([['a', head]]),
      destinations: [byWho, destination(5, { lane: { path: 'event.body.who' } })],
      routing: 0,
    })
    expect(second.deliveries.map(({ laneKey }) => laneKey)).toEqual(['key:ann', 'key:carl'])
    expect(second.calls[0]?.head.lanes).toEqual({ 4: 'key:ann', 5: 'key:carl' })
  })

  test('the agent of a call counts as it is known at the end of the stretch', () => {
    const commit = foldStretch({
      foldedSeq: 0,
      events: [
        stored(1, 'a', { eventType: 'call.started', callId: 'a' }),
        stored(2, 'a', { eventType: 'call.ended', callId: 'a', agentId: 'agent-1' }),
      ],
      heads: new Map(),
      destinations: [destination(1, { scope: { sources: null, agents: ['agent-1'] } })],
      routing: 0,
    })
    expect(commit.deliveries.map(({ eventSeq }) => eventSeq)).toEqual([1, 2])
  })
})
