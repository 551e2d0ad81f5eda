import type { Receiver } from '../receiver/receiver.ts'
import { answerNode, streamOf, type NodeRequest, type NodeResponse } from './node-exchange.ts'

export type { NodeRequest, NodeResponse } from './node-exchange.ts'

/**
 * For Node's own servers, HTTP/1 and HTTP/2. It answers at whatever path it is asked.
 *
 * ```ts
 * createServer(nodeListener(receiver)).listen(3000)
 * ```
 */
export function nodeListener(receiver: Receiver): (request: NodeRequest, response: NodeResponse) => void {
  return (request, response) => {
    void answerNode(receiver, request, response, streamOf(request))
  }
}
