import { createRoute, z } from '@hono/zod-openapi'
import { InFlight, ingestLimits } from '@hookswitch/core'
import type { MiddlewareHandler } from 'hono'
import { givenEndpoint } from '../agents/given-endpoint.ts'
import { jsonObject, objectOf } from '../config/object-schema.ts'
import { callFields, refuseNotExact } from '../publish/call-fields.ts'
import { ensureOverrideHost } from '../publish/override.ts'
import { publishedTypeField } from '../publish/published-type.ts'
import { actorHeaders, audit, reasonField } from './acts.ts'
import { agentParams } from './agents.ts'
import { bodyErrors, errorAnswers, jsonAnswer } from './answers.ts'
import type { ApiApp, ApiOptions } from './app.ts'
import { ApiError } from './errors.ts'
import { iso, isoTime } from './times.ts'
import { utf8Body } from './utf8-body.ts'

const startBody = objectOf({
  ...callFields,
  params: callFields.params.openapi({
    type: 'object',
    additionalProperties: true,
    description: 'Come back in `outcomeResult`. Identifiers (`…_id`, `…Id`) are texts.',
    example: { application_id: '12345' },
  }),
  to: callFields.to.openapi({ example: '+12025550143' }),
  from: callFields.from.openapi({ example: '+12025550100' }),
  webhook: callFields.webhook.openapi({
    type: 'object',
    properties: {
      url: { type: 'string' },
      authKey: { type: 'string' },
      authSecret: { type: 'string' },
      events: { type: 'array', items: { type: 'string' } },
    },
    required: ['url'],
    description: "Where the events of this call go instead of to the agent's webhook.",
  } as never),
  reason: reasonField,
})

const startRoute = createRoute({
  method: 'post',
  path: '/agents/{agentId}/calls',
  summary: 'Start a call',
  description: 'Keeps what its events are made from, and publishes nothing by itself.',
  request: {
    params: agentParams,
    headers: actorHeaders,
    body: { content: { 'application/json': { schema: startBody } } },
  },
  responses: {
    201: jsonAnswer(
      'The call.',
      z
        .object({
          callId: z.string().openapi({ example: 'call_01m812c3npnwhxm7s3kfwmg6x2' }),
          agentId: z.string(),
          conversationId: z.string(),
          createdAt: isoTime,
        })
        .openapi('StartedCall'),
    ),
    ...errorAnswers('not_found', 'conflict', ...bodyErrors),
  },
})

const idempotencyKey = 'a text of 1 to 200 printable ASCII characters'

const publishBody = objectOf({
  eventType: publishedTypeField.pipe(z.string()).openapi({ type: 'string', example: 'call.ended' }),
  data: jsonObject('an object: what stands in data.data of the event')
    .superRefine((data, context) => void refuseNotExact(data, context))
    .default({})
    .openapi({
      type: 'object',
      additionalProperties: true,
      example: { transcription: [{ Agent: 'Hello!' }], outcomeResult: { noticePeriod: '2 weeks' } },
    }),
})

const publishedSchema = z
  .object({
    id: z.string().openapi({ example: 'evt_01m812c3npnwhxm7s3kfwmg6x2' }),
    callId: z.string(),
    eventType: z.string(),
    timestamp: isoTime,
    collisions: z.array(z.string()).openapi({
      description: 'Params that the outcome collected under the same name; the collected values are sent.',
    }),
    issues: z
      .array(z.object({ path: z.string(), message: z.string() }))
      .optional()
      .openapi({
        description: 'What was odd in `data` and is published as it is; absent where nothing was.',
        example: [{ path: 'data.callDuration', message: 'is a string, taken as a number' }],
      }),
    duplicate: z
      .literal(true)
      .optional()
      .openapi({ description: 'A repeat by its Idempotency-Key; nothing more was published.' }),
  })
  .openapi('PublishedEvent')

