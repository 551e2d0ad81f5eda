import { request } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { adminToken, startApiServer, unreachable, type ApiServer } from '../../test/api-server.ts'

let server: ApiServer
beforeAll(async () => {
  server = await startApiServer()
})
afterAll(() => server.close())

describe('who may ask', () => {
  test.each([undefined, '', adminToken, 'Bearer', 'Bearer wrong', `Basic ${adminToken}`])(
    'with Authorization %s: 401, on every path - not even which paths exist is told',
    async (authorization) => {
      for (const path of ['/calls', '/openapi.json', '/no-such-path']) {
        const headers: Record<string, string> = authorization === undefined ? {} : { authorization }
        const response = await fetch(`${server.url}/api/v1${path}`, { headers })
        expect(response.status).toBe(401)
        expect(response.headers.get('www-authenticate')).toBe('Bearer')
        expect(await response.json()).toMatchObject({ code: 'unauthorized' })
      }
    },
  )
})

describe('paths and methods', () => {
  test.each(['/api/v1/nothing', '/api/v1', '/api/v2/calls', '/api/', '/api/v1/calls/'])(
    '%s is not found',
    async (path) => {
      const headers = { authorization: `Bearer ${adminToken}` }
      const response = await fetch(server.url + path, { headers })
      expect(response.status).toBe(404)
      expect(await response.json()).toEqual({ error: 'Not found', code: 'not_found' })
    },
  )

  test.each([
    ['POST', '/calls', 'GET, HEAD'],
    ['DELETE', '/events/evt_1', 'GET, HEAD'],
    ['PUT', '/sources/hamsa/secrets', 'GET, HEAD, POST'],
    ['GET', '/sources/hamsa/secrets/sec_1', 'DELETE'],
    ['POST', '/stream', 'GET, HEAD'],
    ['PATCH', '/openapi.json', 'GET, HEAD'],
    ['PUT', '/destinations', 'GET, HEAD, POST'],
    ['POST', '/destinations/dst_1', 'GET, HEAD, PATCH, DELETE'],
    ['GET', '/destinations/dst_1/pause', 'POST'],
    ['DELETE', '/deliveries/dlv_1', 'GET, HEAD'],
    ['GET', '/erase', 'POST'],
  ])('%s %s is not allowed, and what is stands in Allow', async (method, path, allow) => {
    const answer = await server.ask(path, { method })
    expect(answer.status).toBe(405)
    expect(answer.headers.get('allow')).toBe(allow)
    expect(answer.body).toEqual({ error: 'Method not allowed', code: 'method_not_allowed' })
  })

  test.each([
    '/calls',
    '/events',
    '/sources/hamsa/secrets',
    '/openapi.json',
    '/stream',
    '/destinations',
    '/deliveries',
    '/lanes',
    '/replays',
    '/audit',
    '/destination-kinds',
    '/retention',
  ])('HEAD %s has the head of GET and no body', async (path) => {
    const answer = await server.ask(path, { method: 'HEAD' })
    expect(answer.status).toBe(200)
    expect(answer.text).toBe('')
  })

  test('HEAD of the stream leaves no reader behind', () => {
    expect(server.stream.open).toBe(0)
  })

  test('a path that is not percent-encoded UTF-8 is refused - it could be mistaken for another call', async () => {
    const { port } = new URL(server.url)
    const status = await new Promise((resolve, reject) => {
      const headers = { authorization: `Bearer ${adminToken}` }
      request({ port, path: '/api/v1/calls/%ff', headers }, (response) => {
        response.resume()
        resolve(response.statusCode)
      })
        .on('error', reject)
        .end()
    })
    expect(status).toBe(400)
  })

  test('answers are not for caches, and not to be guessed at', async () => {
    const { headers } = await server.ask('/calls')
    expect(headers.get('cache-control')).toBe('no-store')
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('content-type')).toBe('application/json')
  })
})

describe('when the store fails', () => {
  test.each([
    '/calls',
    '/calls/a',
    '/calls/a/events',
    '/events',
    '/events/a',
    '/events/a/raw',
    '/stream',
    '/sources/hamsa/secrets',
    '/events/a/explain',
    '/destinations',
    '/destinations/a',
    '/deliveries',
    '/deliveries/dlv_1',
    '/lanes',
    '/replays',
    '/replays/rpl_1',
    '/audit',
  ])('%s answers 503 with Retry-After, and nothing about the store', async (path) => {
    server.breakStore(unreachable)
    const answer = await server.ask(path)
    server.breakStore(null)
    expect(answer.status).toBe(503)
    expect(answer.headers.get('retry-after')).toBe('2')
    expect(answer.body).toEqual({ error: 'The store is not available', code: 'unavailable' })
  })

  test('what nobody expected is a 500 without details, and logged without its message', async () => {
    server.breakStore(new TypeError('a body of +15550100 was in the way'))
    const answer = await server.ask('/calls')
    server.breakStore(null)
    expect(answer.status).toBe(500)
    expect(answer.body).toEqual({ error: 'Internal error', code: 'internal' })
    const log = JSON.stringify(server.logged)
    expect(log).toContain('TypeError')
    expect(log).not.toContain('+15550100')
  })
})

