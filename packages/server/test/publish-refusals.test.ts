import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Answer } from './api-server.ts'
import { endpointUrl, itself, startAgentServer, type AgentServer } from './agent-server.ts'
import { errorOf } from './delivery-server.ts'

// What is refused before it is published, so that the one end of a call is not spent on what nobody can read.

let server: AgentServer
beforeEach(async () => {
  server = await startAgentServer()
  await server.agent()
})
afterEach(() => server.close())

/** Bytes as they are, which no JSON library would write. */
function sendBytes(path: string, body: Uint8Array<ArrayBuffer>, method = 'POST'): Promise<Answer> {
  return server.ask(path, { method, headers: { 'content-type': 'application/json' }, body })
}

const latin1 = (text: string): Uint8Array<ArrayBuffer> => new Uint8Array(Buffer.from(text, 'latin1'))

async function typesOf(callId: string): Promise<unknown[]> {
  return (await server.itemsOf(`/events?callId=${callId}`)).map(({ type }) => type)
}

describe('a body with more mistakes than a person would read', () => {
  test.each([
    ['data', 100_000],
    ['params', 10_000],
  ])('is answered with the first number that %s cannot hold, not with all', async (field, numbers) => {
    const list = `[1,${Array.from({ length: numbers }, () => '1e300').join()}]`
    const callId = await server.called('recruiter', 'call.started')
    const answer =
      field === 'data'
        ? await sendBytes(`/calls/${callId}/events`, latin1(`{"eventType":"x","data":{"list":${list}}}`))
        : await sendBytes('/agents/recruiter/calls', latin1(`{"params":{"list":${list}}}`))
    expect(errorOf(answer)).toEqual([
      400,
      'invalid_request',
      expect.stringMatching(
        new RegExp(
          `^${field}\\.list\\[1\\] is a number beyond 2\\^53, whose last digits are lost, expected it as a text`,
        ),
      ),
    ])
    expect(answer.text.length).toBeLessThan(400)
  })

  test('is answered with the first ten, and with how many more there are', async () => {
    const callId = await server.called('recruiter', 'call.started')
    const others = Object.fromEntries(Array.from({ length: 300_000 }, (_, at) => [`field${at}`, at]))
    const answer = await server.send('POST', `/calls/${callId}/events`, { ...others, eventType: 5 })
    const { error } = answer.body as { error: string }
    expect(answer.status).toBe(400)
    expect(error.split('; ')).toHaveLength(11)
    expect(error).toMatch(/^eventType is 5, .*; field8 is not a known field, .*; and 299991 more$/)
    const params = Object.fromEntries(Array.from({ length: 15 }, (_, at) => [`id_${at}_id`, at]))
    const started = await server.send('POST', '/agents/recruiter/calls', { params, to: 5 })
    expect(String(started.body['error']).split('; ')).toHaveLength(11)
    expect(String(started.body['error'])).toMatch(/; and 6 more$/)
  })

  test('and one of three million numbers that are right is published', async () => {
    const callId = await server.called('recruiter', 'call.started')
    const list = Array.from({ length: 3_000_000 }, (_, at) => at % 10)
    const answer = await server.publish(callId, 'call.measured', { list }, 'measured')
    expect(answer.status, answer.text).toBe(201)
  })
})

describe('bytes that are not UTF-8', () => {
  const problem = (offset: number): unknown[] => [
    400,
    'invalid_request',
    `the body is not UTF-8 from byte offset ${offset} on, expected a JSON object in UTF-8`,
  ]

  test('are refused where an event is published - another text than was given would be sent', async () => {
    const callId = await server.called('recruiter', 'call.started')
    const body = latin1('{"eventType":"call.ended","data":{"outcomeResult":{"name":"Zoë"}}}')
    expect(errorOf(await sendBytes(`/calls/${callId}/events`, body))).toEqual(problem(61))
    expect(await typesOf(callId)).toEqual(['call.started'])
    const utf8 = new Uint8Array(Buffer.from('\uFEFF{"eventType":"call.ended","data":{"name":"Zoë 👩‍💼"}}'))
    const answer = await sendBytes(`/calls/${callId}/events`, utf8)
    expect(answer.status, answer.text).toBe(201)
    expect((await server.ask(`/events/${String(answer.body['id'])}/raw`)).text).toContain('"Zoë 👩‍💼"')
  })

  test('are refused wherever the API takes a body', async () => {
    const body = latin1('{"params":{"name":"Zoë"},"name":"Zoë"}')
    expect(errorOf(await sendBytes('/agents/recruiter/calls', body))).toEqual(problem(21))
    expect(errorOf(await sendBytes('/agents/recruiter', body, 'PATCH'))).toEqual(problem(21))
  })
})

