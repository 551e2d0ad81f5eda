import { z } from '@hono/zod-openapi'
import type { RecentAttempt, StoredDestination } from '@hookswitch/core'
import { destinationHealth } from '@hookswitch/core'
import type { Agent } from '../agents/agent-book.ts'
import { shownKeys } from '../agents/signing-keys.ts'
import type { DestinationSecrets } from '../destinations/destination-secrets.ts'
import { shownSettings } from '../destinations/shown-settings.ts'
import { failureCauses } from './attempt-json.ts'
import {
  limitsSchema,
  namedDestinationSchema,
  retrySchema,
  secretNames,
  shownLimits,
  stateOf,
  stateSchema,
} from './destination-json.ts'
import { iso, isoOrNull, isoTime } from './times.ts'

/** How far back the health of a webhook looks, and at how many tries at most. */
export const healthHours = 24
export const healthAttemptsMax = 1_000

const healthSchema = z
  .object({
    hours: z.int().openapi({ description: 'How far back was looked.' }),
    attempts: z
      .int()
      .openapi({ description: `Tries in that time; of the newest ${healthAttemptsMax} at most.` }),
    successRate: z.number().nullable().openapi({ description: 'From 0 to 1.', example: 0.98 }),
    p95Ms: z.number().nullable().openapi({ description: 'Of the tries that were answered.', example: 180 }),
    lastSuccessAt: isoTime.nullable(),
    lastFailure: z
      .object({
        at: isoTime,
        status: z.int().nullable(),
        cause: z.enum(failureCauses).nullable(),
        message: z.string().nullable(),
      })
      .nullable(),
    failingSince: isoTime.nullable().openapi({ description: 'Since when nothing has succeeded.' }),
    holdsAt: isoTime.nullable().openapi({ description: 'When it will be held, if it goes on like that.' }),
  })
  .openapi('Health')

const signingKeySchema = z.object({
  version: z.enum(['v1', 'v1a']),
  publicKey: z.string().nullable().openapi({ description: 'What verifies `v1a`.', example: 'whpk_…' }),
  until: isoTime.nullable().openapi({ description: 'For one that was replaced: when it stops to sign.' }),
})

const webhookSchema = z
  .object({
    url: z.string().openapi({ description: 'Without its query.', example: 'https://crm.example/hook' }),
    authKey: z.string().nullable().openapi({ example: 'Bearer' }),
    events: z.array(z.string()).nullable().openapi({ description: 'Null takes all.' }),
    retry: retrySchema,
    limits: limitsSchema,
    signing: z
      .array(signingKeySchema)
      .nullable()
      .openapi({ description: 'The keys that sign; null where they cannot be read.' }),
    secrets: z
      .array(z.string())
      .nullable()
      .openapi({ description: 'The secret settings that are set.', example: ['authSecret'] }),
    enabled: z.boolean().openapi({ description: 'False while a person has paused it; its events wait.' }),
    state: stateSchema,
    destination: namedDestinationSchema.openapi({
      description: 'Under which its deliveries are listed, paused, resumed and replayed.',
    }),
    health: healthSchema.nullable().openapi({ description: 'Null in lists.' }),
  })
  .openapi('AgentWebhook')

export const agentSchema = z
  .object({
    id: z.string().openapi({ example: 'agt_01m812c3npnwhxm7s3kfwmg6x2' }),
    agentId: z.string().openapi({ description: 'The same, as calls and events name it.' }),
    name: z.string().openapi({ example: 'Recruiter' }),
    project: z.string().nullable().openapi({ description: '`projectId` of its events.' }),
    origin: z
      .enum(['config', 'api'])
      .openapi({ description: 'Where it is set; those of `config` only there.' }),
    version: z.int().openapi({ description: 'Counts the changes of what is set, those of its webhook too.' }),
    webhook: webhookSchema.nullable(),
    outcomeSchema: z.record(z.string(), z.unknown()).nullable().openapi({ description: 'JSON Schema.' }),
    createdAt: isoTime.nullable().openapi({ description: 'Null for one of the config file.' }),
    updatedAt: isoTime.nullable(),
  })
  .openapi('Agent')

export interface ShownAgentOptions {
  endpoint: StoredDestination | null
  secretsOf: DestinationSecrets
  /** The newest tries of the webhook; null leaves its health out. */
  attempts: RecentAttempt[] | null
  now: number
}

export function shownAgent(agent: Agent, options: ShownAgentOptions): z.infer<typeof agentSchema> {
  const { id, name, project, origin, version, outcomeSchema, createdAt, updatedAt } = agent
  const { endpoint } = options
  return {
    id,
    agentId: id,
    name,
    project,
    origin,
    version,
    webhook: endpoint === null ? null : shownWebhook(endpoint, options),
    outcomeSchema,
    createdAt: isoOrNull(createdAt),
    // A change of the webhook is one of the agent.
    updatedAt: isoOrNull(updatedAt === null ? null : Math.max(updatedAt, endpoint?.updatedAt ?? 0)),
  }
}

function shownWebhook(
  endpoint: StoredDestination,
  { secretsOf, attempts, now }: Omit<ShownAgentOptions, 'endpoint'>,
): z.infer<typeof webhookSchema> {
  const { id, definition, flow } = endpoint
  const { name, events, retry, limits, settings } = definition
  const { url, authKey } = shownSettings(settings) as { url: string; authKey?: string }
  return {
    url,
    authKey: authKey ?? null,
    events,
    retry,
    limits: shownLimits(limits),
    signing: keysOf(endpoint, secretsOf, now),
    secrets: secretNames(endpoint, secretsOf),
    enabled: flow.hold?.reason !== 'paused',
    state: stateOf(flow, now),
    destination: { id, name },
    health: attempts === null ? null : shownHealth(attempts, endpoint, now),
  }
}

function keysOf(endpoint: StoredDestination, secretsOf: DestinationSecrets, now: number) {
  try {
    return shownKeys(secretsOf(endpoint)['signingSecrets'], now)
  } catch {
    return null
  }
}

function shownHealth(
  recent: RecentAttempt[],
  { flow, definition }: StoredDestination,
  now: number,
): z.infer<typeof healthSchema> {
  const health = destinationHealth(recent, flow, definition.limits, now)
  const { attempts, successRate, p95Ms, lastSuccessAt, lastFailure, failingSince, holdsAt } = health
  return {
    hours: healthHours,
    attempts,
    successRate,
    p95Ms,
    lastSuccessAt: isoOrNull(lastSuccessAt),
    lastFailure: lastFailure === null ? null : { ...lastFailure, at: iso(lastFailure.at) },
    failingSince: isoOrNull(failingSince),
    holdsAt: isoOrNull(holdsAt),
  }
}
