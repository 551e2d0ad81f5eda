import { z } from '@hono/zod-openapi'
import { apiErrors, type ApiErrorCode } from './errors.ts'
import { isoTime } from './times.ts'

// The shapes of the API's answers, for its documentation and the types of its handlers.

const text = z.string().nullable()

export const errorSchema = z
  .object({
    error: z.string().openapi({ description: 'For people.', example: 'Not found' }),
    code: z.enum(Object.keys(apiErrors) as [ApiErrorCode]).openapi({ description: 'For programs; stable.' }),
  })
  .openapi('Error')

const issueSchema = z
  .object({
    path: z.string().openapi({
      description: "In the sender's own names; empty for the body itself.",
      example: 'data.timestamp',
    }),
    message: z.string().openapi({ example: 'has no time zone, taken as UTC' }),
  })
  .openapi('Issue')

const callFields = {
  callId: z.string().openapi({ example: 'call_1' }),
  status: z.enum(['started', 'answered', 'ended']),
  agentId: text.openapi({ example: 'agent-123' }),
  agentName: text.openapi({ example: 'Recruiter' }),
  projectId: text,
  conversationId: text.openapi({ example: 'conv-1' }),
  sources: z.array(z.string()).openapi({ example: ['hamsa'] }),
  direction: text.openapi({ example: 'outbound' }),
  channel: text.openapi({ example: 'Telephone' }),
  userNumber: text,
  agentNumber: text,
  startedAt: isoTime.nullable(),
  answeredAt: isoTime.nullable(),
  endedAt: isoTime.nullable(),
  ringSeconds: z.number().nullable().openapi({ example: 5 }),
  durationSeconds: z.number().nullable().openapi({ example: 125 }),
  durationSource: z.enum(['reported', 'measured']).nullable(),
  recordingUrl: text,
  transcriptSource: z.enum(['final', 'live', 'none']),
  eventCount: z.int().openapi({ example: 7 }),
  firstEventAt: isoTime,
  lastEventAt: isoTime,
  truncated: z.boolean().openapi({ description: 'The record has reached its limits; the events are whole.' }),
}

export const callSummarySchema = z.object(callFields).openapi('CallSummary')

const origin = z.enum(['echoed', 'collected', 'unknown']).openapi({
  description:
    'Whether the value was sent along with the call, or collected in it; unknown where the params are not known.',
})

const outcomeFieldSchema = z
  .discriminatedUnion('state', [
    z.object({
      state: z.literal('value'),
      value: z.unknown(),
      origin,
      raw: z
        .unknown()
        .optional()
        .openapi({ description: 'As it was sent, where the schema made another value of it.' }),
      issue: z.string().optional().openapi({ description: 'What does not fit the schema.' }),
    }),
    z.object({
      state: z.literal('null').openapi({ description: 'The caller did not say.' }),
      value: z.null(),
      origin,
      raw: z.unknown().optional(),
      issue: z.string().optional(),
    }),
    z.object({
      state: z
        .literal('absent')
        .openapi({ description: 'Expected by the schema, the echo list or the params; did not come.' }),
      value: z.null(),
      origin,
    }),
  ])
  .openapi('OutcomeField')

export const callSchema = z
  .object({
    ...callFields,
    params: z.record(z.string(), z.unknown()).nullable(),
    transcriptText: z.string().openapi({ example: 'Agent: Hello!\nUser: Hi.' }),
    transcript: z.array(
      z.object({
        speaker: z.string().openapi({ example: 'Agent' }),
        text: z.string().openapi({ example: 'Hello!' }),
        at: isoTime.nullable(),
      }),
    ),
    outcome: z.record(z.string(), outcomeFieldSchema),
    tools: z.array(
      z.object({
        name: z.string().openapi({ example: 'lookup' }),
        input: z.unknown(),
        output: z.unknown(),
        success: z.boolean().nullable(),
        error: text,
        durationMs: z.number().nullable(),
        at: isoTime.nullable(),
      }),
    ),
  })
  .openapi('Call')

export const eventSchema = z
  .object({
    id: z.string().openapi({ example: 'evt_01m812c3npnwhxm7s3kfwmg6x2' }),
    seq: z.int().openapi({ description: 'Place in the log.', example: 1042 }),
    callId: z.string().openapi({ example: 'call_1' }),
    type: z
      .string()
      .openapi({ description: 'Normalised; an unknown type is as it was sent.', example: 'call.ended' }),
    occurredAt: isoTime.nullable().openapi({ description: 'Null where the event has no time of its own.' }),
    receivedAt: isoTime,
    source: z.string().openapi({ example: 'hamsa' }),
    dialect: z.enum(['v1', 'legacy']),
    issues: z.array(issueSchema).openapi({ description: 'What was odd without being a reason to refuse.' }),
    body: z.record(z.string(), z.unknown()).openapi({
      description: 'What was sent, letter by letter.',
      example: { eventType: 'call.ended', callId: 'call_1' },
    }),
  })
  .openapi('Event')

const secretFields = {
  id: z.string().openapi({ example: 'sec_V3x0mB1kq9Zt' }),
  source: z.string().openapi({ example: 'hamsa' }),
  label: text.openapi({ example: 'spring rotation' }),
  origin: z.enum(['environment', 'config', 'file', 'api']).openapi({ description: 'Where it was given.' }),
  createdAt: isoTime.openapi({ description: 'Of a secret that was not made here, when it was first seen.' }),
  expiresAt: isoTime.nullable(),
  lastUsedAt: isoTime.nullable(),
  ageDays: z.int().openapi({ example: 12 }),
}

export const secretSchema = z.object(secretFields).openapi('Secret')

export const addedSecretSchema = z
  .object({
    ...secretFields,
    secret: z.string().optional().openapi({
      description: 'The secret itself, where it was made here. It is shown this once.',
      example: 'whk_Jc0X3mKQ2v0yq5Z1uT7e9wRb4nLs8aHdPfGkVxYtE6M',
    }),
    rotated: z
      .object({
        ended: z.array(z.object(secretFields)).openapi({ description: 'Those that end after the overlap.' }),
        kept: z.array(z.object(secretFields)).openapi({
          description: 'Those that were given in environment, config or data folder, and end only there.',
        }),
      })
      .optional(),
  })
  .openapi('AddedSecret')

/** A page of a list. */
export function listSchema<Item extends z.ZodType>(item: Item) {
  return z.object({
    items: z.array(item),
    nextCursor: z
      .string()
      .nullable()
      .openapi({ description: 'For the parameter cursor; null on the last page.' }),
  })
}
