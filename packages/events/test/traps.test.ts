// The contradictions and traps of the platform's own guide. Those that only a server can fall into (the timeout that
// does not cancel, the 500 of a full queue, the payloads in logs, the client libraries) are tested there.
import { expect, test } from 'vitest'
import {
  acceptedBody,
  canonicalContent,
  duplicateBody,
  ingestAnswers,
  normalizeSecret,
  readBody,
  secretCandidates,
} from '../src/index.ts'
import { ended, event, eventOf, recordOf } from './events-of.ts'

const utf8 = (body: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(body))

function contentOf(body: unknown): string | null {
  const reading = readBody(utf8(body))
  return reading.ok ? canonicalContent(reading.value, reading.text) : null
}

test('trap 1: the guide compares the whole header — the secret is the same with and without `Bearer ` on either side', () => {
  for (const configured of [
    'your_secret_token',
    'Bearer your_secret_token',
    ' bearer  your_secret_token\n',
  ]) {
    for (const sent of ['Bearer your_secret_token', 'your_secret_token', 'bearer Bearer your_secret_token']) {
      expect(secretCandidates(sent)).toContain(normalizeSecret(configured))
    }
  }
})

test('trap 3: idempotency by callId alone — two events of one call differ in type, time and content', () => {
  const [started, over] = [event('call.started', {}, '2026-05-03T09:00:00Z'), ended({})]
  expect(eventOf(started).envelope).not.toEqual(eventOf(over).envelope)
  expect(contentOf(started)).not.toBe(contentOf(over))
})

test('trap 3: idempotency by the millisecond — two updates of the same instant differ in content, and both stay', () => {
  const at = '2026-05-03T09:00:10.000Z'
  const updates = ['one', 'two'].map((text) => event('transcription.update', { speaker: 'User', text }, at))
  expect(contentOf(updates[0])).not.toBe(contentOf(updates[1]))
  expect(recordOf(updates).transcriptText).toBe('User: one\nUser: two')
})

test('trap 5: 200 even on errors — only what is stored is answered with 200, and what is not with 503', () => {
  expect(acceptedBody('evt_1')).toBe('{"received":true,"id":"evt_1"}')
  expect(duplicateBody('evt_1')).toBe('{"received":true,"duplicate":true,"id":"evt_1"}')
  expect(ingestAnswers.unavailable).toMatchObject({ status: 503, headers: { 'retry-after': '2' } })
})

test('trap 7: `|| null` — "", 0 and false are values, null is that the caller did not say', () => {
  const { outcome } = recordOf([
    ended({ outcomeResult: { comment: '', children: 0, relocates: false, notice: null } }),
  ])
  expect(outcome).toEqual({
    comment: { state: 'value', value: '', origin: 'unknown' },
    children: { state: 'value', value: 0, origin: 'unknown' },
    relocates: { state: 'value', value: false, origin: 'unknown' },
    notice: { state: 'null', value: null, origin: 'unknown' },
  })
})

test('trap 8: `!outcome.resolved` — a field that no schema knows is not there, one that did not come is absent', () => {
  const body = ended({ outcomeResult: { priority: 'normal' } })
  expect(Object.hasOwn(recordOf([body]).outcome, 'resolved')).toBe(false)
  const withSchema = recordOf([body], { outcome: { properties: { resolved: { type: 'boolean' } } } })
  expect(withSchema.outcome['resolved']).toEqual({ state: 'absent', value: null, origin: 'unknown' })
})

test('trap 9: Object.values(turn)[0] — the speaker stays, and metadata before the text is not the text', () => {
  const transcription = [
    { metadata: { created_at: 1760000012 }, User: 'Hi' },
    { Agent: 'Hello', metadata: {} },
  ]
  expect(recordOf([ended({ transcription })]).transcriptText).toBe('User: Hi\nAgent: Hello')
})

test('trap 10: callDuration — read where it comes, measured where it does not, and the record says which', () => {
  const started = event('call.started', {}, '2026-05-03T09:00:00Z')
  expect(recordOf([started, ended({ callDuration: 125 })])).toMatchObject({
    durationSeconds: 125,
    durationSource: 'reported',
  })
  expect(recordOf([started, ended({})])).toMatchObject({ durationSeconds: 130, durationSource: 'measured' })
  expect(recordOf([ended({})])).toMatchObject({ durationSeconds: null, durationSource: null })
})

test('trap 11: the cURL sample has hardly anything — the type and the call id are enough', () => {
  expect(recordOf([{ eventType: 'call.ended', callId: 'test-123' }])).toMatchObject({
    callId: 'test-123',
    status: 'ended',
    endedAt: null,
    transcriptSource: 'none',
    outcome: {},
  })
})

test('trap 12: payloads in logs — no issue quotes what it is about', () => {
  const secret = 'secret-4711'
  const body = ended({
    conversationRecording: secret,
    callStartedAt: secret,
    callDuration: secret,
    outcomeResult: secret,
    transcription: [{ speaker: 4711, [`x${secret}`]: {} }],
  })
  const { envelope, facts } = eventOf({ ...body, timestamp: secret })
  expect(facts.issues.length).toBeGreaterThanOrEqual(5)
  expect(JSON.stringify([envelope.issues, facts.issues])).not.toContain('4711')
  for (const text of [`{"a": ${secret}}`, `{"a": "${secret}`, `"${secret}"`]) {
    const reading = readBody(new TextEncoder().encode(text))
    expect(reading.ok).toBe(false)
    expect(JSON.stringify(reading)).not.toContain('4711')
  }
})

test('trap 14: `agentId` at the start, `voiceAgentId` in the API — both are the agent', () => {
  expect(recordOf([{ ...ended({}), agentId: 'agent-1' }]).agentId).toBe('agent-1')
  expect(recordOf([ended({ voiceAgentId: 'agent-1' })]).agentId).toBe('agent-1')
})

test('trap 15: a param and a collected field of one name — the same value is an echo, another one was collected', () => {
  const params = { application_id: '12345', city: 'Amman', age: 35, missing: 'x' }
  const outcomeResult = { application_id: '12345', city: 'Irbid', age: '35', salary: null }
  const { outcome } = recordOf([
    event('call.started', { params }, '2026-05-03T09:00:00Z'),
    ended({ outcomeResult }),
  ])
  expect(outcome).toEqual({
    application_id: { state: 'value', value: '12345', origin: 'echoed' },
    city: { state: 'value', value: 'Irbid', origin: 'collected' },
    age: { state: 'value', value: '35', origin: 'echoed' },
    salary: { state: 'null', value: null, origin: 'collected' },
    missing: { state: 'absent', value: null, origin: 'echoed' },
  })
})
