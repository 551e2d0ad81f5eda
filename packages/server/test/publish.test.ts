import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { now } from './api-server.ts'
import { itself, startAgentServer, type AgentServer } from './agent-server.ts'
import { errorOf } from './delivery-server.ts'

// Publishing the events of calls over HTTP, on the real store.

let server: AgentServer
beforeEach(async () => {
  server = await startAgentServer()
  await server.agent({ project: 'project-1' })
})
afterEach(() => server.close())

/** The bytes of the events of a call, in the order in which they were published. */
async function bodiesOf(callId: string): Promise<string[]> {
  const events = await server.itemsOf(`/events?callId=${callId}`)
  return Promise.all(events.map(async ({ id }) => (await server.ask(`/events/${String(id)}/raw`)).text))
}

const unanswered = 'comes before call.started, which is the first event of a call'
const over = (type: string): string => `the call has ended, and ${type} cannot follow`

/** For each state: what leads there, and what each type comes to then; null is taken. */
const table: [state: string, path: string[], answers: Record<string, string | null>][] = [
  [
    'created',
    [],
    {
      'call.started': null,
      'call.answered': `call.answered ${unanswered}`,
      'transcription.update': `transcription.update ${unanswered}`,
      'tool.executed': `tool.executed ${unanswered}`,
      'call.ended': `call.ended ${unanswered}`,
      'call.analyzed': `call.analyzed ${unanswered}`,
    },
  ],
  [
    'started',
    ['call.started'],
    {
      'call.started': 'call.started was published already, and a call starts once',
      'call.answered': null,
      'transcription.update': null,
      'tool.executed': null,
      'call.ended': null,
      'call.analyzed': null,
    },
  ],
  [
    'answered',
    ['call.started', 'call.answered'],
    {
      'call.started': 'call.started was published already, and a call starts once',
      'call.answered': 'call.answered was published already, and a call is answered once',
      'transcription.update': null,
      'tool.executed': null,
      'call.ended': null,
      'call.analyzed': null,
    },
  ],
  [
    'ended',
    ['call.started', 'call.ended'],
    {
      'call.started': 'call.started was published already, and a call starts once',
      'call.answered': 'the call has ended, and is not answered after that',
      'transcription.update': over('transcription.update'),
      'tool.executed': over('tool.executed'),
      'call.ended': 'call.ended was published already, and a call ends once',
      'call.analyzed': null,
    },
  ],
]

describe('the state of a call', () => {
  test.each(
    table.flatMap(([state, path, answers]) =>
      Object.entries(answers).map(([type, reason]) => ({ state, path, type, reason })),
    ),
  )('$state: $type is answered with $reason', async ({ path, type, reason }) => {
    const callId = await server.called('recruiter', ...path)
    const answer = await server.publish(callId, type)
    if (reason === null) expect(answer.status, answer.text).toBe(201)
    else expect(errorOf(answer)).toEqual([409, 'conflict', reason])
    const events = await server.itemsOf(`/events?callId=${callId}`)
    expect(events.map((event) => event['type'])).toEqual(reason === null ? [...path, type] : path)
  })
})

describe('a call that was not started here', () => {
  const unknown = [404, 'not_found', 'No call that was started here has this callId']

  test.each(['call_nobody', '%D9%85', 'a'.repeat(300)])('%s is not found', async (callId) => {
    expect(errorOf(await server.publish(callId, 'call.started'))).toEqual(unknown)
  })

  test('is not found either where its events were received', async () => {
    await server.routed('call_received', 'call.started')
    expect((await server.ask('/calls/call_received')).status).toBe(200)
    expect(errorOf(await server.publish('call_received', 'call.ended'))).toEqual(unknown)
  })
})