const publishRoute = createRoute({
  method: 'post',
  path: '/calls/{callId}/events',
  summary: 'Publish an event of a call',
  description:
    'Of a call that was started here. The envelope, the times and the echoed params are made here. Answered once it is on disk; it then goes the way of every event.',
  request: {
    params: z.object({ callId: z.string().openapi({ example: 'call_01m812c3npnwhxm7s3kfwmg6x2' }) }),
    headers: z.object({
      'idempotency-key': z
        .string()
        .regex(/^[\x20-\x7e]{1,200}$/, idempotencyKey)
        .optional()
        .openapi({
          description:
            'The same in each repeat of a request whose answer did not come, which is then published once.',
          example: 'ended-1',
        }),
    }),
    body: { content: { 'application/json': { schema: publishBody } }, required: true },
  },
  responses: {
    201: jsonAnswer('It is published.', publishedSchema),
    200: jsonAnswer('It was published before, under this Idempotency-Key.', publishedSchema),
    ...errorAnswers('not_found', 'conflict', ...bodyErrors),
  },
})

const refusals = {
  not_found: 'not_found',
  conflict: 'conflict',
  invalid: 'invalid_request',
  too_large: 'payload_too_large',
  unavailable: 'unavailable',
} as const

export function addStartedCallRoutes(app: ApiApp, options: ApiOptions): void {
  const { store, agents, publisher, sealer, kindContext, clock } = options
  const inFlight = new InFlight(ingestLimits.inFlightBytesMax)

  app.openapi(startRoute, async (c) => {
    // A request without a body has not been filled.
    const { reason, webhook, ...call } = startBody.parse(c.req.valid('json'))
    const { agentId } = c.req.valid('param')
    if ((await agents.get(agentId)) === null) throw new ApiError('not_found', 'No agent has this id')
    const override = webhook === null ? null : await readOverride(agentId, webhook)
    if (override !== null) await ensureOverrideHost(store, new URL(override.url).host, clock())
    const started = await publisher.start({
      ...call,
      agentId,
      override:
        override === null ? null : { url: override.url, authKey: override.authKey, events: override.events },
      sealSecrets: (callId) =>
        override?.authSecret === undefined ? null : sealer.seal(callId, { authSecret: override.authSecret }),
    })
    const { callId, conversationId, createdAt } = started
    await audit(store, c.req.valid('header'), {
      action: 'call.start',
      target: callId,
      reason,
      detail: { agentId, override: override !== null },
    })
    return c.json({ callId, agentId, conversationId, createdAt: iso(createdAt) }, 201)
  })

  app.openapi({ ...publishRoute, middleware: [boundInFlight(inFlight), utf8Body] as const }, async (c) => {
    const { eventType, data } = c.req.valid('json')
    const { callId } = c.req.valid('param')
    const key = c.req.valid('header')['idempotency-key'] ?? null
    const result = await publisher.publish({ callId, eventType, data, idempotencyKey: key })
    if (!result.ok) throw new ApiError(refusals[result.code], result.reason)
    const { answer, duplicate } = result
    return duplicate
      ? c.json({ ...answer, callId, duplicate: true as const }, 200)
      : c.json({ ...answer, callId }, 201)
  })

  /** The webhook of one call: what is wrong with it is said as of any other. */
  async function readOverride(agentId: string, webhook: NonNullable<z.output<typeof startBody>['webhook']>) {
    const { url, authKey, authSecret, events } = webhook
    const limits = { concurrency: 1, perSecond: null }
    const retry = { preset: 'standard' } as const
    const given = { url, authKey, authSecret, events, limits, retry }
    const { definition, secrets } = await givenEndpoint(agentId, given, kindContext)
    const settings = definition.settings as { url: string; authKey?: string }
    return {
      url: settings.url,
      authKey: settings.authKey ?? null,
      authSecret: secrets['authSecret'] as string | undefined,
      events,
    }
  }
}

/** Of what is published, from before a body is read until it is on disk. */
function boundInFlight(inFlight: InFlight): MiddlewareHandler {
  return async (c, next) => {
    const bytes = Number(c.req.header('content-length') ?? 0)
    if (!inFlight.take(bytes)) throw new ApiError('unavailable', 'Too much is being published at once')
    try {
      await next()
    } finally {
      inFlight.release(bytes)
    }
  }
}
