import type { Dialect, Issue } from '@hookswitch/events'

/** An event as the API and the stream show it. Times are ISO 8601 UTC. */
export interface ApiEvent {
  id: string
  seq: number
  callId: string
  type: string
  occurredAt: string | null
  receivedAt: string
  source: string
  dialect: Dialect
  issues: Issue[]
  body: Record<string, unknown>
}