describe('what is published', () => {
  test('has the documented envelope, its keys in the documented order', async () => {
    const callId = await server.start('recruiter', {
      params: { application_id: '12345', name: 'Sara' },
      to: '+12025550143',
      from: '+12025550100',
    })
    const conversationId = callId.replace('call_', 'conv_')
    await server.publish(callId, 'call.started', { channelType: 'Telephone' })
    server.advance(5_000)
    await server.publish(callId, 'call.answered')
    await server.publish(callId, 'transcription.update', { speaker: 'User', text: 'مرحبا' })
    const ended = await server.publish(callId, 'call.ended', {
      callDuration: 125,
      transcription: [{ Agent: 'Hello!' }],
      outcomeResult: { name: 'Sarah', salary: 80_000, notice: null },
    })
    expect(ended.body).toEqual({
      id: expect.stringMatching(/^evt_/) as string,
      callId,
      eventType: 'call.ended',
      timestamp: '2026-06-01T00:00:05.002Z',
      collisions: ['name'],
    })
    const event = (eventType: string, ms: number, data: object): string => {
      const timestamp = new Date(now + ms).toISOString()
      const of = { projectId: 'project-1', agentId: 'recruiter', agentName: 'Recruiter' }
      return JSON.stringify({ eventType, callId, timestamp, ...of, data: { timestamp, data } })
    }
    expect(await bodiesOf(callId)).toEqual([
      event('call.started', 0, {
        conversationId,
        direction: 'outbound',
        userNumber: '+12025550143',
        agentNumber: '+12025550100',
        params: { application_id: '12345', name: 'Sara' },
        channelType: 'Telephone',
      }),
      event('call.answered', 5_000, {}),
      event('transcription.update', 5_001, { speaker: 'User', text: 'مرحبا' }),
      event('call.ended', 5_002, {
        conversationId,
        conversationRecording: null,
        transcription: [{ Agent: 'Hello!' }],
        outcomeResult: { application_id: '12345', name: 'Sarah', salary: 80_000, notice: null },
        callDuration: 125,
      }),
    ])
  })

  test('of an inbound call has the numbers the other way round, and no project where there is none', async () => {
    await server.agent({ id: 'other', name: 'Other' })
    const callId = await server.start('other', {
      to: '+12025550143',
      from: '+12025550100',
      direction: 'inbound',
    })
    await server.publish(callId, 'call.started')
    const [body] = await bodiesOf(callId)
    expect(JSON.parse(String(body))).toEqual({
      eventType: 'call.started',
      callId,
      timestamp: '2026-06-01T00:00:00.000Z',
      agentId: 'other',
      agentName: 'Other',
      data: {
        timestamp: '2026-06-01T00:00:00.000Z',
        data: {
          conversationId: callId.replace('call_', 'conv_'),
          direction: 'inbound',
          userNumber: '+12025550100',
          agentNumber: '+12025550143',
          params: {},
        },
      },
    })
  })

  test('goes by the name that the agent has then', async () => {
    const callId = await server.called('recruiter', 'call.started')
    await server.send('PATCH', '/agents/recruiter', { name: 'Recruiting', project: null })
    await server.publish(callId, 'call.ended')
    const [, ended] = (await bodiesOf(callId)).map((body) => JSON.parse(body) as Record<string, unknown>)
    expect(ended).toMatchObject({ agentId: 'recruiter', agentName: 'Recruiting' })
    expect(ended).not.toHaveProperty('projectId')
  })

  test('may have fields of any name', async () => {
    const callId = await server.called('recruiter', 'call.started')
    const data = '{"__proto__":{"a":1},"constructor":null,"outcomeResult":{"__proto__":"x","toString":"y"}}'
    const answer = await server.ask(`/calls/${callId}/events`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: `{"eventType":"call.ended","data":${data}}`,
    })
    expect(answer.status, answer.text).toBe(201)
    const [, ended] = await bodiesOf(callId)
    expect(ended).toContain(
      '"outcomeResult":{"__proto__":"x","toString":"y"},"__proto__":{"a":1},"constructor":null',
    )
  })

  test('has a time of its own, later than the one before, also while the clock stands or goes back', async () => {
    const callId = await server.called('recruiter', 'call.started')
    const times: number[] = []
    for (const step of [0, 0, -5_000, 0, 10_000, 0]) {
      server.advance(step)
      // The same data: were the time the same too, they would be one event.
      const { status, body } = await server.publish(callId, 'transcription.update', { text: 'Hm.' })
      expect(status).toBe(201)
      times.push(Date.parse(String(body['timestamp'])) - now)
    }
    expect(times).toEqual([1, 2, 3, 4, 5_000, 5_001])
    expect(await server.itemsOf(`/events?callId=${callId}`)).toHaveLength(7)
  })

  test('is logged without what it says', async () => {
    const callId = await server.start('recruiter', { params: { application_id: 'private-12345' } })
    const { body } = await server.publish(callId, 'call.started', { said: 'private-words' })
    expect(server.logged).toContainEqual([
      {
        source: 'agent:recruiter',
        type: 'call.started',
        callId,
        id: body['id'],
        bytes: Buffer.byteLength((await bodiesOf(callId))[0] ?? ''),
        ms: expect.any(Number) as number,
      },
    ])
    expect(JSON.stringify(server.logged)).not.toContain('private')
  })
})

