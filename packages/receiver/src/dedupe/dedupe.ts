/**
 * Remembers which events were handled, so that a repeat is not handled again. Several processes may share one; whoever
 * dies while it has a claim loses it when the lease ends, and a repeat is then handled.
 *
 * A key is `<ms>:<callId>:<type>:<hash>`: up to about 350 characters of any Unicode without control characters.
 */
export interface Dedupe {
  /** Atomic: of any number that ask at once for a key that is free, exactly one is told `claimed`. */
  claim(key: string, leaseMs: number): Promise<Claim>
  /**
   * The event was handled: for `windowMs` from now the key is `done`. False where the claim was no longer this token's,
   * and then nothing changes.
   */
  done(key: string, token: string, windowMs: number): Promise<boolean>
  /** The event was not handled: a repeat may claim it at once. Nothing happens where it is not this token's claim. */
  release(key: string, token: string): Promise<void>
  /** Lets the claim last `leaseMs` from now. False where it was no longer this token's. */
  extend(key: string, token: string, leaseMs: number): Promise<boolean>
}

export type Claim =
  /** Yours, for `leaseMs`. */
  | { state: 'claimed'; token: string }
  /** Handled within the window. */
  | { state: 'done' }
  /** Another has it, for `retryAfterMs` at the longest. */
  | { state: 'busy'; retryAfterMs: number }
