import { expect } from 'vitest'
import {
  StoreError,
  type DeliveryStore,
  type PublishStore,
  type StartedCall,
  type Store,
  type StoreChange,
} from '@hookswitch/core'
import {
  beginReplay,
  dead,
  definition,
  muchLaterMs,
  newDestination,
  parkedLane,
  pause,
  receive,
  result,
  resume,
  retryAfter,
  Worker,
} from './delivering.ts'
import { newAgent, newStartedCall, publication, publishAll, startCall } from './publishing.ts'
import { change, foldCalls, newEvent, said, sampleTime, secret } from './samples.ts'
import type { StoreCase } from './suite.ts'

/** Far longer than any engine needs to tell its readers; it is only there so that a broken one is reported. */
const toldMs = 10_000

export const lifeCases: StoreCase[] = [
  {
    name: 'everything is there after the store was opened again',
    async run({ store, reopen }) {
      await deliverSome(store)
      await foldCalls(store, [
        change(
          { agentName: said('Recruiter') },
          {
            put: [{ kind: 'outcome', at: sampleTime, seq: 1, data: { stage: 'offer' } }],
            outcomeText: { stage: 'offer' },
          },
        ),
      ])
      await store.append([newEvent({ body: Buffer.from([0, 255]) })])
      await store.addSecret(secret())
      const before = await contents(store)
      const reopened = await reopen()
      expect(await contents(reopened)).toEqual(before)
      const [appended] = await reopened.append([newEvent()])
      expect(appended?.seq).toBeGreaterThan(before.bounds.newestSeq)
    },
  },
  {
    name: 'a store says what it is, and answers a ping',
    async run({ store }) {
      await store.append([newEvent()])
      await expect(store.ping()).resolves.toBeUndefined()
      const stats = await store.stats()
      expect(stats.bytes).toBeGreaterThan(0)
      expect(stats.freeBytes === null || stats.freeBytes > 0).toBe(true)
      expect(stats.schemaVersion).toBeGreaterThan(0)
      expect(stats.location).not.toBe('')
      expect(stats.location).not.toContain('@')
      expect(Object.keys(stats.durability)).not.toEqual([])
    },
  },
  {
    name: 'readers are told of events that this node appended',
    async run({ store }) {
      const told = tellings(store)
      for (let count = 0; count < 3; count += 1) {
        const next = told.next()
        await store.append([newEvent()])
        await next
      }
      expect(told.count()).toBeGreaterThanOrEqual(3)
    },
  },
  {
    name: 'readers are told of events that were published, also by another node',
    async run({ store, second }) {
      const told = tellings(store)
      for (const node of [store, await second()]) {
        const call = await startCall(store)
        const next = told.next()
        await publishAll(node, [publication(call)])
        await next
      }
      expect(told.count()).toBeGreaterThanOrEqual(2)
    },
  },
  {
    name: 'readers are told of events that another node appended',
    async run({ store, second }) {
      const other = await second()
      const told = tellings(store)
      for (let count = 0; count < 3; count += 1) {
        const next = told.next()
        await other.append([newEvent()])
        await next
      }
      expect(told.count()).toBeGreaterThanOrEqual(3)
    },
  },
  {
    name: 'whoever delivers is told when there may be something to deliver, also by another node',
    async run({ store, second }) {
      const told = tellings(store, 'work')
      for (const node of [store, await second()]) {
        const worker = await Worker.start(store)
        const { destination, lane } = await parkedLane(store, worker, 'aa')
        const tells = async (act: () => Promise<unknown>): Promise<void> => {
          const next = told.next()
          await act()
          await next
        }
        await tells(() => node.resumeLane(lane.key))
        await worker.finish(result(await worker.claimOne(), dead))
        await tells(() => node.skipLaneHead(lane.key, 'x'))
        const claim = await worker.claimOne()
        await worker.finish(result(claim, retryAfter(muchLaterMs)))
        await tells(() => node.retryDelivery(claim.delivery.key))
        await pause(node, destination)
        await tells(() => resume(node, destination))
        await worker.claimOne()
        await tells(() => node.endEpoch(worker.epoch))
        await tells(() => receive(node, 'b'))
        // Also whoever makes the deliveries of a replay.
        await tells(() => beginReplay(node, destination.key, {}))
        await node.removeDestination(destination.id, 'skip', 100)
      }
      expect(told.count()).toBeGreaterThanOrEqual(14)
    },
  },
  {
    name: 'a reader that went away is told nothing, and the others still are',
    async run({ store }) {
      const gone = tellings(store)
      const stays = tellings(store)
      gone.leave()
      gone.leave()
      const before = gone.count()
      const next = stays.next()
      await store.append([newEvent()])
      await next
      expect(gone.count()).toBe(before)
    },
  },
  {
    name: 'a closed store refuses everything with the code closed, and may be closed again',
    async run({ store }) {
      await store.append([newEvent()])
      const call = await startCall(store)
      await store.close()
      await store.close()
      const asked: Record<string, () => Promise<unknown>> = {
        append: () => store.append([newEvent()]),
        foldRead: () => store.foldRead('node-1', 1, 1),
        foldCommit: () =>
          store.foldCommit({
            expectedFoldedSeq: 0,
            expectedRouting: 0,
            foldedSeq: 0,
            calls: [],
            events: [],
            marked: [],
            deliveries: [],
          }),
        getCall: () => store.getCall('call_1'),
        listCalls: () => store.listCalls({ limit: 1 }),
        listEvents: () => store.listEvents({ after: 0, limit: 1 }),
        getEvent: () => store.getEvent('evt_1'),
        logBounds: () => store.logBounds(),
        listSecrets: () => store.listSecrets(),
        addSecret: () => store.addSecret(secret()),
        expireSecret: () => store.expireSecret('hamsa', 'x', 1),
        removeSecret: () => store.removeSecret('hamsa', 'x'),
        touchSecrets: () => store.touchSecrets([{ id: 'x', lastUsedAt: 1 }]),
        stats: () => store.stats(),
        ping: () => store.ping(),
        ...deliveryMethods(store),
        ...publishMethods(store, call),
      }
      for (const [method, ask] of Object.entries(asked)) {
        const refusal: unknown = await ask().then(
          () => 'no refusal',
          (error: unknown) => error,
        )
        expect(refusal, method).toBeInstanceOf(StoreError)
        expect(refusal, method).toMatchObject({ code: 'closed', outcome: 'none' })
      }
    },
  },
  {
    name: 'what is under way when a store is closed is finished or refused, never left open',
    async run({ store, reopen }) {
      const events = Array.from({ length: 20 }, () => newEvent())
      const answers = events.map((event) =>
        store.append([event]).then(
          () => event.id,
          (error: unknown) => error,
        ),
      )
      await store.close()
      const settled = await Promise.all(answers)
      const acknowledged = settled.filter((answer) => typeof answer === 'string')
      for (const answer of settled) {
        if (typeof answer !== 'string') expect(answer).toMatchObject({ code: 'closed', outcome: 'none' })
      }
      const stored = await (await reopen()).listEvents({ after: 0, limit: 100 })
      expect(stored.map(({ id }) => id).toSorted()).toEqual(acknowledged.toSorted())
    },
  },
]

