import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import {
  readBody,
  readEnvelope,
  readFacts,
  type Envelope,
  type EventFacts,
  type Issue,
} from '../src/index.ts'

const folder = (name: string): URL => new URL(`../fixtures/${name}/`, import.meta.url)
const names = (name: string): string[] => readdirSync(folder(name)).map((file) => file.replace('.json', ''))

interface Expected {
  envelope: Partial<Envelope>
  /** Only what the event mentions; everything else is expected to be null, and `issues` empty. */
  facts: Partial<EventFacts>
}

const at = Date.parse('2026-05-03T09:02:10Z')
const seed = Date.parse('2024-01-15T14:35:00Z')
const hello = [{ speaker: 'Agent', text: 'Hello', at: null }]
const seedTurns = [
  { speaker: 'Agent', text: 'Hello! How can I help you?', at: null },
  { speaker: 'User', text: 'I need assistance.', at: null },
]
const seedRecording = 'https://hamsa-recordings.s3.amazonaws.com/recording.mp3'

const accepted: Record<string, Expected> = {
  'guide-curl-sample': {
    envelope: { dialect: 'v1', type: 'call.ended', callId: 'test-123', occurredAt: seed },
    facts: {
      conversationId: 'conv-test',
      transcript: { form: 'list', turns: [] },
      outcome: { application_id: '12345' },
    },
  },
  'guide-call-ended': {
    envelope: { callId: 'call_uuid_12345', occurredAt: seed },
    facts: {
      conversationId: 'conv-123-abc',
      recordingUrl: seedRecording,
      transcript: { form: 'list', turns: seedTurns },
    },
  },
  'guide-echo-pattern': {
    envelope: { occurredAt: null },
    facts: {
      outcome: {
        application_id: '12345',
        user_id: 'user-789',
        session_id: 'sess-abc-def',
        candidate_name: 'John Doe',
        company_name: 'Acme Corp',
        expectedSalary: '80000',
        noticePeriod: '2 weeks',
      },
    },
  },
  'guide-envelope-call-started': {
    envelope: { type: 'call.started' },
    facts: { agentId: 'agent-123-abc', agentName: 'Recruiter', projectId: 'project-1' },
  },
  'guide-use-cases': {
    envelope: { occurredAt: seed },
    facts: {
      durationSeconds: 125,
      recordingUrl: seedRecording,
      transcript: { form: 'list', turns: [{ speaker: 'User', text: 'Nothing works!', at: null }] },
      outcome: {
        phone: '+15550100',
        intent: 'complaint',
        sentiment_score: -0.8,
        priority: 'urgent',
        resolved: false,
        number_of_speakers: 2,
      },
    },
  },
  'documented-three-states': {
    envelope: { dialect: 'v1' },
    facts: {
      agentId: 'agent-123',
      agentName: 'Recruiter',
      projectId: 'project-1',
      conversationId: 'conv-123-abc',
      recordingUrl: seedRecording,
      transcript: { form: 'list', turns: seedTurns },
      outcome: {
        application_id: '12345',
        expectedSalary: '80000',
        noticePeriod: null,
        comment: '',
        children: 0,
        relocates: false,
      },
    },
  },
  'emulator-call-started': {
    envelope: { type: 'call.started', occurredAt: Date.parse('2026-05-03T09:00:00Z') },
    facts: { params: { application_id: '12345', user_id: 'user-789' } },
  },
  'emulator-call-answered': { envelope: { type: 'call.answered' }, facts: { ringSeconds: 5 } },
  'emulator-transcription-delta': {
    envelope: { type: 'transcription.update' },
    facts: { transcript: { form: 'delta', turns: [{ speaker: 'User', text: 'أريد موعدا', at: null }] } },
  },
  'emulator-tool-executed': {
    envelope: { type: 'tool.executed' },
    facts: {
      tool: {
        name: 'lookup',
        input: { id: 7 },
        output: null,
        success: true,
        error: null,
        durationMs: 412,
        at: Date.parse('2026-05-03T09:00:20Z'),
      },
    },
  },
  'emulator-call-ended': {
    envelope: { occurredAt: at },
    facts: {
      conversationId: 'conv-1',
      channel: 'phone',
      startedAt: Date.parse('2026-05-03T09:00:00Z'),
      endedAt: at,
      durationSeconds: 125.4,
      transcript: {
        form: 'list',
        turns: [
          { speaker: 'Agent', text: 'مرحبا', at: null },
          { speaker: 'User', text: 'أريد موعدا', at: null },
        ],
      },
      outcome: { booked: true },
    },
  },
  'simulator-transcription-cumulative': {
    envelope: { occurredAt: null },
    facts: {
      conversationId: 'conv-9',
      transcript: {
        form: 'list',
        turns: [
          ...hello,
          { speaker: 'User', text: 'Hi', at: null },
          { speaker: 'Agent', text: 'How can I help?', at: null },
        ],
      },
    },
  },
  'legacy-call-end': {
    envelope: { dialect: 'legacy', type: 'call.ended', callId: 'call_legacy', occurredAt: null },
    facts: {
      agentId: 'agent-5',
      conversationId: 'conv-legacy',
      channel: 'TELEPHONE',
      startedAt: 1760000000500,
      endedAt: 1760000125000,
      recordingUrl: 'https://recordings.example.com/a.mp3',
      transcript: { form: 'list', turns: [...hello, { speaker: 'User', text: 'Hi', at: 1760000012000 }] },
      outcome: { call_outcome: 'booked' },
    },
  },
  'legacy-seconds-only': {
    envelope: { dialect: 'legacy', callId: 'call_legacy_2' },
    facts: { direction: 'inbound', startedAt: 1760000000000, transcript: { form: 'list', turns: [] } },
  },
  'placement-data': {
    envelope: { occurredAt: at },
    facts: { conversationId: 'conv-p', transcript: { form: 'list', turns: hello }, outcome: { a: 1 } },
  },
  'placement-top-level': {
    envelope: { occurredAt: at },
    facts: {
      conversationId: 'conv-p',
      recordingUrl: 'https://recordings.example.com/p.mp3',
      transcript: { form: 'list', turns: hello },
      outcome: { a: 1 },
    },
  },
  'conversation-api': {
    envelope: { callId: 'call_api' },
    facts: {
      agentId: 'agent-7',
      channel: 'TELEPHONE',
      userNumber: '+966500000000',
      agentNumber: '+966110000000',
      durationSeconds: 125,
      recordingUrl: 'https://recordings.example.com/m.mp3',
      transcript: { form: 'list', turns: [...hello, { speaker: 'User', text: 'Hi', at: null }] },
      outcome: { resolved: null },
    },
  },
  'system-variables': {
    envelope: { callId: 'call_a1b2c3' },
    facts: {
      agentId: 'agent-8',
      agentName: 'Front desk',
      direction: 'inbound',
      channel: 'voice',
      userNumber: '+1 (555) 123-4567',
      agentNumber: '+15550100',
      startedAt: Date.parse('2026-05-03T09:00:00Z'),
    },
  },
  'numbers-from-and-to': {
    envelope: {},
    facts: {
      direction: 'outbound',
      userNumber: '+966500000000',
      agentNumber: '+966110000000',
      params: { application_id: '1' },
    },
  },
  'numbers-without-direction': {
    envelope: {},
    facts: {
      issues: [
        {
          path: '',
          message: 'has numbers from and to without a direction, so neither is known to be the user',
        },
      ],
    },
  },
  'outcome-as-json-text': {
    envelope: {},
    facts: {
      outcome: { skills: '["sql","go"]', salary: null },
      issues: [
        { path: 'data.data.outcomeResult', message: 'is JSON in a string, taken as the object in it' },
      ],
    },
  },
  'outcome-arabic': {
    envelope: {},
    facts: { outcome: { phone: '٠٥٠٩٨٧٦٥٤٣', age: '٣٥', married: 'نعم', smoker: 'لا', children: '۲' } },
  },
  'wrong-types': {
    envelope: { occurredAt: at },
    facts: {
      agentId: '77',
      durationSeconds: 67,
      transcript: { form: 'list', turns: hello },
      issues: [
        { path: 'data.data.duration', message: 'is a string, taken as a number' },
        { path: 'agentId', message: 'is a number, taken as text' },
        { path: 'data.data.outcomeResult', message: 'is an array, expected an object' },
        { path: 'data.data.transcription[2]', message: 'is null, expected a turn' },
        { path: 'data.data.transcription[3]', message: 'is a number, expected a turn' },
        { path: 'data.data.transcription[4]', message: 'has no speaker with a text' },
      ],
    },
  },
  'nonsense-everywhere': {
    envelope: {
      occurredAt: null,
      issues: [
        {
          path: 'data.timestamp',
          message: 'is outside the years 1990 to 2100, in seconds as in milliseconds',
        },
        { path: 'timestamp', message: 'is not a time, expected ISO 8601' },
      ],
    },
    facts: {
      transcript: { form: 'list', turns: [] },
      issues: [
        { path: 'data.data.direction', message: 'is an object, expected a string' },
        { path: 'data.data.conversationRecording', message: 'is not a URL' },
        { path: 'data.data.callStartedAt', message: 'is not a time, expected ISO 8601' },
        { path: 'data.data.callDuration', message: 'is negative or out of range' },
        { path: 'agentId', message: 'is an object, expected a string' },
        { path: 'agentName', message: 'is an array, expected a string' },
        { path: 'projectId', message: 'is a boolean, expected a string' },
        { path: 'data.data.outcomeResult', message: 'is a string, expected an object' },
        { path: 'data.data.transcription', message: 'has no speaker with a text' },
      ],
    },
  },
  'turns-role-and-content': {
    envelope: {},
    facts: {
      transcript: {
        form: 'list',
        turns: [
          ...hello,
          { speaker: 'User', text: 'Hi', at: null },
          { speaker: 'Supervisor', text: 'I take over.', at: Date.parse('2026-05-03T09:01:00Z') },
          { speaker: 'User', text: 'Thanks', at: 1760000012000 },
        ],
      },
    },
  },
  'turns-as-text': {
    envelope: {},
    facts: {
      transcript: { form: 'list', turns: [...hello, { speaker: 'User', text: 'Hi: there', at: null }] },
      issues: [{ path: 'data.data.transcript', message: 'is a string, taken as one turn a line' }],
    },
  },
  'tool-nested': {
    envelope: { occurredAt: 1760000020000 },
    facts: {
      tool: {
        name: 'transfer',
        input: '{"to":"sales"}',
        output: 'no answer',
        success: false,
        error: 'no answer',
        durationMs: 1500.5,
        at: 1760000020000,
      },
      issues: [{ path: 'data.tool.success', message: 'is a string, taken as a boolean' }],
    },
  },
  'times-iso-without-zone': {
    envelope: {
      occurredAt: Date.parse('2024-01-15T14:35:00.123Z'),
      issues: [{ path: 'timestamp', message: 'has no time zone, taken as UTC' }],
    },
    facts: {},
  },
  'times-seconds-as-text': { envelope: { occurredAt: 1760000000500 }, facts: {} },
  'times-with-offset': { envelope: { occurredAt: Date.parse('2024-01-15T11:35:00Z') }, facts: {} },
  'call-id-number': {
    envelope: { callId: '12345', issues: [{ path: 'callId', message: 'is a number, taken as text' }] },
    facts: {},
  },
  'data-is-text': {
    envelope: { callId: 'call_d' },
    facts: { issues: [{ path: 'data', message: 'is a string, expected an object' }] },
  },
  'unknown-type': { envelope: { type: 'call.analyzed', occurredAt: at }, facts: {} },
  'prototype-names': {
    envelope: { callId: '__proto__' },
    facts: {
      outcome: JSON.parse('{"__proto__":"polluted","constructor":null,"toString":"t"}') as Record<
        string,
        unknown
      >,
    },
  },
}

