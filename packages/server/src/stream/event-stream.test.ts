import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { adminToken, startApiServer, unreachable, type ApiServer } from '../../test/api-server.ts'
import type { EventStreamOptions } from './event-stream.ts'

let server: ApiServer
const readers: Reader[] = []

afterEach(async () => {
  for (const reader of readers.splice(0)) reader.response.destroy()
  await server.close()
})

async function start(limits: EventStreamOptions['limits'] = {}): Promise<void> {
  server = await startApiServer({ limits })
}

interface Message {
  id?: string
  event?: string
  data?: string
}

/** A reader on a socket of its own, whose pace the test decides. */
interface Reader {
  response: IncomingMessage
  /** Everything that came, comments too. */
  text(): string
  /** The blocks with data, as a browser would dispatch them. */
  messages(): Message[]
  /** The last id that was said, with data or without. */
  lastId(): string | undefined
  /** How it ended, or null while it is open. */
  ended(): 'whole' | 'cut' | null
}

async function read(query = '', headers: Record<string, string> = {}): Promise<Reader> {
  const url = `${server.url}/api/v1/stream${query}`
  const request = get(url, { agent: false, headers: { authorization: `Bearer ${adminToken}`, ...headers } })
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  expect(response.statusCode).toBe(200)
  let text = ''
  let unparsed: string[] = []
  const blocks: Message[] = []
  let ended: 'whole' | 'cut' | null = null
  response.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
    const isMore = (unparsed.at(-1)?.slice(-1) ?? '') + chunk
    unparsed.push(chunk)
    // Joined only where a block ends: the blocks of this test are up to 10 MB long.
    if (!isMore.includes('\n\n')) return
    const ends = unparsed.join('').split('\n\n')
    unparsed = [ends.pop() ?? '']
    for (const block of ends) {
      const lines = block.split('\n').map((line) => line.split(/: (.*)/s).slice(0, 2))
      blocks.push(Object.fromEntries(lines) as Message)
    }
  })
  response.on('end', () => (ended = 'whole')).on('error', () => (ended = 'cut'))
  const reader: Reader = {
    response,
    text: () => text,
    messages: () => blocks.filter(({ data }) => data !== undefined),
    lastId: () => blocks.findLast(({ id }) => id !== undefined)?.id,
    ended: () => ended,
  }
  readers.push(reader)
  return reader
}

const until = (what: () => boolean): Promise<boolean> => vi.waitUntil(what, { timeout: 10_000, interval: 5 })

const started = (callId: string): object => ({ eventType: 'call.started', callId })

const seqsOf = (reader: Reader): number[] => reader.messages().map(({ id }) => Number(id))

const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, at) => from + at)

/** More than the buffers of both ends of a socket hold, so that a reader that takes nothing is noticed. */
async function flood(): Promise<void> {
  const filler = 'x'.repeat(100_000)
  for (let batch = 0; batch < 10; batch += 1) {
    await server.append(...range(1, 20).map((number) => ({ ...started(`flood-${batch}-${number}`), filler })))
  }
}
const floodEvents = 200

