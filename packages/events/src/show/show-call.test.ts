import { describe, expect, test } from 'vitest'
import { ended, event, recordOf, StoredCall, eventOf } from '../../test/events-of.ts'
import { summarizeCall } from './show-call.ts'

const at = (second: number): string => new Date(Date.UTC(2026, 4, 3, 9, 0, second)).toISOString()

const whole = [
  { ...event('call.started', { params: { application_id: '12345' } }, at(0)), agentId: 'agent-123' },
  event('call.answered', { ringDuration: 5 }, at(5)),
  event('transcription.update', { speaker: 'Agent', text: 'Hello!' }, at(6)),
  event('tool.executed', { toolName: 'lookup', input: {}, output: {}, success: true, duration: 412 }, at(7)),
  ended(
    {
      conversationId: 'conv-1',
      conversationRecording: 'https://recordings.example.com/1.mp3',
      callDuration: 125,
      transcription: [{ Agent: 'Hello!' }, { User: 'Hi.' }],
      outcomeResult: { application_id: '12345', noticePeriod: null },
    },
    at(59),
  ),
]

test('a record is the documented JSON, its keys in the documented order', () => {
  expect(JSON.stringify(recordOf(whole))).toBe(
    JSON.stringify({
      callId: 'call_1',
      status: 'ended',
      agentId: 'agent-123',
      agentName: null,
      projectId: null,
      conversationId: 'conv-1',
      sources: ['hamsa'],
      direction: null,
      channel: null,
      userNumber: null,
      agentNumber: null,
      params: { application_id: '12345' },
      startedAt: at(0),
      answeredAt: at(5),
      endedAt: at(59),
      ringSeconds: 5,
      durationSeconds: 125,
      durationSource: 'reported',
      recordingUrl: 'https://recordings.example.com/1.mp3',
      transcriptSource: 'final',
      transcriptText: 'Agent: Hello!\nUser: Hi.',
      transcript: [
        { speaker: 'Agent', text: 'Hello!', at: null },
        { speaker: 'User', text: 'Hi.', at: null },
      ],
      outcome: {
        application_id: { state: 'value', value: '12345', origin: 'echoed' },
        noticePeriod: { state: 'null', value: null, origin: 'collected' },
      },
      tools: [
        { name: 'lookup', input: {}, output: {}, success: true, error: null, durationMs: 412, at: at(7) },
      ],
      eventCount: 5,
      firstEventAt: at(0),
      lastEventAt: at(59),
      truncated: false,
    }),
  )
})

test('a summary is the record without params, transcript, outcome and tools', () => {
  const call = new StoredCall()
  call.apply(whole.map((body, seq) => eventOf(body, seq + 1)))
  const { params: _p, transcript: _t, transcriptText: _x, outcome: _o, tools: _u, ...summary } = call.show()
  if (call.head === null) throw new Error('nothing was folded')
  expect(JSON.stringify(summarizeCall(call.head))).toBe(JSON.stringify(summary))
})

test('a duration is measured from the answer, else from the start, and never negative', () => {
  const of = (...bodies: unknown[]) => recordOf(bodies)
  const [started, answered, over] = [
    event('call.started', {}, at(0)),
    event('call.answered', {}, at(5)),
    ended({}, at(30)),
  ]
  expect(of(started, answered, over)).toMatchObject({
    durationSeconds: 25,
    durationSource: 'measured',
    ringSeconds: 5,
  })
  expect(of(started, over)).toMatchObject({
    durationSeconds: 30,
    durationSource: 'measured',
    ringSeconds: null,
  })
  expect(of(over)).toMatchObject({ durationSeconds: null, durationSource: null })
  expect(of(event('call.started', {}, at(40)), over)).toMatchObject({ durationSeconds: null })
  expect(of(started, ended({ callDuration: 0 }, at(30)))).toMatchObject({
    durationSeconds: 0,
    durationSource: 'reported',
  })
})

