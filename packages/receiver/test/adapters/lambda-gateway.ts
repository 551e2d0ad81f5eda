import { createServer, type IncomingMessage, type Server } from 'node:http'
import { text } from 'node:stream/consumers'
import type { LambdaEvent, LambdaResult } from '@hookswitch/receiver/lambda'

// The events as the guides of the services show them: "Working with AWS Lambda proxy integrations for HTTP APIs" (both
// formats), "Set up Lambda proxy integrations in API Gateway", "Lambda functions as Application Load Balancer targets".

export type GatewayKind =
  'REST API' | 'HTTP API or function URL' | 'load balancer' | 'load balancer with lists'

/** Makes of each request the event that this kind of gateway makes of it, and of the result an answer. */
export function createGateway(
  kind: GatewayKind,
  functionAt: (path: string) => (event: LambdaEvent) => Promise<LambdaResult>,
): Server {
  return createServer((request, response) => {
    void (async () => {
      const { pathname } = new URL(request.url ?? '/', 'http://gateway')
      // A function gets JSON and answers with JSON.
      const event = JSON.parse(JSON.stringify(await eventOf(kind, request))) as LambdaEvent
      const result = JSON.parse(JSON.stringify(await functionAt(pathname)(event))) as LambdaResult
      response.statusCode = result.statusCode
      const headers = kind === 'load balancer with lists' ? result.multiValueHeaders : result.headers
      for (const [name, value] of Object.entries(headers ?? {})) response.setHeader(name, value)
      response.end(result.body)
    })().catch((error: unknown) => response.destroy(error as Error))
  })
}

async function eventOf(kind: GatewayKind, request: IncomingMessage): Promise<LambdaEvent & object> {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://gateway')
  const method = request.method ?? ''
  const isText = /^(?:text\/|application\/(?:json|javascript|xml))/.test(
    request.headers['content-type'] ?? '',
  )
  const encoded = await text(request.setEncoding(isText ? 'utf8' : 'base64'))
  const body = { body: encoded === '' ? null : encoded, isBase64Encoded: !isText && encoded !== '' }
  const query = Object.fromEntries(searchParams)
  const single = namesAsSent(request, (values) => values.join(','))
  const lists = namesAsSent(request, (values) => values)
  switch (kind) {
    case 'REST API':
      return {
        resource: '/{proxy+}',
        path: pathname,
        httpMethod: method,
        headers: single,
        multiValueHeaders: lists,
        queryStringParameters: query,
        requestContext: { httpMethod: method, path: pathname, stage: 'prod' },
        ...body,
      } as LambdaEvent
    case 'HTTP API or function URL': {
      const { body: content, isBase64Encoded } = body
      return {
        version: '2.0',
        routeKey: '$default',
        rawPath: pathname,
        rawQueryString: searchParams.toString(),
        headers: request.headers,
        requestContext: { http: { method, path: pathname, protocol: 'HTTP/1.1' }, stage: '$default' },
        // Left out where there is none.
        ...(content === null ? {} : { body: content }),
        isBase64Encoded,
      } as LambdaEvent
    }
    case 'load balancer':
    case 'load balancer with lists':
      return {
        requestContext: { elb: { targetGroupArn: 'arn:aws:elasticloadbalancing:region:1:targetgroup/t/1' } },
        httpMethod: method,
        path: pathname,
        ...(kind === 'load balancer'
          ? { headers: request.headers, queryStringParameters: query }
          : { multiValueHeaders: request.headersDistinct, multiValueQueryStringParameters: query }),
        ...body,
        body: body.body ?? '',
      } as unknown as LambdaEvent
  }
}

/** REST APIs leave the names of headers as they were sent; senders write them in all ways. */
function namesAsSent<Value>(
  { headersDistinct }: IncomingMessage,
  valueOf: (values: string[]) => Value,
): Record<string, Value> {
  const entries = Object.entries(headersDistinct).map(([name, values]) => [
    name.replace(/\b[a-z]/g, (letter) => letter.toUpperCase()),
    valueOf(values ?? []),
  ])
  return Object.fromEntries(entries) as Record<string, Value>
}
