import { expect } from 'vitest'
import type { FoldCommit } from '@hookswitch/core'
import type { CallHead, CallPart } from '@hookswitch/events'
import {
  callHead,
  change,
  foldAll,
  foldCalls,
  newEvent,
  readStretch,
  said,
  sampleTime,
  withOtherContent,
} from './samples.ts'
import type { StoreCase } from './suite.ts'

const unbounded = [1_000, 64 * 1024 * 1024] as const

export const foldCases: StoreCase[] = [
  {
    name: 'of an empty log there is nothing to fold',
    async run({ store }) {
      expect(await store.foldRead('node-1', ...unbounded)).toEqual({
        foldedSeq: 0,
        events: [],
        heads: new Map(),
        destinations: [],
        routing: expect.any(Number) as number,
      })
    },
  },
  {
    name: 'a stretch is read again until it is committed, and the next one begins after it',
    async run({ store }) {
      const appended = await store.append([newEvent(), newEvent(), newEvent()])
      const seqs = appended.map(({ seq }) => seq)
      for (let time = 0; time < 2; time += 1) {
        const read = await store.foldRead('node-1', 2, unbounded[1])
        expect(read?.foldedSeq).toBe(0)
        expect(read?.events.map(({ seq }) => seq)).toEqual(seqs.slice(0, 2))
      }
      const { routing } = await readStretch(store)
      expect(await store.foldCommit(commit({ expectedRouting: routing, foldedSeq: seqs[1] ?? 0 }))).toBe(true)
      const next = await store.foldRead('node-1', 2, unbounded[1])
      expect(next?.foldedSeq).toBe(seqs[1])
      expect(next?.events.map(({ seq }) => seq)).toEqual(seqs.slice(2))
    },
  },
  {
    name: 'the fold reads events whole, with their bodies and issues',
    async run({ store }) {
      const first = newEvent()
      const second = withOtherContent(first)
      await store.append([first, second])
      const read = await store.foldRead('node-1', ...unbounded)
      expect(read?.events).toEqual(await store.listEvents({ after: 0, limit: 10 }))
      expect(read?.events[1]?.issues).toHaveLength(1)
    },
  },
  {
    name: 'a stretch ends with the event that reaches the bytes, which may be the first',
    async run({ store }) {
      await store.append(
        [100, 100, 100, 5_000, 100].map((size) => newEvent({ body: Buffer.alloc(size, size) })),
      )
      const sizes = async (bytesMax: number): Promise<number[] | undefined> =>
        (await store.foldRead('node-1', 1_000, bytesMax))?.events.map(({ body }) => body.byteLength)
      expect(await sizes(1)).toEqual([100])
      expect(await sizes(100)).toEqual([100])
      expect(await sizes(101)).toEqual([100, 100])
      expect(await sizes(301)).toEqual([100, 100, 100, 5_000])
      expect(await sizes(5_301)).toEqual([100, 100, 100, 5_000, 100])
    },
  },
  {
    name: 'a stretch brings the heads of its calls, and no others',
    async run({ store }) {
      await foldCalls(store, [change({ callId: 'call_1' }), change({ callId: 'call_2', eventCount: 7 })])
      await store.append([newEvent({ callId: 'call_2' }), newEvent({ callId: 'call_3' })])
      const read = await store.foldRead('node-1', ...unbounded)
      expect(read?.heads).toEqual(new Map([['call_2', callHead({ callId: 'call_2', eventCount: 7 })]]))
    },
  },
  {
    name: 'of two commits of one stretch exactly one is written, and the other leaves no trace',
    async run({ store, second }) {
      const other = await second()
      const [appended] = await store.append([newEvent()])
      const seq = appended?.seq ?? 0
      const { routing } = await readStretch(store)
      const of = (name: string): FoldCommit =>
        commit({
          expectedRouting: routing,
          foldedSeq: seq,
          events: [{ seq, callId: 'call_1' }],
          calls: [
            change(
              { agentName: said(name) },
              { put: [{ kind: 'params', at: sampleTime, seq, data: { name } }], outcomeText: { name } },
            ),
            change({ callId: `call_of_${name}` }),
          ],
          marked: [{ seq, issue: { path: '', message: name } }],
        })
      const wins = await Promise.all([
        store.foldCommit(of('first')),
        other.foldCommit(of('second')),
        store.foldCommit(of('third')),
      ])
      expect(wins.filter(Boolean)).toHaveLength(1)
      const winner = ['first', 'second', 'third'][wins.indexOf(true)] ?? ''
      const call = await store.getCall('call_1')
      expect(call?.head.agentName?.value).toBe(winner)
      expect(call?.parts.map(({ data }) => data)).toEqual([{ name: winner }])
      const listed = await store.listCalls({ limit: 10 })
      expect(listed.items.map(({ callId }) => callId).toSorted()).toEqual(['call_1', `call_of_${winner}`])
      expect((await store.listEvents({ after: 0, limit: 10 }))[0]?.issues).toEqual([
        { path: '', message: winner },
      ])
    },
  },
  {
    name: 'a commit for a place that was passed is refused, also when it comes much later',
    async run({ store }) {
      const appended = await store.append([newEvent(), newEvent()])
      const [first = 0, last = 0] = appended.map(({ seq }) => seq)
      await foldAll(store, [change({ eventCount: 2 })])
      const { routing } = await readStretch(store)
      const late = commit({ expectedRouting: routing, foldedSeq: first, calls: [change({ eventCount: 1 })] })
      expect(await store.foldCommit(late)).toBe(false)
      expect((await store.getCall('call_1'))?.head.eventCount).toBe(2)
      expect((await store.logBounds()).foldedSeq).toBe(last)
    },
  },
  {
    name: 'a head comes back as it was given, whatever text stands in it',
    async run({ store }) {
      const odd = [
        'NUL \0 inside',
        'lone \ud800 surrogate',
        '\ud83d\udcde',
        `'";\\`,
        '',
        '\u2028',
        'x'.repeat(20_000),
      ]
      for (const [index, text] of odd.entries()) {
        const head: CallHead = callHead({
          callId: `call_${index}`,
          status: 'ended',
          sources: ['hamsa', 'other'],
          agentId: said(text),
          agentName: said(text),
          conversationId: said(text),
          userNumber: said(text),
          recordingUrl: said(text),
          durationSeconds: said(0.1 + 0.2),
          startedEventAt: sampleTime,
          endedReportedAt: said(-1),
          final: { at: sampleTime, seq: 3, turns: 2, characters: 40 },
          cumulative: { at: sampleTime, seq: 4, turns: 2, characters: 40, hash: 'abc' },
          truncated: true,
        })
        await foldCalls(store, [{ head, put: [], drop: [] }])
        expect((await store.getCall(head.callId))?.head).toEqual(head)
        expect((await store.listCalls({ limit: 1 })).items).toHaveLength(1)
      }
      expect((await store.listCalls({ limit: 100 })).items).toHaveLength(odd.length)
    },
  },
  {
    name: 'a later head replaces the earlier one of its call',
    async run({ store }) {
      await foldCalls(store, [change({ status: 'started', eventCount: 1 })])
      await foldCalls(store, [change({ status: 'ended', eventCount: 2, agentId: said('agent-1') })])
      const call = await store.getCall('call_1')
      expect(call?.head).toEqual(callHead({ status: 'ended', eventCount: 2, agentId: said('agent-1') }))
      expect((await store.listCalls({ limit: 10 })).items).toEqual([call?.head])
    },
  },
  {
    name: 'parts are put, replaced and dropped by kind and place',
    async run({ store }) {
      const part = (kind: 'live' | 'outcome', seq: number, text: string): CallPart =>
        kind === 'live'
          ? {
              kind,
              at: sampleTime,
              seq,
              data: { form: 'delta', turns: [{ speaker: 'User', text, at: null }] },
            }
          : { kind, at: sampleTime, seq, data: { text } }
      await foldCalls(store, [
        change({}, { put: [part('live', 1, 'a'), part('live', 2, 'b'), part('outcome', 1, 'c')] }),
        change({ callId: 'call_2' }, { put: [part('live', 1, 'of another call')] }),
      ])
      expect(await partsOf('call_1')).toEqual([
        part('live', 1, 'a'),
        part('live', 2, 'b'),
        part('outcome', 1, 'c'),
      ])
      await foldCalls(store, [
        change(
          {},
          {
            drop: [
              { kind: 'live', seq: 1 },
              { kind: 'outcome', seq: 1 },
              { kind: 'final', seq: 99 },
            ],
            put: [{ ...part('live', 2, 'replaced'), at: sampleTime + 1 }, part('outcome', 5, 'd')],
          },
        ),
      ])
      expect(await partsOf('call_1')).toEqual([
        { ...part('live', 2, 'replaced'), at: sampleTime + 1 },
        part('outcome', 5, 'd'),
      ])
      expect(await partsOf('call_2')).toEqual([part('live', 1, 'of another call')])

      async function partsOf(callId: string): Promise<CallPart[] | undefined> {
        const parts = (await store.getCall(callId))?.parts
        return parts?.toSorted((a, b) => a.kind.localeCompare(b.kind) || a.seq - b.seq)
      }
    },
  },
  {
    name: 'a part comes back as it was given, whatever its text, numbers and names',
    async run({ store }) {
      const data = JSON.parse(
        `{"__proto__":{"a":1},"constructor":null,"":"\\u0000","\\ud800":"\\udfff","n":[1e308,-0.5,12345678901234567890],"deep":${'['.repeat(60)}${']'.repeat(60)}}`,
      ) as Record<string, unknown>
      const put: CallPart[] = [{ kind: 'params', at: sampleTime, seq: 1, data }]
      await foldCalls(store, [change({}, { put })])
      expect(JSON.stringify((await store.getCall('call_1'))?.parts[0]?.data)).toBe(JSON.stringify(data))
    },
  },
  {
    name: 'a part of 4 MiB is kept',
    async run({ store }) {
      const text = 'Grüße, '.repeat((4 * 1024 * 1024) / 7)
      const data = [{ speaker: 'Agent', text, at: null }]
      await foldCalls(store, [change({}, { put: [{ kind: 'final', at: sampleTime, seq: 1, data }] })])
      expect((await store.getCall('call_1'))?.parts[0]?.data).toEqual(data)
    },
  },
  {
    name: 'an event that broke the fold says so, beside what was said of it before',
    async run({ store }) {
      const first = newEvent()
      const second = withOtherContent(first)
      const appended = await store.append([first, second])
      const [firstSeq = 0, secondSeq = 0] = appended.map(({ seq }) => seq)
      const issue = (message: string): { path: string; message: string } => ({ path: 'a."b"', message })
      await foldAll(
        store,
        [change({})],
        [
          { seq: firstSeq, issue: issue('one') },
          { seq: secondSeq, issue: issue('two') },
          { seq: firstSeq, issue: issue('three') },
        ],
      )
      const marked = await store.foldRead('node-1', ...unbounded)
      expect(marked?.events).toEqual([])
      const [a, b] = await store.listEvents({ after: 0, limit: 10 })
      expect(a?.issues).toEqual([issue('one'), issue('three')])
      expect(b?.issues).toHaveLength(2)
      expect(b?.issues[1]).toEqual(issue('two'))
    },
  },
]

function commit(wanted: Partial<FoldCommit>): FoldCommit {
  return {
    expectedFoldedSeq: 0,
    expectedRouting: 0,
    foldedSeq: 0,
    calls: [],
    events: [],
    marked: [],
    deliveries: [],
    ...wanted,
  }
}
