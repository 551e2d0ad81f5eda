import { readdirSync, readFileSync } from 'node:fs'
import { invalidPayload, readBody, readEnvelope, type Issue } from '@hookswitch/events'
import { type Incoming, type ReceivedEvent } from '@hookswitch/receiver'
import { describe, expect, test } from 'vitest'
import { answered, ended, listening, request, secret } from './core-requests.ts'

const fixtures = new URL('../../events/fixtures/', import.meta.url)
const filesOf = (kind: string): string[] => readdirSync(new URL(`${kind}/`, fixtures))
const bytesOf = (kind: string, file: string): Uint8Array =>
  new Uint8Array(readFileSync(new URL(`${kind}/${file}`, fixtures)))

const header = (name: string): string | null => (name === 'authorization' ? secret : null)

/** A receiver of everything, with what its handler got. */
function collecting() {
  const events: ReceivedEvent[] = []
  const receiver = listening({ on: { '*': ({ event }) => void events.push(event) } })
  return { ...receiver, events }
}

function inChunks(bytes: Uint8Array, size: number): ReadableStream<Uint8Array> {
  let at = 0
  return new ReadableStream({
    pull(controller) {
      if (at >= bytes.length) controller.close()
      else controller.enqueue(bytes.slice(at, (at += size)))
    },
  })
}

describe('everything that the platform and its like were seen to send', () => {
  test.each(filesOf('accepted'))(
    '%s is handled, with what the events package reads from it',
    async (file) => {
      const bytes = bytesOf('accepted', file)
      const body = readBody(bytes)
      const envelope = body.ok ? readEnvelope(body.value) : null
      if (!body.ok || envelope?.ok !== true) throw new Error('no event')
      const { type, callId, dialect, occurredAt } = envelope.envelope
      const receiver = collecting()
      expect(await answered(receiver.fetch(request(bytes)))).toMatchObject({ status: 200 })
      expect(receiver.events).toMatchObject([
        {
          type,
          callId,
          dialect,
          occurredAt: occurredAt === null ? null : new Date(occurredAt).toISOString(),
          body: body.value,
          isTest: false,
        },
      ])
      expect(receiver.events[0]?.key.startsWith(`${occurredAt ?? 0}:${callId}:${type}:`)).toBe(true)
    },
  )

  test.each(filesOf('refused'))('%s is refused, with the answer of the server', async (file) => {
    const bytes = bytesOf('refused', file)
    const body = readBody(bytes)
    const reading = body.ok ? readEnvelope(body.value) : body
    if (reading.ok) throw new Error('an event')
    const receiver = collecting()
    expect(await answered(receiver.fetch(request(bytes)))).toEqual(invalidPayload(reading.issues))
    expect(receiver.events).toEqual([])
  })

  test('the data is the inner one, wherever it stands', async () => {
    const receiver = collecting()
    const said = { outcomeResult: { a: 1 } }
    const head = { eventType: 'call.ended', callId: 'call_1' }
    for (const body of [
      { ...head, data: { timestamp: '2024-01-15T14:35:00Z', data: said } },
      { ...head, data: said },
      { ...head, ...said },
      { event_type: 'call_end', caller_info: { call_id: 'call_1' }, data: said },
      { ...head, ...said, data: 'a text' },
    ]) {
      await receiver.fetch(request(body))
      expect(receiver.events.at(-1)).toMatchObject({ type: 'call.ended', data: said })
    }
    expect(receiver.events.at(-1)?.issues).toEqual([
      { path: 'data', message: 'is a string, expected an object' },
    ])
  })
})

