import { expect } from 'vitest'
import type { CallQuery, Store } from '@hookswitch/core'
import type { CallHead } from '@hookswitch/events'
import { oddCallIds } from './append.ts'
import { change, foldCalls, said, sampleTime } from './samples.ts'
import type { StoreCase } from './suite.ts'

export const callCases: StoreCase[] = [
  {
    name: 'a call that is not there is null, and a list of none is empty',
    async run({ store }) {
      expect(await store.getCall('call_1')).toBeNull()
      expect(await store.listCalls({ limit: 10 })).toEqual({ items: [], next: null })
    },
  },
  {
    name: 'a call is found by its id alone, character by character',
    async run({ store }) {
      const callIds = oddCallIds()
      await foldCalls(
        store,
        callIds.map((callId) => change({ callId })),
      )
      for (const callId of callIds) expect((await store.getCall(callId))?.head.callId).toBe(callId)
      expect(await store.getCall('Call_A')).toBeNull()
    },
  },
  {
    name: 'calls are listed newest first by their first event',
    async run({ store }) {
      await calls(store, {
        a: { firstEventAt: 3 },
        b: { firstEventAt: 1 },
        c: { firstEventAt: -2 },
        d: { firstEventAt: 9 },
      })
      expect(await found(store, {})).toEqual(['d', 'a', 'b', 'c'])
      // An event that came late moves its call back.
      await calls(store, { d: { firstEventAt: 2 } })
      expect(await found(store, {})).toEqual(['a', 'd', 'b', 'c'])
    },
  },
  {
    name: 'pages join without a gap or a repeat, also where many calls began in one millisecond',
    async run({ store }) {
      const heads: Record<string, Partial<CallHead>> = {}
      for (let index = 0; index < 12; index += 1) heads[`c${index}`] = { firstEventAt: Math.floor(index / 5) }
      await calls(store, heads)
      const whole = await store.listCalls({ limit: 100 })
      expect(whole.items).toHaveLength(12)
      expect(whole.next).toBeNull()
      for (const limit of [1, 4, 5, 12]) {
        const pages: string[][] = []
        let query: CallQuery = { limit }
        for (;;) {
          const { items, next } = await store.listCalls(query)
          pages.push(items.map(({ callId }) => callId))
          if (next === null) break
          query = { limit, after: next }
        }
        expect(pages.flat()).toEqual(whole.items.map(({ callId }) => callId))
        expect(pages).toHaveLength(Math.ceil(12 / limit))
      }
    },
  },
  {
    name: 'a filter holds on every page',
    async run({ store }) {
      const heads: Record<string, Partial<CallHead>> = {}
      for (let index = 0; index < 9; index += 1) {
        heads[`c${index}`] = { firstEventAt: 1, agentId: said(index % 2 === 0 ? 'even' : 'odd') }
      }
      await calls(store, heads)
      const first = await store.listCalls({ limit: 3, agentId: 'even' })
      expect(first.items).toHaveLength(3)
      const rest = await store.listCalls({
        limit: 3,
        agentId: 'even',
        after: first.next ?? { firstEventAt: 0, key: 0 },
      })
      expect([...first.items, ...rest.items].map(({ callId }) => callId).toSorted()).toEqual([
        'c0',
        'c2',
        'c4',
        'c6',
        'c8',
      ])
      expect(rest.next).toBeNull()
    },
  },
  {
    name: 'agentId is matched whole and exactly',
    async run({ store }) {
      await calls(store, {
        a: { agentId: said('agent-1') },
        b: { agentId: said('agent-12') },
        c: {},
        d: { agentId: said('AGENT-1') },
      })
      expect(await found(store, { agentId: 'agent-1' })).toEqual(['a'])
      expect(await found(store, { agentId: 'agent' })).toEqual([])
      // The agent of a call becomes known late.
      await calls(store, { c: { agentId: said('agent-1') } })
      expect(await found(store, { agentId: 'agent-1' })).toEqual(['a', 'c'])
    },
  },
  {
    name: 'status tells the three apart, and follows the call',
    async run({ store }) {
      await calls(store, { a: { status: 'started' }, b: { status: 'answered' }, c: { status: 'ended' } })
      expect(await found(store, { status: 'started' })).toEqual(['a'])
      expect(await found(store, { status: 'answered' })).toEqual(['b'])
      expect(await found(store, { status: 'ended' })).toEqual(['c'])
      await calls(store, { a: { status: 'ended' } })
      expect(await found(store, { status: 'started' })).toEqual([])
      expect(await found(store, { status: 'ended' })).toEqual(['a', 'c'])
    },
  },
  {
    name: 'from is included and to is not',
    async run({ store }) {
      await calls(store, { a: { firstEventAt: 10 }, b: { firstEventAt: 20 }, c: { firstEventAt: 30 } })
      expect(await found(store, { from: 20 })).toEqual(['c', 'b'])
      expect(await found(store, { to: 20 })).toEqual(['a'])
      expect(await found(store, { from: 10, to: 30 })).toEqual(['b', 'a'])
      expect(await found(store, { from: 20, to: 20 })).toEqual([])
    },
  },
  {
    name: 'a prefix is looked for in callId, conversationId and agentName',
    async run({ store }) {
      await calls(store, {
        'abc-1': {},
        b: { conversationId: said('abc-2') },
        c: { agentName: said('abc recruiter') },
        xabc: { conversationId: said('xabc'), agentName: said('xabc') },
        ab: {},
      })
      expect(await found(store, { prefix: 'abc' })).toEqual(['abc-1', 'b', 'c'])
      expect(await found(store, { prefix: 'abc-1' })).toEqual(['abc-1'])
      expect(await found(store, { prefix: 'abc-11' })).toEqual([])
    },
  },
  {
    name: 'a prefix is compared without regard to the case of ASCII letters, and of these only',
    async run({ store }) {
      await calls(store, {
        Call_X: {},
        b: { agentName: said('CALLER') },
        c: { conversationId: said('ÉCOLE') },
        d: { agentName: said('école') },
      })
      expect(await found(store, { prefix: 'cALL' })).toEqual(['Call_X', 'b'])
      expect(await found(store, { prefix: 'école' })).toEqual(['d'])
      expect(await found(store, { prefix: 'École' })).toEqual(['c'])
    },
  },
  {
    name: 'every character of a prefix stands for itself',
    async run({ store }) {
      await calls(store, {
        'a%b': {},
        axb: {},
        a_b: {},
        'a\\b': {},
        "a'b": {},
        'a"b': {},
        'a*b': {},
        'a📞b': {},
      })
      for (const sign of ['%', '_', '\\', "'", '"', '*', '📞']) {
        expect(await found(store, { prefix: `a${sign}` })).toEqual([`a${sign}b`])
      }
      expect(await found(store, { prefix: '%' })).toEqual([])
    },
  },
  {
    name: 'an outcome filter asks for the text of a field, and all pairs must hold',
    async run({ store }) {
      await foldCalls(store, [
        change({ callId: 'a' }, { outcomeText: { stage: 'offer', city: 'Riyadh' } }),
        change({ callId: 'b' }, { outcomeText: { stage: 'offer', city: 'Cairo' } }),
        change({ callId: 'c' }, { outcomeText: { offer: 'stage' } }),
        change({ callId: 'd' }),
      ])
      const by = (...outcome: [string, string][]): Promise<string[]> =>
        found(store, { outcome: outcome.map(([field, text]) => ({ field, text })) })
      expect(await by(['stage', 'offer'])).toEqual(['a', 'b'])
      expect(await by(['stage', 'offer'], ['city', 'Cairo'])).toEqual(['b'])
      expect(await by(['stage', 'Offer'])).toEqual([])
      expect(await by(['city', 'Riyad'])).toEqual([])
      expect(await by(['none', 'offer'])).toEqual([])
    },
  },
  {
    name: 'fields and texts of an outcome may hold any character',
    async run({ store }) {
      const pairs: [string, string][] = [
        ['a.b', 'dot'],
        ['$.a', 'dollar'],
        ['a"b\'c', `"quoted" 'text'`],
        ['__proto__', 'proto'],
        ['', ''],
        ['العمر', '٣٥'],
        ['number', '12345678901234567890'],
        ['nul', 'a\0b'],
        ['surrogate', 'a\ud800b'],
      ]
      await foldCalls(
        store,
        pairs.map(([field, text], index) =>
          change({ callId: `c${index}` }, { outcomeText: Object.fromEntries([[field, text]]) }),
        ),
      )
      for (const [index, [field, text]] of pairs.entries()) {
        expect(await found(store, { outcome: [{ field, text }] }), field).toEqual([`c${index}`])
      }
    },
  },
  {
    name: 'an outcome stays known through later changes of its call, until another replaces it',
    async run({ store }) {
      await foldCalls(store, [change({}, { outcomeText: { stage: 'first' } })])
      await foldCalls(store, [change({ eventCount: 2 })])
      expect(await found(store, { outcome: [{ field: 'stage', text: 'first' }] })).toEqual(['call_1'])
      await foldCalls(store, [change({ eventCount: 3 }, { outcomeText: { other: 'second' } })])
      expect(await found(store, { outcome: [{ field: 'stage', text: 'first' }] })).toEqual([])
      expect(await found(store, { outcome: [{ field: 'other', text: 'second' }] })).toEqual(['call_1'])
      await foldCalls(store, [change({ eventCount: 4 }, { outcomeText: {} })])
      expect(await found(store, { outcome: [{ field: 'other', text: 'second' }] })).toEqual([])
    },
  },
  {
    name: 'filters hold together',
    async run({ store }) {
      const wanted = {
        agentId: said('agent-1'),
        status: 'ended',
        firstEventAt: 20,
        agentName: said('Recruiter'),
      } as const
      const outcomeText = { stage: 'offer' }
      await foldCalls(store, [
        change({ callId: 'a', ...wanted }, { outcomeText }),
        change({ callId: 'b', ...wanted, agentId: said('agent-2') }, { outcomeText }),
        change({ callId: 'c', ...wanted, status: 'started' }, { outcomeText }),
        change({ callId: 'd', ...wanted, firstEventAt: 30 }, { outcomeText }),
        change({ callId: 'e', ...wanted, agentName: said('Other') }, { outcomeText }),
        change({ callId: 'f', ...wanted }, { outcomeText: { stage: 'none' } }),
      ])
      const query = { agentId: 'agent-1', status: 'ended', from: 20, to: 30, prefix: 'recr' } as const
      expect(await found(store, { ...query, outcome: [{ field: 'stage', text: 'offer' }] })).toEqual(['a'])
    },
  },
  {
    name: 'what nobody can have is not found, and no failure — a reader may ask for anything',
    async run({ store }) {
      await calls(store, { a: { agentId: said('x'), firstEventAt: sampleTime } })
      for (const text of ['x\0', '\0', '\ud800', 'x'.repeat(10_000)]) {
        expect(await store.getCall(text)).toBeNull()
        expect(await store.getEvent(text)).toBeNull()
        expect(await store.listEvents({ callId: text, after: 0, limit: 10 })).toEqual([])
        expect(await store.listEvents({ type: text, after: 0, limit: 10 })).toEqual([])
        expect(await found(store, { agentId: text })).toEqual([])
        expect(await found(store, { prefix: text })).toEqual([])
        expect(await found(store, { outcome: [{ field: text, text }] })).toEqual([])
        expect(await store.expireSecret(text, text, 1)).toBe(false)
        expect(await store.removeSecret(text, text)).toBe(false)
      }
    },
  },
]

async function calls(store: Store, heads: Record<string, Partial<CallHead>>): Promise<void> {
  await foldCalls(
    store,
    Object.entries(heads).map(([callId, head]) => change({ callId, ...head })),
  )
}

/** The ids of the calls found: in the order of the list where the query says nothing but times, else sorted. */
async function found(store: Store, query: Omit<CallQuery, 'limit'>): Promise<string[]> {
  const { items } = await store.listCalls({ ...query, limit: 100 })
  const callIds = items.map(({ callId }) => callId)
  const { from: _, to: __, ...others } = query
  return Object.keys(others).length === 0 ? callIds : callIds.toSorted()
}
