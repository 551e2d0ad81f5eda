import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Claim, WorkAnswer } from '@hookswitch/core'
import { postgresMissing, queryPostgres, startPostgres, type Postgres } from '@hookswitch/testkit/postgres'
import { workFunctions } from '../src/postgres/work-functions.ts'
import { claimedOne, deliverAll, Stage } from './stage.ts'
import { Begun, permutations, result } from './stopping-node.ts'

/**
 * Two nodes want the same lanes, or one of them falls silent with a lane in its hands. Wherever it is stopped, and in
 * whatever order they go on: a lane is worked on by one node at a time, and only by that one's word.
 */

const missing = postgresMissing()

const points = { locked: 'lock_work', written: 'write_work' } as const
const fates = ['goes on', 'is killed'] as const

describe.skipIf(missing !== null)(`PostgreSQL${missing === null ? '' : ` (skipped: ${missing})`}`, () => {
  let postgres: Postgres
  let stage: Stage
  beforeAll(async () => {
    postgres = await startPostgres()
  })
  afterAll(() => postgres?.stop())
  beforeEach(async () => {
    stage = await Stage.set(postgres.url)
  })
  afterEach(() => stage?.close())

  for (const [name, point] of Object.entries(points)) {
    for (const fate of fates) {
      test(`both claim one lane, A is stopped (${name}) and ${fate} - one of them has it, and B does not wait`, async () => {
        const { a, b } = stage
        await stage.addDestination()
        const seqs = await stage.receive('aa')
        const stop = a.stopAfter(point)
        const claims = new Begun(a.claim())
        await stop.reached()
        const { claims: none, waitMs } = await b.work()
        expect(none).toEqual([])
        // A need not say that it has given up.
        expect(waitMs).toBeLessThan(1_000)
        await (fate === 'goes on' ? stop.goOn() : stop.kill())
        if (fate === 'goes on') {
          const held = await claims.value()
          expect(await b.claim()).toEqual([])
          expect(await deliverAll(a, held)).toEqual(seqs)
        } else {
          expect(await claims.outcome).toBeInstanceOf(Error)
          expect(await deliverAll(b)).toEqual(seqs)
        }
        expect(await stage.unsound()).toEqual([])
      })

      test(`both go on at a destination that allows two sends, A is stopped (${name}) and ${fate} - there are two`, async () => {
        const { url, a, b } = stage
        await stage.addDestination({ limits: { concurrency: 2, perSecond: null } })
        await stage.receive('abcde')
        const [held] = await a.claim(1)
        const [other] = await b.claim(1)
        const stop = a.stopAfter(point)
        const answerA = new Begun(a.work([result(held as Claim)], 1))
        await stop.reached()
        const answerB = new Begun(b.work([result(other as Claim)], 10))
        expect(await answerB.waits(url, 0)).toBe(true)
        await (fate === 'goes on' ? stop.goOn() : stop.kill())
        const mine = fate === 'goes on' ? (await answerA.value()).claims.length : 1
        await answerA.outcome
        expect(mine + (await answerB.value()).claims.length).toBe(2)
        expect([...(await a.claim()), ...(await b.claim())]).toEqual([])
      })
    }
  }

  test('both claim of a destination that allows one send now and the next much later - there is one', async () => {
    const { a, b } = stage
    await stage.addDestination({ limits: { concurrency: 100, perSecond: 0.001 } })
    await stage.receive('abc')
    const stop = a.stopAfter('lock_work')
    const claims = new Begun(a.claim())
    await stop.reached()
    expect(await b.claim()).toEqual([])
    stop.goOn()
    expect([...(await claims.value()), ...(await b.claim())]).toHaveLength(1)
  })

  // ── A falls silent ─────────────────────────────────────────────────────────────────────────────────────────────

  type Step = 'A tells its result' | 'B beats' | 'B claims'

  for (const order of permutations<Step>(['A tells its result', 'B beats', 'B claims'])) {
    test(`A has lapsed: ${order.join(', ')} - its result is refused, and B makes the delivery`, async () => {
      const { a, b, store } = stage
      await stage.addDestination()
      const seqs = await stage.receive('aa')
      const told = result(await claimedOne(a))
      await stage.lapse(a)
      const held: Claim[] = []
      for (const step of order) {
        if (step === 'B beats') expect(await store.beat(b.epoch)).toBe(true)
        else if (step === 'B claims') held.push(...(await b.claim()))
        else {
          const { alive, written, claims } = await a.work([told])
          expect({ alive, claims, isWritten: written.includes(true) }).toEqual({
            alive: false,
            claims: [],
            isWritten: false,
          })
        }
      }
      expect(held).toHaveLength(order.indexOf('B beats') < order.indexOf('B claims') ? 1 : 0)
      await expectRefused(told)
      expect(await deliverAll(b, held)).toEqual(seqs)
      expect(await stage.unsound()).toEqual([])
    })
  }

  type LateStep = 'A goes on' | 'B beats' | 'B claims'

  for (const [name, point] of Object.entries(points)) {
    for (const fate of fates) {
      for (const order of permutations<LateStep>(['A goes on', 'B beats', 'B claims'])) {
        test(`A lapses while it is stopped (${name}) and ${fate}: ${order.join(', ')} - what it wrote counts, and no more`, async () => {
          const { url, a, b, store } = stage
          await stage.addDestination()
          const seqs = await stage.receive('aa')
          const told = result(await claimedOne(a))
          const stop = a.stopAfter(point)
          const answer: Begun<WorkAnswer> = new Begun(a.work([told]))
          await stop.reached()
          await stage.lapse(a)
          const begun: Begun<boolean | Claim[]>[] = []
          for (const step of order) {
            if (step === 'A goes on') {
              await (fate === 'goes on' ? stop.goOn() : stop.kill())
              await answer.outcome
            } else {
              const one = new Begun<boolean | Claim[]>(step === 'B beats' ? store.beat(b.epoch) : b.claim())
              begun.push(one)
              await one.waits(url, begun.length - 1)
            }
          }
          const held: Claim[] = []
          for (const one of begun) {
            const value = await one.value()
            if (Array.isArray(value)) held.push(...value)
          }
          if (fate === 'goes on') expect((await answer.value()).written).toEqual([true])
          // Whatever A still holds, and whatever it is about to tell, is over with the next beat of another.
          expect(await store.beat(b.epoch)).toBe(true)
          await expectRefused(told)
          for (const claim of fate === 'goes on' ? (await answer.value()).claims : [])
            await expectRefused(result(claim))
          expect(await deliverAll(b, held)).toEqual(fate === 'goes on' ? seqs.slice(1) : seqs)
          expect(await stage.unsound()).toEqual([])
        })
      }
    }
  }

  test('a result that comes again is refused, also where the same node has the lane once more', async () => {
    expect(await repeated()).toBe(false)
    expect(await stage.unsound()).toEqual([])
  })

  /** Whether the first result for a delivery is taken once more while its second try is under way. */
  async function repeated(): Promise<boolean | undefined> {
    const { a } = stage
    await stage.addDestination()
    await stage.receive('a')
    const first = await claimedOne(a)
    await a.work([result(first, { kind: 'retry', delayMs: 0, reason: 'answered 503', holdMs: null })], 0)
    const second = await claimedOne(a)
    expect(second.laneKey).toBe(first.laneKey)
    const { written } = await a.work([result(first)], 0)
    return written[0]
  }

  /** Nobody takes this result: neither under the epoch of its claim nor under a new one. */
  async function expectRefused(told: ReturnType<typeof result>): Promise<void> {
    const { store, url } = stage
    for (const epoch of [stage.a.epoch, 'renewed']) {
      await store.beat(epoch)
      const { written, claims } = await store.work({
        epoch,
        results: [told],
        lanesMax: 0,
        lanesPerDestinationMax: 0,
      })
      expect(written.includes(true)).toBe(false)
      expect(claims).toEqual([])
    }
    await queryPostgres(url, `DELETE FROM hookswitch.nodes WHERE epoch = 'renewed'`)
  }

  test('if the number of a claim is not looked at, a result is taken twice - so these tests would notice', async () => {
    stage.a.falsify = (sql, rows) => {
      if (!sql.includes('lock_work')) return
      for (const { held } of rows as { held: { claim: number }[] | null }[])
        for (const lane of held ?? []) lane.claim = 1
    }
    expect(await repeated()).toBe(true)
  })

  test('if it is not looked at whose a lane is, a late result is taken - so these tests would notice', async () => {
    const change = workFunctions.replace(
      'WHERE l.key = ANY (result_lanes) AND l.epoch = node_epoch)',
      'WHERE l.key = ANY (result_lanes))',
    )
    expect(change).not.toBe(workFunctions)
    await queryPostgres(stage.url, change.replaceAll('CREATE FUNCTION', 'CREATE OR REPLACE FUNCTION'))
    await stage.addDestination()
    await stage.receive('aa')
    const told = result(await claimedOne(stage.a))
    await stage.lapse(stage.a)
    expect((await stage.b.work([told], 0)).written).toEqual([true])
  })
})
