/**
 * Control characters, and the marks that reorder the text around them. What a caller said or a sender wrote must not
 * be able to move the cursor, retitle the window, or make one line look like another.
 */
const unprintable = /[\p{Control}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu

/** The text on one line, safe to print: line breaks and tabs become blanks, other controls are shown as `\u{1b}`. */
export function printable(text: string): string {
  return text.replace(/[\t\r\n\u2028\u2029]+/g, ' ').replace(unprintable, (character) => {
    return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`
  })
}

/** A JSON value on one line, safe to print; text stands as it is, without quotes. */
export function printableValue(value: unknown): string {
  return printable(typeof value === 'string' ? value : (JSON.stringify(value) ?? ''))
}
