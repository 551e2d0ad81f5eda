import { createRoute, z } from '@hono/zod-openapi'
import type { LaneQuery, StoredLane } from '@hookswitch/core'
import { actorHeaders, actorOf, audit, reasonBody, skipReason } from './acts.ts'
import { bodyErrors, errorAnswers, jsonAnswer } from './answers.ts'
import type { ApiApp, ApiOptions } from './app.ts'
import { keyedPage } from './cursors.ts'
import { laneStates } from './delivery-json.ts'
import { namedDestinationSchema } from './destination-json.ts'
import { destinationsByKey, findDestination, type DestinationByKey } from './destination-list.ts'
import { ApiError } from './errors.ts'
import { deliveryId, keyOf, laneId, notFound } from './keyed-id.ts'
import { keyCursor, limit, parameters, textFilter } from './parameters.ts'
import { listSchema } from './schemas.ts'
import { iso, isoOrNull, isoTime } from './times.ts'

const laneSchema = z
  .object({
    id: z.string().openapi({ example: 'lane_7' }),
    destination: namedDestinationSchema,
    key: z.string().openapi({ description: 'What its deliveries have in common.', example: 'call:call_1' }),
    state: z.enum(laneStates),
    pending: z.int().openapi({ description: 'Deliveries that wait in it.', example: 2 }),
    head: z.string().openapi({ description: 'The delivery whose turn it is.', example: 'dlv_1042' }),
    headAttempts: z.int().openapi({ description: 'Tries of the head that have failed.', example: 3 }),
    nextAttemptAt: isoTime
      .nullable()
      .openapi({ description: 'Null where it is parked or the destination is held.' }),
    parkedAt: isoTime.nullable(),
    parkedReason: z.string().nullable(),
  })
  .openapi('Lane')

const listRoute = createRoute({
  method: 'get',
  path: '/lanes',
  summary: 'List the lanes that have something to deliver',
  request: {
    query: parameters({
      state: z.enum(laneStates, 'running or parked').optional(),
      destination: textFilter('Lanes of this destination, by id or name.', 'crm'),
      limit,
      cursor: keyCursor('lanes'),
    }),
  },
  responses: {
    200: jsonAnswer('A page of lanes.', listSchema(laneSchema)),
    ...errorAnswers('invalid_request', 'not_found'),
  },
})

const act = {
  request: {
    params: z.object({ id: z.string().openapi({ example: 'lane_7' }) }),
    headers: actorHeaders,
    body: { content: { 'application/json': { schema: reasonBody } } },
  },
  responses: {
    200: jsonAnswer(
      'The lane as it is now; null where it has nothing to deliver any more.',
      z.object({ lane: laneSchema.nullable() }),
    ),
    ...errorAnswers('not_found', 'conflict', ...bodyErrors),
  },
}

const resumeRoute = createRoute({
  method: 'post',
  path: '/lanes/{id}/resume',
  summary: 'Resume a parked lane',
  description: 'Its head is tried again with all its tries. A lane that runs goes on as it is.',
  ...act,
})

const skipRoute = createRoute({
  method: 'post',
  path: '/lanes/{id}/skip',
  summary: 'Skip the head of a lane',
  description: 'The head is passed over, and the lane runs on with the next; so does a parked one.',
  ...act,
})

export function addLaneRoutes(app: ApiApp, { store, clock }: ApiOptions): void {
  app.openapi(listRoute, async (c) => {
    const { state, destination, limit: itemsMax, cursor } = c.req.valid('query')
    const found = await store.listLanes({
      ...(state === undefined ? {} : { state }),
      ...(destination === undefined
        ? {}
        : { destinationKey: (await findDestination(store, destination)).key }),
      after: cursor ?? 0,
      limit: itemsMax + 1,
    } satisfies LaneQuery)
    const destinationOf = await namesFor(found)
    return c.json(
      keyedPage('lanes', found, itemsMax, (lane) => shownLane(lane, destinationOf)),
      200,
    )
  })

  app.openapi(resumeRoute, async (c) => {
    const { reason } = c.req.valid('json')
    const key = keyOf('lane', c.req.valid('param').id)
    const result = await store.resumeLane(key)
    if (result === 'not_found') throw notFound('lane')
    if (result === 'done') {
      await audit(store, c.req.valid('header'), { action: 'lane.resume', target: laneId(key), reason })
    }
    return c.json({ lane: await laneNow(key) }, 200)
  })

  app.openapi(skipRoute, async (c) => {
    const { reason } = c.req.valid('json')
    const headers = c.req.valid('header')
    const key = keyOf('lane', c.req.valid('param').id)
    const head = (await find(key))?.headDeliveryKey
    const result = await store.skipLaneHead(key, skipReason(actorOf(headers), reason))
    if (result === 'not_found') throw notFound('lane')
    if (result === 'claimed') {
      throw new ApiError('conflict', 'The head of this lane is being tried at this moment; try again')
    }
    const detail = head === undefined ? {} : { detail: { head: deliveryId(head) } }
    await audit(store, headers, { action: 'lane.skip', target: laneId(key), reason, ...detail })
    return c.json({ lane: await laneNow(key) }, 200)
  })

  async function find(key: number): Promise<StoredLane | undefined> {
    const [lane] = await store.listLanes({ after: key - 1, limit: 1 })
    return lane?.key === key ? lane : undefined
  }

  /** An idle lane is not there. */
  async function laneNow(key: number): Promise<z.infer<typeof laneSchema> | null> {
    const lane = await find(key)
    return lane === undefined ? null : shownLane(lane, await namesFor([lane]))
  }

  function namesFor(lanes: readonly StoredLane[]): Promise<DestinationByKey> {
    return destinationsByKey(
      store,
      lanes.map(({ destinationKey }) => destinationKey),
      clock(),
    )
  }
}

function shownLane(lane: StoredLane, destinationOf: DestinationByKey): z.infer<typeof laneSchema> {
  const { key, destinationKey, laneKey, state, pending, headDeliveryKey, headAttempts, dueAt } = lane
  const { id, name, held } = destinationOf(destinationKey)
  return {
    id: laneId(key),
    destination: { id, name },
    key: laneKey,
    state,
    pending,
    head: deliveryId(headDeliveryKey),
    headAttempts,
    nextAttemptAt: state === 'parked' || held ? null : iso(dueAt),
    parkedAt: isoOrNull(lane.parkedAt),
    parkedReason: lane.parkedReason,
  }
}
