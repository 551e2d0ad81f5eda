const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' })

/** What takes no column of its own: marks on the letter before, joiners, direction marks, variation selectors. */
const zeroWidth = /^[\p{Mark}\p{Default_Ignorable_Code_Point}\p{Format}]+$/u

/** East Asian scripts, their punctuation and full-width forms, and emoji take two columns on every terminal we know. */
const doubleWidth =
  /^(?:\p{Script=Han}|\p{Script=Hiragana}|\p{Script=Katakana}|\p{Script=Hangul}|[\u3000-\u303e\uff01-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}|.\ufe0f)/u

/** Columns that the text takes on a terminal. It holds no control characters. */
export function columnsOf(text: string): number {
  if (isPlain(text)) return text.length
  let columns = 0
  for (const { segment } of graphemes.segment(text)) columns += columnsOfGrapheme(segment)
  return columns
}

/** The text itself if it fits, else as much of it as does with … at its end. */
export function fitColumns(text: string, columnsMax: number): string {
  if (columnsOf(text) <= columnsMax) return text
  let kept = ''
  let columns = 1
  for (const { segment } of graphemes.segment(text)) {
    columns += columnsOfGrapheme(segment)
    if (columns > columnsMax) break
    kept += segment
  }
  return `${kept.trimEnd()}…`
}

function columnsOfGrapheme(grapheme: string): number {
  if (zeroWidth.test(grapheme)) return 0
  return doubleWidth.test(grapheme) ? 2 : 1
}

function isPlain(text: string): boolean {
  return /^[ -~]*$/.test(text)
}
