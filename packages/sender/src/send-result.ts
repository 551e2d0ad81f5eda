/** What became of an event that was sent. */
export type SendResult = Delivered | NotDelivered

export interface Delivered {
  ok: true
  /** The `webhook-id` of all its tries. */
  id: string
  /** Tries that were made. */
  attempts: number
  /** 2xx. */
  status: number
}

export interface NotDelivered {
  ok: false
  id: string
  attempts: number
  /** Of the last try; null where no answer came, or none was made. */
  status: number | null
  cause: SendFailure
  /** One sentence for people. */
  message: string
}

/** Why an event was not delivered. After the first four there is no other try. */
export type SendFailure =
  /** 401 or 403: the endpoint does not accept the `Authorization` or the signature. */
  | 'auth'
  /** 410: the endpoint is no more. */
  | 'gone'
  /** Another answer that would not change, a redirect among them. */
  | 'rejected'
  /** The sender was closed. */
  | 'closed'
  /** 408, 425, 429 or 5xx. */
  | 'unavailable'
  /** No answer within `timeoutMs`. */
  | 'timeout'
  /** No connection, or one that ended before there was an answer. */
  | 'network'

/** One try, once it is over. */
export interface SendAttempt {
  id: string
  callId: string
  eventType: string
  /** From 1. */
  attempt: number
  status: number | null
  /** Null, like `message`, where it was delivered. */
  cause: SendFailure | null
  message: string | null
  /** Milliseconds until the answer or the failure. */
  durationMs: number
  /** Milliseconds until the next try; null where none follows. */
  retryInMs: number | null
}

/** Thrown where an event is not taken at all. */
export class SenderError extends Error {
  override readonly name = 'SenderError'
  readonly code: 'queue_full' | 'closed'

  constructor(code: SenderError['code'], message: string) {
    super(message)
    this.code = code
  }
}
