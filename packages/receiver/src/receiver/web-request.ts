import type { Answer, Incoming } from './incoming.ts'

export function incomingOf(request: Request): Incoming {
  return {
    method: request.method,
    header: (name) => request.headers.get(name),
    body: request.bodyUsed
      ? {
          parsed: undefined,
          by: 'something that reads the body',
          move: 'hand over the request first, or a request.clone()',
        }
      : request.body,
  }
}

export function responseOf({ status, headers, body }: Answer): Response {
  // A copy: @hono/node-server 1 puts a Response of its own in the place of the global one, and writes a length into what
  // it is given here.
  return new Response(body, { status, headers: { ...headers } })
}