/** A lane that waits for a retry, one that is parked, one that is due; a replay and an act. */
async function deliverSome(store: Store): Promise<void> {
  const worker = await Worker.start(store)
  const { destination } = await parkedLane(store, worker)
  await receive(store, 'b')
  await worker.finish(result(await worker.claimOne(), retryAfter(muchLaterMs)))
  await receive(store, 'c')
  await beginReplay(store, destination.key, {})
  await store.addAudit({ actor: 'a', action: 'b', target: 'c', reason: null, detail: null })
}

/** Each method of the part that delivers, asked for something. */
function deliveryMethods(store: Store): Record<keyof DeliveryStore, () => Promise<unknown>> {
  const page = { before: null, limit: 1 }
  return {
    listDestinations: () => store.listDestinations(),
    addDestination: () => store.addDestination(newDestination()),
    changeDestination: () =>
      store.changeDestination('dst_1', 1, { definition: definition(), sealedSecrets: null }),
    removeDestination: () => store.removeDestination('dst_1', 'skip', 1),
    holdDestination: () => store.holdDestination('dst_1', null),
    destinationVersions: () => store.destinationVersions(1),
    destinationNames: () => store.destinationNames({ keys: [1] }),
    beat: () => store.beat('epoch'),
    endEpoch: () => store.endEpoch('epoch'),
    work: () => store.work({ epoch: 'epoch', results: [], lanesMax: 1, lanesPerDestinationMax: 1 }),
    eventsAt: () => store.eventsAt([1]),
    listDeliveries: () => store.listDeliveries(page),
    getDelivery: () => store.getDelivery(1),
    deliveriesOfEvent: () => store.deliveriesOfEvent(1),
    retryDelivery: () => store.retryDelivery(1),
    skipDelivery: () => store.skipDelivery(1, 'x'),
    listLanes: () => store.listLanes({ after: 0, limit: 1 }),
    resumeLane: () => store.resumeLane(1),
    skipLaneHead: () => store.skipLaneHead(1, 'x'),
    matchReplay: () => store.matchReplay({ destinationKey: 1, filter: {}, totalMax: 1 }),
    addReplay: () => store.addReplay({ destinationKey: 1, filter: {}, total: 0, afterSeq: 0, untilSeq: 0 }),
    getReplay: () => store.getReplay(1),
    listReplays: () => store.listReplays(page),
    cancelReplay: () => store.cancelReplay(1),
    replayRead: () => store.replayRead(1),
    replayCommit: () =>
      store.replayCommit({ replayKey: 1, expectedCursorSeq: 0, cursorSeq: 1, done: true, deliveries: [] }),
    addAudit: () => store.addAudit({ actor: 'a', action: 'b', target: 'c', reason: null, detail: null }),
    listAudit: () => store.listAudit(page),
    deliveryStats: () => store.deliveryStats(),
    recentAttempts: () => store.recentAttempts(1, 0, 1),
    expireDeliveries: () => store.expireDeliveries(1, 1),
    retain: () =>
      store.retain({ attempts: null, transcripts: null, records: null, events: null, keys: 0 }, 1),
    erase: () => store.erase({ callId: 'a' }, 1),
  }
}

