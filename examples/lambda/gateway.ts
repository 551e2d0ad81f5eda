import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { handler } from './handler.ts'

/**
 * What API Gateway does for an HTTP API, to try the function on this machine: the request becomes an event of payload
 * format 2.0, and what the function returns becomes the response.
 */
async function invoke(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const event = {
    headers: Object.fromEntries(
      Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
    ),
    requestContext: { http: { method: request.method ?? 'GET' } },
    body: await text(request),
    isBase64Encoded: false,
  }
  const { statusCode, headers, body } = await handler(event)
  response.writeHead(statusCode, headers).end(body)
}

createServer((request, response) => void invoke(request, response)).listen(
  Number(process.env['PORT'] ?? 3000),
  '127.0.0.1',
)
