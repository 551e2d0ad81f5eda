import type { AttemptResult } from '@hookswitch/core'
import type { Egress } from '../egress/egress.ts'

/** The time for one try, milliseconds. These services answer within a second or two, or have trouble. */
export const serviceMsMax = 15_000

/** For kinds whose connections are all the egress's, which ends them when they have been idle for a while. */
export const nothingToClose = (): Promise<void> => Promise.resolve()

export interface PostTarget {
  url: string
  /** Whoever has the URL may post: nothing of it but the host is shown. */
  isUrlSecret: boolean
  /** What else is secret, in the body. */
  secrets?: readonly string[]
}

/** Posts a message as JSON, which the trace keeps the beginning of. */
export function postJson(
  { url, isUrlSecret, secrets = [] }: PostTarget,
  message: unknown,
  egress: Egress,
  signal: AbortSignal,
): Promise<AttemptResult> {
  return egress.attempt(
    {
      method: 'POST',
      url,
      ...(isUrlSecret && { shownUrl: `${new URL(url).origin}/…` }),
      secrets,
      headers: { 'content-type': 'application/json; charset=utf-8' },
      body: JSON.stringify(message),
      traceBody: true,
      timeoutMs: serviceMsMax,
    },
    signal,
  )
}