describe('what is not as it must be', () => {
  const type = 'an event type such as call.ended: 1 to 100 characters of printable ASCII'

  test.each<[unknown, string | RegExp]>([
    [{}, `eventType is missing, expected ${type}`],
    [{ eventType: '' }, `eventType is "", expected ${type}`],
    [{ eventType: 5 }, `eventType is 5, expected ${type}`],
    [{ eventType: 'حدث' }, `eventType is "حدث", expected ${type}`],
    [{ eventType: 'a'.repeat(101) }, /^eventType is "a+…, expected an event type/],
    [
      { eventType: 'x', data: 'private' },
      'data is a text, expected an object: what stands in data.data of the event',
    ],
    [
      { eventType: 'x', data: 5 },
      'data is a number, expected an object: what stands in data.data of the event',
    ],
    [
      { eventType: 'x', data: ['private'] },
      'data is a list, expected an object: what stands in data.data of the event',
    ],
    [
      { eventType: 'x', data: null },
      'data is null, expected an object: what stands in data.data of the event',
    ],
    [{ eventType: 'x', dta: {} }, 'dta is not a known field, did you mean data?'],
    [{ eventType: 'x', timestamp: 1 }, 'timestamp is not a known field, expected one of eventType, data'],
    [
      { eventType: 'x', data: { n: 2 ** 60 } },
      'data.n is a number beyond 2^53, whose last digits are lost, expected it as a text',
    ],
    [
      { eventType: 'call.ended', data: { outcomeResult: 'private' } },
      'data.outcomeResult is a string, expected an object',
    ],
    [
      { eventType: 'call.ended', data: { outcomeResult: ['private'] } },
      'data.outcomeResult is an array, expected an object',
    ],
    [{ eventType: 'x', data: lists(63) }, 'the event is nested deeper than 64 levels'],
    [{ eventType: 'x', data: lists(65) }, 'data is nested deeper than 64 levels'],
    [[], 'the body is a list, expected an object'],
  ])('%j is refused, and nothing is published', async (given, message) => {
    const callId = await server.called('recruiter', 'call.started')
    const answer = await server.send('POST', `/calls/${callId}/events`, given)
    expect(errorOf(answer)).toEqual([400, 'invalid_request', itself(message)])
    expect(answer.text).not.toContain('private')
    expect(await server.itemsOf(`/events?callId=${callId}`)).toHaveLength(1)
    expect((await server.publish(callId, 'call.ended')).status).toBe(201)
  })

  test('nesting that no stack would bear is refused as well', async () => {
    const callId = await server.called('recruiter', 'call.started')
    const levels = 500_000
    const answer = await server.ask(`/calls/${callId}/events`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: `{"eventType":"x","data":{"list":${'['.repeat(levels)}${']'.repeat(levels)}}}`,
    })
    expect(errorOf(answer)).toEqual([400, 'invalid_request', 'data is nested deeper than 64 levels'])
  })

  test.each(['', 'k'.repeat(201), 'ü'])('the Idempotency-Key %j is refused', async (key) => {
    const callId = await server.start('recruiter')
    const { status, body } = await server.publish(callId, 'call.started', {}, key)
    const expected = 'expected a text of 1 to 200 printable ASCII characters'
    expect([status, body['error']]).toEqual([
      400,
      itself(new RegExp(`^idempotency-key is ".*, ${expected}$`)),
    ])
    expect(await server.itemsOf('/events')).toEqual([])
  })
})

