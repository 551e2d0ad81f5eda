import { expect } from 'vitest'
import { ingestAnswers } from '@hookswitch/events'
import type { Answer } from '@hookswitch/receiver'
import { smallBytesMax, type Endpoint } from './app.ts'
import { encodeChunk, encodeRequest, headOf, lastChunk } from './request.ts'
import { eventOf } from './sample-events.ts'
import { until } from './until.ts'
import type { AdapterCase } from './suite.ts'
import { expectAnswer, type Visitor } from './visitor.ts'
import type { Connection } from './connection.ts'

/** The connection serves on. */
async function expectUsable(visitor: Visitor, connection: Connection): Promise<void> {
  visitor.harness.forget()
  const answer = await visitor.sendOver(connection, 'webhook', { body: eventOf('call.started') })
  expect(answer.status).toBe(200)
  expect(visitor.calls()).toHaveLength(1)
}

interface EarlyRefusal {
  endpoint: Endpoint
  authorization?: string
  /** Comes at once; the rest only after the answer. */
  first: string
  isChunked: boolean
  answer: Answer
}

const earlyRefusals = {
  length: { endpoint: 'small', first: '', isChunked: false, answer: ingestAnswers.payload_too_large },
  secret: {
    endpoint: 'webhook',
    authorization: 'Bearer wrong',
    first: '',
    isChunked: false,
    answer: ingestAnswers.unauthorized,
  },
  chunks: {
    endpoint: 'small',
    first: 'x'.repeat(smallBytesMax + 1),
    isChunked: true,
    answer: ingestAnswers.payload_too_large,
  },
} as const satisfies Record<string, EarlyRefusal>

/** The answer comes before the rest of the body, and after that the connection serves on. */
async function expectRefusedEarly(visitor: Visitor, refusal: EarlyRefusal, rest: string): Promise<void> {
  const { endpoint, first, isChunked, answer, ...parts } = refusal
  const framing = isChunked
    ? { 'transfer-encoding': 'chunked' }
    : { 'content-length': String(first.length + rest.length) }
  const connection = await visitor.connect()
  connection.write(headOf({ ...parts, path: visitor.harness.pathOf(endpoint) }, framing))
  connection.write(isChunked ? encodeChunk(Buffer.from(first)) : first)
  expectAnswer(await connection.answer('the answer'), answer)
  connection.write(isChunked ? Buffer.concat([encodeChunk(Buffer.from(rest)), Buffer.from(lastChunk)]) : rest)
  await expectUsable(visitor, connection)
}

/** More than Node keeps of a body that nobody reads: behind it a connection would stand still. */
const longRest = 'x'.repeat(1024 * 1024)

/** For adapters that have Node's own request in hand. Servers for the Web's `Request` do as they see fit. */
export const nodeRequestCases: readonly AdapterCase[] = [
  {
    name: 'however much is still to come of a body that was refused, the connection serves on',
    async run(visitor) {
      for (const refusal of Object.values(earlyRefusals)) await expectRefusedEarly(visitor, refusal, longRest)
    },
  },
  {
    name: 'a connection on which a body did not come is closed - nothing else can come on it',
    async run(visitor) {
      const connection = await visitor.connect()
      connection.write(headOf({ path: visitor.harness.pathOf('slow') }, { 'content-length': '100' }))
      const { status, headers } = await connection.answer('the answer')
      expect({ status, connection: headers['connection'] }).toEqual({ status: 408, connection: 'close' })
      await until('the connection to be closed', () => connection.isOver)
    },
  },
]

