import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Claim } from '@hookswitch/core'
import {
  pauseAt,
  postgresMissing,
  queryPostgres,
  startPostgres,
  type Postgres,
} from '@hookswitch/testkit/postgres'
import { workFunctions } from '../src/postgres/work-functions.ts'
import { claimedOne, deliverAll, Stage } from './stage.ts'
import { Begun, permutations, result } from './stopping-node.ts'

/**
 * A lane becomes empty while an event comes into it. The node that empties it is stopped inside its transaction, or
 * the one that appends is: whatever the order of what happens then, the event must be delivered.
 */

const missing = postgresMissing()

/** Where A stops: when it has looked at what it locked, and when all is written but the commit. */
const points = { 'lane looked empty': 'lock_work', written: 'write_work' } as const
const fates = ['goes on', 'is killed'] as const

/** What happens after A has stopped. */
type Step = 'A goes on' | 'an event comes' | 'B claims'

describe.skipIf(missing !== null)(`PostgreSQL${missing === null ? '' : ` (skipped: ${missing})`}`, () => {
  let postgres: Postgres
  let stage: Stage
  beforeAll(async () => {
    postgres = await startPostgres()
  })
  afterAll(() => postgres?.stop())
  beforeEach(async () => {
    stage = await Stage.set(postgres.url)
    await stage.addDestination()
  })
  afterEach(() => stage?.close())

  /** A's only delivery is done, and A is stopped while it writes that; returns what is wrong at the end. */
  async function emptied(point: string, order: readonly Step[], isKilled: boolean): Promise<string[]> {
    const { url, a, b } = stage
    const [first] = await stage.receive('a')
    const told = result(await claimedOne(a))
    const stop = a.stopAfter(point)
    let answer = new Begun(a.work([told]))
    await stop.reached()
    let came: Begun<number[]> | null = null
    let claimed: Begun<Claim[]> | null = null
    for (const step of order) {
      if (step === 'A goes on') {
        await (isKilled ? stop.kill() : stop.goOn())
        await answer.outcome
      } else if (step === 'an event comes') {
        came = new Begun(stage.receive('a'))
        await came.waits(url, 0)
      } else {
        claimed = new Begun(b.claim())
        await claimed.waits(url, came === null ? 0 : 1)
      }
    }
    if (isKilled) {
      expect(await answer.outcome).toBeInstanceOf(Error)
      // The node does not know what became of it, and tells it again.
      answer = new Begun(a.work([told], 0))
    }
    const [{ written, claims }, second, held] = [
      await answer.value(),
      await came?.value(),
      await claimed?.value(),
    ]
    expect(written).toEqual([true])
    expect([...claims, ...(held ?? [])].length).toBeLessThanOrEqual(1)
    const made = await deliverAll(claims.length > 0 ? a : b, claims.length > 0 ? claims : held)
    return [
      ...([first, ...made].join() === [first, ...(second ?? [])].join()
        ? []
        : [`delivered were ${made.join()}`]),
      ...(await stage.unsound()),
    ]
  }

  for (const [name, point] of Object.entries(points)) {
    for (const fate of fates) {
      for (const order of permutations<Step>(['A goes on', 'an event comes', 'B claims'])) {
        test(`${name}, A ${fate}: ${order.join(', ')} - the event is delivered`, async () => {
          expect(await emptied(point, order, fate === 'is killed')).toEqual([])
        })
      }
    }
  }

  /** An event is written into the lane and not yet committed when A tells that its only delivery is done. */
  async function joined(isKilled: boolean): Promise<string[]> {
    const { url, a, b } = stage
    await stage.receive('a')
    const told = result(await claimedOne(a))
    const point = stage.keep(
      await pauseAt(url, { table: 'hookswitch.deliveries', before: 'commit', rows: 'true' }),
    )
    const came = new Begun(stage.receive('a'))
    await point.reached()
    const answer = new Begun(a.work([told], 0))
    // Who does not lock the lane has looked by now, and waits when it writes.
    expect(await answer.waits(url, 1)).toBe(true)
    await (isKilled ? point.kill() : point.letGo())
    if (isKilled) {
      expect(await came.outcome).toBeInstanceOf(Error)
      await point.letGo()
      await stage.fold()
    } else await came.value()
    const { written, claims } = await answer.value()
    expect(written).toEqual([true])
    const made = await deliverAll(claims.length > 0 ? a : b, claims)
    return [...(made.length === 1 ? [] : [`delivered were ${made.join()}`]), ...(await stage.unsound())]
  }

  for (const fate of fates) {
    test(`an event is about to be in the lane, and its node ${fate}: the result waits for that - the event is delivered`, async () => {
      expect(await joined(fate === 'is killed')).toEqual([])
    })
  }

  /** What each of these would lose. */
  const broken: Record<string, (sql: string) => string> = {
    'a lane is deleted without its lock': (sql) =>
      sql.replace(/PERFORM FROM hookswitch\.lanes WHERE key = ANY \(result_lanes\).*FOR UPDATE;/, ''),
    'what was seen before the lock is remembered': (sql) =>
      sql
        .replace(/PERFORM FROM hookswitch\.lanes WHERE key = ANY \(result_lanes\).*FOR UPDATE;/, '')
        .replace(
          'FROM hookswitch.lanes l WHERE l.key = ANY (result_lanes) AND l.epoch = node_epoch)',
          'FROM (SELECT * FROM hookswitch.lanes WHERE key = ANY (result_lanes) FOR UPDATE) l WHERE l.epoch = node_epoch)',
        ),
  }
  for (const [name, change] of Object.entries(broken)) {
    test(`if ${name} an event is lost - so these tests would notice`, async () => {
      const functions = change(workFunctions).replaceAll('CREATE FUNCTION', 'CREATE OR REPLACE FUNCTION')
      expect(change(workFunctions)).not.toBe(workFunctions)
      await queryPostgres(stage.url, functions)
      expect(await joined(false)).toContain('a delivery waits in no lane')
    })
  }
})
