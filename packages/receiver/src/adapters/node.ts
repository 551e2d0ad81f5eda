import type { Receiver } from '../receiver/receiver.ts'
import { answerNode, bodyAfterParser, type NodeRequest, type NodeResponse } from './node-exchange.ts'

export type { NodeRequest, NodeResponse } from './node-exchange.ts'

const reader = {
  by: 'something that reads the request',
  move: 'call nodeListener(receiver) before it, or keep the bytes that it has read as request.rawBody',
}

/**
 * For Node's own servers, HTTP/1 and HTTP/2. It answers at whatever path it is asked. It reads the body itself; where
 * something has read it before, that has to leave the bytes in `request.rawBody`, or what it made of them in
 * `request.body`, which will do unless signatures are checked.
 *
 * ```ts
 * createServer(nodeListener(receiver)).listen(3000)
 * ```
 */
export function nodeListener(receiver: Receiver): (request: NodeRequest, response: NodeResponse) => void {
  return (request, response) => {
    void answerNode(receiver, request, response, bodyAfterParser(request, reader))
  }
}
