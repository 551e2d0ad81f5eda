export type RetryPreset = 'none' | 'quick' | 'guide' | 'standard'

/** A preset, or the waits between the tries in milliseconds: one more try than there are waits. */
export type Retry = RetryPreset | { readonly delaysMs: readonly number[] }

const secondMs = 1_000
const minuteMs = 60 * secondMs
const hourMs = 60 * minuteMs

/** The waits between the tries of each preset, in milliseconds. */
export const retryPresets: Readonly<Record<RetryPreset, readonly number[]>> = {
  none: [],
  /** 10 tries in about half a minute. */
  quick: [200, 400, 800, 1_600, 3_200, 5_000, 5_000, 5_000, 5_000],
  /** 3 tries, after 2 and 4 seconds. */
  guide: [2 * secondMs, 4 * secondMs],
  /** 13 tries in about three days. */
  standard: [
    5 * secondMs,
    30 * secondMs,
    2 * minuteMs,
    10 * minuteMs,
    30 * minuteMs,
    hourMs,
    2 * hourMs,
    4 * hourMs,
    8 * hourMs,
    12 * hourMs,
    20 * hourMs,
    24 * hourMs,
  ],
}

/** Limits of `delaysMs`. */
export const retryLimits = { delaysMax: 50, delayMsMax: 7 * 24 * hourMs } as const

/** Added to each wait, never taken off, so that nothing is tried earlier than was said. */
const jitterMax = 0.1

/**
 * How long to wait after a try that failed; null when there are no more.
 *
 * @param tries made so far.
 * @param retryAfterMs what the endpoint asked for: it lengthens the wait, up to an hour, with `standard` up to a day.
 * @param random from 0 to 1.
 */
export function retryDelayMs(
  retry: Retry,
  tries: number,
  retryAfterMs: number | null,
  random: () => number,
): number | null {
  const delays = typeof retry === 'string' ? retryPresets[retry] : retry.delaysMs
  const delayMs = delays[tries - 1]
  if (delayMs === undefined) return null
  // One who asks for more has mistaken the unit.
  const capMs = retry === 'standard' ? 24 * hourMs : hourMs
  return Math.round(Math.max(delayMs * (1 + jitterMax * random()), Math.min(retryAfterMs ?? 0, capMs)))
}

/**
 * How long an answer asks to be left alone, in milliseconds; null where it does not say.
 *
 * @param headers of the answer. A date is counted from its own `Date`, so that the other clock may be wrong.
 */
export function readRetryAfter(headers: Headers, nowMs: number): number | null {
  const value = headers.get('retry-after')?.trim() ?? ''
  if (/^\d+$/.test(value)) return Number(value) * secondMs
  const until = readHttpDate(value)
  if (until === null) return null
  const waitMs = until - (readHttpDate(headers.get('date') ?? '') ?? nowMs)
  return waitMs < 0 ? null : waitMs
}

function readHttpDate(text: string): number | null {
  const time = text.endsWith(' GMT') ? Date.parse(text) : NaN
  return Number.isNaN(time) ? null : time
}
