import type { Receiver } from '../receiver/receiver.ts'
import { bodyAfterParser, dropRest, incomingOf, isTooSlow, type NodeRequest } from './node-exchange.ts'

/** What is used of a Fastify instance. */
export interface FastifyScope {
  all(path: string, options: { onRequest: FastifyHandler }, handler: FastifyHandler): unknown
}

export type FastifyHandler = (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>

/** What is used of a Fastify request. */
export interface FastifyRequest {
  readonly raw: NodeRequest
}

/** What is used of a Fastify reply. */
export interface FastifyReply {
  code(status: number): unknown
  header(name: string, value: string): unknown
  send(body: Uint8Array): unknown
}

const reader = {
  by: 'an onRequest hook that reads the body',
  move: "put app.register(fastifyReceiver(receiver), { prefix: '/webhook' }) outside its scope, or let it keep the bytes as request.raw.rawBody",
}

/**
 * A plugin for Fastify 4 and 5, with a route of its own at the prefix. It reads the body itself, before any parser. A hook
 * that has read it before has to leave the bytes in `request.raw.rawBody`, or what it made of them in `request.raw.body`,
 * which will do unless signatures are checked.
 *
 * ```ts
 * await app.register(fastifyReceiver(receiver), { prefix: '/webhook' })
 * ```
 */
export function fastifyReceiver(
  receiver: Receiver,
): (scope: FastifyScope, options: unknown, done: () => void) => void {
  // At `onRequest`, before Fastify judges the content type, holds the body to its limit, or parses it.
  const handle: FastifyHandler = async (request, reply) => {
    const answer = await receiver.receive(incomingOf(request.raw, bodyAfterParser(request.raw, reader)))
    reply.code(answer.status)
    for (const [name, value] of Object.entries(answer.headers)) reply.header(name, value)
    if (isTooSlow(answer)) reply.header('connection', 'close')
    // To JSON in a string Fastify adds a charset; bytes it leaves alone.
    reply.send(new TextEncoder().encode(answer.body))
    dropRest(request.raw)
    return reply
  }
  return (scope, _options, done) => {
    scope.all('/', { onRequest: handle }, handle)
    done()
  }
}
