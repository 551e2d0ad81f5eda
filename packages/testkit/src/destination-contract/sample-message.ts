import type { CallRecord } from '@hookswitch/events'
import type { Message, ShownEvent } from '@hookswitch/destinations'

const body = {
  eventType: 'call.ended',
  timestamp: '2026-01-15T12:02:10.000Z',
  callId: 'call_1',
  data: { agentId: 'agent-123', outcomeResult: { priority: 'urgent' }, callDuration: 125 },
}

export function sampleEvent(wanted: Partial<ShownEvent> = {}): ShownEvent {
  return {
    id: 'evt_00000000000000000000000001',
    seq: 1,
    callId: 'call_1',
    type: 'call.ended',
    occurredAt: '2026-01-15T12:02:10.000Z',
    receivedAt: '2026-01-15T12:02:10.250Z',
    source: 'hamsa',
    dialect: 'v1',
    issues: [],
    body,
    ...wanted,
  }
}

export function sampleCall(wanted: Partial<CallRecord> = {}): CallRecord {
  return {
    callId: 'call_1',
    status: 'ended',
    agentId: 'agent-123',
    agentName: 'Recruiter',
    projectId: null,
    conversationId: 'conv-1',
    sources: ['hamsa'],
    direction: 'inbound',
    channel: 'telephony',
    userNumber: '+15550100',
    agentNumber: '+15550199',
    startedAt: '2026-01-15T12:00:00.000Z',
    answeredAt: '2026-01-15T12:00:05.000Z',
    endedAt: '2026-01-15T12:02:10.000Z',
    ringSeconds: 5,
    durationSeconds: 125,
    durationSource: 'reported',
    recordingUrl: 'https://recordings.example/call_1.mp3',
    transcriptSource: 'final',
    eventCount: 3,
    firstEventAt: '2026-01-15T12:00:00.000Z',
    lastEventAt: '2026-01-15T12:02:10.000Z',
    truncated: false,
    params: null,
    transcriptText: 'Agent: Hello!\nUser: Hi.',
    transcript: [
      { speaker: 'Agent', text: 'Hello!', at: null },
      { speaker: 'User', text: 'Hi.', at: null },
    ],
    outcome: { priority: { state: 'value', value: 'urgent', origin: 'collected' } },
    tools: [],
    ...wanted,
  }
}

/** The first try of an event without a template. */
export function sampleMessage(wanted: Partial<Message> = {}): Message {
  return {
    eventId: 'evt_00000000000000000000000001',
    deliveryId: 'dlv_1',
    replayId: null,
    attempt: 1,
    event: sampleEvent(),
    body: Buffer.from(JSON.stringify(body)),
    call: sampleCall(),
    outcome: { priority: 'urgent' },
    content: undefined,
    test: false,
    ...wanted,
  }
}