describe('a documented field', () => {
  const turns = '{"Agent":"Hello!"}'

  test.each<[string, Record<string, unknown>, string]>([
    ['call.ended', { transcription: 'hi' }, 'data.transcription is a string, expected a list'],
    ['call.ended', { transcription: 5 }, 'data.transcription is a number, expected a list'],
    [
      'call.ended',
      { transcription: { Agent: 'private' } },
      'data.transcription is an object, expected a list',
    ],
    [
      'call.ended',
      { transcription: [{ Agent: 'Hi' }, 'private'] },
      'data.transcription[1] is a string, expected an object',
    ],
    ['call.ended', { transcription: [null] }, 'data.transcription[0] is null, expected an object'],
    [
      'call.ended',
      { transcription: [{ Agent: 'Hi' }, { at: 5 }] },
      `data.transcription[1] has no speaker with a text, expected a turn such as ${turns}`,
    ],
    ['call.ended', { conversationRecording: 5 }, 'data.conversationRecording is a number, expected a string'],
    [
      'call.ended',
      { conversationRecording: 'private.mp3' },
      'data.conversationRecording is not a URL, expected one such as https://example.com/recording.mp3',
    ],
    ['call.ended', { outcomeResult: 'private' }, 'data.outcomeResult is a string, expected an object'],
    ['call.ended', { outcomeResult: ['private'] }, 'data.outcomeResult is an array, expected an object'],
    ['call.ended', { conversationId: 5 }, 'data.conversationId is a number, expected a string'],
    ['transcription.update', { speaker: 'User', text: 5 }, 'data.text is a number, expected a string'],
    ['transcription.update', { speaker: {}, text: 'Hi' }, 'data.speaker is an object, expected a string'],
    ['transcription.update', { transcription: 'hi' }, 'data.transcription is a string, expected a list'],
    ['tool.executed', { toolName: { private: 1 } }, 'data.toolName is an object, expected a string'],
    ['tool.executed', { toolName: 'find', success: 'yes' }, 'data.success is a string, expected a boolean'],
    ['tool.executed', { toolName: 'find', duration: '5 s' }, 'data.duration is a string, expected a number'],
    [
      'tool.executed',
      { toolName: 'find', duration: -5 },
      'data.duration is negative or out of range, expected milliseconds',
    ],
    [
      'tool.executed',
      { toolName: 'x'.repeat(1_001) },
      'data.toolName has 1001 characters, left out over 1000, expected a shorter one',
    ],
  ])('%s with %j is refused, and the event may still be published', async (type, data, message) => {
    const callId = await server.called('recruiter', 'call.started')
    const answer = await server.publish(callId, type, data, 'the key')
    expect(errorOf(answer)).toEqual([400, 'invalid_request', message])
    expect(answer.text).not.toContain('private')
    expect(await typesOf(callId)).toEqual(['call.started'])
    expect((await server.publish(callId, type, {}, 'the key')).status).toBe(201)
  })

  test('may be null or absent, as it may in what is documented', async () => {
    const callId = await server.called('recruiter', 'call.started')
    const tool = { toolName: 'find', success: null, duration: null, error: null }
    const none = {
      conversationId: null,
      conversationRecording: null,
      transcription: null,
      outcomeResult: null,
    }
    for (const [type, data] of [
      ['tool.executed', tool],
      ['transcription.update', { speaker: null, text: null, transcription: null }],
      ['call.ended', none],
    ] as const) {
      const { status, body } = await server.publish(callId, type, data)
      expect([status, body['issues']]).toEqual([201, undefined])
    }
  })

  test('and what is odd besides is published, and told - so that nothing is left out unseen', async () => {
    const callId = await server.called('recruiter', 'call.started')
    const data = { callDuration: '67', recordingUrl: 5, outcomeResult: { any: 'thing' } }
    const ended = await server.publish(callId, 'call.ended', data, 'end')
    expect([ended.status, ended.body['issues']]).toEqual([
      201,
      [
        { path: 'data.recordingUrl', message: 'is a number, expected a URL' },
        { path: 'data.callDuration', message: 'is a string, taken as a number' },
      ],
    ])
    const repeat = await server.publish(callId, 'call.ended', data, 'end')
    expect([repeat.status, repeat.body['issues']]).toEqual([200, ended.body['issues']])
    await server.fold()
    expect((await server.ask(`/calls/${callId}`)).body).toMatchObject({
      durationSeconds: 67,
      recordingUrl: null,
    })
  })

  test('a tool without a name is published, and told', async () => {
    const callId = await server.called('recruiter', 'call.started')
    const { status, body } = await server.publish(callId, 'tool.executed', { input: { id: '1' } })
    expect([status, body['issues']]).toEqual([201, [{ path: 'data.toolName', message: 'is missing' }]])
  })
})

