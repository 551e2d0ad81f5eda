import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import {
  deliveryAgeMsMax,
  foldStretch,
  keysKeptMs,
  type NewEvent,
  type RetentionCutoffs,
  type RetentionReport,
  type Store,
  type StoredDestination,
} from '@hookswitch/core'
import { openSqlite } from '@hookswitch/store-sql'

const dayMs = 24 * 60 * 60 * 1000
const start = Date.UTC(2026, 0, 1)
const epoch = 'epoch-1'

let folder = ''
let now = start
let made = 0
let store: Store
beforeEach(async () => {
  now = start
  made = 0
  folder = await mkdtemp(path.join(tmpdir(), 'hookswitch-upkeep-'))
  store = await open()
})
afterEach(async () => {
  await store.close()
  await rm(folder, { recursive: true, force: true })
})

function open(): Promise<Store> {
  return openSqlite({ folder, freeBytesMin: 0, clock: () => now })
}

function event(wanted: Partial<NewEvent> & { bytes?: number } = {}): NewEvent {
  made += 1
  const { bytes = 100, ...rest } = wanted
  return {
    id: `evt_${String(made).padStart(26, '0')}`,
    source: 'hamsa',
    callId: `call_${made}`,
    type: 'call.ended',
    dialect: 'v1',
    occurredAt: now,
    receivedAt: now,
    content: Buffer.from(String(made).padStart(16, '0')),
    body: Buffer.alloc(bytes, made % 250),
    ...rest,
  }
}

async function fold(): Promise<void> {
  for (;;) {
    const read = await store.foldRead('node-1', 1_000, 64 * 1024 * 1024)
    if (read === null || read.events.length === 0) return
    expect(await store.foldCommit(foldStretch(read))).toBe(true)
  }
}

function addDestination(lane: 'call' | 'destination' = 'call'): Promise<StoredDestination | null> {
  return store.addDestination({
    id: 'dst_1',
    origin: 'api',
    sealedSecrets: null,
    definition: {
      name: 'crm',
      kind: 'webhook',
      events: null,
      scope: { sources: null, agents: null },
      filter: null,
      template: null,
      lane,
      onExhausted: 'continue',
      retry: { preset: 'standard' },
      limits: { concurrency: 10, perSecond: null },
      settings: {},
    },
  })
}

async function retain(cutoffs: Partial<RetentionCutoffs>, rowsMax = 500): Promise<RetentionReport> {
  const all = { attempts: null, transcripts: null, records: null, events: null, keys: now, ...cutoffs }
  const total: RetentionReport = {
    attempts: 0,
    deliveries: 0,
    transcripts: 0,
    records: 0,
    events: 0,
    keys: 0,
    more: false,
  }
  for (let chunk = 0; chunk < 100; chunk += 1) {
    const { more, ...counts } = await store.retain(all, rowsMax)
    for (const kind of Object.keys(counts) as (keyof typeof counts)[]) total[kind] += counts[kind]
    if (!more) return total
  }
  throw new Error('there is still more to remove after 100 chunks')
}

test('what is removed goes back to the disk, some of it with each chunk', async () => {
  for (let batch = 0; batch < 20; batch += 1) {
    await store.append(Array.from({ length: 10 }, () => event({ bytes: 100_000 })))
  }
  await fold()
  const { bytes: before } = await store.stats()
  now += 2 * dayMs
  expect(await retain({ events: now - dayMs }, 5)).toMatchObject({ events: 200 })
  const { bytes: after } = await store.stats()
  expect(before).toBeGreaterThan(20_000_000)
  // What is left free is for what comes next.
  expect(after).toBeLessThan(before / 2)
})

test('the key of an event that went early, or was erased, is kept for as long as was promised, and goes then', async () => {
  const events = [event({ occurredAt: null }), event({ occurredAt: now - 90 * dayMs }), event(), event()]
  const again = async (): Promise<boolean[]> => {
    const appended = await store.append(events.map((one) => ({ ...one, id: event().id })))
    return appended.map(({ duplicate }) => duplicate)
  }
  await store.append(events)
  await fold()
  await retain({})
  now += 2 * dayMs
  expect((await store.erase({ callId: 'call_4' }, 10)).calls).toBe(1)
  expect(await retain({ events: now - dayMs })).toMatchObject({ events: 3, keys: 0 })
  now += keysKeptMs - 3 * dayMs
  expect(await retain({ events: now - dayMs })).toMatchObject({ keys: 0 })
  expect(await again()).toEqual([true, true, true, true])
  now += 2 * dayMs
  // Whoever asks for less is not given less.
  expect(await retain({ keys: now + dayMs })).toMatchObject({ keys: 4 })
  expect(await again()).toEqual([false, false, false, false])
})

test('a key goes with its event when both are old enough', async () => {
  await store.append([event(), event({ occurredAt: null })])
  await fold()
  now += keysKeptMs + dayMs
  expect(await retain({ events: now - keysKeptMs })).toMatchObject({ events: 2, keys: 2 })
})

