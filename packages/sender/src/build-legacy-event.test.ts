import { readBody, readEnvelope, readFacts, type EventFacts } from '@hookswitch/events'
import { expect, test } from 'vitest'
import { buildEvent, type EventInput } from './build-event.ts'
import { buildLegacyEvent } from './build-legacy-event.ts'

const at = Date.UTC(2026, 0, 31, 12)

const input = (eventType: string, more: Partial<EventInput> = {}): EventInput => ({
  eventType,
  callId: 'call_1',
  at,
  projectId: 'project-1',
  agentId: 'agent-123',
  agentName: 'Recruiter',
  call: { conversationId: 'conv-1' },
  ...more,
})

function factsOf(built: { body: Uint8Array }): {
  dialect: string
  type: string
  callId: string
  facts: EventFacts
} {
  const body = readBody(built.body)
  const reading = body.ok ? readEnvelope(body.value) : body
  if (!body.ok || !reading.ok) throw new Error('the event is refused')
  const { dialect, type, callId } = reading.envelope
  return { dialect, type, callId, facts: readFacts(reading.envelope, body.value) }
}

test('the end of a call has the form that was seen', () => {
  const callStartedAt = at - 125_500
  const recording = 'https://recordings.example.com/1.mp3'
  const { event, collisions } = buildLegacyEvent(
    input('call.ended', {
      params: { application_id: '12345' },
      data: {
        callStartedAt,
        conversationRecording: recording,
        transcription: [{ Agent: 'Hello' }],
        outcomeResult: { application_id: '6', resolved: true },
      },
    }),
  )
  expect(event).toEqual({
    event_type: 'call_end',
    caller_info: {
      call_id: 'call_1',
      agent_id: 'agent-123',
      call_type: 'voice',
      call_start_time: Math.floor(callStartedAt / 1_000),
      recording_url: recording,
      conversationId: 'conv-1',
    },
    data: {
      conversationId: 'conv-1',
      conversationRecording: recording,
      recordingUrl: recording,
      transcription: [{ Agent: 'Hello' }],
      outcomeResult: { application_id: '6', resolved: true },
      callStartedAt,
      callEndedAt: at,
    },
  })
  expect(collisions).toEqual(['application_id'])
})

test('a receiver reads the same of it as of the documented form, but for the name and the project - and the conversation is in each event', () => {
  const events: Pick<EventInput, 'eventType' | 'data'>[] = [
    { eventType: 'call.started' },
    { eventType: 'call.answered', data: { ringDuration: 4 } },
    { eventType: 'transcription.update', data: { speaker: 'User', text: 'Hi' } },
    { eventType: 'tool.executed', data: { toolName: 'lookup', input: {}, output: 1, success: true } },
    { eventType: 'call.ended', data: { outcomeResult: { resolved: null } } },
  ]
  for (const { eventType, data = {} } of events) {
    const given = input(eventType, { data, params: { application_id: '12345' } })
    const [legacy, documented] = [factsOf(buildLegacyEvent(given)), factsOf(buildEvent(given))]
    expect(legacy).toMatchObject({ dialect: 'legacy', type: eventType, callId: 'call_1' })
    const { agentName: _name, projectId: _project, ...same } = documented.facts
    const more =
      eventType === 'call.ended' ? { endedAt: at } : eventType === 'call.started' ? { startedAt: at } : {}
    expect(legacy.facts, eventType).toMatchObject({
      ...same,
      conversationId: 'conv-1',
      channel: 'voice',
      ...more,
    })
  }
})

test('a type of one’s own keeps its name', () => {
  expect(buildLegacyEvent(input('call.scored')).event).toMatchObject({ event_type: 'call.scored' })
})

test('what no receiver could read is refused', () => {
  expect(() => buildLegacyEvent(input('call.ended', { callId: '' }))).toThrow('caller_info.call_id is empty')
  expect(() => buildLegacyEvent(input('call.ended', { at: 5 }))).toThrow(
    'at is 5, expected Unix milliseconds',
  )
})