describe('however the bytes come', () => {
  const text = JSON.stringify(ended('call_é', 'مرحبا 😀'))
  const bytes = new TextEncoder().encode(text)

  test.each([1, 2, 3, 7, 100, 100_000])(
    'in chunks of %i, also in the middle of a character',
    async (size) => {
      const receiver = collecting()
      await receiver.fetch(request(inChunks(bytes, size)))
      expect(receiver.events).toMatchObject([{ body: JSON.parse(text) as object }])
    },
  )

  const bodies: [string, () => Incoming['body']][] = [
    ['bytes', () => bytes],
    ['a Buffer', () => Buffer.from(bytes)],
    ['a stream', () => inChunks(bytes, 10)],
    [
      'an iterator',
      async function* iterate() {
        yield bytes.subarray(0, 20)
        yield bytes.subarray(20)
      },
    ],
    ['an object', () => ({ parsed: JSON.parse(text) as object, by: 'a parser', move: 'move it' })],
    ['a text', () => ({ parsed: text, by: 'a parser', move: 'move it' })],
  ]
  test.each(bodies)('as %s: the same event under the same key', async (_what, body) => {
    const receiver = collecting()
    await receiver.receive({ method: 'POST', header, body: bytes })
    await receiver.receive({ method: 'POST', header, body: body() })
    expect(receiver.events).toHaveLength(2)
    expect(receiver.events[1]?.body).toEqual(receiver.events[0]?.body)
    expect(receiver.events[1]?.key).toBe(receiver.events[0]?.key)
  })

  test('written differently it has the same key, and with another content another', async () => {
    const receiver = collecting()
    const sorted = Object.fromEntries(Object.entries(ended()).toReversed())
    for (const body of [ended(), sorted, JSON.stringify(ended(), null, 4), ended('call_1', 'Bye.')]) {
      await receiver.fetch(request(body))
    }
    const [first, ...others] = receiver.events.map(({ key }) => key)
    expect(others.map((key) => key === first)).toEqual([true, true, false])
  })

  test('two numbers that parsing makes one of have two keys', async () => {
    const receiver = collecting()
    for (const number of ['12345678901234567890', '12345678901234567891']) {
      await receiver.fetch(request(`{"eventType":"call.ended","callId":"call_1","data":{"x":${number}}}`))
    }
    expect(receiver.events[0]?.key).not.toBe(receiver.events[1]?.key)
  })
})

describe('what is no body', () => {
  const refused: [string, string | Uint8Array | ReadableStream, Issue[]][] = [
    ['nothing', '', [{ path: '', message: 'is empty, expected a JSON object' }]],
    [
      'half of a character',
      new Uint8Array([0x7b, 0x22, 0xc3, 0x28]),
      [{ path: '', message: 'is not UTF-8 from byte offset 2 on, expected a JSON object in UTF-8' }],
    ],
    [
      'half of an object',
      inChunks(new TextEncoder().encode('{"eventType":"call.en'), 5),
      [{ path: '', message: 'is not complete JSON: it ends too early, at character 21' }],
    ],
    [
      'a nest',
      `{"eventType":"call.ended","callId":"c","data":${'['.repeat(64)}${']'.repeat(64)}}`,
      [{ path: '', message: 'is nested deeper than 64 levels' }],
    ],
    ['a form', 'eventType=call.ended', [expect.objectContaining({ path: '' }) as Issue]],
  ]
  test.each(refused)('%s gets 400', async (_what, body, issues) => {
    const receiver = collecting()
    const got = await answered(receiver.fetch(request(body)))
    expect(got.status).toBe(400)
    expect(JSON.parse(got.body)).toEqual({ error: 'Invalid payload', code: 'invalid_payload', issues })
  })

  test('a nest of 200,000 levels that a middleware has parsed gets 400', async () => {
    const parsed = JSON.parse(`{"a":${'['.repeat(200_000)}${']'.repeat(200_000)}}`) as unknown
    const receiver = collecting()
    const got = await receiver.receive({
      method: 'POST',
      header,
      body: { parsed, by: 'a parser', move: 'move it' },
    })
    expect(got).toEqual(invalidPayload([{ path: '', message: 'is nested deeper than 64 levels' }]))
  })

  test('a stream that is too large is left as soon as that shows', async () => {
    let pulled = 0
    let left = false
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        pulled += 1
        controller.enqueue(new Uint8Array(1_000))
      },
      cancel() {
        left = true
      },
    })
    const receiver = listening({ on: { '*': () => {} }, bodyBytesMax: 10_000 })
    expect((await receiver.fetch(request(endless))).status).toBe(413)
    expect(left).toBe(true)
    expect(pulled).toBeLessThan(14)
    let returned = false
    async function* iterate(): AsyncGenerator<Uint8Array> {
      try {
        for (;;) yield new Uint8Array(1_000)
      } finally {
        returned = true
      }
    }
    const got = await receiver.receive({ method: 'POST', header, body: iterate() })
    expect([got.status, returned]).toEqual([413, true])
  })

  test('a middleware that has parsed more than the limit does not get around it', async () => {
    const receiver = listening({ on: { '*': () => {} }, bodyBytesMax: 100 })
    const body = { parsed: ended(), by: 'a parser', move: 'move it' }
    const got = await receiver.receive({ method: 'POST', header, body })
    expect(got.status).toBe(413)
  })

  test('a sender that goes away gets 408, which nobody hears', async () => {
    const cut = new ReadableStream<Uint8Array>({
      start: (controller) => controller.error(new Error('ECONNRESET')),
    })
    const receiver = collecting()
    expect((await receiver.fetch(request(cut))).status).toBe(408)
    expect(receiver.told.log).toMatchObject([{ event: 'rejected', reason: 'aborted' }])
    expect(receiver.told.errors).toEqual([])
  })
})
