import { createRoute, z } from '@hono/zod-openapi'
import type { EventQuery, StoredEvent } from '@hookswitch/core'
import { errorAnswers, jsonAnswer, jsonText } from './answers.ts'
import type { ApiApp, ApiOptions } from './app.ts'
import { encodeEventCursor } from './cursors.ts'
import { ApiError } from './errors.ts'
import { eventJson } from './event-json.ts'
import { noSuchCall } from './no-such-call.ts'
import { afterSeq, eventCursor, limit, parameters, textFilter } from './parameters.ts'
import { eventSchema, listSchema } from './schemas.ts'

/** Bodies of one page; a page ends with the event that reaches it. */
const pageBytesMax = 4 * 1024 * 1024

const eventListSchema = listSchema(eventSchema)

const paging = {
  type: textFilter('Events of this type, normalised.', 'call.ended'),
  after: afterSeq,
  limit,
  cursor: eventCursor,
}

const listRoute = createRoute({
  method: 'get',
  path: '/events',
  summary: 'List events in the order of the log',
  description: 'An event is here as soon as its sender was answered 200.',
  request: { query: parameters({ callId: textFilter('Events of this call.', 'call_1'), ...paging }) },
  responses: { 200: jsonAnswer('A page of events.', eventListSchema), ...errorAnswers('invalid_request') },
})

const ofCallRoute = createRoute({
  method: 'get',
  path: '/calls/{callId}/events',
  summary: 'List the events of a call in the order of the log',
  request: {
    params: z.object({ callId: z.string().openapi({ example: 'call_1' }) }),
    query: parameters(paging),
  },
  responses: {
    200: jsonAnswer('A page of events.', eventListSchema),
    ...errorAnswers('invalid_request', 'not_found'),
  },
})

const params = z.object({ id: z.string().openapi({ example: 'evt_01m812c3npnwhxm7s3kfwmg6x2' }) })

const showRoute = createRoute({
  method: 'get',
  path: '/events/{id}',
  summary: 'Show an event',
  request: { params },
  responses: { 200: jsonAnswer('The event.', eventSchema), ...errorAnswers('invalid_request', 'not_found') },
})

const rawRoute = createRoute({
  method: 'get',
  path: '/events/{id}/raw',
  summary: 'Get the bytes of an event',
  description: 'Exactly what was sent.',
  request: { params },
  responses: {
    200: { description: 'The bytes.', content: { 'application/json': { schema: z.unknown() } } },
    ...errorAnswers('invalid_request', 'not_found'),
  },
})

type Page = {
  type?: string | undefined
  after?: number | undefined
  cursor?: number | undefined
  limit: number
}

export function addEventRoutes(app: ApiApp, { store }: Pick<ApiOptions, 'store'>): void {
  /** The page as text, and whether it is empty. */
  async function page(callId: string | undefined, { type, after, cursor, limit: itemsMax }: Page) {
    if (after !== undefined && cursor !== undefined) {
      throw new ApiError('invalid_request', 'after and cursor are both given, expected one of them')
    }
    const events = await store.listEvents({
      ...(callId === undefined ? {} : { callId }),
      ...(type === undefined ? {} : { type }),
      after: cursor ?? after ?? 0,
      limit: itemsMax + 1,
      bytesMax: pageBytesMax,
    } satisfies EventQuery)
    const shown = events.slice(0, itemsMax)
    const last = shown.at(-1)
    const hasMore = events.length > itemsMax || bytesOf(shown) >= pageBytesMax
    const nextCursor = hasMore && last !== undefined ? encodeEventCursor(last.seq) : null
    const text = `{"items":[${shown.map(eventJson).join(',')}],"nextCursor":${JSON.stringify(nextCursor)}}`
    return { text, isEmpty: shown.length === 0 }
  }

  async function find(id: string): Promise<StoredEvent> {
    const event = await store.getEvent(id)
    if (event === null) throw new ApiError('not_found', 'No event has this id')
    return event
  }

  app.openapi(listRoute, async (c) => {
    const { callId, ...rest } = c.req.valid('query')
    return jsonText<z.infer<typeof eventListSchema>>(c, (await page(callId, rest)).text)
  })

  app.openapi(ofCallRoute, async (c) => {
    const { callId } = c.req.valid('param')
    const { text, isEmpty } = await page(callId, c.req.valid('query'))
    if (isEmpty && (await store.listEvents({ callId, after: 0, limit: 1 })).length === 0) {
      throw await noSuchCall(store, callId)
    }
    return jsonText<z.infer<typeof eventListSchema>>(c, text)
  })

  app.openapi(showRoute, async (c) => {
    return jsonText<z.infer<typeof eventSchema>>(c, eventJson(await find(c.req.valid('param').id)))
  })

  app.openapi(rawRoute, async (c) => {
    const { body } = await find(c.req.valid('param').id)
    return c.body(body as Uint8Array<ArrayBuffer>, 200, { 'Content-Type': 'application/json' }) as never
  })
}

function bytesOf(events: readonly StoredEvent[]): number {
  return events.reduce((sum, { body }) => sum + body.byteLength, 0)
}
