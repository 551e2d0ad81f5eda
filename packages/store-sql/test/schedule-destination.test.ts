import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { foldStretch, type StoredDestination, type WorkAnswer } from '@hookswitch/core'
import {
  pauseAt,
  postgresMissing,
  queryPostgres,
  startPostgres,
  type Postgres,
} from '@hookswitch/testkit/postgres'
import { changeDestination, holdDestination, removeDestination } from '../src/postgres/destinations.ts'
import { foldCommitFunction } from '../src/postgres/fold.ts'
import { workFunctions } from '../src/postgres/work-functions.ts'
import { claimedOne, deliverAll, Stage } from './stage.ts'
import { Begun, result } from './stopping-node.ts'

/**
 * A person changes a destination while nodes fold and deliver. Whoever is stopped, and whether that one goes on or
 * dies: nothing is begun once a pause is answered, nothing is routed to what is gone, and the log says by which
 * version each event was routed.
 */

const missing = postgresMissing()

const points = { locked: 'lock_work', written: 'write_work' } as const
const fates = ['goes on', 'is killed'] as const
const paused = { reason: 'paused', until: null, detail: null } as const

describe.skipIf(missing !== null)(`PostgreSQL${missing === null ? '' : ` (skipped: ${missing})`}`, () => {
  let postgres: Postgres
  let stage: Stage
  let one: StoredDestination
  beforeAll(async () => {
    postgres = await startPostgres()
  })
  afterAll(() => postgres?.stop())
  beforeEach(async () => {
    stage = await Stage.set(postgres.url)
    one = await stage.addDestination()
  })
  afterEach(() => stage?.close())

  // ── A pause ────────────────────────────────────────────────────────────────────────────────────────────────────

  /** A goes on with a lane and claims another, and is stopped; returns that, and what was claimed after the pause. */
  async function pauseBeside(point: string, isKilled: boolean) {
    const { url, a, b } = stage
    await stage.receive('aa')
    const told = result(await claimedOne(a))
    await stage.receive('b')
    const stop = a.stopAfter(point)
    const answer: Begun<WorkAnswer> = new Begun(a.work([told]))
    await stop.reached()
    const hold = new Begun(b.transaction((query) => holdDestination(query, one.id, paused)))
    const waits = await hold.waits(url, 0)
    if (!waits) {
      // It is answered: from here on nothing may begin.
      await hold.value()
    }
    await (isKilled ? stop.kill() : stop.goOn())
    await hold.value()
    const outcome = await answer.outcome
    return { waits, told, claims: outcome instanceof Error ? [] : outcome.claims }
  }

  for (const [name, point] of Object.entries(points)) {
    test(`A claims and is stopped (${name}): a pause waits for it - nothing begins once it is answered`, async () => {
      const { waits, claims } = await pauseBeside(point, false)
      expect(waits).toBe(true)
      expect(claims).toHaveLength(2)
      expect(await heldFor()).toBe('paused')
      expect((await stage.a.work(claims.map((claim) => result(claim)))).claims).toEqual([])
      expect(await stage.b.claim()).toEqual([])
    })

    test(`A claims, is stopped (${name}) and killed: a pause is answered - A begins nothing when it comes back`, async () => {
      const { waits, told } = await pauseBeside(point, true)
      expect(waits).toBe(true)
      expect(await heldFor()).toBe('paused')
      expect(await stage.a.work([told])).toMatchObject({ written: [true], claims: [] })
      expect(await stage.b.claim()).toEqual([])
      await stage.store.holdDestination(one.id, null)
      expect(await deliverAll(stage.b)).toHaveLength(2)
      expect(await stage.unsound()).toEqual([])
    })
  }

  for (const fate of fates) {
    test(`a pause is about to be answered and its node ${fate}: nothing is claimed before - then it is as the pause came out`, async () => {
      const { a, b } = stage
      await stage.receive('ab')
      const stop = b.stopAfter('UPDATE hookswitch.destinations SET flow')
      const hold = new Begun(b.transaction((query) => holdDestination(query, one.id, paused)))
      await stop.reached()
      expect(await a.claim()).toEqual([])
      await (fate === 'goes on' ? stop.goOn() : stop.kill())
      await hold.outcome
      expect(await a.claim()).toHaveLength(fate === 'goes on' ? 0 : 2)
      expect(await heldFor()).toBe(fate === 'goes on' ? 'paused' : undefined)
    })
  }

  test('if a destination is not locked a pause is lost - so these tests would notice', async () => {
    const unlocked = workFunctions.replace('ORDER BY key FOR NO KEY UPDATE', 'ORDER BY key')
    expect(unlocked).not.toBe(workFunctions)
    await queryPostgres(stage.url, unlocked.replaceAll('CREATE FUNCTION', 'CREATE OR REPLACE FUNCTION'))
    const { waits, claims } = await pauseBeside('lock_work', false)
    expect(waits).toBe(false)
    expect(claims).toHaveLength(2)
    expect(await heldFor()).toBeUndefined()
  })

  async function heldFor(): Promise<string | undefined> {
    const [destination] = await stage.store.listDestinations()
    return destination?.flow.hold?.reason
  }

  // ── A removal ──────────────────────────────────────────────────────────────────────────────────────────────────

  /** The fold has read and is at its commit when the destination is removed. */
  async function removedFirst(): Promise<boolean> {
    await stage.append('ab')
    const commit = foldStretch(await stage.foldRead())
    expect(commit.deliveries).toHaveLength(2)
    expect(await stage.store.removeDestination(one.id, 'skip', 100)).toEqual({ remaining: 0 })
    return stage.store.foldCommit(commit)
  }

  test('the fold has read, the destination is removed, the fold commits - it is refused and reads again', async () => {
    expect(await removedFirst()).toBe(false)
    await stage.fold()
    expect(await stage.unsound()).toEqual([])
    expect(await stage.store.listDeliveries({ before: null, limit: 10 })).toEqual([])
  })

  test('if the fold does not look at the list again, it routes to what is gone - so these tests would notice', async () => {
    const blind = foldCommitFunction.replace(/PERFORM FROM hookswitch\.routing_state[^]*?END IF;/, '')
    expect(blind).not.toBe(foldCommitFunction)
    await queryPostgres(stage.url, blind.replace('CREATE FUNCTION', 'CREATE OR REPLACE FUNCTION'))
    expect(await removedFirst()).toBe(true)
    expect(await stage.unsound()).toEqual(['a delivery waits for a destination that is gone'])
  })

  for (const fate of fates) {
    test(`the fold is about to commit and its node ${fate}: a removal waits for that - it ends what was routed`, async () => {
      const { url, b, store } = stage
      const point = stage.keep(
        await pauseAt(url, { table: 'hookswitch.deliveries', before: 'commit', rows: 'true' }),
      )
      const folded = new Begun(stage.receive('ab'))
      await point.reached()
      const removal = new Begun(b.transaction((query) => removeDestination(query, one.id, 'skip', 100)))
      expect(await removal.waits(url, 1)).toBe(true)
      await (fate === 'goes on' ? point.letGo() : point.kill())
      expect(await removal.value()).toEqual({ remaining: 0 })
      await folded.outcome
      await point.letGo()
      if (fate === 'is killed') await stage.fold()
      const deliveries = await store.listDeliveries({ before: null, limit: 10 })
      expect(deliveries.map(({ state }) => state)).toEqual(fate === 'goes on' ? ['skipped', 'skipped'] : [])
      expect(await store.listDestinations()).toEqual([])
      expect(await stage.unsound()).toEqual([])
    })

    test(`a removal is about to be committed and its node ${fate}: the fold waits for that - it is as it came out`, async () => {
      const { url, b, store } = stage
      await stage.append('ab')
      const commit = foldStretch(await stage.foldRead())
      const stop = b.stopAfter('DELETE FROM hookswitch.destinations')
      const removal = new Begun(b.transaction((query) => removeDestination(query, one.id, 'skip', 100)))
      await stop.reached()
      const folded = new Begun(store.foldCommit(commit))
      expect(await folded.waits(url, 0)).toBe(true)
      await (fate === 'goes on' ? stop.goOn() : stop.kill())
      await removal.outcome
      expect(await folded.value()).toBe(fate === 'is killed')
      expect(await store.listDestinations()).toHaveLength(fate === 'goes on' ? 0 : 1)
      expect(await deliverAll(b)).toHaveLength(fate === 'goes on' ? 0 : 2)
      expect(await stage.unsound()).toEqual([])
    })

    test(`A makes a delivery while its destination is removed, and ${fate} - it is told, or forgotten`, async () => {
      const { a, b, store } = stage
      await stage.receive('aa')
      const told = result(await claimedOne(a))
      const stop = a.stopAfter('lock_work')
      const answer: Begun<WorkAnswer> = new Begun(a.work([told]))
      await stop.reached()
      const removal = new Begun(b.transaction((query) => removeDestination(query, one.id, 'skip', 100)))
      expect(await removal.waits(stage.url, 0)).toBe(true)
      await (fate === 'goes on' ? stop.goOn() : stop.kill())
      expect(await removal.value()).toEqual({ remaining: 0 })
      const held = fate === 'goes on' ? (await answer.value()).claims.map((claim) => result(claim)) : [told]
      // The lane is there for as long as it is worked on.
      expect(await a.work(held)).toMatchObject({ written: [true], claims: [] })
      const deliveries = await store.listDeliveries({ before: null, limit: 10 })
      expect(deliveries.map(({ state }) => state)).toEqual([
        'skipped',
        fate === 'goes on' ? 'delivered' : 'skipped',
      ])
      expect(await stage.unsound()).toEqual([])
    })
  }

  test('a node dies with a delivery whose destination is removed - the lane goes with its epoch', async () => {
    const { a, b, store } = stage
    await stage.receive('aa')
    await claimedOne(a)
    expect(await store.removeDestination(one.id, 'dead', 100)).toEqual({ remaining: 0 })
    await stage.lapse(a)
    await store.beat(b.epoch)
    expect(await stage.unsound()).toEqual([])
  })

  // ── A change ───────────────────────────────────────────────────────────────────────────────────────────────────

  for (const first of ['the fold', 'the change'] as const) {
    for (const fate of fates) {
      test(`${first} is first, is stopped before its commit and ${fate} - each event was routed by the version of its place`, async () => {
        const { url, b, store } = stage
        const seqs = await stage.append('a')
        const commit = foldStretch(await stage.foldRead())
        const definition = { ...one.definition, events: ['call.started'] }
        const change = () =>
          b.transaction((query) =>
            changeDestination(query, one.id, one.version, { definition, sealedSecrets: null }),
          )
        if (first === 'the fold') {
          const point = stage.keep(
            await pauseAt(url, { table: 'hookswitch.deliveries', before: 'commit', rows: 'true' }),
          )
          const folded = new Begun(store.foldCommit(commit))
          await point.reached()
          const changed = new Begun(change())
          expect(await changed.waits(url, 1)).toBe(true)
          await (fate === 'goes on' ? point.letGo() : point.kill())
          await changed.value()
          await folded.outcome
          await point.letGo()
        } else {
          const stop = b.stopAfter('UPDATE hookswitch.routing_state')
          const changed = new Begun(change())
          await stop.reached()
          const folded = new Begun(store.foldCommit(commit))
          expect(await folded.waits(url, 0)).toBe(true)
          await (fate === 'goes on' ? stop.goOn() : stop.kill())
          await changed.outcome
          expect(await folded.value()).toBe(fate === 'is killed')
        }
        seqs.push(...(await stage.append('b')))
        await stage.fold()
        for (const seq of seqs) {
          const versions = await store.destinationVersions(seq)
          const valid = versions.filter(({ fromSeq }) => fromSeq <= seq).at(-1)
          const isRouted = (await store.deliveriesOfEvent(seq)).length > 0
          // The events of this test are of another type than the change asks for.
          expect(isRouted).toBe(valid?.version === one.version)
        }
      })
    }
  }
})
