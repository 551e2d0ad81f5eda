import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startApiServer, type ApiServer } from '../../test/api-server.ts'

let server: ApiServer
beforeAll(async () => {
  server = await startApiServer({
    config: {
      agents: {
        'agent-1': {
          echo: ['application_id'],
          outcome: { properties: { salary: { type: 'number', maximum: 9 } } },
        },
      },
    },
  })
  const day = (number: number): string => `2026-02-0${number}T00:00:00.000Z`
  await server.append(
    {
      eventType: 'call.started',
      callId: 'one',
      agentId: 'agent-1',
      agentName: 'Recruiter',
      timestamp: day(1),
    },
    {
      eventType: 'call.ended',
      callId: 'one',
      agentId: 'agent-1',
      timestamp: day(1),
      data: { outcomeResult: { application_id: '12345', salary: '12', resolved: true } },
    },
    { eventType: 'call.started', callId: 'two', agentId: 'agent-2', agentName: 'Helper', timestamp: day(2) },
    { eventType: 'call.answered', callId: 'three', agentId: 'agent-2', timestamp: day(3) },
    ...awkwardIds.map((callId) => ({ eventType: 'call.started', callId, timestamp: day(4) })),
  )
  await server.fold()
})
afterAll(() => server.close())

const awkwardIds = [
  'a/b',
  'a b',
  'ü/ص/😀',
  '%2F',
  '100%',
  'a?b=c&d#e',
  '+1 (555) 0100',
  '../..',
  'a;b,c',
  'a\\b',
  '%',
]

const idsOf = (body: Record<string, unknown>): unknown[] =>
  (body['items'] as { callId: string }[]).map(({ callId }) => callId).filter((id) => !awkwardIds.includes(id))