describe('origin', () => {
  const body = ended({ outcomeResult: { application_id: '12345', salary: null } })
  const started = (params: unknown) => event('call.started', { params }, at(0))

  test('it is unknown where nobody knows which params were sent', () => {
    const { outcome } = recordOf([body])
    expect(outcome).toMatchObject({ application_id: { origin: 'unknown' }, salary: { origin: 'unknown' } })
  })

  test('an echo list says it by name, and reports an identifier that did not come', () => {
    expect(recordOf([body], { echo: ['application_id', 'user_id'] }).outcome).toEqual({
      application_id: { state: 'value', value: '12345', origin: 'echoed' },
      salary: { state: 'null', value: null, origin: 'collected' },
      user_id: { state: 'absent', value: null, origin: 'echoed' },
    })
  })

  test.each([
    [{ application_id: '12345' }, 'echoed'],
    [{ application_id: 12345 }, 'echoed'],
    [{ application_id: '1234' }, 'collected'],
    [{ application_id: null }, 'collected'],
    [{ other: '12345' }, 'collected'],
  ])('params say it by value, whatever the echo list says: %j', (params, origin) => {
    expect(
      recordOf([started(params), body], { echo: ['application_id'] }).outcome['application_id'],
    ).toMatchObject({
      origin,
    })
  })

  test('what was collected is known of a call that was published here - a param of the same name and value too', () => {
    const params = { application_id: '12345', salary: '1' }
    const view = { collected: ['application_id', 'salary'] }
    expect(recordOf([started(params), body], view).outcome).toMatchObject({
      application_id: { origin: 'collected' },
      salary: { origin: 'collected' },
    })
    expect(recordOf([started(params), body], { collected: ['salary'] }).outcome).toMatchObject({
      application_id: { origin: 'echoed' },
      salary: { origin: 'collected' },
    })
  })

  test('it is known too of one that was started without params - and of a field that did not come', () => {
    const view = { collected: ['salary', 'application_id'], outcome: { properties: { startDate: {} } } }
    expect(recordOf([body], view).outcome).toEqual({
      application_id: { state: 'value', value: '12345', origin: 'collected' },
      salary: { state: 'null', value: null, origin: 'collected' },
      startDate: { state: 'absent', value: null, origin: 'collected' },
    })
  })

  test('objects are the same as JSON, in any order of keys, also as JSON in a string', () => {
    const params = { one: { a: 1, b: [2] }, two: { a: 1, b: [2] } }
    const outcomeResult = { one: { b: [2], a: 1 }, two: '{ "b": [2], "a": 1 }' }
    expect(recordOf([started(params), ended({ outcomeResult })]).outcome).toMatchObject({
      one: { origin: 'echoed' },
      two: { origin: 'echoed' },
    })
  })
})

describe('schema', () => {
  const schema = {
    properties: { age: { type: 'integer' }, city: { type: 'string' }, resolved: { type: 'boolean' } },
  }

  test('values are coerced with the raw one beside, misfits reported, absent fields shown', () => {
    const view = { outcome: schema, check: (field: string) => (field === 'city' ? 'must be shorter' : null) }
    expect(recordOf([ended({ outcomeResult: { age: '٣٥', city: 'x', free: 'y' } })], view).outcome).toEqual({
      age: { state: 'value', value: 35, raw: '٣٥', origin: 'unknown' },
      city: { state: 'value', value: 'x', origin: 'unknown', issue: 'must be shorter' },
      free: { state: 'value', value: 'y', origin: 'unknown' },
      resolved: { state: 'absent', value: null, origin: 'unknown' },
    })
  })

  test('null is never checked — that the caller did not say breaks no schema', () => {
    const check = () => 'must be integer'
    expect(
      recordOf([ended({ outcomeResult: { age: null, city: 'x' } })], { outcome: schema, check }).outcome[
        'age'
      ],
    ).toEqual({ state: 'null', value: null, origin: 'unknown' })
  })

  test('a call that has no outcome yet has its expected fields absent', () => {
    expect(recordOf([event('call.started', {}, at(0))], { outcome: schema }).outcome).toMatchObject({
      age: { state: 'absent' },
      city: { state: 'absent' },
      resolved: { state: 'absent' },
    })
  })
})

test('a field named like an object’s own is no echo of what every object has', () => {
  const outcomeResult = JSON.parse('{"__proto__":{}}') as Record<string, unknown>
  const { outcome } = recordOf([event('call.started', { params: { a: 1 } }, at(0)), ended({ outcomeResult })])
  expect(Object.getOwnPropertyDescriptor(outcome, '__proto__')?.value).toMatchObject({ origin: 'collected' })
})

test('fields named like an object’s own are fields — and pollute nothing', () => {
  const outcomeResult = JSON.parse('{"__proto__":{"polluted":1},"constructor":"c"}') as Record<
    string,
    unknown
  >
  const { outcome } = recordOf([ended({ outcomeResult })], { echo: ['__proto__', 'toString'] })
  expect(Object.keys(outcome).sort()).toEqual(['__proto__', 'constructor', 'toString'])
  expect(JSON.parse(JSON.stringify(outcome))).toEqual(outcome)
  expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
})
