import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import { createRoute, z } from '@hono/zod-openapi'
import { errorAnswers } from './answers.ts'
import type { ApiApp, ApiOptions } from './app.ts'
import { ApiError } from './errors.ts'
import { afterSeq, parameters, textFilter } from './parameters.ts'

const route = createRoute({
  method: 'get',
  path: '/stream',
  summary: 'Follow events as they come',
  description:
    'Server-sent events: `event` is the type, `data` the event as JSON in one line, `id` its place in the log. From now on, or after `Last-Event-ID` or `after` without a gap. A comment comes every 15 s. A reader that is 1 MiB behind is cut, and goes on where it was. Where events after the cursor are not kept any more, or the log does not reach it, an event `gap` comes first, with `{"after":…,"oldest":…}`.',
  request: {
    headers: z.object({
      'last-event-id': afterSeq.openapi({
        description: 'As a browser sends it; wins over `after`.',
        example: '1042',
      }),
    }),
    query: parameters({
      after: afterSeq,
      type: textFilter('Events of this type, normalised.', 'call.ended'),
      callId: textFilter('Events of this call.', 'call_1'),
    }),
  },
  responses: {
    200: {
      description: 'The stream.',
      content: {
        'text/event-stream': {
          schema: z.string(),
          example: 'id: 1042\nevent: call.ended\ndata: {"id":"evt_…","seq":1042}\n\n',
        },
      },
    },
    ...errorAnswers('invalid_request', 'too_many_streams'),
  },
})

export function addStreamRoute(app: ApiApp, { stream }: Pick<ApiOptions, 'stream'>): void {
  app.openapi(route, async (c) => {
    const { after, type, callId } = c.req.valid('query')
    const lastEventId = c.req.valid('header')['last-event-id']
    // An answer to HEAD has an end.
    if (c.req.method === 'HEAD') return c.body(null, 200, { 'Content-Type': 'text/event-stream' })
    const served = await stream.serve(c.env.outgoing, {
      after: lastEventId ?? after ?? null,
      ...(type === undefined ? {} : { type }),
      ...(callId === undefined ? {} : { callId }),
    })
    if (!served) throw new ApiError('too_many_streams')
    return RESPONSE_ALREADY_SENT
  })
}
