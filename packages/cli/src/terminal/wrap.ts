import { columnsOf } from './width.ts'

/** Breaks text at its blanks into lines of at most so many columns; a longer word stands on a line alone. */
export function wrapText(text: string, columns: number): string[] {
  const lines: string[] = []
  let line = ''
  let width = 0
  for (const word of text.split(' ')) {
    const wordColumns = columnsOf(word)
    if (line !== '' && width + 1 + wordColumns > columns) {
      lines.push(line)
      line = ''
      width = 0
    }
    line = line === '' ? word : `${line} ${word}`
    width = width === 0 ? wordColumns : width + 1 + wordColumns
  }
  lines.push(line)
  return lines
}
