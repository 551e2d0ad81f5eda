import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import {
  Deliverer,
  DestinationBook,
  destinationId,
  failingWarning,
  FoldLoop,
  type AttemptResult,
  type DestinationDefinition,
  type DestinationLimits,
  type Store,
  type StoredDestination,
} from '@hookswitch/core'
import { openSqlite } from '@hookswitch/store-sql'
import { afterEach, expect, test } from 'vitest'
import { newEvent } from '../store-contract/index.ts'
import { Schedule } from './schedule.ts'

// A destination that is down for an hour of a clock that only moves here, over the real store and the real engine.

const began = Date.UTC(2026, 2, 1)
const hourMs = 60 * 60_000
const perSecond = 20
const calls = 100
const eventsOfCall = 3
const tryMs = 30
/** The breaker lets one try through at least as often. */
const breakerMsMax = 5 * 60_000

const definition: Omit<DestinationDefinition, 'limits'> = {
  name: 'crm',
  kind: 'webhook',
  events: null,
  scope: { sources: null, agents: null },
  filter: null,
  template: null,
  lane: 'call',
  onExhausted: 'continue',
  retry: { preset: 'standard' },
  settings: {},
}

const answer = (verdict: 'delivered' | 'retry', status: number): AttemptResult => ({
  verdict,
  status,
  cause: null,
  message: null,
  retryAfterMs: null,
  request: null,
  response: null,
})

const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

interface Outage {
  schedule: Schedule
  store: Store
  /** What the destination has taken, in the order in which it did. */
  arrived: { at: number; lane: string; seq: number }[]
  /** When it was asked while it was down. */
  inVain: number[]
  stop(): Promise<void>
}

/** Every call has its events, and a destination waits for them that is down until it `isBack`. */
async function outage(limits: DestinationLimits, isBack: (now: number) => boolean): Promise<Outage> {
  const schedule = new Schedule(began)
  const folder = mkdtempSync(path.join(tmpdir(), 'hookswitch-outage-'))
  folders.push(folder)
  const store: Store = await openSqlite({ folder, freeBytesMin: 0, clock: () => schedule.now })
  await store.addDestination({
    id: destinationId(),
    origin: 'api',
    definition: { ...definition, limits },
    sealedSecrets: null,
  })
  for (let event = 0; event < eventsOfCall; event += 1) {
    await store.append(
      Array.from({ length: calls }, (_, call) =>
        newEvent({ callId: `call-${call}`, occurredAt: began + event, receivedAt: began }),
      ),
    )
  }
  const fold = new FoldLoop({ store, node: 'node' })
  while ((await fold.step()) === 'folded');

  const arrived: Outage['arrived'] = []
  const inVain: number[] = []
  const book = new DestinationBook(store)
  let lastRandom = 7
  const deliverer = new Deliverer({
    store,
    node: 'node',
    timers: { now: () => schedule.elapsed, after: (ms, run) => schedule.after(ms, run) },
    random: () => (lastRandom = (lastRandom * 16_807) % 2_147_483_647) / 2_147_483_647,
    destination: (key, version) => book.get(key, version),
    attempt: async ({ claim }) => {
      const at = schedule.now
      await schedule.wait(tryMs)
      if (!isBack(at)) {
        inVain.push(at)
        return answer('retry', 503)
      }
      arrived.push({ at, lane: claim.delivery.laneKey, seq: claim.delivery.eventSeq })
      return answer('delivered', 200)
    },
  })
  store.watch(() => deliverer.wake())
  deliverer.start()
  return {
    schedule,
    store,
    arrived,
    inVain,
    async stop() {
      const stopped = deliverer.stop(1_000)
      await schedule.run(() => deliverer.lanes === 0, schedule.now + 10_000)
      await stopped
      await store.close()
    },
  }
}

const all = calls * eventsOfCall

/** Everything has arrived once, and in each lane in its order. */
function expectInOrder(arrived: Outage['arrived']): void {
  expect(arrived).toHaveLength(all)
  for (let call = 0; call < calls; call += 1) {
    const seqs = arrived.filter(({ lane }) => lane === `call:call-${call}`).map(({ seq }) => seq)
    expect(seqs).toEqual([call + 1, call + 1 + calls, call + 1 + 2 * calls])
  }
}

test('a destination that was down for an hour gets everything, in order in each lane and at its pace, when it returns', async () => {
  const back = began + hourMs
  const { schedule, store, arrived, inVain, stop } = await outage(
    { concurrency: 5, perSecond },
    (now) => now >= back,
  )
  expect(await schedule.run(() => arrived.length === all, back + 2 * hourMs)).toBe(true)

  expectInOrder(arrived)
  for (const { at } of arrived) {
    const inTheSecond = arrived.filter((other) => other.at >= at && other.at < at + 1_000).length
    // Sends that come due within 50 ms of each other may go together.
    expect(inTheSecond).toBeLessThanOrEqual(perSecond + 2)
  }
  // The breaker asked now and then with one delivery; without it each call's first event alone would make seven tries.
  expect(inVain.length).toBeGreaterThan(10)
  expect(inVain.length).toBeLessThan(calls * 2)
  expect(await store.listLanes({ after: 0, limit: 10 })).toEqual([])
  await stop()
})

test('a destination that fails for longer than its limit is held, keeps everything, and gets it in order when it is resumed', async () => {
  const failingHours = 2
  const limits = { concurrency: 5, perSecond, failingHours }
  let isBack = false
  const { schedule, store, arrived, inVain, stop } = await outage(limits, () => isBack)
  const destination = async (): Promise<StoredDestination> => {
    const [only] = await store.listDestinations()
    if (only === undefined) throw new Error('the destination is there')
    return only
  }

  await schedule.run(() => false, began + failingHours * hourMs - 1)
  const { flow: before } = await destination()
  expect(before.hold?.reason).toBe('breaker')
  const failingSince = inVain[0] ?? 0
  expect(before.failingSince).toBe(failingSince + tryMs)
  expect(failingWarning(limits, before, schedule.now)).toEqual({
    stage: 0.75,
    holdsAt: failingSince + tryMs + failingHours * hourMs,
  })

  await schedule.run(() => false, began + failingHours * hourMs + breakerMsMax + 60_000)
  const { flow, id } = await destination()
  expect(flow.hold).toEqual({
    reason: 'failing',
    since: expect.closeTo(inVain.at(-1) ?? 0, -3),
    until: null,
    detail: 'nothing has succeeded since 2026-03-01T00:00:00Z, and its events are kept',
  })
  const tries = inVain.length
  await schedule.run(() => false, schedule.now + hourMs)
  expect(inVain, 'it is left alone').toHaveLength(tries)
  const pending = await store.listDeliveries({ state: 'pending', before: null, limit: all + 1 })
  expect(pending, 'and nothing is given up').toHaveLength(all)

  isBack = true
  await store.holdDestination(id, null)
  expect(await schedule.run(() => arrived.length === all, schedule.now + hourMs)).toBe(true)
  expectInOrder(arrived)
  expect((await destination()).flow).toMatchObject({ hold: null, failingSince: null, failures: 0 })
  await stop()
})
