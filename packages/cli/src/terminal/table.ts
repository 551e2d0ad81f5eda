import { printable } from './printable.ts'
import { columnsOf, fitColumns } from './width.ts'

export interface Column<Row> {
  title: string
  text: (row: Row) => string
  /** Numbers read better with their ends below each other. */
  align?: 'right'
  /** Never shortened: half an id finds nothing. Where the terminal is too narrow for such columns, lines break. */
  whole?: true
  /** Colours a cell, which has its final width by then. */
  paint?: (text: string, row: Row) => string
}

/** Blanks between two columns. */
const gap = '  '

/** A column is not made narrower than this to fit a terminal: less of a name is no name. */
const columnMin = 8

/**
 * The rows under a line of titles. Where they are wider than the terminal the widest columns give way first, and what
 * does not fit ends with …
 */
export function formatTable<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  terminal: { columns: number; paintTitle: (text: string) => string },
): string {
  const cells = rows.map((row) => columns.map(({ text }) => printable(text(row))))
  const natural = columns.map(({ title }, index) =>
    Math.max(columnsOf(title), ...cells.map((line) => columnsOf(line[index] ?? ''))),
  )
  const room = terminal.columns - gap.length * (columns.length - 1)
  const widths = shrink(natural, room, (index) => columns[index]?.whole !== true)
  const line = (texts: readonly string[], paint: (text: string, index: number) => string): string =>
    texts
      .map((text, index) => {
        const width = widths[index] ?? 0
        const fitted = fitColumns(text, width)
        const padding = ' '.repeat(Math.max(0, width - columnsOf(fitted)))
        const painted = paint(fitted, index)
        if (columns[index]?.align === 'right') return padding + painted
        return painted + padding
      })
      .join(gap)
      // Blanks at the end of a line only get in the way of copying it.
      .trimEnd()
  const titles = columns.map(({ title }) => title)
  return [
    line(titles, (text) => terminal.paintTitle(text)),
    ...rows.map((row, number) =>
      line(cells[number] ?? [], (text, index) => columns[index]?.paint?.(text, row) ?? text),
    ),
  ].join('\n')
}

/** Takes from the widest that may give until the sum fits, or until none can give any more. */
function shrink(natural: readonly number[], room: number, mayGive: (index: number) => boolean): number[] {
  const widths = [...natural]
  const giving = [...widths.keys()].filter((index) => mayGive(index))
  let excess = widths.reduce((sum, width) => sum + width, 0) - room
  while (excess > 0) {
    const widest = giving.reduce(
      (best, index) => ((widths[index] ?? 0) > (widths[best] ?? 0) ? index : best),
      -1,
    )
    const width = widths[widest] ?? 0
    if (width <= columnMin) break
    widths[widest] = width - 1
    excess -= 1
  }
  return widths
}
