/** Why a try did not get an answer that counts, or could not be made. */
export type FailureCause =
  /** The name has no address, or the resolver failed. */
  | 'dns'
  /** Nobody listens there. */
  | 'refused'
  /** The connection ended before the whole answer was there. */
  | 'reset'
  /** The certificate or the handshake. */
  | 'tls'
  /** No answer in time. */
  | 'timeout'
  /** The address is one that deliveries may not reach. */
  | 'blocked'
  /** What came back is not what this kind of destination answers. */
  | 'protocol'
  /** A filter, template or handler threw, or did not end. */
  | 'code'
  /** The destination's settings cannot be used: a secret that cannot be decrypted, code that is gone. */
  | 'settings'

/**
 * Thrown by a handler, filter or template: this event will never succeed at this destination, so it is not tried
 * again. It is dead at once, and `onExhausted` says what becomes of its lane.
 *
 * @example
 * throw new Rejected('no contact has this number')
 */
export class Rejected extends Error {
  override readonly name = 'Rejected'
}

/**
 * Thrown by a handler, filter or template: try again, no earlier than `afterSeconds` where that is given. Anything
 * else that is thrown is tried again too.
 *
 * @example
 * throw new Retryable('the CRM is in maintenance', { afterSeconds: 300 })
 */
export class Retryable extends Error {
  override readonly name = 'Retryable'
  /** Seconds to wait at least; null leaves it to the destination's retry policy. */
  readonly afterSeconds: number | null

  constructor(message: string, options: { afterSeconds?: number; cause?: unknown } = {}) {
    super(message, { cause: options.cause })
    this.afterSeconds = options.afterSeconds ?? null
  }
}
