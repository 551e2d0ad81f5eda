import type { EventInput } from '../src/index.ts'

/** The params of the guide's echo pattern. */
const params = {
  application_id: '12345',
  user_id: 'user-789',
  session_id: 'sess-abc-def',
  candidate_name: 'John Doe',
  company_name: 'Acme Corp',
}

export const recording = 'https://recordings.example.com/call_1.mp3'

/** A call with each of the five documented types, one second apart. */
export function sampleCall(callId = 'call_1'): EventInput[] {
  const startedAt = Date.UTC(2026, 0, 31, 12)
  const events: Pick<EventInput, 'eventType' | 'data'>[] = [
    { eventType: 'call.started' },
    { eventType: 'call.answered', data: { ringDuration: 4 } },
    { eventType: 'transcription.update', data: { speaker: 'Agent', text: 'مرحبا! How can I help you?' } },
    {
      eventType: 'tool.executed',
      data: {
        toolName: 'lookup',
        input: { id: '12345' },
        output: { found: true },
        success: true,
        duration: 120,
      },
    },
    {
      eventType: 'call.ended',
      data: {
        conversationRecording: recording,
        transcription: [{ Agent: 'مرحبا! How can I help you?' }, { User: 'I need assistance.' }],
        outcomeResult: { expectedSalary: '80000', noticePeriod: null, number_of_speakers: 2 },
      },
    },
  ]
  return events.map((event, at) => ({
    ...event,
    callId,
    at: startedAt + at * 1_000,
    projectId: 'project-1',
    agentId: 'agent-123-abc',
    agentName: 'Recruiter',
    params,
    call: { conversationId: 'conv-123-abc', direction: 'outbound', userNumber: '+12025550143' },
  }))
}
