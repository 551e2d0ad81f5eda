import { createRoute, z } from '@hono/zod-openapi'
import { callId as newCallId, type StoredDestination } from '@hookswitch/core'
import { knownEventTypes } from '@hookswitch/events'
import { buildEvent, publicKeyOf, sampleData } from '@hookswitch/sender'
import { answerWords } from '../agents/answer-words.ts'
import { ManagedAgents } from '../agents/managed-agents.ts'
import { versionOf } from '../agents/signing-keys.ts'
import { objectOf, refuse } from '../config/object-schema.ts'
import { signatureKeyProblem } from '../config/signature-key.ts'
import { eventTypeField } from '../destinations/destination-fields.ts'
import { actorHeaders, audit, reasonField } from './acts.ts'
import { agentParams } from './agents.ts'
import { bodyErrors, errorAnswers, jsonAnswer } from './answers.ts'
import type { ApiApp, ApiOptions } from './app.ts'
import { attemptSchema, shownAttempt } from './attempt-json.ts'
import { ApiError } from './errors.ts'
import { isoTime } from './times.ts'

/** A test is one request for each type, one after the other, within the time that a person waits. */
const testedTypesMax = 10

const types = `a list of 1 to ${testedTypesMax} event types`

const testRoute = createRoute({
  method: 'post',
  path: '/agents/{agentId}/test',
  summary: 'Send samples to the webhook of an agent',
  description:
    'One event of each type, sent at once with the settings as they are now, also while the webhook is held. The id of the call begins with `call_test_`, `data.data.test` is true, and the request has the header `hookswitch-test`. Says of each in words what came back. It changes nothing else.',
  request: {
    params: agentParams,
    headers: actorHeaders,
    body: {
      content: {
        'application/json': {
          schema: objectOf({
            events: z
              .array(eventTypeField, types)
              .min(1, types)
              .max(testedTypesMax, types)
              .optional()
              .openapi({
                type: 'array',
                items: { type: 'string' },
                description: `Those that the webhook takes by default, the first ${testedTypesMax} of them.`,
                example: ['call.ended'],
              }),
            reason: reasonField,
          }),
        },
      },
    },
  },
  responses: {
    200: jsonAnswer(
      'What came of each.',
      z
        .object({
          ok: z.boolean().openapi({ description: 'All were taken.' }),
          results: z.array(
            z.object({
              eventType: z.string(),
              ok: z.boolean(),
              sentence: z.string().openapi({ description: 'What came back, and what to do, for people.' }),
              attempt: attemptSchema,
            }),
          ),
        })
        .openapi('AgentTest'),
    ),
    ...errorAnswers('not_found', 'conflict', ...bodyErrors),
  },
})

const overlapHoursDefault = 24
const overlapHoursMax = 30 * 24
const overlap = `a number of hours from 0 to ${overlapHoursMax}`
const versionExpectation = 'v1 (HMAC-SHA256) or v1a (ed25519)'
const secretExpectation = 'a secret such as whsec_… (HMAC) or whsk_… (ed25519), base64 after the prefix'

const rotateBody = objectOf({
  version: z
    .enum(['v1', 'v1a'], versionExpectation)
    .optional()
    .openapi({ description: 'Of the key that is made: as the one before, or `v1`.' }),
  secret: z
    .string(secretExpectation)
    .refine((text) => /^whs(ec|k)_/.test(text) && signatureKeyProblem(text) === null, secretExpectation)
    .optional(),
  overlapHours: z.number(overlap).min(0, overlap).max(overlapHoursMax, overlap).default(overlapHoursDefault),
  reason: reasonField,
}).superRefine((given, context) => {
  const ofSecret = given.secret === undefined ? given.version : versionOf(given.secret)
  if (given.version === undefined || given.version === ofSecret) return
  refuse(context, `is ${given.version}, expected none: the secret is ${ofSecret}`, ['version'])
})

