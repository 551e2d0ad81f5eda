/** Where events go that are handled later, by `receiver.process` in a worker. */
export interface EventQueue {
  /** Resolves when the event is safe; only then is it answered 200. */
  add(event: QueuedEvent): Promise<unknown>
}

/** An event as it lies in a queue: JSON. It holds the payload, so whoever reads the queue reads the calls. */
export interface QueuedEvent {
  version: 1
  /** The sender's `webhook-id`, else `evt_` and 32 hexadecimal digits. `key` is what tells repeats. */
  id: string
  /** What makes it this event: its time, call, type and content. The same for a repeat. */
  key: string
  /** ISO 8601. */
  receivedAt: string
  /** The text as it came. */
  body: string
  isTest: boolean
}