const missing = [
  { path: 'eventType', message: 'is missing' },
  { path: 'callId', message: 'is missing' },
]

const refused: Record<string, Issue[]> = {
  'guide-echo-pattern-without-call': [{ path: 'callId', message: 'is missing' }],
  'nothing-known': missing,
  'peer-vapi': missing,
  'peer-retell': missing,
  'peer-elevenlabs': missing,
  'legacy-without-call': [{ path: 'caller_info.call_id', message: 'is missing' }],
  'empty-names': [
    { path: 'eventType', message: 'is empty' },
    { path: 'callId', message: 'is empty' },
  ],
  'call-id-object': [{ path: 'callId', message: 'is an object, expected a string' }],
  'call-id-control-character': [{ path: 'callId', message: 'has a control character at offset 1' }],
  'call-id-lone-surrogate': [
    { path: 'callId', message: 'has half of a surrogate pair, expected well-formed Unicode' },
  ],
  'call-id-too-long': [{ path: 'callId', message: 'has 201 characters, at most 200 are allowed' }],
  'type-not-ascii': [
    { path: 'eventType', message: 'has a character that is not printable ASCII, at offset 0' },
  ],
  'type-too-long': [{ path: 'eventType', message: 'has 101 characters, at most 100 are allowed' }],
}

