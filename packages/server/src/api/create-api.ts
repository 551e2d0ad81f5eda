import { OpenAPIHono, createRoute, z } from '@hono/zod-openapi'
import type { HttpBindings } from '@hono/node-server'
import { ingestLimits } from '@hookswitch/core'
import { errorAnswers, jsonAnswer } from './answers.ts'
import type { ApiApp, ApiOptions } from './app.ts'
import { addAgentActRoutes } from './agent-acts.ts'
import { addAgentRoutes } from './agents.ts'
import { addAuditRoute } from './audit.ts'
import { addCallRoutes } from './calls.ts'
import { addDeliveryRoutes } from './deliveries.ts'
import { addDestinationActRoutes } from './destination-acts.ts'
import { addDestinationKindRoute } from './destination-kinds.ts'
import { addDestinationRoutes } from './destinations.ts'
import { addEraseRoute } from './erase.ts'
import { ApiError, answerError } from './errors.ts'
import { addEventRoutes } from './events.ts'
import { addExplainRoute } from './explain.ts'
import { invalidRequest } from './invalid-request.ts'
import { addLaneRoutes } from './lanes.ts'
import { addReplayRoutes } from './replays.ts'
import { addRetentionRoute } from './retention.ts'
import { addSecretRoutes } from './secrets.ts'
import { addStartedCallRoutes } from './started-calls.ts'
import { addStreamRoute } from './stream.ts'
import { utf8Body } from './utf8-body.ts'

const basePath = '/api/v1'

/** The largest body of a setting is a destination with filter and template. */
const bodyBytesMax = 64 * 1024

/** What is published may be as large as what is received. */
const publishedPath = /^\/api\/v1\/calls\/[^/]+\/events$/

/** The HTTP API, for `getRequestListener` of @hono/node-server. Everything below `/api/v1` needs the admin token. */
export function createApi(options: ApiOptions): ApiApp {
  const root: ApiApp = new OpenAPIHono<{ Bindings: HttpBindings }>()
  const app: ApiApp = new OpenAPIHono<{ Bindings: HttpBindings }>({
    defaultHook: (result: { success: boolean; error?: z.core.$ZodError; data?: unknown; target: string }) => {
      if (result.error !== undefined) throw invalidRequest(result.error.issues, result.data, result.target)
    },
  })
  root.onError((error, c) => answerError(error, c, options.log))
  root.notFound((c) => answerError(new ApiError('not_found'), c, options.log))
  root.use(`${basePath}/*`, async (c, next) => {
    c.header('Cache-Control', 'no-store')
    c.header('X-Content-Type-Options', 'nosniff')
    if (!options.isAdmin(c.req.header('authorization'))) throw new ApiError('unauthorized')
    requireDecodablePath(c.req.url)
    const isPublished = publishedPath.test(c.req.path)
    requireSmallBody(c.req.header(), isPublished ? ingestLimits.bodyBytesMax : bodyBytesMax)
    if (hasNoBody(c.req.header())) {
      c.req.raw.headers.delete('content-type')
      return next()
    }
    // That route reads so large a body when there is room for it.
    return isPublished ? next() : utf8Body(c, next)
  })
  addCallRoutes(app, options)
  addEventRoutes(app, options)
  addExplainRoute(app, options)
  addSecretRoutes(app, options)
  addStreamRoute(app, options)
  addDestinationRoutes(app, options)
  addDestinationActRoutes(app, options)
  addDestinationKindRoute(app)
  addAgentRoutes(app, options)
  addAgentActRoutes(app, options)
  addStartedCallRoutes(app, options)
  addDeliveryRoutes(app, options)
  addLaneRoutes(app, options)
  addReplayRoutes(app, options)
  addAuditRoute(app, options)
  addRetentionRoute(app, options)
  addEraseRoute(app, options)
  addDocumentRoute(app)
  refuseOtherMethods(app)
  root.route(basePath, app)
  return root
}

/** The router takes a path that cannot be decoded as it is, and would look for a call of that name. */
function requireDecodablePath(url: string): void {
  try {
    decodeURIComponent(new URL(url).pathname)
  } catch {
    throw new ApiError('invalid_request', 'The path is not percent-encoded UTF-8')
  }
}

function requireSmallBody(headers: Record<string, string>, bytesMax: number): void {
  if (headers['transfer-encoding'] !== undefined) throw new ApiError('length_required')
  if (Number(headers['content-length'] ?? 0) > bytesMax) throw new ApiError('payload_too_large')
}

/** An empty body is none, whatever type it is said to have: many clients name one with every POST. */
function hasNoBody(headers: Record<string, string>): boolean {
  return Number(headers['content-length'] ?? 0) === 0
}

const documentRoute = createRoute({
  method: 'get',
  path: '/openapi.json',
  summary: 'This description',
  responses: {
    200: jsonAnswer('An OpenAPI 3.1 document.', z.record(z.string(), z.unknown())),
    ...errorAnswers(),
  },
})

function addDocumentRoute(app: ApiApp): void {
  const { openAPIRegistry: registry } = app
  registry.registerComponent('securitySchemes', 'adminToken', { type: 'http', scheme: 'bearer' })
  let document: string | null = null
  app.openapi(documentRoute, (c) => {
    document ??= JSON.stringify(
      app.getOpenAPI31Document({
        openapi: '3.1.0',
        info: {
          title: 'Hookswitch',
          version: 'v1',
          description: 'Calls, events, destinations, deliveries, agents and secrets of a Hookswitch server.',
        },
        servers: [{ url: basePath }],
        security: [{ adminToken: [] }],
      }),
    )
    return c.body(document, 200, { 'Content-Type': 'application/json' }) as never
  })
}

/** Behind the routes: whoever arrives here has a path that exists and a method that does not. */
function refuseOtherMethods(app: ApiApp): void {
  const methods = new Map<string, string[]>()
  for (const definition of app.openAPIRegistry.definitions) {
    if (definition.type !== 'route') continue
    const { path, method } = definition.route
    const names = method === 'get' ? ['GET', 'HEAD'] : [method.toUpperCase()]
    methods.set(path, [...(methods.get(path) ?? []), ...names])
  }
  for (const [path, allowed] of methods) {
    app.all(path.replaceAll(/\{(.+?)\}/g, ':$1'), () => {
      throw new ApiError('method_not_allowed', undefined, { Allow: allowed.join(', ') })
    })
  }
}
