import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { openPostgres } from '@hookswitch/store-sql'
import type { Store } from '@hookswitch/core'
import { until } from '@hookswitch/testkit'
import {
  pauseAt,
  postgresMissing,
  queryPostgres,
  startPostgres,
  type PausePoint,
  type Postgres,
} from '@hookswitch/testkit/postgres'
import { newEvent, repeated } from '@hookswitch/testkit/store-contract'
import { appendFunction } from '../src/postgres/append.ts'

/**
 * Two nodes append, one of them is stopped inside its transaction, and a reader follows the log: whatever the
 * order of what happens then, the reader must see every event that is stored, each once.
 */

const missing = postgresMissing()

/** What happens after node A has stopped. */
type Step = 'A goes on' | 'B appends' | 'the reader looks'
const orders = permutations<Step>(['A goes on', 'B appends', 'the reader looks'])

/** Where A stops: when its place in the log is drawn, and when all is written but the commit. */
const points = { 'seq drawn': 'insert', inserted: 'commit' } as const

describe.skipIf(missing !== null)(`PostgreSQL${missing === null ? '' : ` (skipped: ${missing})`}`, () => {
  let postgres: Postgres
  const opened: { close(): Promise<void> }[] = []
  beforeAll(async () => {
    postgres = await startPostgres()
  })
  afterAll(() => postgres?.stop())
  afterEach(async () => {
    // The pause points first, so that nothing has to wait for them.
    for (const one of opened.splice(0).toReversed()) await one.close()
  })

  async function open(url: string): Promise<Store> {
    const store = await openPostgres({ url })
    opened.push(store)
    return store
  }

  interface Outcome {
    /** What the reader saw, in the order in which it saw it. */
    followed: string[]
    /** What is in the log at the end, in order. */
    stored: string[]
    a: { id: string; answer: unknown }
    b: { id: string; answer: unknown }
    /** Whether B had to wait while A was stopped. */
    waited: boolean
  }

  /** Runs one order of the steps; with `kill` the connection of A is ended where it would have gone on. */
  async function run(url: string, point: PausePoint, order: Step[], kill = false): Promise<Outcome> {
    const [nodeA, nodeB, reader] = [await open(url), await open(url), await open(url)]
    const [eventA, eventB] = [newEvent({ callId: 'stopped' }), newEvent()]
    const begun = (await reader.logBounds()).newestSeq
    let cursor = begun
    const followed: string[] = []
    const look = async (): Promise<void> => {
      for (const { id, seq } of await reader.listEvents({ after: cursor, limit: 100 })) {
        followed.push(id)
        cursor = seq
      }
    }
    let [settledA, settledB, waited] = [false, false, false]
    const answerA = answerOf(nodeA.append([eventA])).finally(() => (settledA = true))
    let answerB: Promise<unknown> | null = null
    await point.reached()
    for (const step of order) {
      if (step === 'the reader looks') await look()
      else if (step === 'A goes on') {
        await (kill ? point.kill() : point.letGo())
        await answerA
      } else {
        answerB = answerOf(nodeB.append([eventB])).finally(() => (settledB = true))
        // Until it can get no further by itself.
        const others = settledA ? 0 : 1
        await until('B to be done or to wait', async () => settledB || (await point.waiting()) > others)
        waited = !settledB
      }
    }
    const answers = { a: await answerA, b: await answerB }
    await look()
    return {
      followed,
      stored: (await reader.listEvents({ after: begun, limit: 100 })).map(({ id }) => id),
      a: { id: eventA.id, answer: answers.a },
      b: { id: eventB.id, answer: answers.b },
      waited,
    }
  }

  async function pause(url: string, before: 'insert' | 'commit'): Promise<PausePoint> {
    const point = await pauseAt(url, { table: 'hookswitch.events', before, rows: `new.call_id = 'stopped'` })
    opened.push(point)
    return point
  }

  for (const [name, before] of Object.entries(points)) {
    for (const order of orders) {
      test(`${name}: ${order.join(', ')} - the reader misses nothing`, async () => {
        const url = await migrated()
        const { followed, stored, a, b, waited } = await run(url, await pause(url, before), order)
        expect(stored).toEqual([a.id, b.id])
        expect(followed).toEqual(stored)
        expect(a.answer).toMatchObject([{ id: a.id, duplicate: false }])
        expect(b.answer).toMatchObject([{ id: b.id, duplicate: false }])
        expect(waited).toBe(order.indexOf('B appends') < order.indexOf('A goes on'))
      })

      test(`${name}, and A is killed: ${order.join(', ')} - its outcome is unknown, and nobody waits for it`, async () => {
        const url = await migrated()
        const point = await pause(url, before)
        const { followed, stored, a, b } = await run(url, point, order, true)
        expect(stored).toEqual([b.id])
        expect(followed).toEqual(stored)
        expect(a.answer).toMatchObject({ name: 'StoreError', code: 'unavailable', outcome: 'unknown' })
        // The sender repeats what was not acknowledged.
        await point.letGo()
        const [again] = await (await open(url)).append([newEvent({ id: a.id, callId: 'stopped' })])
        expect(again).toMatchObject({ id: a.id, duplicate: false })
      })
    }
  }

  test('without the lock of the store the reader misses an event - so these tests would notice', async () => {
    const withoutLock = appendFunction.replace(/PERFORM pg_advisory_xact_lock\(.*\);/, '')
    expect(withoutLock).not.toBe(appendFunction)
    for (const before of Object.values(points)) {
      const missed: string[] = []
      for (const order of orders) {
        const url = await migrated()
        await queryPostgres(url, withoutLock)
        const { followed, stored, a, waited } = await run(url, await pause(url, before), order)
        expect(waited).toBe(false)
        expect(stored).toHaveLength(2)
        if (!followed.includes(a.id)) missed.push(order.join(', '))
      }
      expect(missed).toEqual(['B appends, the reader looks, A goes on'])
    }
  })

  test('an event that comes to B while A has not committed it is answered with the id of A', async () => {
    const url = await migrated()
    const [nodeA, nodeB] = [await open(url), await open(url)]
    for (const before of Object.values(points)) {
      const point = await pause(url, before)
      const event = newEvent({ callId: 'stopped' })
      const answerA = nodeA.append([event])
      await point.reached()
      const answerB = nodeB.append([repeated(event)])
      await until('B to wait', async () => (await point.waiting()) > 1)
      await point.letGo()
      const [[a], [b]] = await Promise.all([answerA, answerB])
      expect(a).toMatchObject({ id: event.id, duplicate: false })
      expect(b).toEqual({ ...a, duplicate: true })
    }
  })

  test('the same event 200 times at once over ten nodes and twenty connections - one row, one id', async () => {
    const url = await migrated()
    const nodes: Store[] = []
    for (let node = 0; node < 10; node += 1) nodes.push(await open(url))
    const event = newEvent()
    const answers = await Promise.all(
      nodes.flatMap((node) => Array.from({ length: 20 }, () => node.append([repeated(event)]))),
    )
    const appended = answers.map(([answer]) => answer)
    expect(appended.filter((one) => one?.duplicate === false)).toHaveLength(1)
    expect(new Set(appended.map((one) => `${one?.id} ${one?.seq}`)).size).toBe(1)
    expect(await queryPostgres(url, 'SELECT count(*)::integer AS rows FROM hookswitch.events')).toEqual([
      { rows: 1 },
    ])
  })

  async function migrated(): Promise<string> {
    await queryPostgres(postgres.url, 'DROP SCHEMA IF EXISTS hookswitch CASCADE')
    await (await openPostgres({ url: postgres.url })).close()
    return postgres.url
  }
})

function answerOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.catch((error: unknown) => error)
}

function permutations<T>(items: readonly T[]): T[][] {
  if (items.length === 0) return [[]]
  return items.flatMap((item, index) =>
    permutations(items.toSpliced(index, 1)).map((rest) => [item, ...rest]),
  )
}
