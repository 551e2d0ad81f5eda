import type { LookupFunction } from 'node:net'
import type { AttemptResult, FailureCause } from '@hookswitch/core'

/**
 * The one way out. Whatever is sent to an address that a person gave goes through it: names are resolved here, every
 * address is held against what deliveries may reach at the moment of the connection, and redirects are refused.
 */
export interface Egress {
  /**
   * Why deliveries may not go to this URL, as the end of a sentence that begins with the setting's name ("is http,
   * expected https …"), or null. Resolves the name; one that cannot be resolved now is no reason.
   */
  check(url: string): Promise<string | null>
  /**
   * One HTTP request and its answer, which counts from its status line on: a body that is cut, endless or slower than
   * the time there is comes as far as it came, up to `answerBytesMax`. Throws `EgressFailure` where there was none, or
   * the signal's reason; a `TimeoutError` becomes the failure `timeout`.
   */
  request(request: EgressRequest, signal: AbortSignal): Promise<EgressAnswer>
  /**
   * One HTTP request as an attempt: the verdict table, `Retry-After`, and a trace with secrets masked. Every
   * `EgressFailure` is one that is tried again.
   */
  attempt(request: EgressRequest, signal: AbortSignal): Promise<AttemptResult>
  /** For clients that connect by themselves (SMTP): resolves a name to addresses that may be reached, else fails. */
  lookup: LookupFunction
  /** Ends all connections, for when every try has ended; one that has not fails as `reset`. */
  close(): Promise<void>
}

export interface EgressRequest {
  method: 'POST' | 'GET' | 'PUT'
  url: string
  /** The URL as a trace may show it; by default without user, password and query. */
  shownUrl?: string
  headers: Record<string, string>
  /** Names of headers whose values a trace masks; `authorization` always is. */
  secretHeaders?: readonly string[]
  /**
   * Further texts that a trace masks wherever they occur, in the answer too: what is secret in the URL or the body.
   * The values of secret headers and the query of the URL are masked everywhere without being named here.
   */
  secrets?: readonly string[]
  body: Uint8Array | string
  /** Keep the beginning of the body in the trace: for bodies that are not the event as it came. */
  traceBody?: boolean
  /** The time for the whole try, besides the signal. */
  timeoutMs?: number
}

export interface EgressAnswer {
  status: number
  headers: Record<string, string>
  /** As UTF-8, cut at `answerBytesMax`. */
  body: string
  truncated: boolean
}

/** No answer that counts. The message is one sentence without the path of the URL and without secrets. */
export class EgressFailure extends Error {
  override readonly name = 'EgressFailure'
  readonly failure: FailureCause

  constructor(failure: FailureCause, message: string, options: { cause?: unknown } = {}) {
    super(message, options)
    this.failure = failure
  }
}
