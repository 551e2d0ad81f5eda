// Formatting controls of other scripts (joiners, direction marks) stay: Arabic and Persian need them. So do tab and
// line feed. The rest of C0, DEL and C1 has no place in a message, and XML, JSON and headers stumble over it.
// oxlint-disable-next-line no-control-regex
const controls = /[\u0000-\u0008\u000B-\u001F\u007F-\u009F]/g

/** The text without control characters and lone surrogates; line breaks are line feeds. Everything else stays as it is. */
export function plainText(text: string): string {
  return text.toWellFormed().replaceAll(/\r\n?/g, '\n').replaceAll(controls, '')
}

/** The same on one line, so that a text cannot begin a line of its own. */
export function oneLine(text: string): string {
  return plainText(text)
    .replaceAll(/[\s\u2028\u2029]+/g, ' ')
    .trim()
}
