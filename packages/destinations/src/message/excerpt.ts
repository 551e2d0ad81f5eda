import { ellipsis, utf16Units, type TextSize } from './cut-text.ts'

/** The beginning and the end of a list, with what was left out between them. */
export interface Excerpt<T> {
  first: T[]
  /** How many stand between `first` and `last`; 0 when all are there, and then `last` is empty. */
  omitted: number
  last: T[]
}

/**
 * What fits of a conversation. If not all of it does, the middle is left out: how a call began says what it was
 * about, how it ended says what came of it.
 *
 * @param cost what an item takes, with what separates it from the next.
 * @param gapCost what it takes to say that something was left out.
 */
export function excerpt<T>(
  items: readonly T[],
  max: number,
  cost: (item: T) => number,
  gapCost: number,
): Excerpt<T> {
  const all = countFitting(items, max, cost)
  if (all === items.length) return { first: [...items], omitted: 0, last: [] }

  const room = Math.max(max - gapCost, 0)
  const first = items.slice(0, countFitting(items, room / 2, cost))
  const used = first.reduce((sum, item) => sum + cost(item), 0)
  const rest = items.slice(first.length).toReversed()
  const last = rest.slice(0, countFitting(rest, room - used, cost)).toReversed()
  return { first, omitted: items.length - first.length - last.length, last }
}

/** How many of the first items fit. */
export function countFitting<T>(items: readonly T[], max: number, cost: (item: T) => number): number {
  let left = max
  for (const [index, item] of items.entries()) {
    left -= cost(item)
    if (left < 0) return index
  }
  return items.length
}

/** The sentence for the gap. */
export function omittedText(omitted: number): string {
  return `${ellipsis} ${omitted} ${omitted === 1 ? 'turn' : 'turns'} left out ${ellipsis}`
}

/** The lines, one under the other, as far as they fit, and how many more there are. */
export function fittingLines(lines: readonly string[], max: number, size: TextSize = utf16Units): string {
  const all = lines.join('\n')
  if (size(all) <= max) return all
  const kept = lines.slice(
    0,
    countFitting(lines, max - moreLinesRoom, (line) => size(line) + size('\n')),
  )
  return [...kept, `${ellipsis} ${lines.length - kept.length} more`].join('\n')
}

/** Room for `… 123456 more`, in any unit. */
const moreLinesRoom = 20