describe('with an Idempotency-Key', () => {
  test('a repeat is answered as the first was, and nothing more is published', async () => {
    const callId = await server.start('recruiter', { params: { name: 'Sara' } })
    const first = await server.publish(callId, 'call.started', { a: 1 }, 'start-1')
    expect([first.status, 'duplicate' in first.body]).toEqual([201, false])
    server.advance(60_000)
    const repeat = await server.publish(callId, 'call.started', { a: 1 }, 'start-1')
    expect([repeat.status, repeat.body]).toEqual([200, { ...first.body, duplicate: true }])
    const outcome = { outcomeResult: { name: 'Sarah' } }
    const ended = await server.publish(callId, 'call.ended', outcome, 'end-1')
    // Also long after, when its state would forbid it.
    for (const [type, data, key, answered] of [
      ['call.started', { a: 1 }, 'start-1', first],
      ['call.ended', outcome, 'end-1', ended],
    ] as const) {
      const again = await server.publish(callId, type, data, key)
      expect([again.status, again.body]).toEqual([200, { ...answered.body, duplicate: true }])
    }
    expect(ended.body['collisions']).toEqual(['name'])
    expect(await server.itemsOf(`/events?callId=${callId}`)).toHaveLength(2)
  })

  test('of another type it is refused - a key is for one publication', async () => {
    const callId = await server.start('recruiter')
    await server.publish(callId, 'call.started', {}, 'one')
    expect(errorOf(await server.publish(callId, 'call.answered', {}, 'one'))).toEqual([
      409,
      'conflict',
      'This Idempotency-Key was used for call.started; each publication needs one of its own',
    ])
  })

  test('of other data it is refused - it would be dropped while its sender takes it for published', async () => {
    const callId = await server.called('recruiter', 'call.started')
    const said = { speaker: 'User', text: 'private-1', more: { a: 1, b: [0.5] } }
    expect((await server.publish(callId, 'transcription.update', said, 'one')).status).toBe(201)
    for (const other of [{ ...said, text: 'private-2' }, { ...said, more: { a: 1, b: ['0.5'] } }, {}]) {
      const answer = await server.publish(callId, 'transcription.update', other, 'one')
      expect(errorOf(answer)).toEqual([
        409,
        'conflict',
        'This Idempotency-Key was used for transcription.update with other data; each publication needs one of its own',
      ])
    }
    // The same JSON written otherwise is the same.
    const repeat = await server.ask(`/calls/${callId}/events`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': 'one' },
      body: '{ "data": {"more":{"b":[5e-1],"a":1.0},"text":"private-1","speaker":"User"},"eventType":"transcription_update"}',
    })
    expect([repeat.status, repeat.body['duplicate']]).toEqual([200, true])
    expect(JSON.stringify(await server.store.getStartedCall(callId))).not.toContain('private')
    expect(await server.itemsOf(`/events?callId=${callId}`)).toHaveLength(2)
  })

  test('and the same key, another call is another publication', async () => {
    for (const callId of [await server.start('recruiter'), await server.start('recruiter')]) {
      expect((await server.publish(callId, 'call.started', {}, 'one')).status).toBe(201)
    }
  })

  test('what was refused may be asked for again with the same key', async () => {
    const callId = await server.start('recruiter')
    expect((await server.publish(callId, 'call.ended', {}, 'end')).status).toBe(409)
    await server.publish(callId, 'call.started')
    expect((await server.publish(callId, 'call.ended', {}, 'end')).status).toBe(201)
  })

  test('the last sixteen are known, and the one before is forgotten', async () => {
    const callId = await server.called('recruiter', 'call.started')
    const publish = (key: number) => server.publish(callId, 'custom.type', {}, `key ${key}`)
    for (let key = 1; key <= 17; key += 1) expect((await publish(key)).status).toBe(201)
    // Those without a key push none out.
    await server.publish(callId, 'custom.type')
    expect((await publish(2)).status).toBe(200)
    expect((await publish(17)).status).toBe(200)
    expect((await publish(1)).status).toBe(201)
    expect(await server.itemsOf(`/events?callId=${callId}`)).toHaveLength(20)
  })

  test('repeats that come at once publish it once', async () => {
    const callId = await server.called('recruiter', 'call.started')
    const answers = await Promise.all(
      Array.from({ length: 12 }, () => server.publish(callId, 'custom.type', {}, 'one')),
    )
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1)
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(11)
    expect(new Set(answers.map(({ body }) => body['id'])).size).toBe(1)
    expect(await server.itemsOf(`/events?callId=${callId}`)).toHaveLength(2)
  })
})

function lists(levels: number): Record<string, unknown> {
  let value: unknown = 'x'
  for (let level = 1; level < levels; level += 1) value = [value]
  return { list: value }
}