describe('what a reader gets', () => {
  test('from now on: what was there before does not come', async () => {
    await start()
    await server.append(started('before'))
    const reader = await read()
    await until(() => server.stream.open === 1 && reader.text() !== '')
    await server.append(started('after'))
    await until(() => reader.messages().length > 0)
    expect(reader.messages().map(({ id, event }) => ({ id, event }))).toEqual([
      { id: '2', event: 'call.started' },
    ])
    expect(reader.response.headers['content-type']).toBe('text/event-stream')
    expect(reader.response.headers['cache-control']).toBe('no-store')
  })

  test('the event as the API shows it, in one line however it was written', async () => {
    await start()
    const body =
      '{\r\n  "eventType": "call.started",\n\n  "callId": "a",\r"big": 12345678901234567890, "s": "a\\nb\u2028"\n}'
    const [id] = await server.append(body)
    const reader = await read('?after=0')
    await until(() => reader.messages().length > 0)
    const [message] = reader.messages()
    const { text } = await server.ask(`/events/${id}`)
    expect(message?.data).toBe(text.replaceAll(/[\r\n]+/g, ' '))
    expect(JSON.parse(message?.data ?? '')).toEqual(JSON.parse(text))
    expect(message?.data).toContain('12345678901234567890')
  })

  test('after a seq, or after Last-Event-ID, which wins', async () => {
    await start()
    await server.append(...range(1, 5).map((number) => started(`call-${number}`)))
    const after = await read('?after=3')
    await until(() => after.messages().length === 2)
    expect(seqsOf(after)).toEqual([4, 5])
    const resumed = await read('?after=1', { 'last-event-id': '4' })
    await until(() => resumed.messages().length === 1)
    expect(seqsOf(resumed)).toEqual([5])
  })

  test('the filters take what they say, also of events that come later', async () => {
    await start()
    const ended = (callId: string, second = 0): object => ({
      eventType: 'call.ended',
      callId,
      timestamp: 1_780_000_000 + second,
    })
    await server.append(started('a'), ended('a'), started('b'), ended('b'))
    const ofType = await read('?after=0&type=call.ended')
    const ofCall = await read('?after=0&callId=b')
    const ofBoth = await read('?after=0&callId=b&type=call.ended')
    await until(() => ofType.messages().length === 2 && ofCall.messages().length === 2)
    await server.append(started('c'), ended('b', 1))
    await until(() => seqsOf(ofType).includes(6) && seqsOf(ofCall).includes(6) && seqsOf(ofBoth).includes(6))
    expect(seqsOf(ofType)).toEqual([2, 4, 6])
    expect(seqsOf(ofCall)).toEqual([3, 4, 6])
    expect(seqsOf(ofBoth)).toEqual([4, 6])
  })

  test('no gap between what was there and what comes - readers that begin in the middle of writes miss none', async () => {
    await start()
    const written = { events: 0 }
    const writing = (async () => {
      for (; written.events < 600; written.events += 3) {
        await server.append(...range(1, 3).map((number) => started(`call-${written.events + number}`)))
        await new Promise((resolve) => setImmediate(resolve))
      }
    })()
    const begun: Reader[] = []
    while (written.events < 500 && begun.length < 20) begun.push(await read('?after=0'))
    await writing
    await until(() => begun.every((reader) => reader.messages().length >= 600))
    expect(begun.length).toBeGreaterThan(3)
    for (const reader of begun) expect(seqsOf(reader)).toEqual(range(1, 600))
  })

  test('a reader that was cut before its first event resumes there - the beginning is said as an id', async () => {
    await start()
    await server.append(started('before'))
    const reader = await read()
    await until(() => reader.lastId() !== undefined)
    reader.response.destroy()
    await server.append(started('missed'))
    const resumed = await read('', { 'last-event-id': reader.lastId() ?? '' })
    await until(() => resumed.messages().length === 1)
    expect(seqsOf(resumed)).toEqual([2])
  })

  test('a comment comes while nothing else does', async () => {
    await start({ keepAliveMs: 20 })
    const reader = await read()
    await until(() => reader.text().split(': keep-alive\n\n').length > 3)
    expect(reader.messages()).toEqual([])
  })

  test('an outage of the store does not end a stream', async () => {
    await start({ pollMs: 10 })
    const reader = await read()
    await until(() => reader.text() !== '')
    server.breakStore(unreachable)
    await server.append(started('during'))
    server.breakStore(null)
    await until(() => reader.messages().length === 1)
    expect(reader.ended()).toBeNull()
  })
})

describe('a cursor that the log does not have', () => {
  test('older than what is kept: a gap first, and then the oldest', async () => {
    await start()
    await server.append(...range(1, 6).map((number) => started(`call-${number}`)))
    const database = new DatabaseSync(join(server.folder, 'hookswitch.db'))
    database.exec('DELETE FROM events WHERE seq <= 3')
    database.close()
    const late = await read('?after=1')
    await until(() => late.messages().length === 4)
    expect(late.messages()[0]).toEqual({ id: '3', event: 'gap', data: '{"after":1,"oldest":4}' })
    expect(seqsOf(late).slice(1)).toEqual([4, 5, 6])
    const inTime = await read('?after=3')
    await until(() => inTime.messages().length === 3)
    expect(inTime.messages().some(({ event }) => event === 'gap')).toBe(false)
  })

  test('newer than the newest, as after a restore: a gap first, and then what comes', async () => {
    await start()
    await server.append(started('one'), started('two'))
    const reader = await read('?after=900')
    await until(() => reader.messages().length === 1)
    expect(reader.messages()[0]).toEqual({ id: '2', event: 'gap', data: '{"after":900,"oldest":1}' })
    await server.append(started('three'))
    await until(() => reader.messages().length === 2)
    expect(seqsOf(reader)).toEqual([2, 3])
  })

  test.each(['?after=-1', '?after=x', '?after=', '?before=1', '?type='])('%s is refused', async (query) => {
    await start()
    const { status, body } = await server.ask(`/stream${query}`)
    expect(status).toBe(400)
    expect(body).toMatchObject({ code: 'invalid_request' })
  })
})

