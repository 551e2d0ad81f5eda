import { Acceptor, StoreError, type Appended, type Publication } from '@hookswitch/core'
import { once } from 'node:events'
import { request } from 'node:http'
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { AgentBook } from '../src/agents/agent-book.ts'
import { Publisher, type PublishResult } from '../src/publish/publisher.ts'
import { adminToken, now, unreachable } from './api-server.ts'
import { startAgentServer, type AgentServer } from './agent-server.ts'
import { errorOf } from './delivery-server.ts'

// Publishing by many at once, in bulk, and while the store fails.

let server: AgentServer
let callId: string
beforeEach(async () => {
  server = await startAgentServer()
  await server.agent()
  callId = await server.called('recruiter', 'call.started')
})
afterEach(() => server.close())

interface ListedEvent {
  id: string
  seq: number
  type: string
  occurredAt: string
}

async function eventsOfCall(): Promise<ListedEvent[]> {
  return (await server.itemsOf(`/events?callId=${callId}&limit=200`)) as unknown as ListedEvent[]
}

/** What another node is that has the same store. */
function anotherNode(): Publisher {
  const { store } = server
  const commit = new Acceptor<Publication, Appended | 'changed'>({
    append: (batch) => store.publish(batch),
    commitMs: 4_000,
  })
  onTestFinished(() => commit.close())
  return new Publisher({ store, commit, agents: new AgentBook(new Map(), store), clock: () => now })
}

const event = (
  eventType: string,
  data: Record<string, unknown> = {},
  idempotencyKey: string | null = null,
) => ({
  callId,
  eventType,
  data,
  idempotencyKey,
})

describe('by many at once', () => {
  test('events of a call are stored in the order in which they were asked for', async () => {
    const asked = Array.from({ length: 50 }, (_, number) =>
      server.publish(callId, 'transcription.update', { text: `turn ${number}` }),
    )
    const answers = await Promise.all(asked)
    expect(answers.every(({ status }) => status === 201)).toBe(true)
    const [, ...events] = await eventsOfCall()
    expect(events).toHaveLength(50)
    const times = events.map(({ occurredAt }) => Date.parse(occurredAt))
    expect(times).toEqual(times.toSorted((one, other) => one - other))
    expect(new Set(times).size).toBe(50)
    expect(events.map(({ id }) => id).toSorted()).toEqual(
      answers.map(({ body }) => String(body['id'])).toSorted(),
    )
    const inOrder = answers
      .map(({ body }) => body as unknown as { id: string; timestamp: string })
      .toSorted((one, other) => (one.timestamp < other.timestamp ? -1 : 1))
    expect(events.map(({ id }) => id)).toEqual(inOrder.map(({ id }) => id))
  })

  test('one publisher takes them in the order of its calls', async () => {
    const publisher = anotherNode()
    const asked = Array.from({ length: 50 }, (_, number) =>
      publisher.publish(event('custom.type', { number })),
    )
    const answers = await Promise.all(asked)
    const ids = answers.map((answer) => (answer.ok ? answer.answer.id : answer.reason))
    expect((await eventsOfCall()).slice(1).map(({ id }) => id)).toEqual(ids)
  })

  test('events of different calls are committed together', async () => {
    const callIds = await Promise.all(Array.from({ length: 20 }, () => server.start('recruiter')))
    const sizes: number[] = []
    const publish = server.store.publish.bind(server.store)
    server.store.publish = (batch) => {
      sizes.push(batch.length)
      return publish(batch)
    }
    await Promise.all(callIds.map((id) => server.publish(id, 'call.started')))
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(20)
    expect(sizes.length).toBeLessThan(20)
  })

  test('of two nodes that end a call one does', async () => {
    const nodes = [anotherNode(), anotherNode()]
    const answers = await Promise.all(
      nodes.map((node, number) => node.publish(event('call.ended', { outcomeResult: { node: number } }))),
    )
    expect(answers.filter(({ ok }) => ok)).toHaveLength(1)
    expect(answers.find(({ ok }) => !ok)).toEqual({
      ok: false,
      code: 'conflict',
      reason: 'call.ended was published already, and a call ends once',
    })
    expect((await eventsOfCall()).map(({ type }) => type)).toEqual(['call.started', 'call.ended'])
  })

  test('a repeat at another node is known there, also at the same moment', async () => {
    const nodes = [anotherNode(), anotherNode()]
    const answers = await Promise.all(nodes.map((node) => node.publish(event('custom.type', {}, 'one'))))
    const ids = answers.map((answer) => (answer.ok ? answer.answer.id : answer.reason))
    expect(new Set(ids).size).toBe(1)
    expect(answers.filter((answer) => answer.ok && answer.duplicate)).toHaveLength(1)
    expect(await eventsOfCall()).toHaveLength(2)
  })

  test('of several nodes in one call all get through, each event once and at a time of its own', async () => {
    const nodes = [anotherNode(), anotherNode(), anotherNode()]
    const asked = nodes.flatMap((node, number) =>
      Array.from({ length: 20 }, (_, at): Promise<PublishResult> =>
        node.publish(event('custom.type', { number, at })),
      ),
    )
    const answers = await Promise.all(asked)
    expect(answers.filter(({ ok }) => !ok)).toEqual([])
    const [, ...events] = await eventsOfCall()
    expect(new Set(events.map(({ id }) => id)).size).toBe(60)
    const times = events.map(({ occurredAt }) => Date.parse(occurredAt) - now)
    expect(times).toEqual(Array.from({ length: 60 }, (_, at) => at + 1))
  })
})

