import { readBody, readEnvelope, readFacts } from '@hookswitch/events'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { buildEvent, type EventInput } from './build-event.ts'

const at = Date.UTC(2026, 0, 31, 12)
const timestamp = '2026-01-31T12:00:00.000Z'

const input = (eventType: string, more: Partial<EventInput> = {}): EventInput => ({
  eventType,
  callId: 'call_1',
  at,
  agentId: 'agent-123',
  agentName: 'Recruiter',
  ...more,
})

const textOf = ({ body }: { body: Uint8Array }): string => new TextDecoder().decode(body)

/** What a receiver makes of the bytes. */
function read(built: { body: Uint8Array }) {
  const reading = readBody(built.body)
  if (!reading.ok) throw new Error(JSON.stringify(reading.issues))
  const { envelope } = { envelope: undefined, ...readEnvelope(reading.value) }
  if (envelope === undefined) throw new Error('the envelope is refused')
  return { envelope, facts: readFacts(envelope, reading.value) }
}

const data = ({ event }: { event: Record<string, unknown> }): unknown =>
  (event['data'] as Record<string, unknown>)['data']

describe('the envelope', () => {
  test('is the documented one, its keys in the documented order', () => {
    const built = buildEvent(input('call.answered', { projectId: 'project-1', data: { ringDuration: 4 } }))
    expect(textOf(built)).toBe(
      `{"eventType":"call.answered","callId":"call_1","timestamp":"${timestamp}","projectId":"project-1",` +
        `"agentId":"agent-123","agentName":"Recruiter","data":{"timestamp":"${timestamp}","data":{"ringDuration":4}}}`,
    )
    expect(JSON.parse(textOf(built))).toEqual(built.event)
  })

  test('leaves the project out where there is none', () => {
    for (const none of [{}, { projectId: null }]) {
      expect(Object.keys(buildEvent(input('call.answered', none)).event)).not.toContain('projectId')
    }
  })

  test('has times that sort as texts as they follow one another, and are read back to the millisecond', () => {
    const time = fc.integer({ min: Date.UTC(1990, 0, 1), max: Date.UTC(2100, 0, 1) - 2 })
    fc.assert(
      fc.property(time, fc.integer({ min: 1, max: 1_000_000 }), (first, after) => {
        const times = [first, Math.min(first + after, Date.UTC(2100, 0, 1) - 1)].map((moment) => {
          const built = buildEvent(input('call.answered', { at: moment }))
          expect(read(built).envelope.occurredAt).toBe(moment)
          return String(built.event['timestamp'])
        })
        expect([...times].sort()).toEqual(times)
      }),
    )
  })
})

describe('the data', () => {
  test('of call.started says what is known of the call, and has the params', () => {
    const call = { conversationId: 'conv-1', direction: 'outbound', userNumber: null }
    const built = buildEvent(
      input('call.started', { call, params: { application_id: '12345' }, data: { channel: 'web' } }),
    )
    expect(JSON.stringify(data(built))).toBe(
      '{"conversationId":"conv-1","direction":"outbound","params":{"application_id":"12345"},"channel":"web"}',
    )
    expect(data(buildEvent(input('call.started')))).toEqual({ params: {} })
    expect(data(buildEvent(input('call.started', { call, data: { direction: 'inbound' } })))).toMatchObject({
      direction: 'inbound',
    })
  })

  test('of call.ended always has the four documented keys - handlers take them without asking', () => {
    expect(JSON.stringify(data(buildEvent(input('call.ended'))))).toBe(
      '{"conversationId":null,"conversationRecording":null,"transcription":[],"outcomeResult":{}}',
    )
    const nulls = {
      conversationId: null,
      conversationRecording: null,
      transcription: null,
      outcomeResult: null,
    }
    const call = { conversationId: 'conv-1' }
    expect(data(buildEvent(input('call.ended', { call, data: { ...nulls, callDuration: 125 } })))).toEqual({
      conversationId: 'conv-1',
      conversationRecording: null,
      transcription: [],
      outcomeResult: {},
      callDuration: 125,
    })
  })

  test.each(['call.answered', 'transcription.update', 'tool.executed', 'call.scored'])(
    'of %s is as given, and has no params',
    (eventType) => {
      const given = { params: undefined, any: [{ thing: null }] }
      expect(data(buildEvent(input(eventType, { params: { a: 1 }, data: given })))).toEqual(given)
      expect(data(buildEvent(input(eventType, { params: { a: 1 } })))).toEqual({})
    },
  )
})

describe('the outcome', () => {
  test('has the params, and over them what was collected; a name in both is told', () => {
    const built = buildEvent(
      input('call.ended', {
        params: { application_id: '12345', company_name: 'Acme Corp', city: 'Riyadh', note: 'x' },
        data: { outcomeResult: { application_id: '67890', city: null, score: 0, note: undefined } },
      }),
    )
    expect(JSON.parse(textOf(built))).toHaveProperty('data.data.outcomeResult', {
      application_id: '67890',
      company_name: 'Acme Corp',
      // Null is an answer: the caller did not say. What is undefined is none, and nothing stands over the param.
      city: null,
      note: 'x',
      score: 0,
    })
    expect(built.collisions).toEqual(['application_id', 'city'])
    expect(buildEvent(input('call.started', { params: { a: 1 }, data: { a: 2 } })).collisions).toEqual([])
  })

  test('may have fields of any name - those of the prototype are fields like others', () => {
    const params = JSON.parse('{"__proto__":"echoed","constructor":1}') as Record<string, unknown>
    const collected = JSON.parse('{"__proto__":{"polluted":true},"hasOwnProperty":2}') as Record<
      string,
      unknown
    >
    const built = buildEvent(input('call.ended', { params, data: { outcomeResult: collected } }))
    expect(textOf(built)).toContain(
      '"outcomeResult":{"__proto__":{"polluted":true},"constructor":1,"hasOwnProperty":2}',
    )
    expect(built.collisions).toEqual(['__proto__'])
    expect({}).not.toHaveProperty('polluted')
    const started = buildEvent(input('call.started', { params, data: collected }))
    expect(textOf(started)).toContain('{"params":{"__proto__":"echoed","constructor":1},"__proto__":')
  })

  test('of any params and any fields is their union, read back as it was given', () => {
    const fields = fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 2 }))
    fc.assert(
      fc.property(fields, fields, (params, collected) => {
        const built = buildEvent(input('call.ended', { params, data: { outcomeResult: collected } }))
        const outcome = JSON.parse(JSON.stringify({ ...params, ...collected })) as unknown
        expect(JSON.parse(textOf(built))).toHaveProperty(['data', 'data', 'outcomeResult'], outcome)
        expect(built.collisions.sort()).toEqual(
          Object.keys(params)
            .filter((name) => Object.hasOwn(collected, name))
            .sort(),
        )
      }),
    )
  })
})

