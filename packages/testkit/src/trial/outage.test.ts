import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import {
  Deliverer,
  DestinationBook,
  destinationId,
  FoldLoop,
  type AttemptResult,
  type DestinationDefinition,
  type Store,
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

const definition: DestinationDefinition = {
  name: 'crm',
  kind: 'webhook',
  events: null,
  scope: { sources: null, agents: null },
  filter: null,
  template: null,
  lane: 'call',
  onExhausted: 'continue',
  retry: { preset: 'standard' },
  limits: { concurrency: 5, perSecond },
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

test('a destination that was down for an hour gets everything, in order in each lane and at its pace, when it returns', async () => {
  const schedule = new Schedule(began)
  const folder = mkdtempSync(path.join(tmpdir(), 'hookswitch-outage-'))
  folders.push(folder)
  const store: Store = await openSqlite({ folder, freeBytesMin: 0, clock: () => schedule.now })
  await store.addDestination({ id: destinationId(), origin: 'api', definition, sealedSecrets: null })
  for (let event = 0; event < eventsOfCall; event += 1) {
    await store.append(
      Array.from({ length: calls }, (_, call) =>
        newEvent({ callId: `call-${call}`, occurredAt: began + event, receivedAt: began }),
      ),
    )
  }
  const fold = new FoldLoop({ store, node: 'node' })
  while ((await fold.step()) === 'folded');

  const back = began + hourMs
  const arrived: { at: number; lane: string; seq: number }[] = []
  let triesInVain = 0
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
      await schedule.wait(30)
      if (at < back) {
        triesInVain += 1
        return answer('retry', 503)
      }
      arrived.push({ at, lane: claim.delivery.laneKey, seq: claim.delivery.eventSeq })
      return answer('delivered', 200)
    },
  })
  deliverer.start()
  const all = calls * eventsOfCall
  expect(await schedule.run(() => arrived.length === all, back + 2 * hourMs)).toBe(true)

  for (let call = 0; call < calls; call += 1) {
    const seqs = arrived.filter(({ lane }) => lane === `call:call-${call}`).map(({ seq }) => seq)
    expect(seqs).toEqual([call + 1, call + 1 + calls, call + 1 + 2 * calls])
  }
  for (const { at } of arrived) {
    const inTheSecond = arrived.filter((other) => other.at >= at && other.at < at + 1_000).length
    // Sends that come due within 50 ms of each other may go together.
    expect(inTheSecond).toBeLessThanOrEqual(perSecond + 2)
  }
  // The breaker asked now and then with one delivery; without it each call's first event alone would make seven tries.
  expect(triesInVain).toBeGreaterThan(10)
  expect(triesInVain).toBeLessThan(calls * 2)

  const stopped = deliverer.stop(1_000)
  await schedule.run(() => deliverer.lanes === 0, schedule.now + 10_000)
  await stopped
  expect(await store.listLanes({ after: 0, limit: 10 })).toEqual([])
  await store.close()
})
