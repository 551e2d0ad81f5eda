import { describe, expect, test } from 'vitest'
import { event, eventOf } from '../../test/events-of.ts'
import type { EventFacts } from '../event.ts'

const timestamp = '2026-05-03T09:00:00Z'
const factsOf = (type: string, data: Record<string, unknown>): EventFacts =>
  eventOf(event(type, data, timestamp)).facts

describe('placement', () => {
  const bodies: [string, Record<string, unknown>][] = [
    [
      'call.started',
      { params: { a: 1 }, direction: 'inbound', from: '+1', to: '+2', call: { channel: 'web' } },
    ],
    [
      'call.answered',
      { ring_duration: 5, connectedAt: '2026-05-03T09:00:05Z', metadata: { user_number: '+1' } },
    ],
    ['transcription.update', { speaker: 'user', text: 'Hi', metadata: { created_at: 1760000012 } }],
    ['transcription.update', { transcription: [{ Agent: 'a' }, { User: 'b' }], conversationId: 'conv-1' }],
    ['transcription.update', { role: 'assistant', content: 'Hello' }],
    ['transcription.update', { Agent: 'Hello' }],
    [
      'tool.executed',
      { tool: 'lookup', args: { a: 1 }, response: [1], success: false, error: 'no', durationMs: 3 },
    ],
    [
      'call.ended',
      { outcome: { a: 1 }, duration: 67, recording_url: 'https://example.com/1.mp3', transcript: 'User: Hi' },
    ],
    [
      'call.ended',
      {
        jobResponse: { transcription: [{ user: 'Hi' }], outcomeResult: { a: null } },
        callParams: { userNumber: '+1' },
      },
    ],
  ]

  test.each(bodies)('%s says the same in data.data, in data, and at the top: %j', (eventType, data) => {
    const head = { eventType, callId: 'call_1', timestamp }
    const [inner, outer, top] = [
      { ...head, data: { timestamp, data } },
      { ...head, data: { timestamp, ...data } },
      { ...head, ...data },
    ].map((body) => ({ ...eventOf(body).facts, issues: [] }))
    expect(outer).toEqual(inner)
    expect(top).toEqual(inner)
    expect(Object.values(inner ?? {}).filter((fact) => fact !== null).length).toBeGreaterThan(1)
  })

  test('the innermost value wins, but "" and null do not hide one further out', () => {
    const body = {
      ...event('call.ended', { agentId: 'inner', agentName: '', projectId: null }, timestamp),
      agentId: 'outer',
      agentName: 'outer',
      projectId: 'outer',
    }
    expect(eventOf(body).facts).toMatchObject({
      agentId: 'inner',
      agentName: 'outer',
      projectId: 'outer',
      issues: [],
    })
  })
})

describe('names that mean something else in other events', () => {
  test('the duration of a tool is not that of the call', () => {
    const facts = factsOf('tool.executed', {
      toolName: 'x',
      duration: 412,
      startedAt: timestamp,
      params: { a: 1 },
    })
    expect(facts).toMatchObject({
      durationSeconds: null,
      startedAt: null,
      params: null,
      tool: { durationMs: 412, input: { a: 1 } },
    })
  })

  test('the duration in call.answered is not that of the call', () => {
    expect(factsOf('call.answered', { duration: 5 }).durationSeconds).toBeNull()
  })

  test('the start of an utterance is not that of the call', () => {
    const facts = factsOf('transcription.update', {
      speaker: 'User',
      text: 'x',
      startTime: timestamp,
      channel: 'left',
    })
    expect(facts).toMatchObject({ startedAt: null, channel: null })
  })

  test('call_type is a direction where it says one, else the channel', () => {
    expect(factsOf('call.started', { call_type: 'Outbound' })).toMatchObject({
      direction: 'Outbound',
      channel: null,
    })
    expect(factsOf('call.started', { call_type: 'voice' })).toMatchObject({
      direction: null,
      channel: 'voice',
    })
    expect(factsOf('call.started', { call_type: 'voice', channelType: 'Web' }).channel).toBe('Web')
  })
})

test.each([
  [{ callDuration: 125 }, 125],
  [{ call_duration: '67' }, 67],
  [{ callDurationMs: 125_500 }, 125.5],
  [{ duration_ms: 125_500 }, 125.5],
  [{ durationSeconds: 0 }, 0],
  [{ duration: 'PT5S' }, null],
  [{ duration: true }, null],
])('duration %j is %j seconds', (data, seconds) => {
  expect(factsOf('call.ended', data).durationSeconds).toBe(seconds)
})

test.each([
  [{ ringDuration: 5 }, 5],
  [{ ring_time: 5 }, 5],
  [{ ringDurationMs: 5250 }, 5.25],
])('ring time %j is %j seconds', (data, seconds) => {
  expect(factsOf('call.answered', data).ringSeconds).toBe(seconds)
})

test('from and to are sides of the call — with a direction they are the user and the agent', () => {
  const numbers = { fromNumber: '+1', toNumber: '+2' }
  expect(factsOf('call.started', { ...numbers, direction: 'INBOUND' })).toMatchObject({
    userNumber: '+1',
    agentNumber: '+2',
  })
  expect(factsOf('call.started', { ...numbers, direction: 'outbound' })).toMatchObject({
    userNumber: '+2',
    agentNumber: '+1',
  })
  expect(factsOf('call.started', numbers)).toMatchObject({ userNumber: null, agentNumber: null })
})

test('text that no database keeps is made harmless, and text that is no name is left out', () => {
  expect(
    factsOf('call.started', { agentName: 'a\0b', agentId: 'x'.repeat(1001), conversationId: '\ud800' }),
  ).toMatchObject({
    agentName: 'a\uFFFDb',
    agentId: null,
    conversationId: '\uFFFD',
    issues: [
      { path: 'data.data.agentId', message: 'has 1001 characters, left out over 1000' },
      { path: 'data.data.agentName' },
      { path: 'data.data.conversationId' },
    ],
  })
})

test('issues are few, however odd the body', () => {
  const transcription = Array.from({ length: 1000 }, () => 7)
  expect(factsOf('call.ended', { transcription }).issues).toHaveLength(20)
})

test('a turn object with both speakers is two turns, one with a single other name is that speaker', () => {
  const transcription = [
    { Agent: 'a', User: 'b' },
    { Supervisor: 'c', id: 'x' },
    { text: 'd' },
    'User: e',
    { Agent: 7 },
  ]
  const { transcript } = factsOf('call.ended', { transcription })
  expect(transcript?.turns.map(({ speaker, text }) => `${speaker}: ${text}`)).toEqual([
    'Agent: a',
    'User: b',
    'Supervisor: c',
    'Unknown: d',
    'User: e',
    'Agent: 7',
  ])
})

test('a tool without a name is a run all the same, an event without any sign of one is not', () => {
  expect(factsOf('tool.executed', { input: {} })).toMatchObject({
    tool: { name: 'unknown' },
    issues: [{ message: 'is missing' }],
  })
  expect(factsOf('tool.executed', {})).toMatchObject({
    tool: null,
    issues: [{ path: 'data', message: 'names no tool' }],
  })
})
