import { randomBytes } from 'node:crypto'
import { buildEvent, sampleData } from '@hookswitch/sender'

export interface EventChoice {
  /** One of the five types, or any other. */
  type: string
  callId?: string
  agentId: string
  agentName: string
  /** JSON text that replaces the whole `data` of the envelope; its keys keep their order and its numbers their digits. */
  data?: string
}

/** An event in the documented envelope that happens now, in a call of its own unless one is named; as JSON text. */
export function sampleEvent(choice: EventChoice, nowMs: number): string {
  const { event } = buildEvent({
    eventType: choice.type,
    callId: choice.callId ?? `call_${randomBytes(6).toString('hex')}`,
    at: nowMs,
    projectId: 'project-123',
    agentId: choice.agentId,
    agentName: choice.agentName,
    ...sampleData(choice.type),
  })
  if (choice.data === undefined) return JSON.stringify(event)
  const { data: _, ...envelope } = event
  return `${JSON.stringify(envelope).slice(0, -1)},"data":${choice.data}}`
}