const rotateRoute = createRoute({
  method: 'post',
  path: '/agents/{agentId}/signing-secret',
  summary: 'Sign the webhook of an agent with another key',
  description:
    'Makes a key, or takes one of yours. The one before signs beside it for `overlapHours`, so that the receiver can change over without losing an event.',
  request: {
    params: agentParams,
    headers: actorHeaders,
    body: {
      content: {
        'application/json': {
          schema: rotateBody,
        },
      },
    },
  },
  responses: {
    200: jsonAnswer(
      'The key.',
      z
        .object({
          signingSecret: z
            .string()
            .nullable()
            .openapi({ description: 'The `v1` key that was made; shown this once.', example: 'whsec_…' }),
          publicKey: z
            .string()
            .nullable()
            .openapi({ description: 'What verifies `v1a`.', example: 'whpk_…' }),
          previousUntil: isoTime
            .nullable()
            .openapi({ description: 'Until when the key before signs too; null where none does.' }),
        })
        .openapi('SigningSecret'),
    ),
    ...errorAnswers('not_found', 'conflict', ...bodyErrors),
  },
})

export function addAgentActRoutes(app: ApiApp, options: ApiOptions): void {
  const { store, agents, secretsOf, testDestination, clock } = options
  const managed = new ManagedAgents(options)

  app.openapi(testRoute, async (c) => {
    const { events, reason } = c.req.valid('json')
    const { agentId } = c.req.valid('param')
    const agent = await agents.get(agentId)
    if (agent === null) throw new ApiError('not_found', 'No agent has this id')
    const endpoint = await managed.endpoint(agentId)
    if (endpoint === null) throw new ApiError('conflict', 'This agent has no webhook that could be tested')
    const { settings } = endpoint.definition
    const { url, authKey, timeoutSeconds } = settings as {
      url: string
      authKey?: string
      timeoutSeconds: number
    }
    const callId = newCallId(clock()).replace(/^call_/, 'call_test_')
    const secret = aboutSecret(endpoint)
    const results = []
    const chosen = events ?? endpoint.definition.events ?? knownEventTypes
    for (const eventType of chosen.slice(0, testedTypesMax)) {
      const sample = sampleData(eventType)
      const { body } = buildEvent({
        eventType,
        callId,
        at: clock(),
        projectId: agent.project,
        agentId,
        agentName: agent.name,
        ...sample,
        data: { ...sample.data, test: true },
      })
      const attempt = await testDestination(endpoint, { body })
      const said = { eventType, attempt, url, authKey: authKey ?? null, timeoutMs: timeoutSeconds * 1_000 }
      results.push({
        eventType,
        ok: attempt.verdict === 'delivered',
        sentence: answerWords({ ...said, ...secret }),
        attempt: shownAttempt(attempt),
      })
    }
    const ok = results.every((result) => result.ok)
    await audit(store, c.req.valid('header'), {
      action: 'agent.test',
      target: agentId,
      reason,
      detail: { ok },
    })
    return c.json({ ok, results }, 200)
  })

  app.openapi(rotateRoute, async (c) => {
    // A request without a body has not been filled.
    const { version: wanted, secret: given, overlapHours, reason } = rotateBody.parse(c.req.valid('json'))
    const { agentId } = c.req.valid('param')
    const rotation = await managed.rotate(agentId, {
      secret: given ?? null,
      version: wanted ?? null,
      overlapMs: overlapHours * 3_600_000,
    })
    const { signingSecret, previousUntil } = rotation
    await audit(store, c.req.valid('header'), {
      action: 'agent.rotate',
      target: agentId,
      reason,
      detail: { previousUntil },
    })
    return c.json({ signingSecret, publicKey: publicKeyOf(rotation.secret), previousUntil }, 200)
  })

  /** What the words may say of the secret: whether there is one, and the word that it begins with. */
  function aboutSecret(endpoint: StoredDestination): { hasSecret: boolean; secretScheme: string | null } {
    let authSecret: unknown
    try {
      authSecret = secretsOf(endpoint)['authSecret']
    } catch {
      return { hasSecret: true, secretScheme: null }
    }
    if (typeof authSecret !== 'string') return { hasSecret: false, secretScheme: null }
    return { hasSecret: true, secretScheme: /^(bearer|token)[ \t]/i.exec(authSecret)?.[1] ?? null }
  }
}
