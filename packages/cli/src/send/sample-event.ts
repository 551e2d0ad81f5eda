import { randomBytes } from 'node:crypto'
import { knownEventTypes, type KnownEventType } from '@hookswitch/events'

export interface EventChoice {
  /** One of the five types, or any other. */
  type: string
  callId?: string
  agentId: string
  agentName: string
  /** JSON text that replaces the whole `data` of the envelope; its keys keep their order and its numbers their digits. */
  data?: string
}

/** Params given at the start of the call; the platform repeats them in the outcome at its end. */
const params = { application_id: '12345', candidate_name: 'John Doe' }

/** The inner data of each type, as a real call might bring it. The numbers are of the range kept for fiction. */
const innerData: Record<KnownEventType, Record<string, unknown>> = {
  'call.started': {
    conversationId: 'conv-123-abc',
    direction: 'inbound',
    channelType: 'Telephone',
    userNumber: '+12025550143',
    agentNumber: '+12025550100',
    params,
  },
  'call.answered': { conversationId: 'conv-123-abc', ringDuration: 5 },
  'transcription.update': { speaker: 'User', text: 'I am calling about my application.' },
  'tool.executed': {
    toolName: 'lookup_application',
    input: { application_id: '12345' },
    output: { stage: 'interview' },
    success: true,
    duration: 412,
    error: null,
  },
  'call.ended': {
    conversationId: 'conv-123-abc',
    conversationRecording: 'https://recordings.example.com/conv-123-abc.mp3',
    callDuration: 125,
    transcription: [
      { Agent: 'Hello! How can I help you?' },
      { User: 'I am calling about my application.' },
      { Agent: 'What salary do you expect?' },
      { User: 'Eighty thousand.' },
    ],
    // The third state, a field that is absent, is shown by any field that is not here.
    outcomeResult: { ...params, expectedSalary: '80000', noticePeriod: null },
  },
}

/** An event in the documented envelope that happens now, in a call of its own unless one is named; as JSON text. */
export function sampleEvent(choice: EventChoice, nowMs: number): string {
  const timestamp = new Date(nowMs).toISOString()
  const envelope = JSON.stringify({
    eventType: choice.type,
    callId: choice.callId ?? `call_${randomBytes(6).toString('hex')}`,
    timestamp,
    projectId: 'project-123',
    agentId: choice.agentId,
    agentName: choice.agentName,
  })
  const inner = isKnown(choice.type) ? innerData[choice.type] : {}
  const data = choice.data ?? JSON.stringify({ timestamp, data: inner })
  return `${envelope.slice(0, -1)},"data":${data}}`
}

function isKnown(type: string): type is KnownEventType {
  return (knownEventTypes as readonly string[]).includes(type)
}