describe('readers that do not keep up', () => {
  test('one that falls a mebibyte behind is cut, and loses nothing by resuming', async () => {
    await start()
    await server.append(started('first'))
    const reader = await read('?after=0')
    await until(() => reader.messages().length === 1)
    reader.response.pause()
    await flood()
    await until(() => server.stream.open === 0)
    reader.response.resume()
    await until(() => reader.ended() !== null)
    expect(reader.ended()).toBe('cut')
    const seen = seqsOf(reader)
    expect(seen.length).toBeLessThan(floodEvents)
    expect(seen).toEqual(range(1, seen.length))
    const resumed = await read('', { 'last-event-id': reader.lastId() ?? '' })
    await until(() => resumed.messages().length === 1 + floodEvents - seen.length)
    expect([...seen, ...seqsOf(resumed)]).toEqual(range(1, 1 + floodEvents))
    expect(server.logged).toContainEqual([
      expect.objectContaining({ reason: 'too far behind' }),
      expect.anything(),
    ])
  })

  test('one that catches up sets its own pace and is not cut', async () => {
    await start()
    await flood()
    const reader = await read('?after=0')
    reader.response.pause()
    await until(() => server.stream.open === 1)
    await server.append(started('wakes it'))
    reader.response.resume()
    await until(() => reader.messages().length === floodEvents + 1)
    expect(seqsOf(reader)).toEqual(range(1, floodEvents + 1))
    expect(server.stream.open).toBe(1)
  })

  test('one that takes nothing while it should catch up is cut', async () => {
    await start({ stalledMs: 100 })
    await flood()
    const reader = await read('?after=0')
    reader.response.pause()
    await until(() => server.logged.length > 0)
    expect(server.logged).toEqual([[expect.objectContaining({ reason: 'nothing taken' }), expect.anything()]])
    await until(() => server.stream.open === 0)
  })

  test('the largest event comes whole to a reader that keeps up', async () => {
    await start()
    const reader = await read()
    await until(() => reader.text() !== '')
    await server.append(started('before'))
    await until(() => reader.messages().length === 1)
    await server.append({ ...started('large'), filler: 'x'.repeat(10_000_000) }, started('after'))
    await until(() => reader.messages().length === 3)
    expect(reader.messages()[1]?.data?.length).toBeGreaterThan(10_000_000)
  })
})

describe('the end of a stream', () => {
  test('a reader that leaves frees its place', async () => {
    await start({ streamsMax: 2 })
    const [one] = [await read(), await read()]
    const refused = await server.ask('/stream')
    expect(refused.status).toBe(503)
    expect(refused.headers.get('retry-after')).toBe('2')
    expect(refused.body).toEqual({ error: 'Too many streams are open', code: 'too_many_streams' })
    one?.response.destroy()
    await until(() => server.stream.open === 1)
    await read()
    expect(server.stream.open).toBe(2)
  })

  test('many that ask at once are not more than the limit', async () => {
    await start({ streamsMax: 3 })
    const ask = (): Promise<number | string> =>
      read().then(
        () => 200,
        () => 503,
      )
    const answers = await Promise.all(range(1, 10).map(ask))
    expect(answers.filter((status) => status === 200)).toHaveLength(3)
  })

  test('closing ends every stream whole, and begins none', async () => {
    await start()
    const begun = [await read(), await read()]
    server.stream.close()
    await until(() => begun.every((reader) => reader.ended() === 'whole'))
    expect(server.stream.open).toBe(0)
    expect((await server.ask('/stream')).status).toBe(503)
  })

  test('closing does not wait for a reader that takes nothing', async () => {
    await start({ endMs: 50 })
    await flood()
    const reader = await read('?after=0')
    reader.response.pause()
    await until(() => server.stream.open === 1)
    server.stream.close()
    await vi.waitUntil(async () => (await server.connections()) === 0, { timeout: 10_000 })
  })
})