describe('the description of the API', () => {
  interface Document {
    openapi: string
    servers: { url: string }[]
    paths: Record<string, Record<string, Operation>>
    components: { schemas: Record<string, unknown>; securitySchemes: Record<string, unknown> }
  }
  interface Operation {
    summary?: string
    parameters?: { name: string; in: string; schema: Record<string, unknown>; required?: boolean }[]
    responses: Record<string, { description: string; content?: Record<string, { schema?: unknown }> }>
  }

  async function document(): Promise<Document> {
    return (await server.ask('/openapi.json')).body as unknown as Document
  }

  test('has every route, each with a summary and a schema for every answer that has a body', async () => {
    const { openapi, servers, paths, components } = await document()
    expect(openapi).toBe('3.1.0')
    expect(servers).toEqual([{ url: '/api/v1' }])
    const operations = Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({ name: `${method} ${path}`, operation })),
    )
    expect(operations.map(({ name }) => name).sort()).toEqual([
      'delete /agents/{agentId}',
      'delete /destinations/{id}',
      'delete /sources/{source}/secrets/{id}',
      'get /agents',
      'get /agents/{agentId}',
      'get /audit',
      'get /calls',
      'get /calls/{callId}',
      'get /calls/{callId}/events',
      'get /deliveries',
      'get /deliveries/{id}',
      'get /destination-kinds',
      'get /destinations',
      'get /destinations/{id}',
      'get /events',
      'get /events/{id}',
      'get /events/{id}/explain',
      'get /events/{id}/raw',
      'get /lanes',
      'get /openapi.json',
      'get /replays',
      'get /replays/{id}',
      'get /retention',
      'get /sources/{source}/secrets',
      'get /stream',
      'patch /agents/{agentId}',
      'patch /destinations/{id}',
      'post /agents',
      'post /agents/{agentId}/calls',
      'post /agents/{agentId}/signing-secret',
      'post /agents/{agentId}/test',
      'post /calls/{callId}/events',
      'post /deliveries/{id}/retry',
      'post /deliveries/{id}/skip',
      'post /destinations',
      'post /destinations/{id}/pause',
      'post /destinations/{id}/resume',
      'post /destinations/{id}/test',
      'post /erase',
      'post /lanes/{id}/resume',
      'post /lanes/{id}/skip',
      'post /replays',
      'post /replays/{id}/cancel',
      'post /sources/{source}/secrets',
    ])
    for (const { operation } of operations) {
      expect(operation.summary).toBeTruthy()
      expect(Object.keys(operation.responses)).toEqual(expect.arrayContaining(['401', '500', '503']))
      for (const [status, { description, content }] of Object.entries(operation.responses)) {
        expect(description).not.toBe('')
        if (status !== '204') expect(Object.values(content ?? {})[0]).toHaveProperty('schema')
      }
    }
    expect(Object.keys(components.schemas).sort()).toEqual(
      (
        'Act AddedSecret Agent AgentTest AgentWebhook Attempt Call CallSummary ChangedAgent Delivery DeliveryAttempt DeliveryDetail Destination DestinationKind DestinationName ' +
        'DestinationState EraseReport Error Event ExplainedEvent Explanation Health Hold Issue Kept Lane OutcomeField PublishedEvent Replay Retention Secret SigningSecret StartedCall StartedReplay TestResult'
      ).split(' '),
    )
    expect(components.securitySchemes).toEqual({ adminToken: { type: 'http', scheme: 'bearer' } })
  })

  test('says of parameters what they take', async () => {
    const { paths } = await document()
    const ofCalls = paths['/calls']?.['get']?.parameters ?? []
    expect(ofCalls.map(({ name }) => name).sort()).toEqual(
      ['agentId', 'cursor', 'from', 'limit', 'outcome', 'q', 'status', 'to'].sort(),
    )
    expect(ofCalls.find(({ name }) => name === 'limit')).toMatchObject({
      in: 'query',
      schema: { type: 'integer', minimum: 1, maximum: 200, default: 50 },
    })
    expect(ofCalls.find(({ name }) => name === 'limit')?.required).not.toBe(true)
    const ofStream = paths['/stream']?.['get']?.parameters ?? []
    expect(ofStream.map((parameter) => `${parameter.in} ${parameter.name}`).sort()).toEqual(
      ['header last-event-id', 'query after', 'query callId', 'query type'].sort(),
    )
  })
})
