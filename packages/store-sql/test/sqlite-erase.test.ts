import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import {
  eventId,
  foldStretch,
  freshProgress,
  type Claim,
  type NewEvent,
  type Publication,
  type StartedCall,
  type Store,
  type WorkResult,
} from '@hookswitch/core'
import { openSqlite } from '@hookswitch/store-sql'
import { newStartedCall } from '@hookswitch/testkit/store-contract'

const epoch = 'epoch-1'
const start = Date.UTC(2026, 0, 1)

let folder = ''
let store: Store
let made = 0
beforeEach(async () => {
  made = 0
  folder = await mkdtemp(path.join(tmpdir(), 'hookswitch-erase-'))
  store = await openSqlite({ folder, freeBytesMin: 0, clock: () => start + made })
  // Its lanes carry the number too.
  await store.addDestination({
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
      lane: { path: 'call.userNumber' },
      onExhausted: 'continue',
      retry: { preset: 'standard' },
      limits: { concurrency: 1_000, perSecond: null },
      settings: {},
    },
  })
  await store.beat(epoch)
})
afterEach(async () => {
  await store.close()
  await rm(folder, { recursive: true, force: true })
})

/** No number is the beginning of another. */
function numberOf(call: number): string {
  return `96650${1_000_000 + call * 37}`
}

const types = ['call.started', 'call.answered', 'transcription.update', 'tool.executed', 'call.ended']

/** An event that says the number wherever one may stand; now and then a long one, so that rows move between pages. */
function event(call: number, type: string): NewEvent {
  made += 10
  const phone = `+${numberOf(call)}`
  const note = 'x'.repeat(made % 190 === 0 ? 9_000 : made % 290)
  const body = {
    eventType: type,
    callId: `call_${call}`,
    timestamp: new Date(start + made).toISOString(),
    data: {
      userNumber: phone,
      params: { phone },
      outcomeResult: { phone, note },
      transcription: [{ Agent: `Is ${phone} your number?` }, { User: note }],
    },
  }
  return {
    id: eventId(start + made),
    source: 'hamsa',
    callId: `call_${call}`,
    type,
    dialect: 'v1',
    occurredAt: start + made,
    receivedAt: start + made,
    content: Buffer.from(String(made).padStart(16, '0')),
    body: Buffer.from(JSON.stringify(body)),
  }
}

async function fold(): Promise<void> {
  for (;;) {
    const read = await store.foldRead('node-1', 256, 64 * 1024 * 1024)
    if (read === null || read.events.length === 0) return
    expect(await store.foldCommit(foldStretch(read))).toBe(true)
  }
}

/** One turn of each lane that is to be had; every seventh attempt fails. */
async function deliver(claims: readonly Claim[]): Promise<Claim[]> {
  const results = claims.map(({ laneKey, claim, delivery }): WorkResult => {
    const fails = delivery.key % 7 === 0 && delivery.attempts === 0
    return {
      laneKey,
      claim,
      deliveryKey: delivery.key,
      wantsNext: true,
      outcome: fails
        ? { kind: 'retry', delayMs: 0, reason: 'answered 503', holdMs: null }
        : { kind: 'delivered' },
      attempt: {
        verdict: fails ? 'retry' : 'delivered',
        status: fails ? 503 : 200,
        cause: null,
        message: null,
        durationMs: 5,
        node: 'node-1',
        request: {
          method: 'POST',
          url: 'https://example.com',
          headers: {},
          bodyBytes: 9,
          body: delivery.laneKey,
        },
        response: null,
      },
    }
  })
  return (await store.work({ epoch, results, lanesMax: 50, lanesPerDestinationMax: 50 })).claims
}

/** Calls that go on beside each other, event by event. */
async function receive(calls: number): Promise<void> {
  let claims: Claim[] = []
  for (let time = 0; time < calls + types.length; time += 20) {
    const batch: NewEvent[] = []
    for (let step = time; step < time + 20; step += 1) {
      for (const [index, type] of types.entries()) {
        const call = step - index * 3
        if (call >= 0 && call < calls) batch.push(event(call, type))
      }
    }
    await store.append(batch)
    await fold()
    claims = await deliver(await deliver(claims))
  }
}

async function bytesOfFiles(): Promise<Buffer> {
  const names = (await readdir(folder)).filter((name) => name.startsWith('hookswitch.db'))
  return Buffer.concat(await Promise.all(names.map((name) => readFile(path.join(folder, name)))))
}

async function erase(phone: string): Promise<number> {
  let calls = 0
  for (let chunk = 0; chunk < 20; chunk += 1) {
    const report = await store.erase({ phone }, 100)
    calls += report.calls
    if (!report.more) return calls
  }
  throw new Error('there is still more to erase after 20 chunks')
}

