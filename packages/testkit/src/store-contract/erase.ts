import { expect } from 'vitest'
import { foldStretch, type EraseReport, type EraseSelection, type Store } from '@hookswitch/core'
import type { CallHead } from '@hookswitch/events'
import {
  addDestination,
  allDeliveries,
  allLanes,
  dayMs,
  dead,
  deliverAll,
  delivered,
  fold,
  muchLaterMs,
  parkedLane,
  receive,
  result,
  retryAfter,
  seqsOf,
  Worker,
} from './delivering.ts'
import { change, foldCalls, newEvent, readStretch, repeated, said, sampleTime } from './samples.ts'
import type { StoreCase } from './suite.ts'

const nothing: EraseReport = { calls: 0, events: 0, deliveries: 0, attempts: 0 }

export const eraseCases: StoreCase[] = [
  {
    name: 'all that is known of a call is gone, with a report of what it was, and nothing of another',
    async run({ store }) {
      const worker = await Worker.start(store)
      await addDestination(store)
      await addDestination(store)
      const seqs = await receive(store, 'abab')
      await deliverAll(worker)
      const before = await of(store, 'b')
      const gone = await of(store, 'a')
      expect(await eraseAll(store, { callId: 'a' })).toEqual({
        calls: 1,
        events: 2,
        deliveries: 4,
        attempts: 4,
      })
      expect(await of(store, 'a')).toEqual({ call: null, events: [], deliveries: [] })
      for (const { id } of gone.events) expect(await store.getEvent(id)).toBeNull()
      for (const { key } of gone.deliveries) expect(await store.getDelivery(key)).toBeNull()
      expect(await store.eventsAt(seqs)).toEqual(before.events)
      expect(await store.deliveriesOfEvent(seqs[0] ?? 0)).toEqual([])
      expect((await store.listCalls({ limit: 10 })).items.map(({ callId }) => callId)).toEqual(['b'])
      expect(await of(store, 'b')).toEqual(before)
      // There is nothing more to erase.
      expect(await eraseAll(store, { callId: 'a' })).toEqual(nothing)
    },
  },
  {
    name: 'an erased event that comes again is known as a duplicate, and stays away',
    async run({ store }) {
      const event = newEvent({ callId: 'a' })
      await receive(store, [event])
      await eraseAll(store, { callId: 'a' })
      const [again] = await store.append([repeated(event)])
      expect(again).toMatchObject({ id: event.id, duplicate: true })
      expect(await of(store, 'a')).toEqual({ call: null, events: [], deliveries: [] })
    },
  },
  {
    name: 'what comes of an erased call later begins it anew',
    async run({ store }) {
      const worker = await Worker.start(store)
      await addDestination(store)
      const [before = 0] = await receive(store, 'a')
      await eraseAll(store, { callId: 'a' })
      const [after = 0] = await receive(store, 'a')
      expect(after).toBeGreaterThan(before)
      expect((await store.getCall('a'))?.head.eventCount).toBe(1)
      expect(seqsOf(await deliverAll(worker))).toEqual([after])
    },
  },
  {
    name: 'a fold that had read the call before it was erased does not bring it back',
    async run({ store }) {
      await addDestination(store)
      await foldCalls(store, [change({ callId: 'a', userNumber: said('+966501234567'), eventCount: 9 })])
      await store.append([newEvent({ callId: 'a' })])
      const read = await readStretch(store)
      await eraseAll(store, { callId: 'a' })
      await store.foldCommit(foldStretch(read))
      await fold(store)
      expect((await store.getCall('a'))?.head).toMatchObject({ eventCount: 1, userNumber: null })
      expect(await allDeliveries(store)).toHaveLength(1)
    },
  },
  {
    name: 'a call whose record went before its events is erased too — what they say of a person is in their bytes',
    async run({ store }) {
      const worker = await Worker.start(store)
      await addDestination(store)
      await receive(store, 'ab')
      await deliverAll(worker)
      const future = Date.now() + dayMs
      const cutoffs = { attempts: null, transcripts: null, records: future, events: null, keys: 0 }
      for (let chunk = 0; (await store.retain(cutoffs, 100)).more; chunk += 1) expect(chunk).toBeLessThan(100)
      expect(await store.getCall('a')).toBeNull()
      expect(await store.listEvents({ callId: 'a', after: 0, limit: 10 })).toHaveLength(1)
      expect(await eraseAll(store, { callId: 'a' })).toMatchObject({ events: 1, deliveries: 1 })
      expect((await store.listEvents({ after: 0, limit: 10 })).map(({ callId }) => callId)).toEqual(['b'])
    },
  },
  {
    name: 'what waits of an erased call is not sent, and its lanes are gone',
    async run({ store }) {
      const worker = await Worker.start(store)
      await parkedLane(store, worker, 'aa')
      await addDestination(store)
      await receive(store, 'a')
      const claims = await worker.claim()
      await worker.finish(claims.map((claim) => result(claim, retryAfter(muchLaterMs))))
      await receive(store, 'ab')
      expect(await eraseAll(store, { callId: 'a' })).toMatchObject({ calls: 1, events: 4 })
      expect((await allLanes(store)).every(({ laneKey }) => laneKey === 'call:b')).toBe(true)
      expect(new Set((await deliverAll(worker)).map(({ delivery }) => delivery.laneKey))).toEqual(
        new Set(['call:b']),
      )
      expect(await allLanes(store)).toEqual([])
    },
  },
  {
    name: 'a lane that others share goes on without the erased call, whatever its head was',
    async run({ store }) {
      const first = await Worker.start(store)
      await addDestination(store, { lane: 'destination' })
      const seqs = await receive(store, 'aabab')
      await first.finish(result(await first.claimOne(), retryAfter(muchLaterMs)))
      await eraseAll(store, { callId: 'a' })
      const made = await deliverAll(await Worker.start(store))
      expect(seqsOf(made)).toEqual([seqs[2], seqs[4]])
      expect(made.every(({ headAttempts }) => headAttempts === 0)).toBe(true)
      expect(await allLanes(store)).toEqual([])
    },
  },
  {
    name: 'a call may be erased while one of its deliveries is being made, and its lane goes on',
    async run({ store }) {
      const worker = await Worker.start(store)
      await addDestination(store, { lane: 'destination' })
      const [, ...rest] = await receive(store, 'abb')
      const claim = await worker.claimOne()
      await store.erase({ callId: 'a' }, 10)
      const { alive } = await worker.work([result(claim, delivered)], { lanesMax: 0 })
      expect(alive).toBe(true)
      // Whoever has the lane now gives it back.
      await store.endEpoch(worker.epoch)
      await eraseAll(store, { callId: 'a' })
      expect(await of(store, 'a')).toEqual({ call: null, events: [], deliveries: [] })
      expect(seqsOf(await deliverAll(await Worker.start(store)))).toEqual(rest)
      expect(await allLanes(store)).toEqual([])
    },
  },
  {
    name: 'a delivery of an erased call cannot be acted on any more',
    async run({ store }) {
      const worker = await Worker.start(store)
      await addDestination(store)
      await receive(store, 'a')
      const { delivery } = await worker.claimOne().then(async (claim) => {
        await worker.finish(result(claim, dead))
        return claim
      })
      await eraseAll(store, { callId: 'a' })
      expect(['not_found', 'event_removed']).toContain(await store.retryDelivery(delivery.key))
      expect(await store.skipDelivery(delivery.key, 'x')).toBe('not_found')
      expect(await allDeliveries(store)).toEqual([])
      expect(await worker.claim()).toEqual([])
    },
  },
  {
    name: 'the calls of a phone number are erased, however it is written, and no others',
    async run({ store }) {
      await heads(store, {
        a: { userNumber: said('+966 50 123-4567') },
        b: { userNumber: said('966501234567') },
        c: { userNumber: said('+966501234568') },
        d: { userNumber: said('66501234567') },
        e: { userNumber: said('9665012345670') },
        f: {},
      })
      expect((await eraseAll(store, { phone: '+966-501 234 567' }, 1)).calls).toBe(2)
      expect(await left(store)).toEqual(['c', 'd', 'e', 'f'])
    },
  },
  {
    name: 'the calls with a param are erased by its name and its text, and no others',
    async run({ store }) {
      const param = (name: string, value: unknown) => ({
        put: [{ kind: 'params' as const, at: sampleTime, seq: 1, data: { other: 1, [name]: value } }],
      })
      await foldCalls(store, [
        change({ callId: 'a' }, param('id', '12345')),
        change({ callId: 'b' }, param('id', '12345')),
        change({ callId: 'c' }, param('id', '123456')),
        change({ callId: 'd' }, param('ID', '12345')),
        change({ callId: 'e' }, param(`o'brien".$[0]`, `'"; --`)),
        change({ callId: 'f' }),
      ])
      expect((await eraseAll(store, { param: { name: 'id', value: '12345' } }, 1)).calls).toBe(2)
      expect(await left(store)).toEqual(['c', 'd', 'e', 'f'])
      expect((await eraseAll(store, { param: { name: `o'brien".$[0]`, value: `'"; --` } })).calls).toBe(1)
      expect(await left(store)).toEqual(['c', 'd', 'f'])
    },
  },
  {
    name: 'what names nobody erases nothing — a number without digits is not every call without a number',
    async run({ store }) {
      await heads(store, { a: {}, b: { userNumber: said('unknown') }, c: { userNumber: said('') } })
      const nobody: EraseSelection[] = [
        { callId: '' },
        { callId: 'none' },
        { callId: 'a\0' },
        { callId: '\ud800' },
        { phone: '' },
        { phone: 'unknown' },
        { phone: '+' },
        { phone: '\0' },
        { param: { name: 'none', value: '' } },
        { param: { name: '', value: 'null' } },
        { param: { name: '\0', value: '\ud800' } },
      ]
      for (const selection of nobody) {
        expect(await eraseAll(store, selection), JSON.stringify(selection)).toEqual(nothing)
      }
      expect(await left(store)).toEqual(['a', 'b', 'c'])
    },
  },
  {
    name: 'several calls are erased a bounded number at a time',
    async run({ store }) {
      const phone = '+966501234567'
      const calls = Array.from({ length: 7 }, (_, index) => [`c${index}`, { userNumber: said(phone) }])
      await heads(store, Object.fromEntries(calls) as Record<string, Partial<CallHead>>)
      const { more, ...first } = await store.erase({ phone }, 3)
      expect({ more, calls: first.calls }).toEqual({ more: true, calls: 3 })
      expect(await left(store)).toHaveLength(4)
      expect((await eraseAll(store, { phone }, 3)).calls).toBe(4)
      expect(await left(store)).toEqual([])
    },
  },
]

/** Erases to the end; the counts of all chunks together. */
async function eraseAll(store: Store, selection: EraseSelection, callsMax = 100): Promise<EraseReport> {
  const total = { ...nothing }
  for (let chunk = 0; chunk < 100; chunk += 1) {
    const { more, ...counts } = await store.erase(selection, callsMax)
    for (const kind of Object.keys(total) as (keyof EraseReport)[]) total[kind] += counts[kind]
    if (!more) return total
  }
  throw new Error('there is still more to erase after 100 chunks')
}

async function of(store: Store, callId: string) {
  return {
    call: await store.getCall(callId),
    events: await store.listEvents({ callId, after: 0, limit: 100 }),
    deliveries: await store.listDeliveries({ callId, before: null, limit: 100 }),
  }
}

async function heads(store: Store, wanted: Record<string, Partial<CallHead>>): Promise<void> {
  await foldCalls(
    store,
    Object.entries(wanted).map(([callId, head]) => change({ callId, ...head })),
  )
}

async function left(store: Store): Promise<string[]> {
  return (await store.listCalls({ limit: 100 })).items.map(({ callId }) => callId).toSorted()
}
