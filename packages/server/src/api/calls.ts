import { createRoute, z } from '@hono/zod-openapi'
import { showCall, summarizeCall } from '@hookswitch/events'
import { errorAnswers, jsonAnswer } from './answers.ts'
import type { ApiApp, ApiOptions } from './app.ts'
import { encodeCallCursor } from './cursors.ts'
import { noSuchCall } from './no-such-call.ts'
import { callCursor, limit, textFilter, time } from './parameters.ts'
import { callSchema, callSummarySchema, listSchema } from './schemas.ts'

const outcomePrefix = 'outcome.'

/** Each is one more condition of the query. */
const outcomeFiltersMax = 8

const filters = {
  agentId: textFilter('Calls of this agent.', 'agent-123'),
  status: z.enum(['started', 'answered', 'ended'], 'started, answered or ended').optional(),
  from: time('Calls whose first event was at this time or later.'),
  to: time('Calls whose first event was before this time.'),
  q: textFilter('Calls whose callId, conversationId or agentName begins so.', 'conv-'),
  limit,
  cursor: callCursor,
}

const query = z
  .object(filters)
  .catchall(z.string('one text'))
  .superRefine((given, context) => {
    const others = Object.keys(given).filter((name) => !Object.hasOwn(filters, name))
    const unknown = others.filter((name) => !name.startsWith(outcomePrefix) || name === outcomePrefix)
    if (unknown.length > 0) {
      const message = [...Object.keys(filters), `${outcomePrefix}<field>`].join(' ')
      context.addIssue({ code: 'unrecognized_keys', keys: unknown, message, input: given })
    } else if (others.length > outcomeFiltersMax) {
      const path = [others[outcomeFiltersMax] ?? '']
      context.addIssue({
        code: 'custom',
        path,
        message: `at most ${outcomeFiltersMax} fields of the outcome`,
      })
    }
  })

const listRoute = createRoute({
  method: 'get',
  path: '/calls',
  summary: 'List calls, newest first',
  description:
    'By the time of their first event, without params, transcript, outcome and tools. `outcome.<field>=<text>` takes calls whose outcome has that value, written as text.',
  parameters: [
    {
      name: 'outcome',
      in: 'query',
      description: 'Parameters named `outcome.` and a field of the outcome.',
      style: 'form',
      explode: true,
      schema: { type: 'object', additionalProperties: { type: 'string' } },
      example: { 'outcome.resolved': 'true' },
    },
  ],
  request: { query },
  responses: {
    200: jsonAnswer('A page of calls.', listSchema(callSummarySchema)),
    ...errorAnswers('invalid_request'),
  },
})

const showRoute = createRoute({
  method: 'get',
  path: '/calls/{callId}',
  summary: 'Show a call',
  description: 'The record folded from all its events, with transcript, outcome and tools.',
  request: { params: z.object({ callId: z.string().openapi({ example: 'call_1' }) }) },
  responses: { 200: jsonAnswer('The call.', callSchema), ...errorAnswers('invalid_request', 'not_found') },
})

export function addCallRoutes(app: ApiApp, { store, callViews }: ApiOptions): void {
  app.openapi(listRoute, async (c) => {
    const {
      agentId,
      status,
      from,
      to,
      q: prefix,
      limit: itemsMax,
      cursor: after,
      ...others
    } = c.req.valid('query')
    const outcome = Object.entries(others as Record<string, string>).map(([name, text]) => ({
      field: name.slice(outcomePrefix.length),
      text,
    }))
    const { items, next } = await store.listCalls({
      ...(agentId === undefined ? {} : { agentId }),
      ...(status === undefined ? {} : { status }),
      ...(from === undefined ? {} : { from }),
      ...(to === undefined ? {} : { to }),
      ...(prefix === undefined ? {} : { prefix }),
      ...(after === undefined ? {} : { after }),
      ...(outcome.length === 0 ? {} : { outcome }),
      limit: itemsMax,
    })
    return c.json(
      { items: items.map(summarizeCall), nextCursor: next === null ? null : encodeCallCursor(next) },
      200,
    )
  })

  app.openapi(showRoute, async (c) => {
    const found = await store.getCall(c.req.valid('param').callId)
    if (found === null) throw await noSuchCall(store, c.req.valid('param').callId)
    const { head, parts } = found
    return c.json(showCall(head, parts, await callViews(head)), 200)
  })
}
