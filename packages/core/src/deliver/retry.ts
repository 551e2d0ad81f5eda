import type { RetryPolicy, RetryPreset } from './destination.ts'

const second = 1_000
const minute = 60 * second
const hour = 60 * minute

/** The waits between the tries of each preset, in milliseconds; one more try than there are waits. */
export const retryPresets: Readonly<Record<RetryPreset, readonly number[]>> = {
  none: [],
  /** 10 tries in about half a minute. */
  quick: [200, 400, 800, 1_600, 3_200, 5_000, 5_000, 5_000, 5_000],
  /** What the platform's guide shows its readers: 3 tries, after 2 and 4 seconds. */
  guide: [2 * second, 4 * second],
  /** 13 tries in about three days. */
  standard: [
    5 * second,
    30 * second,
    2 * minute,
    10 * minute,
    30 * minute,
    hour,
    2 * hour,
    4 * hour,
    8 * hour,
    12 * hour,
    20 * hour,
    24 * hour,
  ],
}

/** Limits of `delaysSeconds`. */
export const retryLimits = { delaysMax: 50, delaySecondsMax: 7 * 24 * 60 * 60 } as const

/** Added to each wait, never taken off, so that nothing is tried earlier than was said. */
const jitterMax = 0.1

/**
 * How long to wait after a try that failed; null when the budget is spent.
 *
 * @param tries made with this budget, the failed one included.
 * @param retryAfterMs what the destination asked for; it lengthens the wait, up to the policy's cap.
 * @param random from 0 to 1.
 */
export function retryDelayMs(
  policy: RetryPolicy,
  tries: number,
  retryAfterMs: number | null,
  random: () => number,
): number | null {
  const delayMs = delaysOf(policy)[tries - 1]
  if (delayMs === undefined) return null
  return Math.round(
    Math.max(delayMs * (1 + jitterMax * random()), retryAfterWithinCap(policy, retryAfterMs) ?? 0),
  )
}

/** `Retry-After` counts up to an hour, with `standard` up to a day: one who asks for more has mistaken the unit. */
export function retryAfterWithinCap(policy: RetryPolicy, retryAfterMs: number | null): number | null {
  if (retryAfterMs === null) return null
  const capMs = 'preset' in policy && policy.preset === 'standard' ? 24 * hour : hour
  return Math.min(retryAfterMs, capMs)
}

/** Tries that a delivery gets. */
export function triesMax(policy: RetryPolicy): number {
  return delaysOf(policy).length + 1
}

function delaysOf(policy: RetryPolicy): readonly number[] {
  return 'preset' in policy
    ? retryPresets[policy.preset]
    : policy.delaysSeconds.map((seconds) => seconds * second)
}
