import type { Receiver } from '../receiver/receiver.ts'
import { answerNode, bodyAfterParser, type NodeRequest, type NodeResponse } from './node-exchange.ts'

/** The methods that Next knows. All of them are answered, so that a wrong one is told which is right. */
export type NextMethod = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'OPTIONS'

/**
 * For the App Router of Next 15 and 16, in `app/webhook/route.ts`:
 *
 * ```ts
 * export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = nextRoute(receiver)
 * ```
 */
export function nextRoute(receiver: Receiver): Record<NextMethod, (request: Request) => Promise<Response>> {
  const answer = (request: Request): Promise<Response> => receiver.fetch(request)
  return {
    GET: answer,
    HEAD: answer,
    POST: answer,
    PUT: answer,
    PATCH: answer,
    DELETE: answer,
    OPTIONS: answer,
  }
}

const parser = {
  by: 'the body parser of the Pages API',
  move: 'write `export const config = { api: { bodyParser: false } }` into the file of the route',
}

/**
 * For the Pages API of Next 15 and 16, in `pages/api/webhook.ts`. Next has to leave the body alone, which it is told by a
 * literal, because it reads the file without running it:
 *
 * ```ts
 * export default nextPages(receiver)
 * export const config = { api: { bodyParser: false } }
 * ```
 */
export function nextPages(
  receiver: Receiver,
): (request: NodeRequest, response: NodeResponse) => Promise<void> {
  return (request, response) => answerNode(receiver, request, response, bodyAfterParser(request, parser))
}
