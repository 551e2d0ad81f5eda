import { createRoute, z } from '@hono/zod-openapi'
import type { DeliveryQuery, ListedDelivery } from '@hookswitch/core'
import { actorHeaders, actorOf, audit, reasonBody, skipReason } from './acts.ts'
import { bodyErrors, errorAnswers, jsonAnswer } from './answers.ts'
import type { ApiApp, ApiOptions } from './app.ts'
import { keyedPage } from './cursors.ts'
import {
  deliveryDetailSchema,
  deliverySchema,
  deliveryStates,
  shownDelivery,
  shownDeliveryDetail,
} from './delivery-json.ts'
import { destinationsByKey, findDestinationKey } from './destination-list.ts'
import { ApiError } from './errors.ts'
import { deliveryId, keyOf, notFound } from './keyed-id.ts'
import { keyCursor, limit, parameters, textFilter } from './parameters.ts'
import { listSchema } from './schemas.ts'

const listRoute = createRoute({
  method: 'get',
  path: '/deliveries',
  summary: 'List deliveries, newest first',
  request: {
    query: parameters({
      state: z.enum(deliveryStates, deliveryStates.join(', ')).optional(),
      destination: textFilter(
        'Deliveries to this destination, by id or name, also one that was removed.',
        'crm',
      ),
      callId: textFilter('Deliveries of the events of this call.', 'call_1'),
      limit,
      cursor: keyCursor('deliveries'),
    }),
  },
  responses: {
    200: jsonAnswer('A page of deliveries.', listSchema(deliverySchema)),
    ...errorAnswers('invalid_request', 'not_found'),
  },
})

const params = z.object({ id: z.string().openapi({ example: 'dlv_1042' }) })

const showRoute = createRoute({
  method: 'get',
  path: '/deliveries/{id}',
  summary: 'Show a delivery with its attempts',
  request: { params },
  responses: { 200: jsonAnswer('The delivery.', deliveryDetailSchema), ...errorAnswers('not_found') },
})

const act = {
  request: {
    params,
    headers: actorHeaders,
    body: { content: { 'application/json': { schema: reasonBody } } },
  },
  responses: {
    200: jsonAnswer('The delivery as it is now.', deliveryDetailSchema),
    ...errorAnswers('not_found', 'conflict', ...bodyErrors),
  },
}

const retryRoute = createRoute({
  method: 'post',
  path: '/deliveries/{id}/retry',
  summary: 'Retry a delivery',
  description:
    'A dead, skipped or filtered one joins its lane at the tail with all its tries again; a pending one whose time has not come is due now.',
  ...act,
})

const skipRoute = createRoute({
  method: 'post',
  path: '/deliveries/{id}/skip',
  summary: 'Skip a pending delivery',
  description: 'It is passed over, and its lane goes on with the next.',
  ...act,
})

const retryRefusals = {
  claimed: 'This delivery is being tried at this moment',
  delivered: 'This delivery has been delivered; a replay sends its event again',
  destination_removed: 'The destination of this delivery has been removed; there is nowhere left to send it',
  event_removed: 'The event of this delivery has been removed; there is nothing left to send',
} as const

const skipRefusals = {
  claimed: 'This delivery is being tried at this moment; try again',
  finished: 'This delivery is not pending; there is nothing to skip',
} as const

export function addDeliveryRoutes(app: ApiApp, { store, clock }: ApiOptions): void {
  app.openapi(listRoute, async (c) => {
    const { state, destination, callId, limit: itemsMax, cursor } = c.req.valid('query')
    const found = await store.listDeliveries({
      ...(state === undefined ? {} : { state }),
      ...(destination === undefined ? {} : { destinationKey: await findDestinationKey(store, destination) }),
      ...(callId === undefined ? {} : { callId }),
      before: cursor ?? null,
      limit: itemsMax + 1,
    } satisfies DeliveryQuery)
    const destinationOf = await namesFor(found)
    const page = keyedPage('deliveries', found, itemsMax, (delivery) =>
      shownDelivery(delivery, destinationOf),
    )
    return c.json(page, 200)
  })

  app.openapi(showRoute, async (c) => c.json(await detail(keyOf('dlv', c.req.valid('param').id)), 200))

  app.openapi(retryRoute, async (c) => {
    const { reason } = c.req.valid('json')
    const key = keyOf('dlv', c.req.valid('param').id)
    const result = await store.retryDelivery(key)
    if (result === 'not_found') throw notFound('dlv')
    if (result !== 'done') throw new ApiError('conflict', retryRefusals[result])
    await audit(store, c.req.valid('header'), { action: 'delivery.retry', target: deliveryId(key), reason })
    return c.json(await detail(key), 200)
  })

  app.openapi(skipRoute, async (c) => {
    const { reason } = c.req.valid('json')
    const headers = c.req.valid('header')
    const key = keyOf('dlv', c.req.valid('param').id)
    const result = await store.skipDelivery(key, skipReason(actorOf(headers), reason))
    if (result === 'not_found') throw notFound('dlv')
    if (result !== 'done') throw new ApiError('conflict', skipRefusals[result])
    await audit(store, headers, { action: 'delivery.skip', target: deliveryId(key), reason })
    return c.json(await detail(key), 200)
  })

  async function detail(key: number): Promise<z.infer<typeof deliveryDetailSchema>> {
    const found = await store.getDelivery(key)
    if (found === null) throw notFound('dlv')
    return shownDeliveryDetail(found.delivery, found.attempts, await namesFor([found.delivery]))
  }

  function namesFor(deliveries: readonly ListedDelivery[]) {
    const keys = deliveries.map(({ destinationKey }) => destinationKey)
    return destinationsByKey(store, keys, clock())
  }
}
