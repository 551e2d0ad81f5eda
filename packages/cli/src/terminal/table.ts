import { printable } from './printable.ts'
import { columnsOf, fitColumns } from './width.ts'

export interface Column<Row> {
  title: string
  text: (row: Row) => string
  /** Numbers read better with their ends below each other. */
  align?: 'right'
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
  const widths = shrink(natural, terminal.columns - gap.length * (columns.length - 1))
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

/** Takes from the widest until the sum fits, or until no column can give any more. */
function shrink(natural: readonly number[], total: number): number[] {
  const widths = [...natural]
  let excess = widths.reduce((sum, width) => sum + width, 0) - total
  while (excess > 0) {
    const widest = Math.max(...widths)
    if (widest <= columnMin) break
    widths[widths.indexOf(widest)] = widest - 1
    excess -= 1
  }
  return widths
}
