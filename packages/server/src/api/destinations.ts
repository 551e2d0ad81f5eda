import { isDeepStrictEqual } from 'node:util'
import { createRoute, z } from '@hono/zod-openapi'
import { destinationId, publishingAgent, type StoredDestination } from '@hookswitch/core'
import { destinationKinds } from '@hookswitch/destinations'
import { destinationsMax } from '../config/config-schema.ts'
import { destinationProblem } from '../destinations/check-destinations.ts'
import { apiFields } from '../destinations/destination-fields.ts'
import { describeDestination, mergePatch } from '../destinations/merge-patch.ts'
import { readDestination, type ResolvedDestination } from '../destinations/read-destination.ts'
import { hasHiddenQuery, keepingHidden } from '../destinations/shown-settings.ts'
import { SealError } from '../secrets/sealer.ts'
import { actorHeaders, audit, reasonField } from './acts.ts'
import { bodyErrors, errorAnswers, jsonAnswer } from './answers.ts'
import type { ApiApp, ApiOptions } from './app.ts'
import { keyedPage } from './cursors.ts'
import { destinationSchema, shownDestination } from './destination-json.ts'
import { findDestination, refuseRemoved } from './destination-list.ts'
import { ApiError } from './errors.ts'
import { invalidRequest } from './invalid-request.ts'
import { keyCursor, limit, parameters } from './parameters.ts'
import { destinationReadOnly, settable, withoutReadOnly } from './read-only-fields.ts'
import { listSchema } from './schemas.ts'

/** Pending deliveries that a removal ends in one transaction, which holds the locks of their lanes. */
const removedAtOnceMax = 1_000

/** A change is made to what was read; another one in between has it read again. */
const changesMax = 5

/** As `POST /destinations` takes it, for the documentation; `readDestination` reads it. */
const { properties } = z.toJSONSchema(z.object({ ...apiFields.shape, reason: reasonField }), {
  io: 'input',
  unrepresentable: 'any',
})

function destinationBody(description: string, required: string[]) {
  const schema = z
    .looseObject({ reason: reasonField }, 'an object')
    .openapi({ type: 'object', properties, required, description } as never)
  return { content: { 'application/json': { schema } }, required: true }
}

export const destinationParams = z.object({
  id: z.string().openapi({ description: 'The id, or the name.', example: 'dst_V3x0mB1kq9Zt4Rfa' }),
})

const listRoute = createRoute({
  method: 'get',
  path: '/destinations',
  summary: 'List destinations',
  description:
    'Those of the config file and those that were made here, in the order in which they were made.',
  request: { query: parameters({ limit, cursor: keyCursor('destinations') }) },
  responses: {
    200: jsonAnswer('A page of destinations.', listSchema(destinationSchema)),
    ...errorAnswers('invalid_request'),
  },
})

const addRoute = createRoute({
  method: 'post',
  path: '/destinations',
  summary: 'Make a destination',
  description:
    'It is sent events from the next one that is folded. The settings of each kind are in `GET /destination-kinds`.',
  request: {
    headers: actorHeaders,
    body: destinationBody('`events` absent or null takes all.', ['name', 'kind', 'settings']),
  },
  responses: {
    201: jsonAnswer('The destination.', destinationSchema),
    ...errorAnswers('conflict', ...bodyErrors),
  },
})

const showRoute = createRoute({
  method: 'get',
  path: '/destinations/{id}',
  summary: 'Show a destination',
  request: { params: destinationParams },
  responses: { 200: jsonAnswer('The destination.', destinationSchema), ...errorAnswers('not_found') },
})

const changeRoute = createRoute({
  method: 'patch',
  path: '/destinations/{id}',
  summary: 'Change a destination',
  description:
    'Only what is given is changed; `settings`, `limits` and `scope` key by key. Null brings back a default. Secrets that are not given stay. What an answer has besides may stand there as it is.',
  request: {
    params: destinationParams,
    headers: actorHeaders,
    body: destinationBody('Any of the fields of `POST /destinations`, and `reason`.', []),
  },
  responses: {
    200: jsonAnswer('The destination as it is now.', destinationSchema),
    ...errorAnswers('not_found', 'conflict', ...bodyErrors),
  },
})

