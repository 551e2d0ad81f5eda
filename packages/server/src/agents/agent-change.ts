import type { AgentDefinition, StoredAgent, StoredDestination } from '@hookswitch/core'
import type { z } from 'zod'
import { invalidRequest } from '../api/invalid-request.ts'
import { isObject } from '../config/object-schema.ts'
import { shownSettings } from '../destinations/shown-settings.ts'
import { apiAgentFields } from './agent-fields.ts'
import { readEndpointSettings } from './endpoint.ts'

/** What `POST /agents` was given, with every field filled. */
export type AgentFields = z.output<typeof apiAgentFields>
export type WebhookFields = NonNullable<AgentFields['webhook']>

/**
 * @param shown what a person gave, which messages quote.
 * @throws ApiError
 */
export function readAgentFields(
  given: Record<string, unknown>,
  shown: Record<string, unknown> = given,
): AgentFields {
  const parsed = apiAgentFields.safeParse(given, { reportInput: true })
  if (parsed.success) return parsed.data
  // So that all problems come at once.
  const { webhook } = given
  const settings =
    isObject(webhook) && isObject(shown['webhook']) ? readEndpointSettings(withoutNulls(webhook)) : null
  const ofKind = (settings?.error?.issues ?? []).map((issue) => ({
    ...issue,
    path: ['webhook', ...issue.path],
  }))
  throw invalidRequest([...parsed.error.issues, ...ofKind], shown, 'json')
}

export function agentDefinition({ name, project, outcomeSchema }: AgentFields): AgentDefinition {
  return { name, project, outcomeSchema }
}

/** An agent as `POST /agents` would describe it, with its secrets: what a change is merged into. */
export function describeAgent(
  { definition }: StoredAgent,
  endpoint: StoredDestination | null,
  { authSecret }: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const { name, project, outcomeSchema } = definition
  if (endpoint === null) return { name, project, outcomeSchema, webhook: null }
  const { events, retry, limits, settings } = endpoint.definition
  const { url, authKey } = settings
  const webhook = { url, authKey, authSecret, events, retry, limits, enabled: isEnabled(endpoint) }
  return { name, project, outcomeSchema, webhook: withoutNulls(webhook) }
}

export function isEnabled({ flow }: Pick<StoredDestination, 'flow'>): boolean {
  return flow.hold?.reason !== 'paused'
}

/** The webhook and its limits are merged key by key, everything else is replaced; null takes a value away. */
export function mergeAgentChange(
  present: Readonly<Record<string, unknown>>,
  change: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const { webhook, ...others } = change
  const whole = { ...present, ...others }
  if (!isObject(webhook)) return webhook === undefined ? whole : { ...whole, webhook }
  const before = isObject(present['webhook']) ? present['webhook'] : {}
  const after = { ...before, ...webhook }
  // As it is shown, its query is missing: then it stays what it is.
  if (webhook['url'] === shownSettings(before)['url']) after['url'] = before['url']
  if (isObject(webhook['limits'])) after['limits'] = mergeLimits(before['limits'], webhook['limits'])
  return { ...whole, webhook: withoutNulls(after) }
}

function mergeLimits(before: unknown, given: Record<string, unknown>): Record<string, unknown> {
  const limits = { ...(isObject(before) ? before : {}), ...given }
  // Of the others null is a value.
  if (limits['concurrency'] === null) delete limits['concurrency']
  return limits
}

/** Null brings back a default; of `signing` it is a value. */
function withoutNulls(webhook: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(webhook).filter(
      ([key, value]) => (value !== null && value !== undefined) || key === 'signing',
    ),
  )
}
