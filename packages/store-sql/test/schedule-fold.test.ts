import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { openPostgres } from '@hookswitch/store-sql'
import { foldTurnMs, type FoldCommit, type FoldRead, type Store } from '@hookswitch/core'
import { until } from '@hookswitch/testkit'
import {
  pauseAt,
  postgresMissing,
  queryPostgres,
  startPostgres,
  type PausePoint,
  type Postgres,
} from '@hookswitch/testkit/postgres'
import { callHead, newEvent } from '@hookswitch/testkit/store-contract'

/**
 * Two nodes fold one log. A node may be frozen between reading a stretch and committing it, for as long as it
 * likes, or die while it commits: each event must be folded once. The fold of these tests counts events.
 */

const missing = postgresMissing()

type Step = 'A commits' | 'B commits' | 'an event comes'
const orders = permutations<Step>(['A commits', 'B commits', 'an event comes'])

describe.skipIf(missing !== null)(`PostgreSQL${missing === null ? '' : ` (skipped: ${missing})`}`, () => {
  let postgres: Postgres
  let nodeA: Store
  let nodeB: Store
  const opened: { close(): Promise<void> }[] = []
  beforeAll(async () => {
    postgres = await startPostgres()
  })
  afterAll(() => postgres?.stop())
  beforeEach(async () => {
    await queryPostgres(postgres.url, 'DROP SCHEMA IF EXISTS hookswitch CASCADE')
    nodeA = await open()
    nodeB = await open()
  })
  afterEach(async () => {
    // The pause points first, so that nothing has to wait for them.
    for (const one of opened.splice(0).toReversed()) await one.close()
  })

  async function open(): Promise<Store> {
    const store = await openPostgres({ url: postgres.url })
    opened.push(store)
    return store
  }

  async function append(count: number, callIds = ['call_1', 'call_2']): Promise<void> {
    await nodeA.append(
      Array.from({ length: count }, (_, index) =>
        newEvent({ callId: callIds[index % callIds.length] ?? '' }),
      ),
    )
  }

  /** What the log holds is what was counted, and the index of events by call has each event once. */
  async function expectFoldedOnce(): Promise<void> {
    for (;;) {
      const read = await nodeA.foldRead('last', 1_000, 1_000_000)
      if (read === null) await turnLapses()
      else if (read.events.length === 0) break
      else expect(await nodeA.foldCommit(fold(read))).toBe(true)
    }
    const events = await nodeA.listEvents({ after: 0, limit: 10_000 })
    const { items } = await nodeA.listCalls({ limit: 100 })
    expect(items.reduce((sum, { eventCount }) => sum + eventCount, 0)).toBe(events.length)
    for (const { callId, eventCount } of items) {
      expect(eventCount).toBe(events.filter((event) => event.callId === callId).length)
      const ofCall = await nodeA.listEvents({ callId, after: 0, limit: 10_000 })
      expect(ofCall).toEqual(events.filter((event) => event.callId === callId))
    }
  }

  /** Moves the end of the turn to now, which is what the passing of time does. */
  async function turnLapses(): Promise<void> {
    await queryPostgres(postgres.url, 'UPDATE hookswitch.fold_state SET turn_until = clock_timestamp()')
  }

  test('a node keeps the turn while it uses it, and a silent one loses it by the clock of the store', async () => {
    await append(4)
    const first = performance.now()
    expect((await nodeA.foldRead('A', 2, 1_000))?.events).toHaveLength(2)
    expect(await nodeB.foldRead('B', 2, 1_000)).toBeNull()
    const lastUse = performance.now()
    expect((await nodeA.foldRead('A', 2, 1_000))?.events).toHaveLength(2)
    expect(lastUse - first).toBeLessThan(foldTurnMs)
    const read = await until('B to get the turn', () => nodeB.foldRead('B', 2, 1_000))
    expect(performance.now() - lastUse).toBeGreaterThan(foldTurnMs * 0.9)
    expect(performance.now() - lastUse).toBeLessThan(foldTurnMs * 2)
    expect(read.foldedSeq).toBe(0)
    expect(await nodeA.foldRead('A', 2, 1_000)).toBeNull()
    expect(await nodeB.foldCommit(fold(read))).toBe(true)
    await expectFoldedOnce()
  })

  for (const order of orders) {
    test(`both have read one stretch: ${order.join(', ')} - the first commit is written and the other refused`, async () => {
      await append(3)
      const readA = await readBy(nodeA, 'A')
      await turnLapses()
      const readB = await readBy(nodeB, 'B')
      expect(readB.events).toEqual(readA.events)
      const commits: boolean[] = []
      for (const step of order) {
        if (step === 'an event comes') await append(1)
        else if (step === 'A commits') commits.push(await nodeA.foldCommit(fold(readA)))
        else commits.push(await nodeB.foldCommit(fold(readB)))
      }
      expect(commits).toEqual([true, false])
      await expectFoldedOnce()
    })
  }

  test('a frozen node that comes back after others have folded on is refused, whatever it read', async () => {
    await append(3)
    const frozen = fold(await readBy(nodeA, 'A', 2))
    await turnLapses()
    expect(await nodeB.foldCommit(fold(await readBy(nodeB, 'B', 1)))).toBe(true)
    expect(await nodeA.foldCommit(frozen)).toBe(false)
    expect(await nodeB.foldCommit(fold(await readBy(nodeB, 'B', 1)))).toBe(true)
    // The place is now the one that the frozen node wanted to reach, and not the one that it read.
    expect(await nodeA.foldCommit(frozen)).toBe(false)
    await expectFoldedOnce()
  })

  for (const fate of ['goes on', 'is killed'] as const) {
    test(`A has stopped in the middle of its commit and ${fate} - B, which has read the same, is decided by that`, async () => {
      await append(3)
      const readA = await readBy(nodeA, 'A')
      await turnLapses()
      const readB = await readBy(nodeB, 'B')
      const point = await pause('hookswitch.call_parts', 'commit')
      const commitA = outcomeOf(nodeA.foldCommit(withPart(fold(readA))))
      await point.reached()
      const commitB = outcomeOf(nodeB.foldCommit(fold(readB)))
      await until('B to wait for A', async () => (await point.waiting()) > 1)
      // Accepting events and reading do not wait for the fold.
      await append(1)
      expect(await nodeB.listEvents({ callId: 'call_1', after: 0, limit: 10 })).toHaveLength(3)
      expect(await nodeB.getCall('call_1')).toBeNull()
      if (fate === 'goes on') {
        await point.letGo()
        expect(await commitA).toBe(true)
        expect(await commitB).toBe(false)
      } else {
        await point.kill()
        expect(await commitA).toMatchObject({ name: 'StoreError', code: 'unavailable', outcome: 'unknown' })
        expect(await commitB).toBe(true)
        await point.letGo()
      }
      expect(await nodeB.listEvents({ callId: 'call_1', after: 0, limit: 10 })).toHaveLength(3)
      await expectFoldedOnce()
    })

    test(`A has stopped in the middle of its commit and ${fate} - B, whose turn it has become, reads from there`, async () => {
      await append(3)
      const readA = await readBy(nodeA, 'A')
      const point = await pause('hookswitch.call_parts', 'commit')
      // As long as it is the turn of A, nobody waits to learn that.
      expect(await nodeB.foldRead('B', 100, 1_000_000)).toBeNull()
      await turnLapses()
      const commitA = outcomeOf(nodeA.foldCommit(withPart(fold(readA))))
      await point.reached()
      const readB = nodeB.foldRead('B', 100, 1_000_000)
      await until('B to wait for A', async () => (await point.waiting()) > 1)
      await (fate === 'goes on' ? point.letGo() : point.kill())
      await commitA
      expect(await readB).toMatchObject(
        fate === 'goes on'
          ? { foldedSeq: readA.events.at(-1)?.seq, events: [] }
          : { foldedSeq: 0, events: readA.events },
      )
      await point.letGo()
      await expectFoldedOnce()
    })
  }

  test('an event that is committed after the stretch was read is in the next one, never between', async () => {
    const point = await pause('hookswitch.events', 'commit', `new.call_id = 'late'`)
    await append(2)
    const late = nodeB.append([newEvent({ callId: 'late' })])
    await point.reached()
    const read = await readBy(nodeA, 'A')
    expect(read.events).toHaveLength(2)
    await point.letGo()
    const [appended] = await late
    expect(await nodeA.foldCommit(fold(read))).toBe(true)
    expect((await readBy(nodeA, 'A')).events.map(({ seq }) => seq)).toEqual([appended?.seq])
    await expectFoldedOnce()
  })

  test('four nodes fold at once while two append and every turn lapses at once - each event is folded once', async () => {
    const folders = [nodeA, nodeB, await open(), await open()]
    let appending = true
    let refused = 0
    const foldOn = async (store: Store, node: string): Promise<void> => {
      for (let idle = false; !idle;) {
        const read = await store.foldRead(node, 5, 1_000_000)
        idle = !appending && read?.events.length === 0
        if (read !== null && read.events.length > 0 && !(await store.foldCommit(fold(read)))) refused += 1
        await turnLapses()
      }
    }
    const appendOn = async (): Promise<void> => {
      for (let count = 0; count < 40; count += 1) await append(5, ['call_1', 'call_2', 'call_3'])
    }
    const appends = Promise.all([appendOn(), appendOn()]).finally(() => (appending = false))
    await Promise.all([appends, ...folders.map((store, index) => foldOn(store, `node-${index}`))])
    expect(refused).toBeGreaterThan(0)
    expect((await nodeA.logBounds()).oldestUnfoldedAt).toBeNull()
    await expectFoldedOnce()
  })

  async function pause(table: string, before: 'insert' | 'commit', rows = 'true'): Promise<PausePoint> {
    const point = await pauseAt(postgres.url, { table, before, rows })
    opened.push(point)
    return point
  }
})

