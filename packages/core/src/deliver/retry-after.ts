/** RFC 9110, section 5.6.7; the last is the one without a zone, which is GMT too. */
const internetDate = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/
const obsoleteDate = /^[A-Z][a-z]{5,8}, \d{2}-[A-Z][a-z]{2}-\d{2} \d{2}:\d{2}:\d{2} GMT$/
const asctimeDate = /^[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d{2}:\d{2}:\d{2} \d{4}$/

/**
 * How long an answer asks to be left alone, in milliseconds; null where it does not say, or says nothing that can be
 * understood. It is not capped: the destination's policy does that.
 *
 * @param retryAfter the header, in seconds or as an HTTP date.
 * @param date the answer's own `Date`: a date is counted from it, so that the other clock may be wrong; without one,
 * from `nowMs`.
 */
export function readRetryAfter(
  retryAfter: string | undefined,
  date: string | undefined,
  nowMs: number,
): number | null {
  const value = retryAfter?.trim() ?? ''
  // More digits than any wait has would not be a whole number any more.
  if (/^\d+$/.test(value)) return Math.min(Number(value) * 1_000, Number.MAX_SAFE_INTEGER)
  const until = readHttpDate(value)
  if (until === null) return null
  const waitMs = until - (readHttpDate(date?.trim() ?? '') ?? nowMs)
  return waitMs < 0 ? null : waitMs
}

function readHttpDate(text: string): number | null {
  const isAsctime = asctimeDate.test(text)
  if (!isAsctime && !internetDate.test(text) && !obsoleteDate.test(text)) return null
  const time = Date.parse(isAsctime ? `${text} GMT` : text)
  return Number.isNaN(time) ? null : time
}
