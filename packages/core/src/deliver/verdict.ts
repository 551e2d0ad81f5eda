import type { Verdict } from './attempt.ts'

/**
 * What an HTTP status says about a delivery. This is the whole table:
 *
 * | answer | verdict | what follows |
 * |---|---|---|
 * | 2xx | `delivered` | the next delivery of the lane |
 * | 408, 425, 429, 5xx | `retry` | tried again by the destination's policy, no earlier than `Retry-After` |
 * | 401, 403 | `auth` | the destination is held; the delivery waits without losing a try |
 * | 410 | `gone` | the same |
 * | any other 3xx or 4xx | `reject` | dead at once; `onExhausted` decides about the lane |
 * | none (a `FailureCause`) | `retry` | as above |
 *
 * A redirect is an answer that is not followed: the address that was checked and is signed for is the one in the
 * settings. A status that HTTP does not define counts as a failure of the server, as RFC 9110, section 15, has it.
 */
export function judgeStatus(status: number): Verdict {
  if (status >= 200 && status < 300) return 'delivered'
  if (status < 200 || status >= 500) return 'retry'
  switch (status) {
    case 401:
    case 403:
      return 'auth'
    case 408:
    case 425:
    case 429:
      return 'retry'
    case 410:
      return 'gone'
    default:
      return 'reject'
  }
}
