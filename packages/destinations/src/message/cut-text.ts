/** Stands where something was left out. */
export const ellipsis = '…'

/** How long a text is to whoever limits it. */
export type TextSize = (text: string) => number

/**
 * UTF-16 code units. Where a service counts "characters" without saying which, this is the count that is never
 * smaller than theirs.
 */
export const utf16Units: TextSize = (text) => text.length

/** Bytes as UTF-8. */
export const utf8Bytes: TextSize = (text) => Buffer.byteLength(text)

/** UTF-16 code units within JSON: a quote, a backslash and a line feed take two. */
export const jsonUnits: TextSize = (text) => JSON.stringify(text).length - 2

export interface CutOptions {
  /** What the text goes through on its way, such as escaping; its result is what must fit. It may not shorten. */
  write?: (text: string) => string
  /** UTF-16 units by default. */
  size?: TextSize
}

/**
 * The text as `write` writes it, in at most `max` of `size`. What does not fit is cut between two graphemes, never
 * within one (nor within a surrogate pair or an escape), and an ellipsis says so.
 */
export function cutText(text: string, max: number, options: CutOptions = {}): string {
  const { write = unchanged, size = utf16Units } = options
  // `write` does not shorten and no unit takes less than 1, so what is longer than `max` need not be written at all.
  if (text.length <= max) {
    const written = write(text)
    if (size(written) <= max) return written
  }
  let fits = ''
  let low = 0
  let high = Math.min(text.length, max - ellipsis.length)
  // The most that can fit is tried first: where nothing is escaped and units are counted, that is all there is to do.
  let middle = high
  while (low < high) {
    const written = write(wholeGraphemes(text, middle).trimEnd()) + ellipsis
    if (size(written) <= max) {
      fits = written
      low = middle
    } else high = middle - 1
    middle = Math.ceil((low + high) / 2)
  }
  return fits === '' && size(ellipsis) <= max ? ellipsis : fits
}

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' })

/** As many whole graphemes from the beginning as there are in so many UTF-16 units. */
function wholeGraphemes(text: string, units: number): string {
  if (units >= text.length) return text
  // Whether a grapheme ends here depends on the character that follows, which may be a surrogate pair.
  const boundary = graphemes.segment(text.slice(0, units + 2)).containing(units)?.index ?? 0
  return text.slice(0, boundary)
}

function unchanged(text: string): string {
  return text
}