function read(kind: string, name: string) {
  const reading = readBody(readFileSync(new URL(`${name}.json`, folder(kind))))
  if (!reading.ok) throw new Error(JSON.stringify(reading.issues))
  return reading.value
}

test('every fixture has its expectation, and every expectation its fixture', () => {
  expect(names('accepted').sort()).toEqual(Object.keys(accepted).sort())
  expect(names('refused').sort()).toEqual(Object.keys(refused).sort())
})

describe('accepted', () => {
  test.each(Object.entries(accepted))('%s', (name, expected) => {
    const value = read('accepted', name)
    const before = JSON.stringify(value)
    const reading = readEnvelope(value)
    if (!reading.ok) throw new Error(JSON.stringify(reading.issues))
    expect(reading.envelope).toMatchObject({ issues: [], ...expected.envelope })
    const { issues, ...facts } = readFacts(reading.envelope, value)
    const { issues: expectedIssues = [], ...mentioned } = expected.facts
    expect(issues).toEqual(expectedIssues)
    expect(Object.fromEntries(Object.entries(facts).filter(([, fact]) => fact !== null))).toEqual(mentioned)
    expect(JSON.stringify(value), 'reading changes nothing').toBe(before)
  })
})

describe('refused, with all reasons in the sender’s own names', () => {
  test.each(Object.entries(refused))('%s', (name, issues) => {
    expect(readEnvelope(read('refused', name))).toEqual({ ok: false, issues })
  })
})
