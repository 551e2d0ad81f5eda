import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Acceptor, type Appended, type Publication, type Store } from '@hookswitch/core'
import { openSqlite } from '@hookswitch/store-sql'
import { AgentBook } from '../agents/agent-book.ts'
import { Publisher, type PublishResult } from './publisher.ts'

const now = Date.UTC(2026, 5, 1)

let folder: string
let store: Store
let callId: string
const acceptors: Acceptor<Publication, Appended | 'changed'>[] = []

/** Publishes as one node does. */
function node(publish: Store['publish'] = (batch) => store.publish(batch)): Publisher {
  const commit = new Acceptor<Publication, Appended | 'changed'>({ append: publish, commitMs: 4_000 })
  acceptors.push(commit)
  return new Publisher({ store, commit, agents: new AgentBook(new Map(), store), clock: () => now })
}

function say(
  publisher: Publisher,
  text: string,
  idempotencyKey: string | null = null,
): Promise<PublishResult> {
  const data = { speaker: 'User', text }
  return publisher.publish({ callId, eventType: 'transcription.update', data, idempotencyKey })
}

async function stored(): Promise<unknown[]> {
  const events = await store.listEvents({ after: 0, limit: 200 })
  return events.map(({ occurredAt, body }) => {
    const { data } = JSON.parse(Buffer.from(body).toString()) as { data: { data: { text?: string } } }
    return [(occurredAt ?? 0) - now, data.data.text]
  })
}

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'hookswitch-publisher-'))
  store = await openSqlite({ folder, freeBytesMin: 0, clock: () => now })
  const definition = { name: 'Recruiter', project: null, outcomeSchema: null }
  await store.addAgent({ id: 'agent-1', definition })
  const ends = { to: null, from: null, direction: 'outbound' } as const
  const call = { agentId: 'agent-1', params: {}, override: null, sealSecrets: () => null, ...ends }
  callId = (await node().start(call)).callId
  const started = { callId, eventType: 'call.started', data: {}, idempotencyKey: null }
  expect(await node().publish(started)).toMatchObject({ ok: true })
})
afterEach(async () => {
  for (const acceptor of acceptors.splice(0)) acceptor.close()
  await store.close()
  await rm(folder, { recursive: true })
})

test('what another node publishes first comes first - each event has a time of its own', async () => {
  const other = node()
  let isFirst = true
  const slower = node(async (batch) => {
    if (isFirst) await say(other, 'the other was faster')
    isFirst = false
    return store.publish(batch)
  })
  expect(await say(slower, 'and this came after it')).toMatchObject({ ok: true, duplicate: false })
  expect(await stored()).toEqual([
    [0, undefined],
    [1, 'the other was faster'],
    [2, 'and this came after it'],
  ])
})

test('one key over two nodes at once publishes once, and both are answered the same', async () => {
  const other = node()
  let answered: PublishResult | null = null
  const slower = node(async (batch) => {
    answered ??= await say(other, 'said once', 'one key')
    return store.publish(batch)
  })
  const repeated = await say(slower, 'said once', 'one key')
  expect(answered).toMatchObject({ ok: true, duplicate: false })
  expect(repeated).toEqual({ ...(answered as PublishResult | null), duplicate: true })
  expect(await stored()).toHaveLength(2)
})

test('whoever others are always faster than is told to come again, and not that the call forbids it', async () => {
  const other = node()
  let rivals = 0
  const slowest = node(async (batch) => {
    rivals += 1
    await say(other, `rival ${rivals}`)
    return store.publish(batch)
  })
  expect(await say(slowest, 'never said')).toMatchObject({ ok: false, code: 'unavailable' })
  expect(await stored()).toHaveLength(1 + rivals)
})
