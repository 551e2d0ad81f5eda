import { createRoute, z } from '@hono/zod-openapi'
import type { ReplayFilter, StoredReplay } from '@hookswitch/core'
import { objectOf } from '../config/object-schema.ts'
import { eventTypeField } from '../destinations/destination-fields.ts'
import { actorHeaders, audit, reasonBody, reasonField } from './acts.ts'
import { bodyErrors, errorAnswers, jsonAnswer } from './answers.ts'
import type { ApiApp, ApiOptions } from './app.ts'
import { keyedPage } from './cursors.ts'
import { deliveryStates } from './delivery-json.ts'
import { namedDestinationSchema } from './destination-json.ts'
import {
  destinationsByKey,
  findDestination,
  refuseRemoved,
  type DestinationByKey,
} from './destination-list.ts'
import { ApiError } from './errors.ts'
import { keyOf, notFound, replayId } from './keyed-id.ts'
import { bodyTime, keyCursor, limit, parameters } from './parameters.ts'
import { listSchema } from './schemas.ts'
import { iso, isoOrNull, isoTime } from './times.ts'

/** More are most often a filter that is not what was meant; several replays do the rest. */
const eventsMax = 100_000

const eventIdsMax = 1_000
const textCharactersMax = 200

const eventId = 'the id of an event, evt_…'
const text = `a text of 1 to ${textCharactersMax} characters`
const filterText = z.string(text).min(1, text).max(textCharactersMax, text).optional()

const filterShape = {
  eventIds: z
    .array(z.string(eventId).regex(/^evt_\w{1,40}$/, eventId), 'a list of ids of events')
    .min(1, 'at least one id')
    .max(eventIdsMax, `at most ${eventIdsMax} ids`)
    .optional(),
  callId: filterText,
  type: eventTypeField.optional().openapi({ type: 'string', example: 'call.ended' }),
  source: filterText,
  from: bodyTime('Events that were received at this time or later.'),
  to: bodyTime('Events that were received before this time.'),
  state: z
    .enum(deliveryStates, deliveryStates.join(', '))
    .optional()
    .openapi({ description: 'Events whose latest delivery to this destination is in this state.' }),
}

const destination = 'the id or name of a destination'

const body = objectOf({
  destination: z.string(destination).min(1, destination).openapi({ example: 'crm' }),
  filter: objectOf(filterShape, 'an object; {} replays every event')
    .superRefine(({ from, to }, context) => {
      if (from === undefined || to === undefined || from < to) return
      context.addIssue({ code: 'custom', path: ['to'], message: 'a time after from' })
    })
    .openapi({ description: 'All that is given must hold. `{}` takes every event.' }),
  reason: reasonField,
})

const replaySchema = z
  .object({
    id: z.string().openapi({ example: 'rpl_3' }),
    destination: namedDestinationSchema,
    filter: z.object({
      eventIds: z.array(z.string()).optional(),
      callId: z.string().optional(),
      type: z.string().optional(),
      source: z.string().optional(),
      from: isoTime.optional(),
      to: isoTime.optional(),
      state: z.enum(deliveryStates).optional(),
    }),
    total: z.int().openapi({ description: 'Events that matched when it was asked for.', example: 120 }),
    made: z.int().openapi({ description: 'Deliveries made so far.', example: 80 }),
    state: z.enum(['running', 'done', 'cancelled']),
    createdAt: isoTime,
    finishedAt: isoTime.nullable(),
  })
  .openapi('Replay')

const addRoute = createRoute({
  method: 'post',
  path: '/replays',
  summary: 'Replay events to a destination',
  description: `Each event that matches is delivered once more, at the tail of its lane, with its own id and the replay's. At most ${eventsMax} events.`,
  request: {
    headers: actorHeaders,
    body: { content: { 'application/json': { schema: body } }, required: true },
  },
  responses: {
    202: jsonAnswer('It has begun.', z.object({ id: z.string(), total: z.int() }).openapi('StartedReplay')),
    ...errorAnswers('not_found', 'conflict', ...bodyErrors),
  },
})

