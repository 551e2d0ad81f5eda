import { randomBytes } from 'node:crypto'
import { expect } from 'vitest'
import type { NewEvent, Store, StoredEvent } from '@hookswitch/core'
import { newEvent, repeated, sampleTime, withOtherContent } from './samples.ts'
import type { StoreCase } from './suite.ts'

export const appendCases: StoreCase[] = [
  {
    name: 'events get their places in the order of the batch, and a later batch comes after it',
    async run({ store }) {
      const batches = [[newEvent(), newEvent(), newEvent()], [newEvent()], [newEvent(), newEvent()]]
      const seqs: number[] = []
      for (const batch of batches) {
        const appended = await store.append(batch)
        expect(appended.map(({ id }) => id)).toEqual(batch.map(({ id }) => id))
        expect(appended.every(({ duplicate, collision }) => !duplicate && !collision)).toBe(true)
        seqs.push(...appended.map(({ seq }) => seq))
      }
      expect(seqs).toEqual(seqs.toSorted((a, b) => a - b))
      expect(new Set(seqs).size).toBe(6)
      expect(Math.min(...seqs)).toBeGreaterThan(0)
      expect(await idsOf(store)).toEqual(batches.flat().map(({ id }) => id))
    },
  },
  {
    name: 'an empty batch is answered and writes nothing',
    async run({ store }) {
      expect(await store.append([])).toEqual([])
      expect(await idsOf(store)).toEqual([])
    },
  },
  {
    name: 'what the pipeline knows of an event comes back as it was given',
    async run({ store }) {
      const event = newEvent({
        source: 'source-2',
        type: 'custom.type',
        dialect: 'legacy',
        occurredAt: -62_135_596_800_000,
        receivedAt: Date.UTC(9999, 11, 31),
      })
      const [appended] = await store.append([event])
      const { content: _, ...given } = event
      const stored = await store.getEvent(event.id)
      expect({ ...stored, body: null }).toEqual({ ...given, body: null, seq: appended?.seq, issues: [] })
      expect(sameBytes(stored?.body, event.body)).toBe(true)
    },
  },
  {
    name: 'an event without a time keeps having none',
    async run({ store }) {
      const event = newEvent({ occurredAt: null })
      await store.append([event])
      expect((await store.getEvent(event.id))?.occurredAt).toBeNull()
    },
  },
  {
    name: 'the bytes of a body come back as they came — signatures and replays depend on each of them',
    async run({ store }) {
      const bodies = [
        Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)),
        Buffer.from([0]),
        Buffer.from([0xff, 0xfe, 0x00, 0xd8]),
        Buffer.alloc(0),
        Buffer.from('{"callId":"x","eventType":"y"}\r\n  '),
        randomBytes(1024 * 1024),
      ]
      const events = bodies.map((body) => newEvent({ body }))
      await store.append(events)
      const listed = await store.listEvents({ after: 0, limit: 100 })
      for (const [index, event] of events.entries()) {
        expect(sameBytes(listed[index]?.body, event.body)).toBe(true)
        expect(sameBytes((await store.getEvent(event.id))?.body, event.body)).toBe(true)
      }
    },
  },
  {
    name: 'a body that is a view into a larger buffer is stored alone',
    async run({ store }) {
      const page = Buffer.from('before|the body|after')
      const event = newEvent({ body: new Uint8Array(page.buffer, page.byteOffset + 7, 8) })
      await store.append([event])
      expect(Buffer.from((await store.getEvent(event.id))?.body ?? []).toString()).toBe('the body')
    },
  },
  {
    name: 'a batch of 512 events is written whole',
    async run({ store }) {
      const batch = Array.from({ length: 512 }, () => newEvent())
      const appended = await store.append(batch)
      expect(appended.map(({ id }) => id)).toEqual(batch.map(({ id }) => id))
      expect(await idsOf(store)).toEqual(batch.map(({ id }) => id))
    },
  },
  {
    name: 'the same event again is a duplicate, answered with the first id and place',
    async run({ store }) {
      const event = newEvent()
      const [first] = await store.append([event])
      const [again] = await store.append([repeated(event)])
      expect(again).toEqual({ id: event.id, seq: first?.seq, duplicate: true, collision: false })
      expect(await idsOf(store)).toEqual([event.id])
    },
  },
  {
    name: 'the same event twice in one batch is stored once',
    async run({ store }) {
      const event = newEvent()
      const other = newEvent()
      const appended = await store.append([event, repeated(event), other, repeated(event), repeated(other)])
      expect(appended.map(({ id, duplicate }) => [id, duplicate])).toEqual([
        [event.id, false],
        [event.id, true],
        [other.id, false],
        [event.id, true],
        [other.id, true],
      ])
      expect(appended.map(({ seq }) => seq)).toEqual([0, 0, 2, 0, 2].map((index) => appended[index]?.seq))
      expect(await idsOf(store)).toEqual([event.id, other.id])
    },
  },
  {
    name: 'the same event at once, over two nodes, is stored once and all are told the same id',
    async run({ store, second }) {
      const other = await second()
      const event = newEvent()
      const answers = await Promise.all(
        Array.from({ length: 40 }, (_, index) =>
          (index % 2 === 0 ? store : other).append([newEvent(), repeated(event), newEvent()]),
        ),
      )
      const ours = answers.map((answer) => answer[1])
      expect(ours.filter((answer) => answer?.duplicate === false)).toHaveLength(1)
      expect(new Set(ours.map((answer) => `${answer?.id} ${answer?.seq}`)).size).toBe(1)
      expect(await idsOf(store)).toHaveLength(81)
    },
  },
  {
    name: 'a duplicate is known as one after the store was opened again',
    async run({ store, reopen }) {
      const event = newEvent()
      const timeless = newEvent({ occurredAt: null })
      const first = await store.append([event, timeless])
      const again = await (await reopen()).append([repeated(timeless), repeated(event)])
      expect(again).toEqual([first[1], first[0]].map((appended) => ({ ...appended, duplicate: true })))
    },
  },
  {
    name: 'the same content under another time, source, call or type is another event, and no collision',
    async run({ store }) {
      const event = newEvent()
      const others: Partial<NewEvent>[] = [
        { occurredAt: (event.occurredAt ?? 0) + 1 },
        { occurredAt: null },
        { source: 'other' },
        { callId: 'call_2' },
        { callId: 'CALL_1' },
        { type: 'call.started' },
      ]
      const batch = others.map((other) => ({ ...repeated(event), ...other }))
      const appended = await store.append([event, ...batch])
      expect(appended.map(({ duplicate, collision }) => [duplicate, collision])).toEqual(
        appended.map(() => [false, false]),
      )
      expect(await idsOf(store)).toHaveLength(7)
    },
  },
  {
    name: 'two events with one key and other content are both kept, and the later one says so',
    async run({ store }) {
      const first = newEvent()
      await store.append([first])
      const second = withOtherContent(first)
      const [appended] = await store.append([second])
      expect(appended).toMatchObject({ id: second.id, duplicate: false, collision: true })
      expect((await store.getEvent(first.id))?.issues).toEqual([])
      const issues = (await store.getEvent(second.id))?.issues
      expect(issues).toHaveLength(1)
      expect(issues?.[0]?.path).toBe('')
      expect(issues?.[0]?.message).toContain(first.id)
      // Each is now known by its own content.
      expect(await store.append([repeated(first), repeated(second)])).toMatchObject([
        { id: first.id, duplicate: true, collision: false },
        { id: second.id, duplicate: true, collision: false },
      ])
    },
  },
  {
    name: 'a collision is noticed within one batch, beside duplicates of both',
    async run({ store }) {
      const first = newEvent()
      const second = withOtherContent(first, 'second')
      const third = withOtherContent(first, 'third')
      const appended = await store.append([first, repeated(first), second, third, repeated(second)])
      expect(appended.map(({ id, duplicate, collision }) => [id, duplicate, collision])).toEqual([
        [first.id, false, false],
        [first.id, true, false],
        [second.id, false, true],
        [third.id, false, true],
        [second.id, true, false],
      ])
      expect((await store.getEvent(second.id))?.issues[0]?.message).toContain(first.id)
      expect((await store.getEvent(third.id))?.issues).toHaveLength(1)
    },
  },
  {
    name: 'of events without a time those with other content collide',
    async run({ store }) {
      const first = newEvent({ occurredAt: null })
      const second = withOtherContent(first)
      await store.append([first])
      expect(await store.append([second, repeated(first)])).toMatchObject([
        { id: second.id, duplicate: false, collision: true },
        { id: first.id, duplicate: true, collision: false },
      ])
    },
  },
  {
    name: 'call ids are told apart character by character, and come back as they came',
    async run({ store }) {
      const callIds = oddCallIds()
      const events = callIds.map((callId) => newEvent({ callId, occurredAt: sampleTime }))
      await store.append(events)
      expect((await store.listEvents({ after: 0, limit: 100 })).map(({ callId }) => callId)).toEqual(callIds)
      for (const [index, callId] of callIds.entries()) {
        const found = await store.listEvents({ callId, after: 0, limit: 100 })
        expect(found.map(({ id }) => id)).toEqual([events[index]?.id])
      }
    },
  },
  {
    name: 'a reader that follows the log misses nothing while two nodes append — a place is seen only after all before it',
    async run({ store, second }) {
      const other = await second()
      const batches = 30
      const append = async (node: Store): Promise<void> => {
        for (let count = 0; count < batches; count += 1) await node.append([newEvent(), newEvent()])
      }
      let appending = true
      const followed: number[] = []
      const follow = async (): Promise<void> => {
        for (let last = false; ;) {
          const page = await store.listEvents({ after: followed.at(-1) ?? 0, limit: 7 })
          followed.push(...page.map(({ seq }) => seq))
          if (page.length === 0 && last) return
          last = !appending
        }
      }
      const appends = Promise.all([append(store), append(store), append(other), append(other)])
      await Promise.all([follow(), appends.finally(() => (appending = false))])
      const all = await store.listEvents({ after: 0, limit: 1_000 })
      expect(all).toHaveLength(4 * batches * 2)
      expect(followed).toEqual(all.map(({ seq }) => seq))
    },
  },
]

/** Characters that mean something to SQL, JSON, LIKE, a shell, a sort order or a normal form. */
export function oddCallIds(): string[] {
  return [
    `o'brien"; DROP TABLE events; --`,
    String.raw`back\slash\n{a,"b"}`,
    '100%_sure',
    'call_A',
    'CALL_a',
    'call_a',
    ' call_a',
    'call_a ',
    'NULL',
    '{}',
    '📞👩‍👩‍👧',
    'e\u0301',
    '\u00e9',
    'ı',
    'I',
    'مكالمة',
    '\u{10FFFF}',
    'x'.repeat(200),
    '📞'.repeat(100),
  ]
}

async function idsOf(store: Store): Promise<string[]> {
  const events: StoredEvent[] = await store.listEvents({ after: 0, limit: 1_000 })
  return events.map(({ id }) => id)
}

function sameBytes(a: Uint8Array | undefined, b: Uint8Array): boolean {
  return a !== undefined && Buffer.compare(a, b) === 0
}
