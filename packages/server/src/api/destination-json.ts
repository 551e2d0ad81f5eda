import { z } from '@hono/zod-openapi'
import {
  holdAt,
  type DestinationFlow,
  type DestinationLimits,
  type Hold,
  type StoredDestination,
  type UserCode,
} from '@hookswitch/core'
import type { DestinationSecrets } from '../destinations/destination-secrets.ts'
import { shownSettings } from '../destinations/shown-settings.ts'
import { iso, isoOrNull, isoTime } from './times.ts'

const holdReasons = ['paused', 'breaker', 'retry_after', 'gone', 'auth', 'failing', 'removed'] as const

const holdFields = {
  reason: z.enum(holdReasons),
  since: isoTime,
  until: isoTime
    .nullable()
    .openapi({ description: 'When it ends by itself; null where a person must end it.' }),
  detail: z.string().nullable(),
}

export const holdSchema = z.object(holdFields).openapi('Hold')

export const stateSchema = z
  .discriminatedUnion('state', [
    z.object({ state: z.literal('active') }),
    z.object({ state: z.literal('held'), ...holdFields }),
  ])
  .openapi('DestinationState')

const codeSchema = z
  .union([z.string(), z.object({ function: z.literal(true) })])
  .nullable()
  .openapi({ description: 'JSONata, or `{"function":true}` for one of the config file.' })

const names = z.array(z.string())

export const limitsSchema = z.object({
  concurrency: z.int(),
  perSecond: z.number().nullable(),
  failingHours: z
    .number()
    .nullable()
    .optional()
    .openapi({ description: 'Hours of failure after which it is held; null or absent is never.' }),
})

export const retrySchema = z.union([
  z.object({ preset: z.enum(['none', 'quick', 'guide', 'standard']) }),
  z.object({ delaysSeconds: z.array(z.number()) }),
])

export const destinationSchema = z
  .object({
    id: z.string().openapi({ example: 'dst_V3x0mB1kq9Zt4Rfa' }),
    name: z.string().openapi({ example: 'crm' }),
    kind: z.string().openapi({ example: 'webhook' }),
    origin: z.enum(['config', 'api', 'agent']).openapi({
      description:
        'Where it is set; those of `config` and `agent` (the webhook of an agent, or of calls) only there.',
    }),
    version: z.int().openapi({ description: 'Counts the changes of what is set.' }),
    state: stateSchema,
    events: names.nullable().openapi({ description: 'Null takes all.', example: ['call.ended'] }),
    scope: z.object({ sources: names.optional(), agents: names.optional() }),
    filter: codeSchema,
    template: codeSchema,
    lane: z.union([z.enum(['call', 'destination', 'none']), z.object({ path: z.string() })]),
    onExhausted: z.enum(['continue', 'park']),
    retry: retrySchema,
    limits: limitsSchema,
    settings: z
      .record(z.string(), z.unknown())
      .openapi({ description: 'Of its kind, without the secret ones, and a URL without its query.' }),
    secrets: names.nullable().openapi({
      description:
        'The secret settings that are set; null where they cannot be read with this HOOKSWITCH_SECRET_KEY.',
      example: ['authSecret'],
    }),
    createdAt: isoTime,
    updatedAt: isoTime,
    lastSuccessAt: isoTime.nullable(),
    lastFailureAt: isoTime.nullable(),
  })
  .openapi('Destination')

/** A destination as other answers name it. */
export const namedDestinationSchema = z
  .object({
    id: z.string().openapi({ example: 'dst_V3x0mB1kq9Zt4Rfa' }),
    name: z.string().openapi({ example: 'crm' }),
  })
  .openapi('DestinationName')

export function shownDestination(
  destination: StoredDestination,
  secretsOf: DestinationSecrets,
  now: number,
): z.infer<typeof destinationSchema> {
  const { id, origin, version, definition, flow, createdAt, updatedAt } = destination
  const { name, kind, events, scope, filter, template, lane, onExhausted, retry, limits, settings } =
    definition
  return {
    id,
    name,
    kind,
    origin,
    version,
    state: stateOf(flow, now),
    events,
    scope: {
      ...(scope.sources === null ? {} : { sources: scope.sources }),
      ...(scope.agents === null ? {} : { agents: scope.agents }),
    },
    filter: shownCode(filter),
    template: shownCode(template),
    lane,
    onExhausted,
    retry,
    limits: shownLimits(limits),
    settings: shownSettings(settings),
    secrets: secretNames(destination, secretsOf),
    createdAt: iso(createdAt),
    updatedAt: iso(updatedAt),
    lastSuccessAt: isoOrNull(flow.lastSuccessAt),
    lastFailureAt: isoOrNull(flow.lastFailureAt),
  }
}

export function stateOf(flow: DestinationFlow, now: number): z.infer<typeof stateSchema> {
  const hold = holdAt(flow, now)
  if (hold === null) return { state: 'active' }
  return { state: 'held', ...shownHold(hold) }
}

export function shownHold({ reason, since, until, detail }: Hold): z.infer<typeof holdSchema> {
  return { reason, since: iso(since), until: isoOrNull(until), detail }
}

export function shownLimits({ failingHours, ...limits }: DestinationLimits): z.infer<typeof limitsSchema> {
  return failingHours === undefined ? limits : { ...limits, failingHours }
}

function shownCode(code: UserCode | null): string | { function: true } | null {
  return code !== null && 'jsonata' in code ? code.jsonata : code
}

export function secretNames(destination: StoredDestination, secretsOf: DestinationSecrets): string[] | null {
  try {
    return Object.keys(secretsOf(destination)).sort()
  } catch {
    return null
  }
}
