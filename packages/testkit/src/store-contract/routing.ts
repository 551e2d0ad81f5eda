import { expect } from 'vitest'
import { foldStretch, type FoldCommit } from '@hookswitch/core'
import { oddCallIds } from './append.ts'
import {
  addDestination,
  allDeliveries,
  allLanes,
  byLane,
  deliverAll,
  fold,
  pause,
  receive,
  redefine,
  resume,
  seqsOf,
  Worker,
} from './delivering.ts'
import { callHead, newEvent, readStretch } from './samples.ts'
import type { StoreCase } from './suite.ts'

export const routingCases: StoreCase[] = [
  {
    name: 'the fold reads the destinations that are routed to, as they are now',
    async run({ store }) {
      const before = await readStretch(store)
      expect(before.destinations).toEqual([])
      const one = await addDestination(store)
      const two = await addDestination(store)
      const shown = (await readStretch(store)).destinations
      expect(shown).toMatchObject([
        { key: one.key, definition: one.definition },
        { key: two.key, definition: two.definition },
      ])
      const changed = await redefine(store, one, { events: ['call.ended'] })
      expect((await readStretch(store)).destinations[0]?.definition).toEqual(changed.definition)
    },
  },
  {
    name: 'the list of destinations is counted on with what changes it, and with nothing else',
    async run({ store }) {
      let last = (await readStretch(store)).routing
      const moved = async (): Promise<boolean> => {
        const { routing } = await readStretch(store)
        const isMoved = routing !== last
        last = routing
        return isMoved
      }
      const one = await addDestination(store)
      expect(await moved(), 'added').toBe(true)
      await pause(store, one)
      await resume(store, one)
      await store.holdDestination(one.id, { reason: 'auth', until: null, detail: null })
      await resume(store, one)
      expect(await moved(), 'held and resumed').toBe(false)
      await redefine(store, one, { events: ['call.ended'] })
      expect(await moved(), 'changed').toBe(true)
      await store.holdDestination(one.id, { reason: 'removed', until: null, detail: null })
      expect(await moved(), 'left the config').toBe(true)
      await resume(store, one)
      expect(await moved(), 'came back').toBe(true)
      await store.removeDestination(one.id, 'refuse', 10)
      expect(await moved(), 'removed').toBe(true)
      expect(await moved(), 'nothing').toBe(false)
    },
  },
  {
    name: 'a stretch that was routed by another list is not written, and leaves no trace',
    async run({ store }) {
      await addDestination(store)
      await store.append([newEvent()])
      const read = await readStretch(store)
      const added = await addDestination(store)
      expect(await store.foldCommit(foldStretch(read))).toBe(false)
      expect(await allDeliveries(store)).toEqual([])
      expect(await store.getCall('call_1')).toBeNull()
      expect((await store.logBounds()).foldedSeq).toBe(0)
      await fold(store)
      expect((await allDeliveries(store)).map(({ destinationKey }) => destinationKey)).toContain(added.key)
      expect(await allDeliveries(store)).toHaveLength(2)
    },
  },
  {
    name: 'an event goes to the destinations that were there when it was folded, and to none made after',
    async run({ store }) {
      const worker = await Worker.start(store)
      const first = await addDestination(store)
      const [early = 0] = await receive(store, 'a')
      // An event that has come but is not folded is routed to a destination that is made meanwhile.
      const [waiting] = await store.append([newEvent({ callId: 'a' })])
      const late = await addDestination(store)
      await fold(store)
      expect(byLane(await deliverAll(worker))).toEqual({
        [`${first.key} call:a`]: [early, waiting?.seq],
        [`${late.key} call:a`]: [waiting?.seq],
      })
    },
  },
  {
    name: 'what a destination does not take by type, source or agent is not routed to it',
    async run({ store }) {
      const worker = await Worker.start(store)
      const byType = await addDestination(store, { events: ['x'] })
      const bySource = await addDestination(store, { scope: { sources: ['other'], agents: null } })
      await addDestination(store, { scope: { sources: null, agents: ['agent-1'] } })
      const [x, other] = await receive(store, [{ type: 'x' }, { source: 'other' }, {}])
      expect(byLane(await deliverAll(worker))).toEqual({
        [`${byType.key} call:call_1`]: [x],
        [`${bySource.key} call:call_1`]: [other],
      })
    },
  },
  {
    name: 'a lane is filled in the order of the log, over stretches and calls',
    async run({ store }) {
      const worker = await Worker.start(store)
      const together = await addDestination(store, { lane: 'destination' })
      const byCall = await addDestination(store, { lane: 'call' })
      await addDestination(store, { lane: 'none', events: ['never'] })
      const seqs = [
        ...(await receive(store, 'abba')),
        ...(await receive(store, 'c')),
        ...(await receive(store, 'bac')),
      ]
      const of = (letter: string): number[] => seqs.filter((_, index) => 'abbacbac'[index] === letter)
      expect(byLane(await deliverAll(worker))).toEqual({
        [`${together.key} all`]: seqs,
        [`${byCall.key} call:a`]: of('a'),
        [`${byCall.key} call:b`]: of('b'),
        [`${byCall.key} call:c`]: of('c'),
      })
    },
  },
  {
    name: 'a delivery that was routed waits for its turn, and says of what it is',
    async run({ store }) {
      const { key } = await addDestination(store)
      const [seq = 0] = await receive(store, [{ callId: 'a', type: 'x' }])
      const event = await store.getEvent((await store.listEvents({ after: 0, limit: 1 }))[0]?.id ?? '')
      const [delivery] = await allDeliveries(store)
      expect(delivery).toMatchObject({
        destinationKey: key,
        eventSeq: seq,
        laneKey: 'call:a',
        replayKey: null,
        state: 'pending',
        reason: null,
        attempts: 0,
        finishedAt: null,
        eventId: event?.id,
        eventType: 'x',
        callId: 'a',
      })
      const [lane] = await allLanes(store)
      expect(delivery?.lane).toEqual({
        key: lane?.key,
        state: 'running',
        isHead: true,
        dueAt: lane?.dueAt,
        claimed: false,
      })
      expect(lane).toMatchObject({
        destinationKey: key,
        laneKey: 'call:a',
        state: 'running',
        headAttempts: 0,
        parkedAt: null,
        parkedReason: null,
        pending: 1,
        headDeliveryKey: delivery?.key,
      })
    },
  },
  {
    name: 'of two commits of one stretch one makes the deliveries',
    async run({ store, second }) {
      const worker = await Worker.start(store)
      const other = await second()
      await addDestination(store, { lane: 'destination' })
      for (let round = 0; round < 5; round += 1) {
        await store.append([newEvent(), newEvent()])
        const commit = foldStretch(await readStretch(store))
        const wins = await Promise.all([store.foldCommit(commit), other.foldCommit(commit)])
        expect(wins.filter(Boolean)).toHaveLength(1)
      }
      const seqs = (await store.listEvents({ after: 0, limit: 100 })).map(({ seq }) => seq)
      expect(seqsOf(await deliverAll(worker))).toEqual(seqs)
    },
  },
  {
    name: 'lanes are told apart character by character, and come back as they were named',
    async run({ store }) {
      const worker = await Worker.start(store)
      const { key } = await addDestination(store)
      const names = oddCallIds()
      const seqs = await receive(
        store,
        names.map((callId) => ({ callId })),
      )
      expect((await allLanes(store)).map(({ laneKey }) => laneKey).toSorted()).toEqual(
        names.map((name) => `call:${name}`).toSorted(),
      )
      expect(byLane(await deliverAll(worker))).toEqual(
        Object.fromEntries(names.map((name, index) => [`${key} call:${name}`, [seqs[index]]])),
      )
    },
  },
  {
    name: 'a stretch of 256 events for four destinations is written whole',
    async run({ store }) {
      for (let count = 0; count < 4; count += 1) await addDestination(store)
      const seqs = await receive(
        store,
        Array.from({ length: 256 }, (_, index) => ({ callId: `call_${index}` })),
      )
      expect(await allLanes(store)).toHaveLength(1_024)
      expect((await allDeliveries(store)).map(({ eventSeq }) => eventSeq).toSorted((a, b) => a - b)).toEqual(
        seqs.flatMap((seq) => [seq, seq, seq, seq]),
      )
    },
  },
  {
    name: 'one that left the config is not routed to and sent nothing; what waited is sent when it comes back',
    async run({ store }) {
      const worker = await Worker.start(store)
      const one = await addDestination(store)
      const [waiting] = await receive(store, 'a')
      await store.holdDestination(one.id, { reason: 'removed', until: null, detail: null })
      expect((await readStretch(store)).destinations).toEqual([])
      await receive(store, 'b')
      expect(await worker.claim()).toEqual([])
      await resume(store, one)
      expect((await readStretch(store)).destinations).toMatchObject([{ key: one.key }])
      const [later] = await receive(store, 'c')
      expect(seqsOf(await deliverAll(worker))).toEqual([waiting, later])
    },
  },
  {
    name: 'a held destination is routed to — what comes meanwhile waits for it',
    async run({ store }) {
      const worker = await Worker.start(store)
      const one = await addDestination(store)
      await pause(store, one)
      const seqs = await receive(store, 'aa')
      expect(await worker.claim()).toEqual([])
      await resume(store, one)
      expect(seqsOf(await deliverAll(worker))).toEqual(seqs)
    },
  },
  {
    name: 'the lane that a call was given at a destination is kept with its head',
    async run({ store }) {
      const lanes = { '7': 'key:+966501234567', '12': `key:o'brien "📞"` }
      await store.append([newEvent()])
      const { foldedSeq, routing, events } = await readStretch(store)
      const commit: FoldCommit = {
        expectedFoldedSeq: foldedSeq,
        expectedRouting: routing,
        foldedSeq: events.at(-1)?.seq ?? 0,
        calls: [{ head: callHead({ lanes }), put: [], drop: [] }],
        events: [],
        marked: [],
        deliveries: [],
      }
      expect(await store.foldCommit(commit)).toBe(true)
      await store.append([newEvent()])
      expect((await readStretch(store)).heads.get('call_1')?.lanes).toEqual(lanes)
      expect((await store.getCall('call_1'))?.head.lanes).toEqual(lanes)
    },
  },
  {
    name: 'a call keeps the lane that its first event named, whatever it says later',
    async run({ store }) {
      const worker = await Worker.start(store)
      const { key } = await addDestination(store, { lane: { path: 'event.body.who' } })
      const said = (who: string): { body: Uint8Array } => ({ body: Buffer.from(JSON.stringify({ who })) })
      const seqs = [
        ...(await receive(store, [{ callId: 'a', ...said('one') }])),
        ...(await receive(store, [
          { callId: 'a', ...said('two') },
          { callId: 'b', ...said('one') },
        ])),
      ]
      expect(byLane(await deliverAll(worker))).toEqual({ [`${key} key:one`]: seqs })
    },
  },
]
