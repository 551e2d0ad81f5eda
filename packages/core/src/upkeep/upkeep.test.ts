import { describe, expect, test } from 'vitest'
import type { ReplayRead, RetentionCutoffs } from '../deliver/delivery-store.ts'
import type { StoredReplay } from '../deliver/delivery.ts'
import type { StoredDestination } from '../deliver/destination.ts'
import { freshFlow } from '../deliver/flow.ts'
import { Upkeep, type UpkeepOptions } from './upkeep.ts'

const dayMs = 24 * 60 * 60 * 1000
const now = Date.UTC(2026, 2, 1)

const destination: StoredDestination = {
  key: 1,
  id: 'dst_1',
  origin: 'api',
  version: 1,
  sealedSecrets: null,
  flow: freshFlow,
  createdAt: now,
  updatedAt: now,
  definition: {
    name: 'crm',
    kind: 'webhook',
    events: ['call.ended'],
    scope: { sources: null, agents: null },
    filter: null,
    template: null,
    lane: 'call',
    onExhausted: 'continue',
    retry: { preset: 'none' },
    limits: { concurrency: 10, perSecond: null },
    settings: {},
  },
}

const replay: StoredReplay = {
  key: 3,
  destinationKey: 1,
  filter: {},
  total: 2,
  made: 0,
  state: 'running',
  cursorSeq: 0,
  untilSeq: 20_000,
  createdAt: now,
  finishedAt: null,
}

const event = (seq: number, type: string): ReplayRead['events'][number] => ({
  seq,
  id: `evt_${seq}`,
  source: 'hamsa',
  callId: 'call-1',
  type,
  body: Buffer.from('{}'),
})

const keep = { attemptsDays: null, transcriptsDays: null, recordsDays: null, eventsDays: null }

/** Answers what a test wants, and remembers what it was told. */
function scripted(reads: (ReplayRead | null)[], destinations = [destination]) {
  const told: { commits: unknown[]; cancelled: number[]; cutoffs: RetentionCutoffs[]; expired: number[] } = {
    commits: [],
    cancelled: [],
    cutoffs: [],
    expired: [],
  }
  const nothing = { attempts: 0, deliveries: 0, transcripts: 0, records: 0, events: 0, keys: 0 }
  const store: UpkeepOptions['store'] = {
    listDestinations: () => Promise.resolve(destinations),
    replayRead: () => Promise.resolve(reads.shift() ?? null),
    replayCommit: (commit) => Promise.resolve(told.commits.push(commit) > 0),
    cancelReplay: (key) => Promise.resolve(told.cancelled.push(key) > 0 ? replay : null),
    expireDeliveries: (before) => {
      told.expired.push(before)
      return Promise.resolve(0)
    },
    retain: (cutoffs) => {
      told.cutoffs.push(cutoffs)
      return Promise.resolve({ ...nothing, more: told.cutoffs.length < 2 })
    },
  }
  return { store, told }
}

describe('a replay', () => {
  test('goes in stretches: what the destination takes is added, and the cursor moves past what it does not', async () => {
    const { store, told } = scripted([
      {
        replay,
        events: [event(4, 'call.ended'), event(9, 'call.started')],
        heads: new Map(),
        last: false,
      },
    ])
    expect(await new Upkeep({ store, retention: keep }).replayStep()).toBe(true)
    expect(told.commits).toEqual([
      {
        replayKey: 3,
        expectedCursorSeq: 0,
        cursorSeq: 9,
        done: false,
        deliveries: [{ destinationKey: 1, eventSeq: 4, laneKey: 'call:call-1', replayKey: 3 }],
      },
    ])
  })

  test('a read that found nothing in so many places ends nothing - what comes after them is still to be looked at', async () => {
    const { store, told } = scripted([
      { replay: { ...replay, cursorSeq: 5_000 }, events: [], heads: new Map(), last: false },
    ])
    await new Upkeep({ store, retention: keep }).replayStep()
    expect(told.commits).toMatchObject([{ cursorSeq: 5_000, done: false }])
  })

  test('of a destination that is gone ends', async () => {
    const { store, told } = scripted([{ replay, events: [], heads: new Map(), last: false }], [])
    expect(await new Upkeep({ store, retention: keep }).replayStep()).toBe(true)
    expect(told).toMatchObject({ commits: [], cancelled: [3] })
  })

  test('without one there is nothing to do', async () => {
    expect(await new Upkeep({ store: scripted([]).store, retention: keep }).replayStep()).toBe(false)
  })
})

describe('what is too old', () => {
  test('goes by class, counted back from now; what has waited for 30 days is expired', async () => {
    const { store, told } = scripted([])
    const upkeep = new Upkeep({
      store,
      retention: { ...keep, attemptsDays: 30, eventsDays: 0.5 },
      clock: () => now,
    })
    expect(await upkeep.retainStep()).toBe(true)
    expect(await upkeep.retainStep()).toBe(false)
    expect(await upkeep.expireStep()).toBe(false)
    expect(told.expired).toEqual([now - 30 * dayMs])
    expect(told.cutoffs[0]).toEqual({
      attempts: now - 30 * dayMs,
      transcripts: null,
      records: null,
      events: now - dayMs / 2,
      keys: now - 30 * dayMs,
    })
  })
})