describe('a type that is nearly a documented one', () => {
  test.each([
    ['call.answerd', 'call.answered'],
    ['call.anwsered', 'call.answered'],
    ['Call.Ended', 'call.ended'],
    ['CALL.STARTED', 'call.started'],
    ['call.end', 'call.ended'],
    ['call-end', 'call.ended'],
    ['CALL_END', 'call.ended'],
    ['callEnded', 'call.ended'],
    ['call ended', 'call.ended'],
    ['call.start', 'call.started'],
    ['transcript.update', 'transcription.update'],
    ['transcription.updated', 'transcription.update'],
    ['tool.execute', 'tool.executed'],
    ['tools.executed', 'tool.executed'],
  ])(
    '%s is refused with the advice %s - a mistake would pass for a type of one’s own',
    async (given, meant) => {
      const callId = await server.called('recruiter', 'call.started')
      const problem = `is ${JSON.stringify(given)}, which no event has here; did you mean ${meant}?`
      expect(errorOf(await server.publish(callId, given))).toEqual([
        400,
        'invalid_request',
        `eventType ${problem}`,
      ])
      expect(await typesOf(callId)).toEqual(['call.started'])
      const webhook = { url: endpointUrl, events: ['call.scored', given] }
      const place = `webhook.events[1] ${problem}`
      const started = await server.send('POST', '/agents/recruiter/calls', { webhook })
      expect(errorOf(started)).toEqual([400, 'invalid_request', place])
      const made = await server.send('POST', '/agents', { name: 'Another', webhook })
      expect(errorOf(made)).toEqual([400, 'invalid_request', place])
      expect((await server.send('PATCH', '/agents/recruiter', { webhook })).body['error']).toBe(place)
    },
  )

  test.each([
    'call.analyzed',
    'call.scored',
    'call.rated',
    'call.failed',
    'call.transferred',
    'tool.listed',
    'x',
  ])('%s is a type of one’s own', async (type) => {
    const callId = await server.called('recruiter', 'call.started')
    expect((await server.publish(callId, type)).status).toBe(201)
    const webhook = { url: endpointUrl, events: [type] }
    expect((await server.send('PATCH', '/agents/recruiter', { webhook })).status).toBe(200)
  })

  test.each(['call_start', 'call_started'])(
    '%s, as the ingest takes it, is the documented one',
    async (type) => {
      const callId = await server.start('recruiter')
      expect((await server.publish(callId, type)).body['eventType']).toBe('call.started')
    },
  )

  test('is left to other destinations - their senders may use it', async () => {
    await server.add('others', { events: ['call.answerd'] })
  })
})

describe('what a call was started with', () => {
  const ends = { to: '+12025550143', from: '+12025550100', params: { application_id: '12345' } }
  const differs = (field: string): string =>
    `data.${field} is not what the call was started with, expected the same or none`

  test.each<[string, Record<string, unknown>, string]>([
    ['call.started', { conversationId: 'conv_other' }, differs('conversationId')],
    ['call.started', { conversationId: null }, differs('conversationId')],
    ['call.started', { direction: 'inbound' }, differs('direction')],
    ['call.started', { userNumber: '+12025550199' }, differs('userNumber')],
    ['call.started', { agentNumber: 'sip:desk@example.com' }, differs('agentNumber')],
    ['call.answered', { conversationId: 'conv_other' }, differs('conversationId')],
    ['call.answered', { params: { application_id: '67890' } }, differs('params')],
    ['transcription.update', { conversationId: 'conv_other', text: 'Hi' }, differs('conversationId')],
    ['call.ended', { conversationId: 'conv_other' }, differs('conversationId')],
    ['call.ended', { params: { application_id: '67890' } }, differs('params')],
    ['call.scored', { conversationId: 'conv_other' }, differs('conversationId')],
  ])('cannot be said otherwise in %s: %j', async (type, data, message) => {
    const callId = await server.start('recruiter', ends)
    if (type !== 'call.started') await server.publish(callId, 'call.started')
    const answer = await server.publish(callId, type, data)
    expect(errorOf(answer)).toEqual([400, 'invalid_request', message])
    expect(answer.text).not.toMatch(/2025550|67890|conv_other/)
  })

  test('may be said again', async () => {
    const callId = await server.start('recruiter', ends)
    const conversationId = callId.replace('call_', 'conv_')
    const same = { conversationId, direction: 'outbound', userNumber: ends.to, agentNumber: ends.from }
    for (const [type, data] of [
      ['call.started', same],
      ['call.answered', { conversationId, params: {} }],
      ['call.scored', { conversationId }],
      ['call.ended', { conversationId, params: ends.params }],
    ] as const) {
      const answer = await server.publish(callId, type, data)
      expect(answer.status, answer.text).toBe(201)
    }
    const web = await server.start('recruiter')
    expect((await server.publish(web, 'call.started', { userNumber: '+12025550143' })).status).toBe(400)
    expect((await server.publish(web, 'call.started', { userNumber: null })).status).toBe(201)
  })
})

describe('a call without an event', () => {
  test('is said to have none, and not to be unknown', async () => {
    const callId = await server.start('recruiter')
    const said = [404, 'not_found', 'This call was started here and has no event yet']
    expect(errorOf(await server.ask(`/calls/${callId}`))).toEqual(said)
    expect(errorOf(await server.ask(`/calls/${callId}/events`))).toEqual(said)
    const unknown = [404, 'not_found', itself('No call has this callId')]
    expect(errorOf(await server.ask('/calls/call_nobody'))).toEqual(unknown)
    expect(errorOf(await server.ask('/calls/call_nobody/events'))).toEqual(unknown)
    await server.publish(callId, 'call.started')
    await server.fold()
    expect((await server.ask(`/calls/${callId}`)).status).toBe(200)
    expect((await server.ask(`/calls/${callId}/events`)).status).toBe(200)
  })
})