/** What a connection is put to, and what becomes of it. */
export const wireCases: readonly AdapterCase[] = [
  {
    name: 'a body in chunks is put together as it was - letters are cut in two on the way',
    async run(visitor) {
      const body = new TextEncoder().encode(eventOf('call.ended', { city: 'عمّان 🏙' }))
      const connection = await visitor.connect()
      connection.write(
        headOf({ path: visitor.harness.pathOf('webhook') }, { 'transfer-encoding': 'chunked' }),
      )
      for (let at = 0; at < body.length; at += 3) connection.write(encodeChunk(body.subarray(at, at + 3)))
      connection.write(lastChunk)
      expect((await connection.answer('the answer')).status).toBe(200)
      expect(visitor.calls().map(({ event }) => event['body'])).toEqual([
        JSON.parse(new TextDecoder().decode(body)),
      ])
      await expectUsable(visitor, connection)
    },
  },
  {
    name: 'chunks that grow over the limit are 413',
    async run(visitor) {
      const connection = await visitor.connect()
      connection.write(headOf({ path: visitor.harness.pathOf('small') }, { 'transfer-encoding': 'chunked' }))
      const piece = encodeChunk(Buffer.alloc(smallBytesMax / 2, 'x'))
      for (let count = 0; count < 4; count += 1) connection.write(piece)
      connection.write(lastChunk)
      expectAnswer(await connection.answer('the answer'), ingestAnswers.payload_too_large)
    },
  },
  {
    name: 'a 401 leaves the connection to the next request - its body is read past',
    async run(visitor) {
      const connection = await visitor.connect()
      const refused = { authorization: 'Bearer wrong', body: 'x'.repeat(200_000) }
      expectAnswer(await visitor.sendOver(connection, 'webhook', refused), ingestAnswers.unauthorized)
      await expectUsable(visitor, connection)
    },
  },
  {
    name: 'a length over the limit is 413 before the body is there',
    needsStream: true,
    run: (visitor) => expectRefusedEarly(visitor, earlyRefusals.length, 'x'.repeat(smallBytesMax + 1)),
  },
  {
    name: 'a wrong secret is 401 before the body is there',
    needsStream: true,
    run: (visitor) => expectRefusedEarly(visitor, earlyRefusals.secret, 'x'.repeat(smallBytesMax + 1)),
  },
  {
    name: 'chunks that have grown over the limit are 413 before the rest is there',
    needsStream: true,
    run: (visitor) => expectRefusedEarly(visitor, earlyRefusals.chunks, 'x'.repeat(smallBytesMax + 1)),
  },
  {
    name: 'a body that does not come is 408',
    needsStream: true,
    async run(visitor) {
      const connection = await visitor.connect()
      connection.write(headOf({ path: visitor.harness.pathOf('slow') }, { 'content-length': '100' }))
      connection.write('{"eventType":')
      expectAnswer(await connection.answer('the answer'), ingestAnswers.request_timeout)
      expect(visitor.calls()).toEqual([])
    },
  },
  {
    name: 'a sender that asks whether to go on is told so, and answered after',
    async run(visitor) {
      const connection = await visitor.connect()
      const body = new TextEncoder().encode(eventOf('call.ended'))
      const framing = { expect: '100-continue', 'content-length': String(body.length) }
      connection.write(headOf({ path: visitor.harness.pathOf('webhook') }, framing))
      expect((await connection.answer('leave to go on')).status).toBe(100)
      connection.write(body)
      expect((await connection.answer('the answer')).status).toBe(200)
      expect(visitor.calls()).toHaveLength(1)
    },
  },
  {
    name: 'a sender that hangs up in the middle of a body has sent nothing, and the server goes on',
    needsStream: true,
    async run(visitor) {
      const connection = await visitor.connect()
      const body = eventOf('call.ended')
      connection.write(
        headOf({ path: visitor.harness.pathOf('webhook') }, { 'content-length': String(body.length + 1) }),
      )
      connection.write(body)
      const sent = await visitor.connect()
      await expectUsable(visitor, sent)
      visitor.harness.forget()
      connection.destroy()
      await visitor.untilEntry('the end of the body to be noticed', ({ what }) => what === 'log')
      expect(visitor.calls()).toEqual([])
      await expectUsable(visitor, sent)
    },
  },
  {
    name: 'a sender that hangs up while its event is handled is no harm to the server',
    needsStream: true,
    async run(visitor) {
      const connection = await visitor.connect()
      const path = visitor.harness.pathOf('late')
      connection.write(encodeRequest({ path, body: eventOf('test.late', { hangs: 'up' }) }))
      await visitor.untilEntry('the handler to begin', ({ what }) => what === 'call')
      connection.destroy()
      await visitor.untilEntry(
        'the handler to end',
        (entry) => entry.what === 'log' && entry.event === 'late',
      )
      await expectUsable(visitor, await visitor.connect())
    },
  },
  {
    name: 'requests at once are answered each for itself',
    async run(visitor) {
      const numbers = Array.from({ length: 20 }, (_, index) => index)
      const bodies = numbers.map((number) => eventOf('call.ended', { number }))
      const answers = await Promise.all(bodies.map((body) => visitor.send('webhook', { body })))
      const idOf = new Map(
        visitor.calls().map(({ event }) => [JSON.stringify(event['body']), event['id']] as const),
      )
      expect(answers.map(({ body }) => (JSON.parse(body) as { id: unknown }).id)).toEqual(
        bodies.map((body) => idOf.get(body)),
      )
    },
  },
]