test('the number of a caller is in no byte of the files after an erase, and those of others still are', async () => {
  await receive(400)
  const erased = Array.from({ length: 40 }, (_, index) => index * 10 + 3)
  const before = await bytesOfFiles()
  for (const call of erased) expect(before.includes(numberOf(call))).toBe(true)

  for (const call of erased) expect(await erase(numberOf(call))).toBe(1)
  const after = await bytesOfFiles()
  expect(erased.filter((call) => after.includes(numberOf(call)))).toEqual([])
  expect(after.includes(numberOf(4))).toBe(true)
  expect((await store.listCalls({ limit: 1_000 })).items).toHaveLength(360)
})

test('what a call was started with is in no byte of the files after an erase, nor what was published in it', async () => {
  const calls = 300
  const started: StartedCall[] = []
  for (let call = 0; call < calls; call += 1) {
    const own = { id: `param-${numberOf(call)}`, note: 'x'.repeat(call % 50 === 0 ? 20_000 : call % 90) }
    const numbers = call % 2 === 0 ? { to: `+${numberOf(call)}` } : { from: `+${numberOf(call)}` }
    started.push(
      await store.addStartedCall(newStartedCall({ callId: `call_${call}`, params: own, ...numbers })),
    )
  }
  for (let round = 0; round < 3; round += 1) {
    // Rows grow with what is published, and move.
    const batch = started.map((_, call): Publication => {
      const at = start + made
      const answer = {
        id: numberOf(call),
        eventType: 'x',
        timestamp: 'x',
        collisions: ['x'.repeat(40 * round)],
      }
      const entry = { idempotencyKey: numberOf(call), content: 'x', answer }
      const repeatable = Array.from({ length: round + 1 }, () => entry)
      const progress = { ...freshProgress, lastEventAt: at, repeatable }
      return { ...event(call, types[round] ?? ''), expectedVersion: round + 1, progress }
    })
    expect(await store.publish(batch)).not.toContain('changed')
    if (round < 2) await fold()
  }
  await fold()
  await store.addStartedCall(newStartedCall({ callId: 'call_bare', to: numberOf(calls) }))
  const erased = Array.from({ length: 30 }, (_, index) => index * 10 + 3)
  const before = await bytesOfFiles()
  for (const call of [...erased, calls]) expect(before.includes(numberOf(call))).toBe(true)

  for (const call of [...erased, calls]) expect(await erase(numberOf(call))).toBe(1)
  for (const call of [4, 14]) {
    const param = { name: 'id', value: `param-${numberOf(call)}` }
    expect(await store.erase({ param }, 100)).toMatchObject({ calls: 1, more: false })
  }
  const after = await bytesOfFiles()
  expect([...erased, calls, 4, 14].filter((call) => after.includes(numberOf(call)))).toEqual([])
  expect(after.includes(numberOf(5))).toBe(true)
  expect((await store.listCalls({ limit: 1_000 })).items).toHaveLength(calls - 32)
})

test('a call that was read for the fold and then erased is not written again', async () => {
  await store.append([event(1, 'call.started')])
  await fold()
  await store.append([event(1, 'call.ended')])
  const read = await store.foldRead('node-1', 256, 64 * 1024 * 1024)
  expect(read?.heads.get('call_1')?.userNumber?.value).toBe(`+${numberOf(1)}`)
  expect(await erase(numberOf(1))).toBe(1)
  if (read === null) throw new Error('the only node has the turn')
  expect(await store.foldCommit(foldStretch(read))).toBe(false)
  expect(await store.getCall('call_1')).toBeNull()
  // What had not been folded begins the call anew.
  await fold()
  expect((await store.getCall('call_1'))?.head.eventCount).toBe(1)
})

test('a call of more events than one chunk removes is erased in several, its record last', async () => {
  for (let batch = 0; batch < 5; batch += 1) {
    await store.append(Array.from({ length: 500 }, () => event(1, 'custom.event')))
  }
  await fold()
  const first = await store.erase({ callId: 'call_1' }, 100)
  expect(first).toMatchObject({ calls: 0, more: true })
  expect(first.events).toBeGreaterThan(0)
  expect(await store.getCall('call_1')).not.toBeNull()
  let events = first.events
  for (let chunk = 0; chunk < 10; chunk += 1) {
    const report = await store.erase({ callId: 'call_1' }, 100)
    events += report.events
    if (!report.more) break
  }
  expect(events).toBe(2_500)
  expect(await store.getCall('call_1')).toBeNull()
  expect(await store.listDeliveries({ before: null, limit: 10 })).toEqual([])
  expect(await store.listLanes({ after: 0, limit: 10 })).toEqual([])
})

test('two searches that take turns both come to their end', async () => {
  await receive(30)
  const phones = [numberOf(4), numberOf(17)]
  const calls = [0, 0]
  const open = new Set([0, 1])
  for (let chunk = 0; open.size > 0 && chunk < 20; chunk += 1) {
    for (const index of open) {
      const report = await store.erase({ phone: phones[index] ?? '' }, 1)
      calls[index] = (calls[index] ?? 0) + report.calls
      if (!report.more) open.delete(index)
    }
  }
  expect(calls).toEqual([1, 1])
  expect(open.size).toBe(0)
})
