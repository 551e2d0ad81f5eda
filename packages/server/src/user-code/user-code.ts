import type { ShownEvent } from '@hookswitch/destinations'
import type { CallRecord } from '@hookswitch/events'

/** Runs code that users wrote, in threads of its own: nothing that it does holds up anything else. */
export interface UserCodeRunner {
  /**
   * Runs a filter, a template or a handler once. Resolves with what came of it, whatever that is, soon after the
   * deadline at the latest; it never rejects.
   *
   * @param signal ends it early: with a `TimeoutError` as at its deadline, otherwise as `interrupted`.
   */
  run(request: UserCodeRequest, signal: AbortSignal): Promise<UserCodeResult>
  /** Aborts what runs, waits a bounded time, ends the threads. */
  close(): Promise<void>
}

export type UserCodePart = 'filter' | 'template' | 'handler'

export interface UserCodeRequest {
  /** The destination's name. */
  destination: string
  part: UserCodePart
  /** The expression; null stands for the function of that part of that destination in the config file. */
  jsonata: string | null
  context: { event: ShownEvent; call: CallRecord; outcome: Record<string, unknown> }
  attempt: number
  deliveryId: string
  /** From when a thread takes it; waiting for one is bounded by what a thread may take to start. */
  deadlineMs: number
}

/**
 * What came of it. A message is a sentence without its subject ("threw TypeError: …", "did not end within 2 s"), and
 * may quote what the code was given: it belongs where payloads are shown, and in no log.
 *
 * `value` is JSON: true or false for a filter (JSONata's own rule for JSONata, JavaScript's for a function), what a
 * template returned (null for nothing), null for a handler.
 */
export type UserCodeResult = { ok: true; value: unknown } | UserCodeFailure

export interface UserCodeFailure {
  ok: false
  /** `interrupted`: not by its own fault; it does not count as a try. */
  verdict: 'retry' | 'reject' | 'interrupted'
  message: string
  retryAfterMs: number | null
}

/** A line for the server's log. It has no payload but what a handler itself logged. */
export interface UserCodeLine {
  level: 'debug' | 'info' | 'warn' | 'error'
  fields: Record<string, string | number | boolean | null>
  message: string
}

/** A work thread was given up. */
export interface Replacement {
  cause: 'silent' | 'memory' | 'died'
  /** Whose code did it; null where that is not known. */
  destination: string | null
}

export function failure(
  verdict: UserCodeFailure['verdict'],
  message: string,
  retryAfterMs: number | null = null,
): UserCodeFailure {
  return { ok: false, verdict, message, retryAfterMs }
}
