import { expect } from 'vitest'
import type { ReplayFilter, ReplayRead, Store } from '@hookswitch/core'
import {
  addDestination,
  allDeliveries,
  beginReplay,
  byLane,
  dead,
  deliverAll,
  filtered,
  receive,
  result,
  seqsOf,
  Worker,
} from './delivering.ts'
import { newEvent, sampleTime } from './samples.ts'
import type { StoreCase } from './suite.ts'

export const replayCases: StoreCase[] = [
  {
    name: 'a replay sends what matched once more, at the tails of its lanes and in the order of the log',
    async run({ store }) {
      const worker = await Worker.start(store)
      const target = await addDestination(store)
      const other = await addDestination(store)
      const seqs = await receive(store, 'abab')
      await deliverAll(worker)
      const replay = await beginReplay(store, target.key, {})
      expect(replay).toMatchObject({
        destinationKey: target.key,
        filter: {},
        total: 4,
        made: 0,
        state: 'running',
        finishedAt: null,
      })
      expect(replay.untilSeq).toBeGreaterThanOrEqual(seqs.at(-1) ?? 0)
      const after = await receive(store, 'a')
      expect(await replayAll(store, 3)).toEqual([seqs])
      const made = await deliverAll(worker)
      expect(byLane(made)).toEqual({
        // What came after the replay was asked for, and before it was made.
        [`${target.key} call:a`]: [...after, seqs[0], seqs[2]],
        [`${target.key} call:b`]: [seqs[1], seqs[3]],
        [`${other.key} call:a`]: after,
      })
      const replayed = made.filter(({ delivery }) => delivery.replayKey === replay.key)
      expect(seqsOf(replayed).toSorted((a, b) => a - b)).toEqual(seqs)
      expect(await store.getReplay(replay.key)).toMatchObject({
        state: 'done',
        made: 4,
        total: 4,
        finishedAt: expect.any(Number) as number,
      })
      expect(await store.replayRead(10)).toBeNull()
    },
  },
  {
    name: 'a replay reads a bounded number of events at a time, with the heads of their calls',
    async run({ store }) {
      const target = await addDestination(store)
      const seqs = await receive(store, 'abcab')
      const replay = await beginReplay(store, target.key, {})
      const read = await next(store, 2)
      expect(read.replay).toEqual(replay)
      const stored = await store.listEvents({ after: 0, limit: 2 })
      expect(
        read.events.map(({ seq, id, source, callId, type, body }) => ({
          seq,
          id,
          source,
          callId,
          type,
          body,
        })),
      ).toEqual(
        stored.map(({ seq, id, source, callId, type, body }) => ({ seq, id, source, callId, type, body })),
      )
      expect([...read.heads.keys()].toSorted()).toEqual(['a', 'b'])
      expect(read.heads.get('a')).toEqual((await store.getCall('a'))?.head)
      expect(read.last).toBe(false)
      // It is read again until it is committed.
      expect((await next(store, 2)).events).toEqual(read.events)
      expect(await commit(store, read)).toBe(true)
      const rest = await next(store, 10)
      expect(rest.events.map(({ seq }) => seq)).toEqual(seqs.slice(2))
      expect(rest.last).toBe(true)
      expect(rest.replay).toMatchObject({ made: 2, cursorSeq: seqs[1] })
    },
  },
  {
    name: 'events are replayed by id, call, type, source and time, and all that is asked must hold',
    async run({ store }) {
      const target = await addDestination(store)
      const events = [
        newEvent({ callId: 'a', type: 'x', source: 's', receivedAt: sampleTime }),
        newEvent({ callId: 'a', type: 'y', source: 't', receivedAt: sampleTime + 1 }),
        newEvent({ callId: 'b', type: 'x', source: 't', receivedAt: sampleTime + 2 }),
        newEvent({ callId: 'b', type: 'y', source: 's', receivedAt: sampleTime + 3 }),
      ]
      await receive(store, events)
      const ids = events.map(({ id }) => id)
      const [a = '', b = '', c = '', d = ''] = ids
      const found = async (filter: ReplayFilter): Promise<string[]> => {
        const { key, total } = await beginReplay(store, target.key, filter)
        const read = await next(store, 100)
        expect(read.replay).toMatchObject({ key, filter })
        expect(total).toBe(read.events.length)
        expect(await store.cancelReplay(key)).not.toBeNull()
        return read.events.map(({ id }) => id)
      }
      expect(await found({ eventIds: [d, 'evt_unknown', a] })).toEqual([a, d])
      expect(await found({ callId: 'a' })).toEqual([a, b])
      expect(await found({ type: 'x' })).toEqual([a, c])
      expect(await found({ source: 't' })).toEqual([b, c])
      expect(await found({ from: sampleTime + 1 })).toEqual([b, c, d])
      expect(await found({ to: sampleTime + 1 })).toEqual([a])
      expect(await found({ from: sampleTime + 1, to: sampleTime + 3 })).toEqual([b, c])
      expect(await found({ callId: 'b', type: 'x' })).toEqual([c])
      expect(await found({ eventIds: [a, b], source: 't', from: sampleTime })).toEqual([b])
      expect(await found({})).toEqual(ids)
    },
  },
  {
    name: 'events that lie far apart in the log are all replayed, however many looks that takes',
    async run({ store }) {
      const first = newEvent({ type: 'x' })
      const last = newEvent({ type: 'x' })
      const between = Array.from({ length: 12 * 512 }, () => newEvent({ type: 'y' }))
      await store.append([first])
      for (let at = 0; at < between.length; at += 512) await store.append(between.slice(at, at + 512))
      await receive(store, [last])
      const target = await addDestination(store)
      await beginReplay(store, target.key, { type: 'x' })
      const found: string[] = []
      for (let look = 0, isLast = false; !isLast; look += 1) {
        expect(look).toBeLessThan(pagesMax)
        // A look may end with nothing before it has seen the whole log; the next one goes on from there.
        const read = await next(store, 1)
        found.push(...read.events.map(({ id }) => id))
        expect(await commit(store, read)).toBe(true)
        isLast = read.last
      }
      expect(found).toEqual([first.id, last.id])
      expect(await allDeliveries(store)).toHaveLength(2)
    },
  },
  {
    name: 'events are replayed by the state of their latest delivery at that destination',
    async run({ store }) {
      const worker = await Worker.start(store)
      const target = await addDestination(store)
      const [a = 0, b = 0, c = 0, d = 0] = await receive(store, 'abcd')
      const claims = await worker.claim()
      const of = (seq: number) => {
        const claim = claims.find(({ delivery }) => delivery.eventSeq === seq)
        if (claim === undefined) throw new Error('every lane is due')
        return claim
      }
      await worker.finish([
        result(of(a), dead),
        result(of(b), filtered),
        result(of(c), dead),
        result(of(d), { kind: 'delivered' }),
      ])
      // A later destination has delivered all of them, which is not asked about.
      const other = await addDestination(store)
      await beginReplay(store, other.key, {})
      await replayAll(store, 10)
      await deliverAll(worker)
      const matching = async (state: ReplayFilter['state'] & string): Promise<number[]> => {
        const { key } = await beginReplay(store, target.key, { state })
        const { events } = await next(store, 100)
        await store.cancelReplay(key)
        return events.map(({ seq }) => seq)
      }
      expect(await matching('dead')).toEqual([a, c])
      expect(await matching('filtered')).toEqual([b])
      expect(await matching('delivered')).toEqual([d])
      expect(await matching('skipped')).toEqual([])
      // The latest counts: a dead one that was replayed and delivered is dead no more.
      await beginReplay(store, target.key, { state: 'dead', callId: 'a' })
      await replayAll(store, 10)
      expect(await matching('dead')).toEqual([c])
      expect(await matching('pending')).toEqual([a])
      await deliverAll(worker)
      expect(await matching('delivered')).toEqual([a, d])
    },
  },
  {
    name: 'what a replay would send is counted and nothing is begun — of too many it is said how many there are',
    async run({ store }) {
      const target = await addDestination(store)
      const seqs = await receive(store, 'abc')
      // One that is not folded is still to be routed.
      await store.append([newEvent()])
      const asked = { destinationKey: target.key, filter: {} }
      expect(await store.matchReplay({ ...asked, totalMax: 2 })).toEqual({ tooMany: 3 })
      const matched = await store.matchReplay({ ...asked, totalMax: 3 })
      expect(matched).toEqual({ total: 3, afterSeq: (seqs[0] ?? 0) - 1, untilSeq: seqs[2] })
      const narrowed = { ...asked, filter: { callId: 'b' }, totalMax: 3 }
      expect(await store.matchReplay(narrowed)).toEqual({
        total: 1,
        afterSeq: (seqs[1] ?? 0) - 1,
        untilSeq: seqs[1],
      })
      expect(await store.listReplays({ before: null, limit: 10 })).toEqual([])
      expect(await store.replayRead(10)).toBeNull()
    },
  },
  {
    name: 'a replay of nothing ends by itself',
    async run({ store }) {
      const target = await addDestination(store)
      await receive(store, 'a')
      const { key, total } = await beginReplay(store, target.key, { callId: 'none' })
      expect(total).toBe(0)
      expect((await replayAll(store, 10)).flat()).toEqual([])
      expect(await store.getReplay(key)).toMatchObject({ state: 'done', made: 0 })
      expect(await store.replayRead(10)).toBeNull()
    },
  },
  {
    name: 'of two commits of one page one is written, and the deliveries are there once',
    async run({ store, second }) {
      const other = await second()
      const target = await addDestination(store)
      await receive(store, 'ab')
      const before = (await allDeliveries(store)).length
      const replay = await beginReplay(store, target.key, {})
      const read = await next(store, 1)
      const wins = await Promise.all([commit(store, read), commit(other, read), commit(store, read)])
      expect(wins.filter(Boolean)).toHaveLength(1)
      expect(await allDeliveries(store)).toHaveLength(before + 1)
      expect(await store.getReplay(replay.key)).toMatchObject({ made: 1, state: 'running' })
      expect(await commit(store, read)).toBe(false)
    },
  },
  {
    name: 'a replay that is cancelled makes nothing more, also of a page that was read before',
    async run({ store }) {
      const target = await addDestination(store)
      await receive(store, 'abc')
      const { key } = await beginReplay(store, target.key, {})
      expect(await commit(store, await next(store, 1))).toBe(true)
      const read = await next(store, 1)
      const before = await allDeliveries(store)
      expect(await store.cancelReplay(key)).toMatchObject({
        key,
        state: 'cancelled',
        made: 1,
        finishedAt: expect.any(Number) as number,
      })
      expect(await store.replayRead(10)).toBeNull()
      expect(await commit(store, read)).toBe(false)
      expect(await allDeliveries(store)).toEqual(before)
      expect(await store.getReplay(key)).toMatchObject({ state: 'cancelled', made: 1 })
    },
  },
  {
    name: 'a replay that is done is not cancelled, and one that is not there is null',
    async run({ store }) {
      const target = await addDestination(store)
      await receive(store, 'a')
      const { key } = await beginReplay(store, target.key, {})
      await replayAll(store, 10)
      await store.cancelReplay(key)
      expect(await store.getReplay(key)).toMatchObject({ state: 'done', made: 1 })
      expect(await store.cancelReplay(999_999)).toBeNull()
      expect(await store.getReplay(999_999)).toBeNull()
    },
  },
  {
    name: 'running replays take turns stretch by stretch — a short one does not wait for the end of a long one',
    async run({ store, second }) {
      const other = await second()
      const target = await addDestination(store)
      await receive(store, 'aaaaab')
      const long = await beginReplay(store, target.key, { callId: 'a' })
      const alsoLong = await beginReplay(store, target.key, {})
      const turn = async (node: Store): Promise<number> => {
        const read = await next(node, 2)
        expect(await commit(node, read)).toBe(true)
        return read.replay.key
      }
      expect([await turn(store), await turn(other)]).toEqual([long.key, alsoLong.key])
      const short = await beginReplay(store, target.key, { callId: 'b' })
      const turns: number[] = []
      for (const node of [store, other, store, other, store]) turns.push(await turn(node))
      expect(turns).toEqual([short.key, long.key, alsoLong.key, long.key, alsoLong.key])
      expect(await store.replayRead(2)).toBeNull()
      for (const { key, total } of [long, alsoLong, short]) {
        expect(await store.getReplay(key)).toMatchObject({ state: 'done', made: total })
      }
    },
  },
  {
    name: 'of several replays the oldest is read first, and they are listed newest first',
    async run({ store }) {
      const target = await addDestination(store)
      await receive(store, 'ab')
      const replays = [
        await beginReplay(store, target.key, { callId: 'b' }),
        await beginReplay(store, target.key, { callId: 'a' }),
        await beginReplay(store, target.key, {}),
      ]
      expect((await next(store, 10)).replay).toEqual(replays[0])
      await store.cancelReplay(replays[0]?.key ?? 0)
      expect((await next(store, 10)).replay).toEqual(replays[1])
      const keys = replays.map(({ key }) => key).toReversed()
      const listed = async (before: number | null, limit: number): Promise<number[]> =>
        (await store.listReplays({ before, limit })).map(({ key }) => key)
      expect(await listed(null, 10)).toEqual(keys)
      expect(await listed(null, 2)).toEqual(keys.slice(0, 2))
      expect(await listed(keys[1] ?? 0, 10)).toEqual(keys.slice(2))
      expect(keys).toEqual(keys.toSorted((a, b) => b - a))
    },
  },
  {
    name: 'a replay waits for what is before it in its lane, and what comes later waits for it',
    async run({ store }) {
      const worker = await Worker.start(store)
      const target = await addDestination(store, { lane: 'destination' })
      const seqs = await receive(store, 'ab')
      const claim = await worker.claimOne()
      await beginReplay(store, target.key, { callId: 'b' })
      await replayAll(store, 10, 'all')
      const later = await receive(store, 'c')
      expect(seqsOf(await deliverAll(worker, [claim]))).toEqual([...seqs, seqs[1], ...later])
    },
  },
  {
    name: 'the replay of a destination that is removed meanwhile ends with it',
    async run({ store }) {
      const target = await addDestination(store)
      await receive(store, 'a')
      const { key } = await beginReplay(store, target.key, {})
      await store.removeDestination(target.id, 'skip', 100)
      expect(await store.replayRead(10)).toBeNull()
      expect((await store.getReplay(key))?.state).not.toBe('running')
      expect((await allDeliveries(store)).every(({ state }) => state === 'skipped')).toBe(true)
    },
  },
  {
    name: 'a filter comes back as it was given, and no text in it is a failure',
    async run({ store }) {
      const target = await addDestination(store)
      await receive(store, 'a')
      for (const text of [`o'brien"; --`, '📞', 'x\0', '\ud800', 'x'.repeat(10_000)]) {
        const filter = { eventIds: [text], callId: text, type: text, source: text, from: 0, to: 1 }
        expect(await beginReplay(store, target.key, filter)).toMatchObject({ total: 0 })
        const [replay] = await store.listReplays({ before: null, limit: 1 })
        expect(replay?.filter).toEqual(filter)
        await replayAll(store, 10)
      }
    },
  },
]

