/** What the API shows of deliveries. Times are ISO 8601 UTC. */

export interface NamedDestination {
  id: string
  name: string
}

export interface ApiDestination extends NamedDestination {
  kind: string
  origin: 'config' | 'api' | 'agent'
  state:
    | { state: 'active' }
    | { state: 'held'; reason: string; since: string; until: string | null; detail: string | null }
  events: string[] | null
  scope: { sources?: string[]; agents?: string[] }
  filter: string | { function: true } | null
  template: string | { function: true } | null
  lane: string | { path: string }
  onExhausted: 'continue' | 'park'
  retry: { preset: string } | { delaysSeconds: number[] }
  limits: { concurrency: number; perSecond: number | null }
  settings: Record<string, unknown>
  secrets: string[] | null
  createdAt: string
  updatedAt: string
  lastSuccessAt: string | null
  lastFailureAt: string | null
}

export interface ApiDelivery {
  id: string
  destination: NamedDestination
  eventId: string | null
  eventType: string | null
  callId: string | null
  state: 'pending' | 'delivered' | 'filtered' | 'dead' | 'skipped'
  reason: string | null
  replay: string | null
  lane: {
    id: string
    key: string
    state: 'running' | 'parked'
    head: boolean
    nextAttemptAt: string | null
  } | null
  attempts: number
  createdAt: string
  finishedAt: string | null
}

export interface ApiAttempt {
  startedAt: string
  durationMs: number
  verdict: string
  status: number | null
  cause: string | null
  message: string | null
  request: { method: string; url: string; headers: Record<string, string>; body: string | null } | null
  response: { headers: Record<string, string>; body: string; truncated: boolean } | null
}

export interface ApiDeliveryDetail extends Omit<ApiDelivery, 'attempts'> {
  attempts: (ApiAttempt & { number: number })[]
}

export interface ApiLane {
  id: string
  destination: NamedDestination
  key: string
  state: 'running' | 'parked'
  pending: number
  head: string
  headAttempts: number
  nextAttemptAt: string | null
  parkedAt: string | null
  parkedReason: string | null
}

export interface ApiReplay {
  id: string
  destination: NamedDestination
  total: number
  made: number
  state: 'running' | 'done' | 'cancelled'
}

export interface ApiExplanation {
  eventId: string
  callId: string
  type: string
  seq: number
  folded: boolean
  destinations: { destination: NamedDestination; state: string; sentence: string }[]
}

export interface ApiAct {
  at: string
  actor: string
  action: string
  target: string
  reason: string | null
}

export type ApiRetention = Record<
  'attempts' | 'transcripts' | 'records' | 'events',
  { days: number | null; removedBefore: string | null }
>

export interface ApiEraseReport {
  calls: number
  events: number
  deliveries: number
  attempts: number
}
