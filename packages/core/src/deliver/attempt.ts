import type { FailureCause } from './failure.ts'

/**
 * What one try came to.
 * - `delivered`: the destination has it.
 * - `filtered`: the filter said no; nothing was sent.
 * - `retry`: try again later, by the destination's policy.
 * - `reject`: will never succeed.
 * - `auth`, `gone`: the destination itself refuses; it is held, and the delivery waits without losing a try.
 * - `interrupted`: cut short through no fault of its own (a stop, a lapsed lease, another's code); does not count.
 */
export type Verdict = 'delivered' | 'filtered' | 'retry' | 'reject' | 'auth' | 'gone' | 'interrupted'

/** What a destination made of one event. Nothing in it holds a secret. */
export interface AttemptResult {
  verdict: Verdict
  /** HTTP status, or the SMTP code; null where none came. */
  status: number | null
  cause: FailureCause | null
  /** One sentence for people: what happened. Null where verdict and status say it all. */
  message: string | null
  /** The destination asked for no further try before so many milliseconds. */
  retryAfterMs: number | null
  request: RequestTrace | null
  response: ResponseTrace | null
}

/** Of a try that got no answer, or was not made at all: there is nothing to show but what happened. */
export function withoutAnswer(
  verdict: Verdict,
  cause: FailureCause | null,
  message: string | null,
): AttemptResult {
  return { verdict, status: null, cause, message, retryAfterMs: null, request: null, response: null }
}

/** What was sent, with secrets masked. */
export interface RequestTrace {
  method: string
  /** Without credentials; a secret path is cut. */
  url: string
  headers: Record<string, string>
  bodyBytes: number
  /** The beginning of what a template or the kind itself wrote, at most `traceBytesMax`; null for an event as it came. */
  body: string | null
}

export interface ResponseTrace {
  headers: Record<string, string>
  /** The beginning of the body, at most `traceBytesMax`. */
  body: string
  /** More came than is kept. */
  truncated: boolean
}

/** What is kept of a request's and of an answer's body. */
export const traceBytesMax = 4 * 1024

/** How much of an answer is read at all; the connection is then given up. */
export const answerBytesMax = 64 * 1024