const removeRoute = createRoute({
  method: 'delete',
  path: '/destinations/{id}',
  summary: 'Remove a destination',
  description:
    'Refused while deliveries wait for it, unless `undelivered` says what becomes of them. One of the config file can be removed here once it is not in the file any more.',
  request: {
    params: destinationParams,
    headers: actorHeaders,
    query: parameters({
      undelivered: z.enum(['skip', 'dead'], 'skip or dead').optional(),
      reason: reasonField,
    }),
  },
  responses: {
    204: { description: 'Removed.' },
    ...errorAnswers('invalid_request', 'not_found', 'conflict'),
  },
})

export function addDestinationRoutes(app: ApiApp, options: ApiOptions): void {
  const { store, sealer, secretsOf, kindContext, clock } = options
  const shown = (destination: StoredDestination) => shownDestination(destination, secretsOf, clock())

  app.openapi(listRoute, async (c) => {
    const { limit: itemsMax, cursor = 0 } = c.req.valid('query')
    const destinations = (await store.listDestinations()).filter(({ key }) => key > cursor)
    return c.json(keyedPage('destinations', destinations, itemsMax, shown), 200)
  })

  app.openapi(addRoute, async (c) => {
    const { reason, ...description } = c.req.valid('json')
    const { definition, secrets } = await readAndCheck(description)
    const others = (await store.listDestinations()).filter(({ origin }) => origin !== 'agent')
    if (others.length >= destinationsMax) {
      throw new ApiError('conflict', `A server has at most ${destinationsMax} destinations; remove one`)
    }
    const id = destinationId()
    const added = await store.addDestination({
      id,
      origin: 'api',
      definition,
      sealedSecrets: sealer.seal(id, secrets),
    })
    if (added === null) throw nameTaken(definition.name)
    await audit(store, c.req.valid('header'), {
      action: 'destination.create',
      target: id,
      reason,
      detail: { name: definition.name, kind: definition.kind },
    })
    return c.json(shown(added), 201)
  })

  app.openapi(showRoute, async (c) =>
    c.json(shown(await findDestination(store, c.req.valid('param').id)), 200),
  )

  app.openapi(changeRoute, async (c) => {
    const { reason, ...description } = c.req.valid('json')
    const changed = await change(c.req.valid('param').id, description)
    await audit(store, c.req.valid('header'), {
      action: 'destination.update',
      target: changed.id,
      reason,
      detail: { fields: fieldsOf(settable(description, destinationReadOnly)) },
    })
    return c.json(shown(changed), 200)
  })

  app.openapi(removeRoute, async (c) => {
    const { undelivered, reason } = c.req.valid('query')
    const destination = await findDestination(store, c.req.valid('param').id)
    const { id, origin, definition, flow } = destination
    if (origin === 'agent') await refuseOfAgent(definition.name)
    if (origin === 'config' && flow.hold?.reason !== 'removed') throw inConfig()
    for (;;) {
      const removal = await store.removeDestination(id, undelivered ?? 'refuse', removedAtOnceMax)
      if (removal === null) throw new ApiError('not_found', 'No destination has this id or name')
      if (removal.remaining === 0) break
      if (undelivered !== undefined) continue
      throw new ApiError(
        'conflict',
        `${removal.remaining} deliveries wait for this destination; say with undelivered=skip or undelivered=dead what becomes of them`,
      )
    }
    await audit(store, c.req.valid('header'), {
      action: 'destination.delete',
      target: id,
      reason,
      detail: { name: definition.name, kind: definition.kind, undelivered: undelivered ?? null },
    })
    return c.body(null, 204)
  })

  async function readAndCheck(description: Record<string, unknown>): Promise<ResolvedDestination> {
    const reading = readDestination(description, 'api')
    if (!reading.ok) throw invalidRequest(reading.issues, description, 'json')
    if (hasHiddenQuery(reading.destination.definition.settings['url'])) throw queryMissing()
    const problem = await destinationProblem(reading.destination, kindContext)
    if (problem !== null) throw new ApiError('invalid_request', problem)
    return reading.destination
  }

  async function change(idOrName: string, given: Record<string, unknown>): Promise<StoredDestination> {
    for (let round = 0; round < changesMax; round += 1) {
      const present = await findDestination(store, idOrName)
      const { id, version, origin, definition, sealedSecrets } = present
      if (origin === 'config') throw inConfig()
      if (origin === 'agent') throw setOnAgent(definition.name)
      refuseRemoved(present)
      const asked = keepingHidden(
        withoutReadOnly(given, shown(present), destinationReadOnly),
        definition.settings,
      )
      if (asked['kind'] !== undefined && asked['kind'] !== definition.kind) {
        throw new ApiError(
          'invalid_request',
          `kind stays ${definition.kind}; make another destination for another kind`,
        )
      }
      const before = secretsBefore(present, asked['settings'])
      const merged = mergePatch(describeDestination(definition, before ?? {}), asked)
      const { definition: after, secrets } = await readAndCheck(merged)
      // Sealed anew only where they are others: the same secrets would be another text.
      const sealed = isDeepStrictEqual(secrets, before) ? sealedSecrets : sealer.seal(id, secrets)
      const changed = await store.changeDestination(id, version, { definition: after, sealedSecrets: sealed })
      if (changed === 'name_taken') throw nameTaken(after.name)
      if (typeof changed !== 'string') return changed
    }
    throw new ApiError('conflict', 'Others keep changing this destination; try again')
  }

  /** What a crash has left of an agent that is gone, and what calls brought with them, may be removed here. */
  async function refuseOfAgent(name: string): Promise<void> {
    const agentId = publishingAgent(name)
    if (agentId !== null && (await store.getAgent(agentId)) !== null) throw setOnAgent(name)
  }

  /** Null where they cannot be read: then all of them must be given anew, or one would be lost unseen. */
  function secretsBefore(destination: StoredDestination, given: unknown): Record<string, unknown> | null {
    try {
      return secretsOf(destination)
    } catch (error) {
      if (!(error instanceof SealError)) throw error
      const names = destinationKinds.get(destination.definition.kind)?.secrets ?? []
      if (typeof given === 'object' && given !== null && names.every((name) => name in given)) return null
      const needed = names.map((name) => `settings.${name}`).join(', ')
      throw new ApiError(
        'conflict',
        `This destination cannot be changed: ${error.message} (${needed}; null is none)`,
      )
    }
  }
}

/** What a change names, for the audit log. */
function fieldsOf(change: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(change).flatMap(([field, value]) =>
    field === 'settings' && typeof value === 'object' && value !== null
      ? Object.keys(value).map((setting) => `settings.${setting}`)
      : [field],
  )
}

function nameTaken(name: string): ApiError {
  return new ApiError('conflict', `Another destination has the name ${name}`)
}

function queryMissing(): ApiError {
  return new ApiError(
    'invalid_request',
    'settings.url ends with ?…, which stands for a query that is not shown; give the URL whole',
  )
}

function setOnAgent(name: string): ApiError {
  const agentId = publishingAgent(name)
  return new ApiError(
    'conflict',
    agentId === null
      ? 'This destination is what calls have as their own webhook; there is nothing to change here'
      : `This destination is the webhook of the agent ${agentId}; change it there, with PATCH /agents/${encodeURIComponent(agentId)}`,
  )
}

function inConfig(): ApiError {
  return new ApiError('conflict', 'This destination is set in the config file; change it there')
}
