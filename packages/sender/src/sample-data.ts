import type { KnownEventType } from '@hookswitch/events'
import type { EventInput } from './build-event.ts'

/** What an event says of a call that might have been; the numbers are of the range that is kept for fiction. */
export type SampleData = Required<Pick<EventInput, 'data' | 'params' | 'call'>>

const params = { application_id: '12345', candidate_name: 'John Doe' }

const call = {
  conversationId: 'conv-123-abc',
  direction: 'inbound',
  userNumber: '+12025550143',
  agentNumber: '+12025550100',
}

const data: Record<KnownEventType, Record<string, unknown>> = {
  'call.started': { channelType: 'Telephone' },
  'call.answered': { conversationId: call.conversationId, ringDuration: 5 },
  'transcription.update': { speaker: 'User', text: 'I am calling about my application.' },
  'tool.executed': {
    toolName: 'lookup_application',
    input: { application_id: params.application_id },
    output: { stage: 'interview' },
    success: true,
    duration: 412,
    error: null,
  },
  'call.ended': {
    conversationRecording: 'https://recordings.example.com/conv-123-abc.mp3',
    callDuration: 125,
    transcription: [
      { Agent: 'Hello! How can I help you?' },
      { User: 'I am calling about my application.' },
      { Agent: 'What salary do you expect?' },
      { User: 'Eighty thousand.' },
    ],
    // The third state, a field that is absent, is shown by any field that is not here.
    outcomeResult: { expectedSalary: '80000', noticePeriod: null },
  },
}

/** Believable data of an event, to try a receiver out; of another type than the five documented ones no data. */
export function sampleData(eventType: string): SampleData {
  return { params, call, data: Object.hasOwn(data, eventType) ? data[eventType as KnownEventType] : {} }
}