describe('GET /calls', () => {
  test('lists newest first, and without what is large', async () => {
    const { body } = await server.ask('/calls')
    expect(idsOf(body)).toEqual(['three', 'two', 'one'])
    expect(body['nextCursor']).toBeNull()
    const one = (body['items'] as Record<string, unknown>[]).at(-1)
    expect(one).toMatchObject({
      callId: 'one',
      status: 'ended',
      firstEventAt: '2026-02-01T00:00:00.000Z',
      eventCount: 2,
    })
    for (const large of ['params', 'transcript', 'transcriptText', 'outcome', 'tools'])
      expect(one).not.toHaveProperty(large)
  })

  test.each([
    ['agentId=agent-2', ['three', 'two']],
    ['status=ended', ['one']],
    ['status=started', ['two']],
    ['from=2026-02-02T00:00:00Z', ['three', 'two']],
    ['to=2026-02-02T00:00:00Z', ['one']],
    ['from=2026-02-02&to=2026-02-03', ['two']],
    ['from=2026-02-02T02:00:00+02:00&to=2026-02-03', ['two']],
    [`from=${Date.UTC(2026, 1, 3)}&to=${Date.UTC(2026, 1, 4)}`, ['three']],
    ['q=tw', ['two']],
    ['q=recru', ['one']],
    ['q=nothing', []],
    ['outcome.resolved=true', ['one']],
    ['outcome.resolved=true&outcome.application_id=12345', ['one']],
    ['outcome.resolved=false', []],
  ])('%s', async (query, expected) => {
    const { body } = await server.ask(`/calls?${query}`)
    expect(idsOf(body)).toEqual(expected)
  })

  test('pages follow each other to the end, each call once', async () => {
    const seen: unknown[] = []
    let cursor = ''
    for (let page = 0; page < 100; page += 1) {
      const { body } = await server.ask(`/calls?limit=2${cursor}`)
      seen.push(...(body['items'] as { callId: string }[]).map(({ callId }) => callId))
      if (body['nextCursor'] === null) break
      cursor = `&cursor=${body['nextCursor'] as string}`
    }
    expect(seen).toHaveLength(3 + awkwardIds.length)
    expect(new Set(seen).size).toBe(seen.length)
  })

  test.each([
    ['limit=0', 'limit is "0", expected a whole number from 1 to 200'],
    ['limit=201', 'limit is "201", expected a whole number from 1 to 200'],
    ['limit=1.5', 'limit is "1.5", expected a whole number from 1 to 200'],
    ['limit=', 'limit is "", expected a whole number from 1 to 200'],
    ['limit=1&limit=2', 'limit is given more than once, expected a whole number from 1 to 200'],
    ['status=open', 'status is "open", expected started, answered or ended'],
    [
      'from=yesterday',
      'from is "yesterday", expected a time in ISO 8601 with a zone, such as 2026-01-31T12:00:00Z, or in Unix milliseconds',
    ],
    ['from=2026-02-30', /^from is "2026-02-30", expected a time/],
    ['to=2026-02-01T00:00:00', /^to is "2026-02-01T00:00:00", expected a time in ISO 8601 with a zone/],
    ['to=-5', /^to is "-5"/],
    ['cursor=abc', 'cursor is "abc", expected a nextCursor of this list'],
    [
      `cursor=${Buffer.from('events 5').toString('base64url')}`,
      /^cursor is .* expected a nextCursor of this list/,
    ],
    [`cursor=${Buffer.from('calls 5 x').toString('base64url')}`, /^cursor is/],
    ['agentid=agent-1', 'agentid is not a known parameter, did you mean agentId?'],
    ['outcome=1', /^outcome is not a known parameter, expected one of agentId, .*, outcome\.<field>/],
    ['outcome.a=1&outcome.a=2', 'outcome.a is given more than once, expected one text'],
    ['agentId=', 'agentId is "", expected a text that is not empty'],
    ['limit=0&status=x', /^status is .*; limit is /],
  ])('%s is refused by name, value and expectation', async (query, message) => {
    const { status, body } = await server.ask(`/calls?${query}`)
    expect(status).toBe(400)
    expect(body['code']).toBe('invalid_request')
    if (typeof message === 'string') expect(body['error']).toBe(message)
    else expect(body['error']).toMatch(message)
  })

  test('a long value is cut in the message', async () => {
    const { body } = await server.ask(`/calls?limit=${'9'.repeat(5_000)}`)
    expect(String(body['error']).length).toBeLessThan(200)
  })
})

describe('GET /calls/{callId}', () => {
  test('shows the record, with the outcome in its three states by the schema of the agent', async () => {
    const { status, body } = await server.ask('/calls/one')
    expect(status).toBe(200)
    expect(body).toMatchObject({
      callId: 'one',
      status: 'ended',
      agentName: 'Recruiter',
      transcript: [],
      tools: [],
      outcome: {
        application_id: { state: 'value', value: '12345', origin: 'echoed' },
        salary: { state: 'value', value: 12, raw: '12', origin: 'collected', issue: 'must be <= 9' },
        resolved: { state: 'value', value: true },
      },
    })
    const { body: other } = await server.ask('/calls/two')
    expect(other['outcome']).toEqual({})
  })

  test.each(awkwardIds.filter((id) => id !== '../..'))(
    'finds %s by its percent-encoded id',
    async (callId) => {
      for (const path of [
        `/calls/${encodeURIComponent(callId)}`,
        `/calls/${encodeURIComponent(callId)}/events`,
      ]) {
        const { status, text } = await server.ask(path)
        expect(status).toBe(200)
        expect(text).toContain(`"callId":${JSON.stringify(callId)}`)
      }
    },
  )

  test.each(['none', 'ONE', 'a%00b', encodeURIComponent('x'.repeat(300))])('%s is not found', async (id) => {
    for (const path of [`/calls/${id}`, `/calls/${id}/events`]) {
      const { status, body } = await server.ask(path)
      expect(status).toBe(404)
      expect(body).toEqual({ error: 'No call has this callId', code: 'not_found' })
    }
  })
})