async function readBy(store: Store, node: string, eventsMax = 100): Promise<FoldRead> {
  const read = await store.foldRead(node, eventsMax, 1_000_000)
  if (read === null) throw new Error(`it is not the turn of ${node}`)
  return read
}

/** A fold that only counts: an event that is folded twice, or not at all, shows. */
function fold({ foldedSeq, events, heads, routing }: FoldRead): FoldCommit {
  const callIds = [...new Set(events.map(({ callId }) => callId))]
  return {
    expectedFoldedSeq: foldedSeq,
    expectedRouting: routing,
    foldedSeq: events.at(-1)?.seq ?? foldedSeq,
    calls: callIds.map((callId) => {
      const head = heads.get(callId) ?? callHead({ callId, eventCount: 0 })
      const count = events.filter((event) => event.callId === callId).length
      return { head: { ...head, eventCount: head.eventCount + count }, put: [], drop: [] }
    }),
    events: events.map(({ seq, callId }) => ({ seq, callId })),
    marked: [],
    deliveries: [],
  }
}

/** The same with one part, whose row is where a pause point waits. */
function withPart(commit: FoldCommit): FoldCommit {
  const [first, ...others] = commit.calls
  if (first === undefined) throw new Error('a stretch without calls')
  const part = { kind: 'params' as const, at: 0, seq: commit.foldedSeq, data: {} }
  return { ...commit, calls: [{ ...first, put: [part] }, ...others] }
}

function outcomeOf<T>(promise: Promise<T>): Promise<unknown> {
  return promise.catch((error: unknown) => error)
}

function permutations<T>(items: readonly T[]): T[][] {
  if (items.length === 0) return [[]]
  return items.flatMap((item, index) =>
    permutations(items.toSpliced(index, 1)).map((rest) => [item, ...rest]),
  )
}