test('what is built says to a receiver what was meant', () => {
  const built = buildEvent(
    input('call.ended', {
      call: { conversationId: 'conv-1' },
      data: {
        conversationRecording: 'https://recordings.example.com/1.mp3',
        transcription: [{ Agent: 'مرحبا' }, { User: 'Hi' }],
        outcomeResult: { resolved: false },
      },
    }),
  )
  const { envelope, facts } = read(built)
  expect(envelope).toEqual({
    dialect: 'v1',
    type: 'call.ended',
    callId: 'call_1',
    occurredAt: at,
    issues: [],
  })
  expect(facts).toMatchObject({
    agentId: 'agent-123',
    agentName: 'Recruiter',
    conversationId: 'conv-1',
    recordingUrl: 'https://recordings.example.com/1.mp3',
    transcript: {
      form: 'list',
      turns: [
        { speaker: 'Agent', text: 'مرحبا' },
        { speaker: 'User', text: 'Hi' },
      ],
    },
    outcome: { resolved: false },
    issues: [],
  })
})

describe('what no receiver could read is refused, by path and kind', () => {
  const nested = (levels: number): unknown => (levels === 0 ? 'end' : [nested(levels - 1)])
  const loop: Record<string, unknown> = {}
  loop['self'] = loop

  test.each<[what: string, more: Partial<EventInput>, message: string]>([
    ['no type', { eventType: '' }, 'eventType is empty'],
    [
      'a type in another script',
      { eventType: 'انتهت' },
      'eventType has a character that is not printable ASCII',
    ],
    ['no call id', { callId: '' }, 'callId is empty'],
    ['a long call id', { callId: 'x'.repeat(201) }, 'callId has 201 characters, at most 200 are allowed'],
    ['no time', { at: NaN }, 'at is NaN, expected Unix milliseconds in the years 1990 to 2100'],
    ['seconds', { at: at / 1_000 }, 'at is 1769860800, expected Unix milliseconds in the years 1990 to 2100'],
    [
      'an outcome as text',
      { data: { outcomeResult: '{}' } },
      'data.outcomeResult is a string, expected an object',
    ],
    [
      'a list as outcome',
      { data: { outcomeResult: [] } },
      'data.outcomeResult is an array, expected an object',
    ],
    [
      'a number out of range',
      { data: { outcomeResult: { scores: [1, Infinity] } } },
      'data.data.outcomeResult.scores.1 is a number that JSON cannot hold, expected a finite number or a text',
    ],
    ['a bigint', { params: { id: 1n } }, 'data.data.outcomeResult.id is a bigint that JSON cannot hold'],
    ['deep nesting', { data: { deep: nested(62) } }, 'the event is nested deeper than 64 levels'],
    ['an endless value', { data: loop }, 'the event is nested deeper than 64 levels'],
  ])('%s', (_what, more, message) => {
    expect(() => buildEvent(input('call.ended', more))).toThrow(TypeError)
    expect(() => buildEvent(input('call.ended', more))).toThrow(message)
  })

  test.each<[eventType: string, data: Record<string, unknown>, message: string]>([
    ['call.ended', { transcription: 'private' }, 'data.transcription is a string, expected a list'],
    [
      'call.ended',
      { transcription: { Agent: 'private' } },
      'data.transcription is an object, expected a list',
    ],
    [
      'call.ended',
      { transcription: [{}, 'private'] },
      'data.transcription[1] is a string, expected an object',
    ],
    ['call.ended', { conversationRecording: 5 }, 'data.conversationRecording is a number, expected a string'],
    ['call.ended', { conversationId: 5 }, 'data.conversationId is a number, expected a string'],
    ['call.started', { params: ['private'] }, 'data.params is an array, expected an object'],
    ['transcription.update', { text: 5 }, 'data.text is a number, expected a string'],
    ['tool.executed', { success: 'yes' }, 'data.success is a string, expected a boolean'],
    ['tool.executed', { duration: '5' }, 'data.duration is a string, expected a number'],
  ])('a documented field of another kind: %s with %j', (eventType, documented, message) => {
    expect(() => buildEvent(input(eventType, { data: documented }))).toThrow(new TypeError(message))
    // In a type of one's own it may be anything.
    expect(data(buildEvent(input('call.scored', { data: documented })))).toEqual(documented)
    const none = Object.fromEntries(Object.keys(documented).map((name) => [name, null]))
    expect(() => buildEvent(input(eventType, { data: none }))).not.toThrow()
  })

  test('but 64 levels are read', () => {
    expect(() => read(buildEvent(input('call.answered', { data: { deep: nested(61) } })))).not.toThrow()
  })
})
