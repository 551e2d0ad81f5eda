import { expect } from 'vitest'
import { keysKeptMs, type RetentionCutoffs, type RetentionReport, type Store } from '@hookswitch/core'
import type { CallPart } from '@hookswitch/events'
import {
  addDestination,
  allDeliveries,
  allLanes,
  dayMs,
  dead,
  deliverAll,
  hourMs,
  muchLaterMs,
  receive,
  result,
  retryAfter,
  Worker,
} from './delivering.ts'
import { change, foldAll, newEvent, repeated } from './samples.ts'
import type { StoreCase } from './suite.ts'

const now = Date.now()
const old = now - 10 * dayMs
const between = now - 5 * dayMs
const inAnHour = now + hourMs

const none: RetentionReport = {
  attempts: 0,
  deliveries: 0,
  transcripts: 0,
  records: 0,
  events: 0,
  keys: 0,
  more: false,
}

export const retentionCases: StoreCase[] = [
  {
    name: 'where everything is kept for good, or nothing is too old, nothing is removed',
    async run({ store }) {
      await sampleLog(store)
      expect(await retainAll(store, {})).toEqual(none)
      const past = old - 1
      expect(
        await retainAll(store, { attempts: past, transcripts: past, records: past, events: past }),
      ).toEqual(none)
      expect(await store.listEvents({ after: 0, limit: 10 })).toHaveLength(2)
      expect((await store.getCall('old'))?.parts).toHaveLength(5)
    },
  },
  {
    name: 'attempts and finished deliveries go when they are too old, and what waits stays',
    async run({ store }) {
      const worker = await Worker.start(store)
      await addDestination(store)
      await receive(store, 'abb')
      await deliverAll(worker)
      await receive(store, 'c')
      const waits = await worker.claimOne()
      await worker.finish(result(waits, retryAfter(muchLaterMs)))
      expect(await retainAll(store, { attempts: old })).toEqual(none)
      expect(await retainAll(store, { attempts: inAnHour })).toMatchObject({ deliveries: 3, events: 0 })
      const left = await allDeliveries(store)
      expect(left.map(({ key }) => key)).toEqual([waits.delivery.key])
      expect(await allLanes(store)).toHaveLength(1)
      expect(await store.listEvents({ after: 0, limit: 10 })).toHaveLength(4)
      expect(await store.retryDelivery(waits.delivery.key)).toBe('done')
      expect(await deliverAll(worker)).toHaveLength(1)
    },
  },
  {
    name: 'the number of a delivery that was removed is not given again',
    async run({ store }) {
      const worker = await Worker.start(store)
      await addDestination(store)
      await receive(store, 'ab')
      await deliverAll(worker)
      const last = (await allDeliveries(store)).at(-1)?.key ?? 0
      await retainAll(store, { attempts: inAnHour })
      expect(await allDeliveries(store)).toEqual([])
      await receive(store, 'a')
      expect((await allDeliveries(store))[0]?.key).toBeGreaterThan(last)
    },
  },
  {
    name: 'events go when they are too old, with what was delivered of them, and the log goes on behind them',
    async run({ store }) {
      const worker = await Worker.start(store)
      await addDestination(store)
      const seqs = await receive(store, [
        { callId: 'a', receivedAt: old },
        { callId: 'b', receivedAt: old },
        { callId: 'a', receivedAt: now },
      ])
      await deliverAll(worker)
      expect(await retainAll(store, { events: between })).toMatchObject({ events: 2 })
      expect((await store.listEvents({ after: 0, limit: 10 })).map(({ seq }) => seq)).toEqual(seqs.slice(2))
      expect(await store.listEvents({ callId: 'b', after: 0, limit: 10 })).toEqual([])
      expect(await store.eventsAt(seqs.slice(0, 2))).toEqual([])
      expect((await allDeliveries(store)).map(({ eventSeq }) => eventSeq)).toEqual(seqs.slice(2))
      expect(await store.deliveriesOfEvent(seqs[0] ?? 0)).toEqual([])
      expect(await store.logBounds()).toMatchObject({
        oldestSeq: seqs[2],
        newestSeq: seqs[2],
        foldedSeq: seqs[2],
      })
      const [appended] = await store.append([newEvent()])
      expect(appended?.seq).toBeGreaterThan(seqs[2] ?? 0)
    },
  },
  {
    name: 'no event goes that is not folded or not delivered yet, however old',
    async run({ store }) {
      const worker = await Worker.start(store)
      await addDestination(store)
      const seqs = await receive(store, [
        { callId: 'waits', receivedAt: old },
        { callId: 'tried', receivedAt: old },
        { callId: 'done', receivedAt: old },
      ])
      const claims = await worker.claim()
      const of = (callId: string) => {
        const claim = claims.find(({ delivery }) => delivery.laneKey === `call:${callId}`)
        if (claim === undefined) throw new Error('every lane is due')
        return claim
      }
      await worker.finish([result(of('waits'), retryAfter(muchLaterMs)), result(of('done'), dead)])
      const [unfolded] = await store.append([newEvent({ callId: 'new', receivedAt: old })])
      expect(await retainAll(store, { events: inAnHour, attempts: inAnHour })).toMatchObject({ events: 1 })
      expect((await store.listEvents({ after: 0, limit: 10 })).map(({ seq }) => seq)).toEqual([
        seqs[0],
        seqs[1],
        unfolded?.seq,
      ])
      await worker.finish(result(of('tried'), { kind: 'delivered' }))
      expect(await retainAll(store, { events: inAnHour })).toMatchObject({ events: 1 })
    },
  },
  {
    name: 'transcripts go by themselves: turns and tools, and nothing else of the call',
    async run({ store }) {
      await sampleLog(store)
      expect((await retainAll(store, { transcripts: between })).transcripts).toBeGreaterThan(0)
      const kinds = async (callId: string): Promise<string[] | undefined> =>
        (await store.getCall(callId))?.parts.map(({ kind }) => kind).toSorted()
      expect(await kinds('old')).toEqual(['outcome', 'params'])
      expect(await kinds('new')).toEqual(['final', 'live', 'outcome', 'params', 'tool'])
      expect((await store.listCalls({ limit: 10 })).items.map(({ callId }) => callId)).toEqual(['new', 'old'])
      expect(await store.listEvents({ after: 0, limit: 10 })).toHaveLength(2)
    },
  },
  {
    name: 'records of calls go by themselves, and their events stay',
    async run({ store }) {
      await sampleLog(store)
      expect((await retainAll(store, { records: between })).records).toBe(1)
      expect(await store.getCall('old')).toBeNull()
      expect((await store.getCall('new'))?.parts).toHaveLength(5)
      expect((await store.listCalls({ limit: 10 })).items.map(({ callId }) => callId)).toEqual(['new'])
      expect(await store.listEvents({ after: 0, limit: 10 })).toHaveLength(2)
      // What still comes of the call begins its record anew.
      await receive(store, [{ callId: 'old' }])
      expect((await store.getCall('old'))?.head).toMatchObject({ callId: 'old', eventCount: 1 })
    },
  },
  {
    name: 'what deliveries are made from stays while one of the call waits, and goes with the others after that',
    async run({ store }) {
      const worker = await Worker.start(store)
      await addDestination(store)
      await sampleLog(store)
      // Routed only now, and by the events that are old.
      await receive(store, [{ callId: 'done', receivedAt: old }])
      await deliverAll(worker)
      const [seq = 0] = await receive(store, [{ callId: 'waits', receivedAt: old, occurredAt: old }])
      await putTranscript(store, 'waits', 20)
      const waits = await worker.claimOne()
      expect(waits.delivery.eventSeq).toBe(seq)
      await worker.finish(result(waits, retryAfter(muchLaterMs)))
      const cutoffs = { transcripts: inAnHour, records: inAnHour }
      // Also where the calls that stay are more than one chunk looks at.
      const report = await retainAll(store, cutoffs, 3)
      expect(report.records).toBe(3)
      expect((await store.getCall('waits'))?.parts).toHaveLength(20)
      expect((await store.listCalls({ limit: 10 })).items.map(({ callId }) => callId)).toEqual(['waits'])
      expect(await retainAll(store, cutoffs, 3)).toEqual(none)
      expect(await store.skipDelivery(waits.delivery.key, 'x')).toBe('done')
      expect(await retainAll(store, cutoffs, 3)).toMatchObject({ transcripts: 20, records: 1 })
      expect(await store.getCall('waits')).toBeNull()
    },
  },
  {
    name: 'a record that goes while its call is being folded is written anew',
    async run({ store }) {
      await sampleLog(store)
      await store.append([newEvent({ callId: 'old' })])
      const read = await store.foldRead('node-1', 10, 1_000_000)
      await retainAll(store, { records: between, transcripts: between })
      const head = read?.heads.get('old')
      if (read === null || head === undefined) throw new Error('the head was read')
      const last = read.events.at(-1)?.seq ?? 0
      expect(
        await store.foldCommit({
          expectedFoldedSeq: read.foldedSeq,
          expectedRouting: read.routing,
          foldedSeq: last,
          calls: [{ head: { ...head, eventCount: 2 }, put: [], drop: [] }],
          events: [{ seq: last, callId: 'old' }],
          marked: [],
          deliveries: [],
        }),
      ).toBe(true)
      expect((await store.getCall('old'))?.head).toEqual({ ...head, eventCount: 2 })
      expect(
        (await store.listEvents({ callId: 'old', after: 0, limit: 10 })).map(({ seq }) => seq),
      ).toContain(last)
    },
  },
  {
    name: 'an event that was removed is known as a duplicate for as long as was promised, whatever is asked',
    async run({ store }) {
      const worker = await Worker.start(store)
      await addDestination(store)
      // An event may say that it happened long ago; it is its arrival that counts.
      const events = [
        newEvent({ occurredAt: old, receivedAt: old }),
        newEvent({ occurredAt: 0, receivedAt: old }),
        newEvent({ occurredAt: null, receivedAt: old }),
      ]
      await store.append(events)
      await foldAll(store)
      await deliverAll(worker)
      expect(await retainAll(store, { events: inAnHour, keys: inAnHour })).toMatchObject({
        events: 3,
        keys: 0,
      })
      const again = await store.append(events.map((event) => repeated(event)))
      expect(again.map(({ id, duplicate }) => [id, duplicate])).toEqual(events.map(({ id }) => [id, true]))
      expect(await store.listEvents({ after: 0, limit: 10 })).toEqual([])
    },
  },
  {
    name: 'the key of an event that is gone is forgotten in the end, and never before the event',
    needs: 'advance',
    async run({ store, advance }) {
      const longAgo = now - keysKeptMs - 20 * dayMs
      const event = (): ReturnType<typeof newEvent> => newEvent({ occurredAt: longAgo, receivedAt: longAgo })
      const [gone, kept] = [event(), { ...event(), receivedAt: now }]
      await store.append([gone, kept])
      await foldAll(store)
      await advance(keysKeptMs + dayMs)
      expect((await retainAll(store, { events: between, keys: between })).events).toBe(1)
      await retainAll(store, { events: between, keys: inAnHour })
      const [again, known] = await store.append([repeated(gone), repeated(kept)])
      expect(again).toMatchObject({ duplicate: false })
      expect(known).toMatchObject({ duplicate: true, id: kept.id })
    },
  },
  {
    name: 'what is too old goes in chunks, and is gone when there is no more',
    async run({ store }) {
      const worker = await Worker.start(store)
      await addDestination(store)
      const calls = Array.from({ length: 23 }, (_, index) => ({ callId: `call_${index}`, receivedAt: old }))
      await receive(store, calls)
      await deliverAll(worker)
      const first = await store.retain({ ...keepAll, events: inAnHour }, 5)
      expect(first.events).toBeLessThanOrEqual(5)
      expect(first.events).toBeGreaterThan(0)
      expect(first.more).toBe(true)
      const rest = await retainAll(store, { events: inAnHour }, 5)
      expect(first.events + rest.events).toBe(23)
      expect(await store.listEvents({ after: 0, limit: 100 })).toEqual([])
      expect(await allDeliveries(store)).toEqual([])
      expect(await retainAll(store, { events: inAnHour }, 5)).toEqual(none)
    },
  },
]

