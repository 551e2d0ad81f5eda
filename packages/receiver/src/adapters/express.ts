import type { Receiver } from '../receiver/receiver.ts'
import { answerNode, bodyAfterParser, type NodeRequest, type NodeResponse } from './node-exchange.ts'

const parser = {
  by: 'express.json(), or another parser,',
  move: "put app.post('/webhook', expressReceiver(receiver)) above app.use(express.json())",
}

/**
 * For Express 4 and 5. It reads the body itself, so no parser is needed. One that ran before is no harm, unless signatures
 * are checked: then the route has to stand above it, or `express.raw({ type: () => true })` in the place of that one.
 *
 * ```ts
 * app.post('/webhook', expressReceiver(receiver))
 * ```
 */
export function expressReceiver(receiver: Receiver): (request: NodeRequest, response: NodeResponse) => void {
  return (request, response) => {
    void answerNode(receiver, request, response, bodyAfterParser(request, parser))
  }
}
