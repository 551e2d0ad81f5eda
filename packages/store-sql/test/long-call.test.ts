import { hash } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { FoldLoop, eventId, type NewEvent, type Store } from '@hookswitch/core'
import { callLimits, showCall } from '@hookswitch/events'
import { openSqlite } from '@hookswitch/store-sql'

let folder = ''
let store: Store | null = null
afterEach(async () => {
  await store?.close()
  await rm(folder, { recursive: true, force: true })
})

const base = Date.UTC(2026, 0, 1)

function update(number: number): NewEvent {
  const at = base + number * 100
  const body = Buffer.from(
    JSON.stringify({
      eventType: 'transcription.update',
      callId: 'long',
      timestamp: new Date(at).toISOString(),
      data: { data: { speaker: number % 2 === 0 ? 'Agent' : 'User', text: `turn ${number}` } },
    }),
  )
  return {
    id: eventId(at),
    source: 'hamsa',
    callId: 'long',
    type: 'transcription.update',
    dialect: 'v1',
    occurredAt: at,
    receivedAt: at,
    content: hash('sha256', body, 'buffer').subarray(0, 16),
    body,
  }
}

/** Appends and folds the updates from `from` on, and returns how many bytes the store grew by. */
async function add(open: Store, from: number, count: number): Promise<number> {
  const before = (await open.stats()).bytes
  for (let number = from; number < from + count; number += 500) {
    await open.append(
      Array.from({ length: Math.min(500, from + count - number) }, (_, index) => update(number + index)),
    )
  }
  const loop = new FoldLoop({ store: open, node: 'test' })
  while ((await loop.step()) === 'folded');
  return (await open.stats()).bytes - before
}

test('a call of 20,000 updates costs as much per update at its end as at its start, and none is lost beyond', async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'hookswitch-long-'))
  store = await openSqlite({ folder, freeBytesMin: 0 })
  const first = await add(store, 0, 5_000)
  await add(store, 5_000, 10_000)
  const last = await add(store, 15_000, 5_000)
  // What is written is what the time goes into: a record that is rewritten with each update grows by its square.
  expect(last).toBeLessThan(first * 1.2)

  const call = await store.getCall('long')
  if (call === null) throw new Error('the call is not there')
  const shown = showCall(call.head, call.parts)
  expect(shown).toMatchObject({ eventCount: 20_000, truncated: false, transcriptSource: 'live' })
  expect(shown.transcript.map(({ text }) => text)).toEqual(
    Array.from({ length: 20_000 }, (_, index) => `turn ${index}`),
  )

  await add(store, 20_000, 80_000)
  const truncated = await store.getCall('long')
  expect(truncated?.head).toMatchObject({ eventCount: 100_000, truncated: true })
  expect(truncated?.parts.length).toBe(callLimits.turnsMax)
  let events = 0
  for (let after = 0; ;) {
    const page = await store.listEvents({ callId: 'long', after, limit: 5_000 })
    events += page.length
    const end = page.at(-1)
    if (end === undefined) break
    after = end.seq
  }
  expect(events).toBe(100_000)
}, 120_000)
