import { readRetryAfter } from './retry.ts'
import type { SendFailure } from './send-result.ts'
import type { ResolvedSender } from './sender-options.ts'

/** What one try came to. */
export type Outcome = { ok: true; status: number } | FailedOutcome

export interface FailedOutcome {
  ok: false
  status: number | null
  cause: SendFailure
  message: string
  isRetryable: boolean
  /** What the endpoint asked for. */
  retryAfterMs: number | null
}

/** How much of an answer is read, so that its connection can be used again; what is longer is given up with it. */
const answerBytesMax = 64 * 1024

/**
 * One request and its answer, which counts from its status line on: the endpoint has said then what it made of the
 * event. Never throws.
 *
 * @param onStop takes what cuts the request short when the sender closes, and returns what takes that back.
 */
export async function exchange(
  { url, fetch, timeoutMs, timers, shownAuthorization }: ResolvedSender,
  headers: Record<string, string>,
  body: Uint8Array<ArrayBuffer>,
  onStop: (stop: () => void) => () => void,
): Promise<Outcome> {
  const controller = new AbortController()
  let cut: Outcome | null = null
  const cutShort = (cause: SendFailure, message: string): void => {
    cut ??= failed(null, cause, message)
    controller.abort()
  }
  const cancelTimeout = timers.after(timeoutMs, () => cutShort('timeout', `no answer within ${timeoutMs} ms`))
  const release = onStop(() => cutShort('closed', 'the sender was closed before the answer came'))
  try {
    const { signal } = controller
    const response = await fetch(url, { method: 'POST', headers, body, redirect: 'manual', signal })
    await discard(response.body)
    return judge(response, shownAuthorization, timers.nowMs())
  } catch (error) {
    return cut ?? failed(null, 'network', `no answer (${connectionProblem(error)})`)
  } finally {
    cancelTimeout()
    release()
  }
}

/** Reads to the end, within reason and within the time of the request. */
async function discard(body: ReadableStream<Uint8Array> | null): Promise<void> {
  if (body === null) return
  const reader = body.getReader()
  try {
    for (let room = answerBytesMax; room > 0;) {
      const { done, value } = await reader.read()
      if (done) return
      room -= value.byteLength
    }
    await reader.cancel()
  } catch {
    // Cut, or slower than the time there is. The status has come.
  }
}

function judge(response: Response, shownAuthorization: string | null, nowMs: number): Outcome {
  const { status } = response
  if (status >= 200 && status < 300) return { ok: true, status }
  // A browser shows nothing of a redirect, not even its status.
  if (response.type === 'opaqueredirect' || (status >= 300 && status < 400)) {
    return failed(
      status,
      'rejected',
      'the endpoint redirects, which is not followed: set the URL to where it leads',
    )
  }
  if (status < 200 || status >= 500 || status === 408 || status === 425 || status === 429) {
    const outcome = failed(status, 'unavailable', 'the endpoint cannot take it now')
    return { ...outcome, retryAfterMs: readRetryAfter(response.headers, nowMs) }
  }
  if (status === 401 || status === 403) return failed(status, 'auth', refusedWith(shownAuthorization))
  if (status === 410) return failed(status, 'gone', 'the endpoint says that it is gone for good')
  return failed(status, 'rejected', 'the endpoint refuses this event')
}

function refusedWith(shownAuthorization: string | null): string {
  return shownAuthorization === null
    ? 'the endpoint refuses a request without Authorization: set authKey and authSecret'
    : `the endpoint refuses the Authorization that it received, "${shownAuthorization}": it may compare the whole header, with its scheme`
}

const retryable: ReadonlySet<SendFailure> = new Set<SendFailure>(['unavailable', 'timeout', 'network'])

function failed(status: number | null, cause: SendFailure, sentence: string): FailedOutcome {
  return {
    ok: false,
    // Zero is what a browser says instead of a status.
    status: status === 0 ? null : status,
    cause,
    message: status === null || status === 0 ? sentence : `${status}: ${sentence}`,
    isRetryable: retryable.has(cause),
    retryAfterMs: null,
  }
}

/** By its code alone: the messages of some runtimes have the URL in them. */
function connectionProblem(error: unknown): string {
  for (let at = error; at instanceof Error; at = at.cause) {
    if ('code' in at && typeof at.code === 'string') return at.code
  }
  return 'the connection failed'
}
