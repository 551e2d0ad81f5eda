import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startApiServer, type ApiServer } from '../../test/api-server.ts'

let server: ApiServer
let ids: string[] = []

beforeAll(start)
afterAll(() => server.close())

/** Written as no serialiser would: order, spacing, numbers, escapes, a key twice. */
const verbatim =
  '{ "callId": "odd",\r\n\t"z": 1, "a": 12345678901234567890.10, "b": 1e2,\n "eventType": "call.started", "s": "\\u00e9\\ud800", "z": 2, "timestamp": "2026-02-01T00:00:00" }'

async function start(): Promise<void> {
  server = await startApiServer()
  ids = await server.append(
    verbatim,
    ...Array.from({ length: 5 }, (_, number) => ({
      eventType: number % 2 === 0 ? 'transcription.update' : 'custom.type',
      callId: 'call-a',
      timestamp: `2026-02-01T00:00:0${number}Z`,
    })),
    { event_type: 'call_end', caller_info: { call_id: 'call-b' } },
  )
}

interface Item {
  id: string
  seq: number
  callId: string
  type: string
}
const itemsOf = (body: Record<string, unknown>): Item[] => body['items'] as Item[]

describe('one event', () => {
  test('is shown with the body letter by letter, and with what was odd about it', async () => {
    const { status, text, headers } = await server.ask(`/events/${ids[0]}`)
    expect(status).toBe(200)
    expect(headers.get('content-type')).toBe('application/json')
    expect(text.endsWith(`,"body":${verbatim}}`)).toBe(true)
    expect(JSON.parse(text)).toMatchObject({
      id: ids[0],
      seq: 1,
      callId: 'odd',
      type: 'call.started',
      occurredAt: '2026-02-01T00:00:00.000Z',
      receivedAt: '2026-06-01T00:00:00.000Z',
      source: 'hamsa',
      dialect: 'v1',
      issues: [{ path: 'timestamp', message: 'has no time zone, taken as UTC' }],
    })
    expect(Object.keys(JSON.parse(text) as object)).toEqual([
      'id',
      'seq',
      'callId',
      'type',
      'occurredAt',
      'receivedAt',
      'source',
      'dialect',
      'issues',
      'body',
    ])
  })

  test('of the other dialect has the normalised type and no invented time', async () => {
    const { body } = await server.ask(`/events/${ids[6]}`)
    expect(body).toMatchObject({ callId: 'call-b', type: 'call.ended', dialect: 'legacy', occurredAt: null })
  })

  test('raw is exactly the bytes', async () => {
    const { status, text } = await server.ask(`/events/${ids[0]}/raw`)
    expect(status).toBe(200)
    expect(text).toBe(verbatim)
  })

  test('with a byte order mark is shown without and raw with it', async () => {
    const sent = '\ufeff{"eventType":"call.started","callId":"mark"}'
    const [id] = await server.append(sent)
    expect((await server.ask(`/events/${id}`)).body).toMatchObject({ body: { callId: 'mark' } })
    const response = await fetch(`${server.url}/api/v1/events/${id}/raw`, {
      headers: { authorization: 'Bearer adm_test' },
    })
    expect(Buffer.from(await response.arrayBuffer()).equals(Buffer.from(sent))).toBe(true)
  })

  test.each(['/events/evt_none', '/events/evt_none/raw'])('%s is not found', async (path) => {
    const { status, body } = await server.ask(path)
    expect(status).toBe(404)
    expect(body).toEqual({ error: 'No event has this id', code: 'not_found' })
  })
})

describe('lists of events', () => {
  test('run in the order of the log, before any fold', async () => {
    const { body } = await server.ask('/events?limit=7')
    expect(itemsOf(body).map(({ id }) => id)).toEqual(ids)
  })

  test.each([
    ['/events?callId=call-a', 5],
    ['/events?type=custom.type', 2],
    ['/events?callId=call-a&type=custom.type', 2],
    ['/events?callId=none', 0],
    ['/calls/call-a/events', 5],
    ['/calls/call-a/events?type=custom.type', 2],
    ['/calls/call-a/events?type=none', 0],
  ])('%s has %i, folded or not', async (path, count) => {
    expect(itemsOf((await server.ask(path)).body)).toHaveLength(count)
    await server.fold()
    expect(itemsOf((await server.ask(path)).body)).toHaveLength(count)
  })

  test('after is exclusive, and 0 is the oldest', async () => {
    expect(itemsOf((await server.ask('/events?after=0&limit=1')).body)[0]?.seq).toBe(1)
    expect(itemsOf((await server.ask('/events?after=3&limit=1')).body)[0]?.seq).toBe(4)
    expect(itemsOf((await server.ask('/events?after=999999')).body)).toEqual([])
  })

  test.each(['/events?', '/events?callId=call-a&', '/calls/call-a/events?type=transcription.update&'])(
    'pages of %s follow each other, and the last has no cursor',
    async (path) => {
      const whole = itemsOf((await server.ask(`${path}limit=200`)).body).map(({ seq }) => seq)
      const seen: number[] = []
      let cursor = ''
      for (let page = 0; page < 100; page += 1) {
        const { body } = await server.ask(`${path}limit=1${cursor}`)
        seen.push(...itemsOf(body).map(({ seq }) => seq))
        if (body['nextCursor'] === null) break
        cursor = `&cursor=${body['nextCursor'] as string}`
      }
      expect(seen).toEqual(whole)
    },
  )

  test('a page of large bodies ends before its limit, and the next goes on', async () => {
    const { body: before } = await server.ask('/events?limit=200')
    const after = itemsOf(before).at(-1)?.seq ?? 0
    const filler = 'x'.repeat(1_500_000)
    await server.append(
      ...Array.from({ length: 6 }, (_, number) => ({
        eventType: 'call.started',
        callId: `large-${number}`,
        filler,
      })),
    )
    const { body: first } = await server.ask(`/events?after=${after}`)
    expect(itemsOf(first)).toHaveLength(3)
    const { body: second } = await server.ask(`/events?cursor=${String(first['nextCursor'])}`)
    expect(itemsOf(second).map(({ callId }) => callId)).toEqual(['large-3', 'large-4', 'large-5'])
  })

  test.each([
    ['/events?after=-1', /^after is "-1", expected the seq of an event, or 0$/],
    ['/events?after=1.5', /^after is "1.5"/],
    ['/events?after=99999999999999999999', /^after is/],
    ['/events?cursor=', /^cursor is "", expected a nextCursor of this list$/],
    [`/events?cursor=${Buffer.from('calls 1 2').toString('base64url')}`, /^cursor is/],
    [
      `/events?after=1&cursor=${Buffer.from('events 1').toString('base64url')}`,
      /^after and cursor are both given/,
    ],
    ['/events?callid=a', /^callid is not a known parameter, did you mean callId\?$/],
    ['/calls/call-a/events?callId=b', /^callId is not a known parameter/],
  ])('%s is refused', async (path, message) => {
    const { status, body } = await server.ask(path)
    expect(status).toBe(400)
    expect(body['error']).toMatch(message)
  })
})
