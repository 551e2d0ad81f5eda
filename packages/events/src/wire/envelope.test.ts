import { expect, test } from 'vitest'
import { readEnvelope } from './envelope.ts'

const read = (value: unknown) => readEnvelope(value as Record<string, unknown>)

test.each([
  ['call_start', 'call.started'],
  ['call_started', 'call.started'],
  ['call_answered', 'call.answered'],
  ['transcription_update', 'transcription.update'],
  ['tool_executed', 'tool.executed'],
  ['call_end', 'call.ended'],
  ['call_ended', 'call.ended'],
  ['call.ended', 'call.ended'],
  ['call.analyzed', 'call.analyzed'],
  ['constructor', 'constructor'],
])('type %s is %s — in either dialect', (sent, type) => {
  expect(read({ eventType: sent, callId: 'c' })).toMatchObject({ envelope: { dialect: 'v1', type } })
  expect(read({ event_type: sent, caller_info: { call_id: 'c' } })).toMatchObject({
    envelope: { dialect: 'legacy', type, callId: 'c' },
  })
})

test.each([
  [{ eventType: 'x', call_id: 'c' }],
  [{ eventType: 'x', caller_info: { call_id: 'c' } }],
  [{ event_type: 'x', call_id: 'c' }],
  [{ event_type: 'x', callId: 'c' }],
])('the call id is found where the other dialect has it: %j', (body) => {
  expect(read(body)).toMatchObject({ ok: true, envelope: { callId: 'c' } })
})

test('a legacy body is refused in its own names — its sender knows no eventType', () => {
  expect(read({ event_type: 7, caller_info: { call_id: null } })).toEqual({
    ok: false,
    issues: [
      { path: 'event_type', message: 'is a number, expected a string' },
      { path: 'caller_info.call_id', message: 'is null, expected a string' },
    ],
  })
  expect(read({ caller_info: {} })).toMatchObject({
    issues: [{ path: 'event_type' }, { path: 'caller_info.call_id' }],
  })
})

test('a call id has 1 to 200 characters, counted as people count — an emoji is one', () => {
  expect(read({ eventType: 'x', callId: '😀'.repeat(200) })).toMatchObject({ ok: true })
  expect(read({ eventType: 'x', callId: '😀'.repeat(201) })).toMatchObject({
    issues: [{ message: 'has 201 characters, at most 200 are allowed' }],
  })
})

test.each(['\0', '\n', '\u001f', '\u007f', '\u0080', '\u009f'])(
  'a call id with %j is refused',
  (character) => {
    expect(read({ eventType: 'x', callId: `a${character}` })).toMatchObject({ ok: false })
  },
)

test('a number for a call id becomes its text, and what JSON numbers lose is said', () => {
  expect(read({ eventType: 'x', callId: 1.5 })).toMatchObject({ envelope: { callId: '1.5' } })
  expect(read(JSON.parse('{"eventType":"x","callId":12345678901234567890}'))).toMatchObject({
    ok: false,
    issues: [{ path: 'callId', message: expect.stringContaining('beyond 2^53') as string }],
  })
  expect(read(JSON.parse('{"eventType":"x","callId":1e999}'))).toMatchObject({ ok: false })
})

test('a type has 1 to 100 printable ASCII characters', () => {
  expect(read({ eventType: `${'x'.repeat(98)} ~`, callId: 'c' })).toMatchObject({ ok: true })
  for (const eventType of ['a\tb', 'caf\u00e9', '\u007f', [], true, null]) {
    expect(read({ eventType, callId: 'c' })).toMatchObject({ ok: false, issues: [{ path: 'eventType' }] })
  }
})

test('data.timestamp wins, and an unusable one leaves the word to the outer timestamp', () => {
  const body = { eventType: 'x', callId: 'c', timestamp: '2024-01-15T14:35:00Z' }
  const outer = Date.parse(body.timestamp)
  expect(read({ ...body, data: { timestamp: '2024-01-15T14:34:00Z' } })).toMatchObject({
    envelope: { occurredAt: outer - 60_000, issues: [] },
  })
  expect(read({ ...body, data: { timestamp: 'now' } })).toMatchObject({
    envelope: { occurredAt: outer, issues: [{ path: 'data.timestamp' }] },
  })
  expect(read({ ...body, data: [] })).toMatchObject({ envelope: { occurredAt: outer, issues: [] } })
})
