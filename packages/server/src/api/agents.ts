import { createRoute, z } from '@hono/zod-openapi'
import { agentSource } from '@hookswitch/core'
import { apiAgentFields } from '../agents/agent-fields.ts'
import { storedAgent, type Agent } from '../agents/agent-book.ts'
import { ManagedAgents } from '../agents/managed-agents.ts'
import { actorHeaders, audit, reasonField } from './acts.ts'
import { agentSchema, healthAttemptsMax, healthHours, shownAgent } from './agent-json.ts'
import { bodyErrors, errorAnswers, jsonAnswer } from './answers.ts'
import type { ApiApp, ApiOptions } from './app.ts'
import { keyedPage } from './cursors.ts'
import { ApiError } from './errors.ts'
import { keyCursor, limit, parameters } from './parameters.ts'
import { agentReadOnly, settable, webhookReadOnly, withoutReadOnly } from './read-only-fields.ts'
import { listSchema } from './schemas.ts'

/** As `POST /agents` takes it, for the documentation; `ManagedAgents` reads it. */
const { properties } = z.toJSONSchema(z.object({ ...apiAgentFields.shape, reason: reasonField }), {
  io: 'input',
  unrepresentable: 'any',
})

function agentBody(description: string, required: string[]) {
  const schema = z
    .looseObject({ reason: reasonField }, 'an object')
    .openapi({ type: 'object', properties, required, description } as never)
  return { content: { 'application/json': { schema } }, required: true }
}

export const agentParams = z.object({
  agentId: z.string().openapi({ example: 'agt_01m812c3npnwhxm7s3kfwmg6x2' }),
})

const changedSchema = agentSchema
  .extend({
    signingSecret: z.string().optional().openapi({
      description: 'The `v1` key that was made, which its webhook is signed with; shown this once.',
      example: 'whsec_…',
    }),
  })
  .openapi('ChangedAgent')

const undeliveredField = z.enum(['skip', 'dead'], 'skip or dead').optional()

const listRoute = createRoute({
  method: 'get',
  path: '/agents',
  summary: 'List agents',
  description:
    'Those of the config file, then those that were made here, in the order in which they were made. Without their health.',
  request: { query: parameters({ limit, cursor: keyCursor('agents') }) },
  responses: {
    200: jsonAnswer('A page of agents.', listSchema(agentSchema)),
    ...errorAnswers('invalid_request'),
  },
})

const addRoute = createRoute({
  method: 'post',
  path: '/agents',
  summary: 'Make an agent',
  description:
    'A voice agent of your own, whose calls are started and whose events are published here. Its webhook is sent the events that it publishes, and no others.',
  request: {
    headers: actorHeaders,
    body: agentBody('`webhook.events` absent or null takes all.', ['name']),
  },
  responses: {
    201: jsonAnswer('The agent.', changedSchema),
    ...errorAnswers('conflict', ...bodyErrors),
  },
})

const showRoute = createRoute({
  method: 'get',
  path: '/agents/{agentId}',
  summary: 'Show an agent with the health of its webhook',
  request: { params: agentParams },
  responses: { 200: jsonAnswer('The agent.', agentSchema), ...errorAnswers('not_found') },
})

const changeRoute = createRoute({
  method: 'patch',
  path: '/agents/{agentId}',
  summary: 'Change an agent',
  description:
    'Only what is given is changed; `webhook` key by key, where null brings back a default, and null itself removes it, which is refused while deliveries wait, unless `undelivered` says what becomes of them. Secrets that are not given stay. What an answer has besides may stand there as it is.',
  request: {
    params: agentParams,
    headers: actorHeaders,
    query: parameters({ undelivered: undeliveredField }),
    body: agentBody('Any of the fields of `POST /agents` but `id`, and `reason`.', []),
  },
  responses: {
    200: jsonAnswer('The agent as it is now.', changedSchema),
    ...errorAnswers('not_found', 'conflict', ...bodyErrors),
  },
})

