import type { ApiAttempt, ApiDestination, NamedDestination } from '../api/delivery-shapes.ts'

/** What the API shows of agents and of the calls that are started for them. Times are ISO 8601 UTC. */

export interface ApiAgent {
  id: string
  name: string
  project: string | null
  origin: 'api' | 'config'
  outcomeSchema: Record<string, unknown> | null
  webhook: ApiAgentWebhook | null
  createdAt: string | null
  updatedAt: string | null
}

export interface ApiAgentWebhook extends Pick<ApiDestination, 'events' | 'retry' | 'secrets' | 'state'> {
  url: string
  authKey: string | null
  limits: ApiDestination['limits'] & { failingHours?: number | null }
  /** Null where they cannot be read. */
  signing: ApiSigningKey[] | null
  enabled: boolean
  destination: NamedDestination
  /** Null in lists. */
  health: ApiHealth | null
}

interface ApiSigningKey {
  version: string
  publicKey: string | null
  /** For one that was replaced. */
  until: string | null
}

/** Of the tries of the last hours. */
export interface ApiHealth {
  hours: number
  attempts: number
  /** From 0 to 1; null where nothing was tried. */
  successRate: number | null
  p95Ms: number | null
  lastSuccessAt: string | null
  lastFailure: { at: string; status: number | null; cause: string | null; message: string | null } | null
  failingSince: string | null
  /** When it will be held if nothing succeeds before. */
  holdsAt: string | null
}

/** An agent that was made or changed; the secret is shown this once. */
export interface ApiChangedAgent extends ApiAgent {
  signingSecret?: string
}

export interface ApiRotation {
  signingSecret: string | null
  publicKey: string | null
  previousUntil: string | null
}

export interface ApiAgentTest {
  ok: boolean
  results: ApiAgentTestResult[]
}

export interface ApiAgentTestResult {
  eventType: string
  ok: boolean
  sentence: string
  attempt: ApiAttempt
}

export interface ApiPublished {
  id: string
  callId: string
  eventType: string
  timestamp: string
  collisions: string[]
  duplicate?: true
}