describe('in bulk', () => {
  const bytesMax = 10 * 1024 * 1024

  test('a body over 64 KiB is taken, as large as one that is received may be', async () => {
    const text = 'x'.repeat(9 * 1024 * 1024)
    const { status, body } = await server.publish(callId, 'transcription.update', { text })
    expect(status).toBe(201)
    const raw = await server.ask(`/events/${String(body['id'])}/raw`)
    expect(raw.text.length).toBeGreaterThan(text.length)
    expect(raw.text).toContain(text)
  })

  test('an event of exactly so many bytes is taken, and of one more it is refused', async () => {
    const frame = JSON.stringify({
      eventType: 'custom.type',
      callId,
      timestamp: new Date(now).toISOString(),
      agentId: 'recruiter',
      agentName: 'Recruiter',
      data: {
        timestamp: new Date(now).toISOString(),
        data: { text: '' },
      },
    })
    const text = 'x'.repeat(bytesMax - frame.length)
    expect(errorOf(await server.publish(callId, 'custom.type', { text: `${text}x` }))).toEqual([
      413,
      'payload_too_large',
      `The event has ${bytesMax + 1} bytes, at most ${bytesMax} are allowed`,
    ])
    expect((await server.publish(callId, 'custom.type', { text })).status).toBe(201)
  })

  test('a request of more bytes is refused before it is read', async () => {
    const answer = await server.publish(callId, 'custom.type', { text: 'x'.repeat(bytesMax) })
    expect(errorOf(answer)).toEqual([413, 'payload_too_large', 'The body is too large'])
    expect((await server.publish(callId, 'call.ended')).status).toBe(201)
  })

  test('elsewhere a body has 64 KiB', async () => {
    const params = { text: 'x'.repeat(64 * 1024) }
    expect((await server.send('POST', '/agents/recruiter/calls', { params })).status).toBe(413)
  })

  test('of bodies that are under way there are so many bytes, counted before they are read', async () => {
    const { port } = new URL(server.url)
    const half = Array.from({ length: 3 }, () => {
      const open = request({
        port,
        host: '127.0.0.1',
        method: 'POST',
        path: `/api/v1/calls/${callId}/events`,
        headers: {
          authorization: `Bearer ${adminToken}`,
          'content-type': 'application/json',
          'content-length': bytesMax,
          // It is answered when the request is counted: a small one that overtook them would have one refused.
          expect: '100-continue',
        },
      })
      open.on('error', () => {})
      open.flushHeaders()
      return open
    })
    await Promise.all(half.map((open) => once(open, 'continue', { signal: AbortSignal.timeout(20_000) })))
    for (const open of half) open.write('{')
    const small = () => server.publish(callId, 'custom.type', { text: 'x'.repeat(3 * 1024 * 1024) })
    const status = async () => (await small()).status
    await expect.poll(status, { timeout: 20_000 }).toBe(503)
    const refused = await small()
    expect(errorOf(refused)).toEqual([503, 'unavailable', 'Too much is being published at once'])
    expect(refused.headers.get('retry-after')).toBe('2')
    for (const open of half) open.destroy()
    await expect.poll(status, { timeout: 20_000 }).toBe(201)
  })
})

describe('while the store fails', () => {
  test('it is 503, and a repeat with the same key publishes it once', async () => {
    server.breakStore(unreachable)
    const refused = await server.publish(callId, 'call.ended', {}, 'end')
    expect(errorOf(refused)).toEqual([503, 'unavailable', 'The store is not available'])
    expect(refused.headers.get('retry-after')).toBe('2')
    expect((await server.send('POST', '/agents/recruiter/calls', {})).status).toBe(503)
    server.breakStore(null)
    expect(await eventsOfCall()).toHaveLength(1)
    expect((await server.publish(callId, 'call.ended', {}, 'end')).status).toBe(201)
    expect((await server.publish(callId, 'call.ended', {}, 'end')).status).toBe(200)
    expect(await eventsOfCall()).toHaveLength(2)
  })

  test('after it has written, a repeat with the same key is answered as the first would have been', async () => {
    const publish = server.store.publish.bind(server.store)
    server.store.publish = async (batch) => {
      await publish(batch)
      throw new StoreError('unavailable', 'the answer was lost', { outcome: 'unknown' })
    }
    expect((await server.publish(callId, 'call.ended', {}, 'end')).status).toBe(503)
    server.store.publish = publish
    const repeat = await server.publish(callId, 'call.ended', {}, 'end')
    expect([repeat.status, repeat.body['duplicate']]).toEqual([200, true])
    expect((await eventsOfCall()).map(({ id }) => id)).toContain(repeat.body['id'])
    expect(await eventsOfCall()).toHaveLength(2)
  })

  test('what waits behind it in the same call is asked for all the same', async () => {
    const publish = server.store.publish.bind(server.store)
    let failures = 1
    server.store.publish = async (batch) => {
      failures -= 1
      if (failures >= 0) throw unreachable
      return publish(batch)
    }
    const answers = await Promise.all(
      [1, 2].map((number) => server.publish(callId, 'custom.type', { number })),
    )
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201, 503]))
  })

  test('a call that is always changed in between is given up after a while', async () => {
    server.store.publish = (batch) => Promise.resolve(batch.map(() => 'changed' as const))
    expect(errorOf(await server.publish(callId, 'custom.type'))).toEqual([
      503,
      'unavailable',
      'Others keep publishing in this call; try again',
    ])
  })
})