/** Each method of the part that is the sending platform, asked for something. */
function publishMethods(store: Store, call: StartedCall): Record<keyof PublishStore, () => Promise<unknown>> {
  const { id, definition: named } = newAgent()
  return {
    listAgents: () => store.listAgents({ after: 0, limit: 1 }),
    getAgent: () => store.getAgent(id),
    addAgent: () => store.addAgent(newAgent()),
    changeAgent: () => store.changeAgent(id, 1, named),
    removeAgent: () => store.removeAgent(id),
    addStartedCall: () => store.addStartedCall(newStartedCall()),
    getStartedCall: () => store.getStartedCall(call.callId),
    publish: () => store.publish([publication(call)]),
  }
}

async function contents(store: Store) {
  return {
    destinations: await store.listDestinations(),
    deliveries: await store.listDeliveries({ before: null, limit: 100 }),
    attempts: await store.getDelivery(1),
    lanes: await store.listLanes({ after: 0, limit: 100 }),
    replays: await store.listReplays({ before: null, limit: 100 }),
    audit: await store.listAudit({ before: null, limit: 100 }),
    events: await store.listEvents({ after: 0, limit: 100 }),
    call: await store.getCall('call_1'),
    ofCall: await store.listEvents({ callId: 'call_1', after: 0, limit: 100 }),
    calls: await store.listCalls({
      limit: 100,
      prefix: 'recr',
      outcome: [{ field: 'stage', text: 'offer' }],
    }),
    bounds: await store.logBounds(),
    secrets: await store.listSecrets(),
  }
}

/** Counts the calls back; `next` waits for one that comes after it was asked for. */
function tellings(
  store: Store,
  kind: StoreChange = 'appended',
): { next(): Promise<void>; count(): number; leave(): void } {
  let count = 0
  let waiting: (() => void)[] = []
  const leave = store.watch((told) => {
    if (told !== kind) return
    count += 1
    const resolving = waiting
    waiting = []
    for (const resolve of resolving) resolve()
  })
  return {
    leave,
    count: () => count,
    next: () =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error(`a reader was not told within ${toldMs} ms`)), toldMs)
        waiting.push(() => {
          clearTimeout(timer)
          resolve()
        })
      }),
  }
}
