import type { QueuedEvent } from '../queue/event-queue.ts'
import type { Answer, Incoming } from './incoming.ts'

export interface Receiver {
  /** For every runtime with `fetch`. Never throws. */
  fetch(request: Request): Promise<Response>
  /** The same for adapters. Never throws. */
  receive(incoming: Incoming): Promise<Answer>
  /**
   * For the worker of a queue: runs the handler of the event.
   *
   * @throws what the handler throws; `TypeError` for what is no event, or one that has no handler here.
   */
  process(queued: QueuedEvent, options?: { signal?: AbortSignal; attempt?: number }): Promise<void>
}
