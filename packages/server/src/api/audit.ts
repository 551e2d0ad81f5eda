import { createRoute, z } from '@hono/zod-openapi'
import { errorAnswers, jsonAnswer } from './answers.ts'
import type { ApiApp, ApiOptions } from './app.ts'
import { keyedPage } from './cursors.ts'
import { keyCursor, limit, parameters } from './parameters.ts'
import { listSchema } from './schemas.ts'
import { iso, isoTime } from './times.ts'

const entrySchema = z
  .object({
    at: isoTime,
    actor: z.string().openapi({ description: 'As the header hookswitch-actor said it.', example: 'admin' }),
    action: z.string().openapi({ example: 'destination.pause' }),
    target: z
      .string()
      .openapi({ description: 'The id of what was acted on.', example: 'dst_V3x0mB1kq9Zt4Rfa' }),
    reason: z.string().nullable(),
    detail: z.record(z.string(), z.unknown()).nullable(),
  })
  .openapi('Act')

const route = createRoute({
  method: 'get',
  path: '/audit',
  summary: 'List what was done by hand, newest first',
  request: { query: parameters({ limit, cursor: keyCursor('audit') }) },
  responses: {
    200: jsonAnswer('A page of acts.', listSchema(entrySchema)),
    ...errorAnswers('invalid_request'),
  },
})

export function addAuditRoute(app: ApiApp, { store }: Pick<ApiOptions, 'store'>): void {
  app.openapi(route, async (c) => {
    const { limit: itemsMax, cursor } = c.req.valid('query')
    const found = await store.listAudit({ before: cursor ?? null, limit: itemsMax + 1 })
    const page = keyedPage('audit', found, itemsMax, ({ at, actor, action, target, reason, detail }) => {
      return { at: iso(at), actor, action, target, reason, detail }
    })
    return c.json(page, 200)
  })
}