async function next(store: Store, eventsMax: number): Promise<ReplayRead> {
  const read = await store.replayRead(eventsMax)
  if (read === null) throw new Error('a replay is running')
  return read
}

function commit(store: Store, { replay, events, last }: ReplayRead, laneKey?: string): Promise<boolean> {
  return store.replayCommit({
    replayKey: replay.key,
    expectedCursorSeq: replay.cursorSeq,
    cursorSeq: last ? replay.untilSeq : (events.at(-1)?.seq ?? replay.cursorSeq),
    done: last,
    deliveries: events.map(({ seq, callId }) => ({
      destinationKey: replay.destinationKey,
      eventSeq: seq,
      laneKey: laneKey ?? `call:${callId}`,
      replayKey: replay.key,
    })),
  })
}

/** More pages than any case has. */
const pagesMax = 100

/** Makes all that is to be replayed, as a node does; returns the places of the events, replay by replay. */
async function replayAll(store: Store, eventsMax: number, laneKey?: string): Promise<number[][]> {
  const seqs = new Map<number, number[]>()
  for (let page = 0; page < pagesMax; page += 1) {
    const read = await store.replayRead(eventsMax)
    if (read === null) return [...seqs.values()]
    const { key } = read.replay
    seqs.set(key, [...(seqs.get(key) ?? []), ...read.events.map(({ seq }) => seq)])
    if (!(await commit(store, read, laneKey))) throw new Error('another node went ahead')
  }
  throw new Error(`a replay has not ended after ${pagesMax} pages`)
}