const listRoute = createRoute({
  method: 'get',
  path: '/replays',
  summary: 'List replays, newest first',
  request: { query: parameters({ limit, cursor: keyCursor('replays') }) },
  responses: {
    200: jsonAnswer('A page of replays.', listSchema(replaySchema)),
    ...errorAnswers('invalid_request'),
  },
})

const params = z.object({ id: z.string().openapi({ example: 'rpl_3' }) })

const showRoute = createRoute({
  method: 'get',
  path: '/replays/{id}',
  summary: 'Show how far a replay is',
  request: { params },
  responses: { 200: jsonAnswer('The replay.', replaySchema), ...errorAnswers('not_found') },
})

const cancelRoute = createRoute({
  method: 'post',
  path: '/replays/{id}/cancel',
  summary: 'Cancel a replay',
  description: 'It makes no more deliveries; those that it has made stay. One that has ended stays as it is.',
  request: {
    params,
    headers: actorHeaders,
    body: { content: { 'application/json': { schema: reasonBody } } },
  },
  responses: {
    200: jsonAnswer('The replay as it is now.', replaySchema),
    ...errorAnswers('not_found', ...bodyErrors),
  },
})

export function addReplayRoutes(app: ApiApp, { store, clock }: ApiOptions): void {
  app.openapi(addRoute, async (c) => {
    const { destination: idOrName, filter, reason } = c.req.valid('json')
    const destinationNow = await findDestination(store, idOrName)
    refuseRemoved(destinationNow)
    const { id, key } = destinationNow
    const wanted = { destinationKey: key, filter: filter as ReplayFilter }
    const matched = await store.matchReplay({ ...wanted, totalMax: eventsMax })
    if ('tooMany' in matched) {
      throw new ApiError(
        'invalid_request',
        `filter matches ${matched.tooMany} events, expected at most ${eventsMax}; narrow it, by time for example`,
      )
    }
    const { key: replayKey, total } = await store.addReplay({ ...wanted, ...matched })
    await audit(store, c.req.valid('header'), {
      action: 'replay.create',
      target: replayId(replayKey),
      reason,
      detail: { destination: id, total },
    })
    return c.json({ id: replayId(replayKey), total }, 202)
  })

  app.openapi(listRoute, async (c) => {
    const { limit: itemsMax, cursor } = c.req.valid('query')
    const found = await store.listReplays({ before: cursor ?? null, limit: itemsMax + 1 })
    const destinationOf = await namesFor(found)
    return c.json(
      keyedPage('replays', found, itemsMax, (replay) => shownReplay(replay, destinationOf)),
      200,
    )
  })

  app.openapi(showRoute, async (c) => {
    return c.json(await shown(await store.getReplay(keyOf('rpl', c.req.valid('param').id))), 200)
  })

  app.openapi(cancelRoute, async (c) => {
    const { reason } = c.req.valid('json')
    const key = keyOf('rpl', c.req.valid('param').id)
    const before = await store.getReplay(key)
    const after = await store.cancelReplay(key)
    if (before?.state === 'running' && after?.state === 'cancelled') {
      await audit(store, c.req.valid('header'), {
        action: 'replay.cancel',
        target: replayId(key),
        reason,
        detail: { made: after.made },
      })
    }
    return c.json(await shown(after), 200)
  })

  async function shown(replay: StoredReplay | null): Promise<z.infer<typeof replaySchema>> {
    if (replay === null) throw notFound('rpl')
    return shownReplay(replay, await namesFor([replay]))
  }

  function namesFor(replays: readonly StoredReplay[]): Promise<DestinationByKey> {
    return destinationsByKey(
      store,
      replays.map(({ destinationKey }) => destinationKey),
      clock(),
    )
  }
}

function shownReplay(replay: StoredReplay, destinationOf: DestinationByKey): z.infer<typeof replaySchema> {
  const { key, destinationKey, filter, total, made, state, createdAt, finishedAt } = replay
  const { id, name } = destinationOf(destinationKey)
  const { from, to, ...others } = filter
  return {
    id: replayId(key),
    destination: { id, name },
    filter: {
      ...others,
      ...(from === undefined ? {} : { from: iso(from) }),
      ...(to === undefined ? {} : { to: iso(to) }),
    },
    total,
    made,
    state,
    createdAt: iso(createdAt),
    finishedAt: isoOrNull(finishedAt),
  }
}