const removeRoute = createRoute({
  method: 'delete',
  path: '/agents/{agentId}',
  summary: 'Remove an agent',
  description:
    'With its webhook. Refused while deliveries wait for that, unless `undelivered` says what becomes of them. Its calls and their events stay.',
  request: {
    params: agentParams,
    headers: actorHeaders,
    query: parameters({
      undelivered: undeliveredField,
      reason: reasonField,
    }),
  },
  responses: {
    204: { description: 'Removed.' },
    ...errorAnswers('invalid_request', 'not_found', 'conflict'),
  },
})

export function addAgentRoutes(app: ApiApp, options: ApiOptions): void {
  const { store, agents, secretsOf, clock } = options
  const managed = new ManagedAgents(options)

  app.openapi(listRoute, async (c) => {
    const { limit: itemsMax, cursor } = c.req.valid('query')
    const found = await agents.list(cursor ?? null, itemsMax + 1)
    const endpoints = new Map(
      (await store.listDestinations()).map((destination) => [destination.definition.name, destination]),
    )
    const page = keyedPage('agents', found, itemsMax, (agent) =>
      shownAgent(agent, {
        endpoint: endpoints.get(agentSource(agent.id)) ?? null,
        secretsOf,
        attempts: null,
        now: clock(),
      }),
    )
    return c.json(page, 200)
  })

  app.openapi(addRoute, async (c) => {
    const { reason, ...description } = c.req.valid('json')
    const { agent, signingSecret } = await managed.add(description)
    await audit(store, c.req.valid('header'), {
      action: 'agent.create',
      target: agent.id,
      reason,
      detail: { name: agent.definition.name },
    })
    return c.json({ ...(await shown(storedAgent(agent))), ...once(signingSecret) }, 201)
  })

  app.openapi(showRoute, async (c) => {
    const agent = await agents.get(c.req.valid('param').agentId)
    if (agent === null) throw new ApiError('not_found', 'No agent has this id')
    return c.json(await shown(agent), 200)
  })

  app.openapi(changeRoute, async (c) => {
    const { reason, ...description } = c.req.valid('json')
    const { agentId } = c.req.valid('param')
    const change = settable(description, agentReadOnly)
    const { webhook } = change
    if (typeof webhook === 'object' && webhook !== null) {
      const given = settable({ ...webhook }, webhookReadOnly)
      // As an answer shows the keys, it says nothing of others.
      if (Array.isArray(given['signing'])) delete given['signing']
      change['webhook'] = given
    }
    const { undelivered } = c.req.valid('query')
    const { agent, signingSecret } = await managed.change(
      agentId,
      change,
      undelivered,
      (present, endpoint) => {
        const itself = { endpoint, secretsOf, attempts: null, now: clock() }
        withoutReadOnly(description, shownAgent(storedAgent(present), itself), agentReadOnly)
      },
    )
    await audit(store, c.req.valid('header'), {
      action: 'agent.update',
      target: agentId,
      reason,
      detail: { fields: fieldsOf(change) },
    })
    return c.json({ ...(await shown(storedAgent(agent))), ...once(signingSecret) }, 200)
  })

  app.openapi(removeRoute, async (c) => {
    const { undelivered, reason } = c.req.valid('query')
    const { agentId } = c.req.valid('param')
    const { definition } = await managed.stored(agentId)
    await managed.remove(agentId, undelivered)
    await audit(store, c.req.valid('header'), {
      action: 'agent.delete',
      target: agentId,
      reason,
      detail: { name: definition.name, undelivered: undelivered ?? null },
    })
    return c.body(null, 204)
  })

  async function shown(agent: Agent): Promise<z.infer<typeof agentSchema>> {
    const endpoint = await managed.endpoint(agent.id)
    const now = clock()
    const since = now - healthHours * 3_600_000
    const attempts =
      endpoint === null ? null : await store.recentAttempts(endpoint.key, since, healthAttemptsMax)
    return shownAgent(agent, { endpoint, secretsOf, attempts, now })
  }
}

function once(signingSecret: string | null): { signingSecret?: string } {
  return signingSecret === null ? {} : { signingSecret }
}

/** What a change names, for the audit log. */
function fieldsOf(change: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(change).flatMap(([field, value]) =>
    field === 'webhook' && typeof value === 'object' && value !== null
      ? Object.keys(value).map((setting) => `webhook.${setting}`)
      : [field],
  )
}