const keepAll: RetentionCutoffs = { attempts: null, transcripts: null, records: null, events: null, keys: 0 }

/** Removes all that is older than that; the counts of all chunks together. */
async function retainAll(
  store: Store,
  cutoffs: Partial<RetentionCutoffs>,
  rowsMax = 1_000,
): Promise<RetentionReport> {
  const total = { ...none }
  for (let chunk = 0; chunk < 100; chunk += 1) {
    const { more, ...counts } = await store.retain({ ...keepAll, ...cutoffs }, rowsMax)
    for (const kind of Object.keys(counts) as (keyof typeof counts)[]) total[kind] += counts[kind]
    if (!more) return total
  }
  throw new Error('there is still more to remove after 100 chunks')
}

/** Gives the record of a call that is there so many turns, all of long ago. */
async function putTranscript(store: Store, callId: string, turns: number): Promise<void> {
  const head = (await store.getCall(callId))?.head
  const [appended] = await store.append([
    newEvent({ callId, type: 'none', receivedAt: old, occurredAt: old }),
  ])
  const read = await store.foldRead('node-1', 10, 1_000_000)
  if (head === undefined || read === null) throw new Error('the call is folded')
  const put = Array.from({ length: turns }, (_, index): CallPart => ({
    kind: 'live',
    at: old,
    seq: index + 1,
    data: { form: 'delta', turns: [{ speaker: 'User', text: 'hello', at: null }] },
  }))
  const seq = appended?.seq ?? 0
  await store.foldCommit({
    expectedFoldedSeq: read.foldedSeq,
    expectedRouting: read.routing,
    foldedSeq: seq,
    calls: [{ head: { ...head, firstEventAt: old, lastEventAt: old }, put, drop: [] }],
    events: [{ seq, callId }],
    marked: [],
    deliveries: [],
  })
}

/** A call of ten days ago and one of today, each with an event and parts of every kind. */
async function sampleLog(store: Store): Promise<void> {
  const calls = [
    { callId: 'old', at: old },
    { callId: 'new', at: now },
  ]
  await store.append(calls.map(({ callId, at }) => newEvent({ callId, receivedAt: at, occurredAt: at })))
  const turns = [{ speaker: 'User', text: 'hello', at: null }]
  const parts = (at: number): CallPart[] => [
    { kind: 'live', at, seq: 1, data: { form: 'delta', turns } },
    { kind: 'final', at, seq: 1, data: turns },
    {
      kind: 'tool',
      at,
      seq: 1,
      data: { name: 'x', input: {}, output: {}, success: true, error: null, durationMs: 1, at },
    },
    { kind: 'outcome', at, seq: 1, data: { stage: 'offer' } },
    { kind: 'params', at, seq: 1, data: { id: '1' } },
  ]
  await foldAll(
    store,
    calls.map(({ callId, at }) => change({ callId, firstEventAt: at, lastEventAt: at }, { put: parts(at) })),
  )
}