test('of a record that went before its events nothing is shown, and its call is still found by its events', async () => {
  await store.append([event({ callId: 'a' }), event({ callId: 'b' })])
  await fold()
  now += dayMs
  expect(await retain({ records: now })).toMatchObject({ records: 2, events: 0 })
  expect(await store.getCall('a')).toBeNull()
  expect((await store.listCalls({ limit: 10 })).items).toEqual([])
  expect(await store.erase({ phone: '12345' }, 10)).toMatchObject({ calls: 0, more: false })
  expect(await store.erase({ param: { name: 'a', value: 'b' } }, 10)).toMatchObject({ calls: 0 })
  // One that begins anew is shown with all its events.
  await store.append([event({ callId: 'a' })])
  await fold()
  expect((await store.getCall('a'))?.head.eventCount).toBe(1)
  expect(await store.listEvents({ callId: 'a', after: 0, limit: 10 })).toHaveLength(2)
  expect((await store.listCalls({ limit: 10 })).items.map(({ callId }) => callId)).toEqual(['a'])
  // The last event of a call takes along what was left of it.
  expect(await retain({ records: now + 1, events: now + 1 })).toMatchObject({ records: 1, events: 3 })
  expect(await store.listEvents({ callId: 'a', after: 0, limit: 10 })).toEqual([])
})

test('a lane of more old deliveries than one request ends is worked through in several, and sends none of them', async () => {
  await addDestination('destination')
  await store.append(Array.from({ length: 1_200 }, () => event()))
  await fold()
  now += deliveryAgeMsMax + 1
  await store.append([event()])
  await fold()
  await store.beat(epoch)
  const ask = () => store.work({ epoch, results: [], lanesMax: 10, lanesPerDestinationMax: 10 })
  expect(await ask()).toMatchObject({ claims: [], waitMs: 0 })
  expect(await ask()).toMatchObject({ claims: [], waitMs: 0 })
  const { claims } = await ask()
  expect(claims).toMatchObject([{ delivery: { eventSeq: 1_201 }, headAttempts: 0 }])
  const dead = await store.listDeliveries({ state: 'dead', before: null, limit: 2_000 })
  expect(dead).toHaveLength(1_200)
  expect(dead.every(({ reason }) => reason?.startsWith('expired'))).toBe(true)
})

test('the lanes of a process that ended are free as soon as another opens the folder', async () => {
  await addDestination()
  await store.append([event(), event()])
  await fold()
  await store.beat(epoch)
  const work = (name: string) =>
    store.work({ epoch: name, results: [], lanesMax: 10, lanesPerDestinationMax: 10 })
  const first = await work(epoch)
  expect(first.claims).toHaveLength(2)
  await store.close()
  store = await open()
  // The old epoch is over, though it beat a moment ago.
  expect(await store.beat(epoch)).toBe(false)
  expect(await work(epoch)).toMatchObject({ alive: false, claims: [] })
  expect(await store.beat('epoch-2')).toBe(true)
  const second = await work('epoch-2')
  expect(second.claims.map(({ laneKey, claim }) => [laneKey, claim])).toEqual(
    first.claims.map(({ laneKey, claim }) => [laneKey, claim + 1]),
  )
})

test('a replay finds the few events that match among many, a bounded stretch of the log at a time', async () => {
  const destination = await addDestination()
  const destinationKey = destination?.key ?? 0
  const rare = new Set([1, 2, 7_001, 13_000, 13_001])
  for (let at = 1; at <= 13_001; at += 1_000) {
    await store.append(
      Array.from({ length: Math.min(1_000, 13_002 - at) }, (_, index) =>
        event({ callId: 'a', source: rare.has(at + index) ? 'rare' : 'hamsa', bytes: 10 }),
      ),
    )
  }
  await fold()
  const filter = { source: 'rare' }
  const matched = await store.matchReplay({ destinationKey, filter, totalMax: 10 })
  expect(matched).toEqual({ total: 5, afterSeq: 0, untilSeq: 13_001 })
  await store.addReplay({ destinationKey, filter, total: 5, afterSeq: 0, untilSeq: 13_001 })
  const found: number[] = []
  for (
    let read = await store.replayRead(2), rounds = 0;
    read !== null;
    read = await store.replayRead(2), rounds += 1
  ) {
    expect(rounds).toBeLessThan(20)
    found.push(...read.events.map(({ seq }) => seq))
    const written = await store.replayCommit({
      replayKey: read.replay.key,
      expectedCursorSeq: read.replay.cursorSeq,
      cursorSeq: read.events.at(-1)?.seq ?? read.replay.cursorSeq,
      done: read.last,
      deliveries: [],
    })
    expect(written).toBe(true)
  }
  expect(found).toEqual([...rare])
})
