import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { foldStretch, type Claim, type Publication, type Store, type TurnOutcome } from '@hookswitch/core'
import { openPostgres } from '@hookswitch/store-sql'
import { postgresMissing, startPostgres, type Postgres } from '@hookswitch/testkit/postgres'
import { newStartedCall, publication } from '@hookswitch/testkit/store-contract'
import { deliverAll, Stage } from './stage.ts'
import { result, StoppingNode } from './stopping-node.ts'

/**
 * Everything that locks rows, on three nodes at once and in an order that chance gives. A circle of waiting would be
 * broken by the server, which refuses somebody; here nobody may be refused.
 */

const missing = postgresMissing()

/** Calls at once, and how often. Chance decides which ones: the seed only keeps what each of them picks. */
const atOnce = 10
const rounds = 30

describe.skipIf(missing !== null)(`PostgreSQL${missing === null ? '' : ` (skipped: ${missing})`}`, () => {
  let postgres: Postgres
  let stage: Stage
  beforeAll(async () => {
    postgres = await startPostgres()
    stage = await Stage.set(postgres.url)
  })
  afterAll(async () => {
    await stage?.close()
    await postgres?.stop()
  })

  for (const seed of [1, 2, 3]) {
    test(`three nodes do everything at once (seed ${seed}) - nobody waits in a circle, and all is sound at the end`, async () => {
      const random = seeded(seed)
      const nodes = await Promise.all([0, 1, 2].map(() => openPostgres({ url: stage.url })))
      const workers = nodes.map((store, index) => ({ store, epoch: `${seed}-${index}`, held: [] as Claim[] }))
      for (const { store, epoch } of workers) await store.beat(epoch)
      await stage.addDestination({ name: `calls-${seed}` })
      await stage.addDestination({ name: `all-${seed}`, lane: 'destination', onExhausted: 'park' })
      const refused: string[] = []
      let others = 0
      const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)] as T
      const act = async (): Promise<void> => {
        const worker = pick(workers)
        const { store } = worker
        const deliveries = await store.listDeliveries({ before: null, limit: 60 })
        const lanes = await store.listLanes({ after: 0, limit: 20 })
        const destination = pick(await store.listDestinations())
        const delivery = deliveries.length === 0 ? null : pick(deliveries)
        const lane = lanes.length === 0 ? null : pick(lanes)
        const acts: (() => Promise<unknown>)[] = [
          () => receive(store),
          () => receive(store),
          () => publish(store, pick(['abc', 'cba', 'bca'])),
          () => publish(store, pick(['ab', 'ba', 'c'])),
          () => deliver(worker),
          () => deliver(worker),
          () => deliver(worker),
          () => store.beat(worker.epoch),
          () => (delivery === null ? store.ping() : store.retryDelivery(delivery.key)),
          () => (delivery === null ? store.ping() : store.skipDelivery(delivery.key, 'by chance')),
          () => (lane === null ? store.ping() : store.resumeLane(lane.key)),
          () => (lane === null ? store.ping() : store.skipLaneHead(lane.key, 'by chance')),
          () =>
            store.holdDestination(
              destination.id,
              pick([null, { reason: 'paused', until: null, detail: null }]),
            ),
          () =>
            store.changeDestination(destination.id, destination.version, {
              definition: { ...destination.definition, settings: { changed: random() } },
              sealedSecrets: null,
            }),
          async () => {
            const asked = { destinationKey: destination.key, filter: {} }
            const matched = await store.matchReplay({ ...asked, totalMax: 1_000 })
            if (!('tooMany' in matched)) await store.addReplay({ ...asked, ...matched })
          },
          () => replay(store),
          () => store.expireDeliveries(Date.now() + 60_000, 2),
          () =>
            store.retain(
              {
                attempts: Date.now() - 50,
                transcripts: null,
                records: pick([null, Date.now()]),
                events: Date.now(),
                keys: 0,
              },
              5,
            ),
          () => store.erase({ callId: pick(['a', 'b', 'c']) }, 1),
          async () => {
            others += 1
            await stage.addDestination({ name: `other-${seed}-${others}`, lane: 'destination' })
          },
          () =>
            destination.definition.name.startsWith('other')
              ? store.removeDestination(destination.id, pick(['skip', 'dead']), 5)
              : store.ping(),
        ]
        await pick(acts)().catch((error: unknown) => {
          refused.push(error instanceof Error ? error.message : String(error))
        })
      }
      for (let round = 0; round < rounds; round += 1) await Promise.all(Array.from({ length: atOnce }, act))
      expect(refused).toEqual([])
      for (const { store, epoch } of workers) await store.endEpoch(epoch)
      for (const { id } of await stage.store.listDestinations()) await stage.store.holdDestination(id, null)
      expect(await stage.unsound()).toEqual([])
      for (const { key } of await stage.store.listLanes({ state: 'parked', after: 0, limit: 100 })) {
        await stage.store.resumeLane(key)
      }
      const last = stage.keep(await StoppingNode.open(stage.url))
      await stage.store.beat(last.epoch)
      await deliverAll(last)
      expect(await stage.store.listLanes({ after: 0, limit: 100 })).toEqual([])
      for (const node of nodes) await node.close()
    })
  }

  async function receive(store: Store): Promise<void> {
    await stage.append('abcab')
    const read = await store.foldRead('node', 100, 1_000_000)
    if (read !== null) await store.foldCommit(foldStretch(read))
  }

  /** In each of these calls, the letters, in this order; one that is not there any more is started anew. */
  async function publish(store: Store, callIds: string): Promise<void> {
    const batch: Publication[] = []
    for (const callId of callIds) {
      // Where another node starts it at this moment, its id is taken.
      const call =
        (await store.getStartedCall(callId)) ??
        (await store.addStartedCall(newStartedCall({ callId })).catch(() => null))
      if (call !== null) batch.push(publication(call))
    }
    await store.publish(batch)
  }

  async function deliver(worker: { store: Store; epoch: string; held: Claim[] }): Promise<void> {
    const { store, epoch, held } = worker
    const results = held
      .splice(0)
      .map((claim, index) => result(claim, outcomes[index % outcomes.length] as TurnOutcome, index % 2 === 0))
    const { claims } = await store.work({ epoch, results, lanesMax: 5, lanesPerDestinationMax: 3 })
    worker.held.push(...claims)
  }

  async function replay(store: Store): Promise<void> {
    const read = await store.replayRead(5)
    if (read === null) return
    const { key, destinationKey, cursorSeq, untilSeq } = read.replay
    await store.replayCommit({
      replayKey: key,
      expectedCursorSeq: cursorSeq,
      cursorSeq: read.last ? untilSeq : (read.events.at(-1)?.seq ?? cursorSeq),
      done: read.last,
      deliveries: read.events.map(({ seq, callId }) => ({
        destinationKey,
        eventSeq: seq,
        laneKey: `call:${callId}`,
        replayKey: key,
      })),
    })
  }
})

const outcomes: readonly TurnOutcome[] = [
  { kind: 'delivered' },
  { kind: 'retry', delayMs: 0, reason: 'answered 503', holdMs: null },
  { kind: 'dead', reason: 'answered 422' },
  { kind: 'returned', delayMs: 0 },
]

/** Numbers from 0 to 1 that are the same each time (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
