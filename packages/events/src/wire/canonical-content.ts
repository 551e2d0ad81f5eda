import { bodyNestingMax, setOwn, type JsonObject } from '../json.ts'

/**
 * The canonical JSON of a body (keys sorted, no whitespace), which its content hash is taken of, so that a sender
 * that writes the same event differently still repeats itself. Null means: hash the raw bytes, because parsing may
 * have made one number of two (16 digits and more, beyond the range of a double, or -0).
 *
 * @param value what `readBody` returned; nested deeper than `bodyNestingMax` it is null.
 * @param text the text it was parsed from.
 */
export function canonicalContent(value: Record<string, unknown>, text: string): string | null {
  return hasLongNumber(text) ? null : canonicalJson(value)
}

/** The canonical JSON of any value, without the caution about numbers. */
export function canonicalJson(value: unknown): string | null {
  const ordered = sorted(value, bodyNestingMax)
  return ordered === undefined ? null : JSON.stringify(ordered)
}

/** As many digits as any double holds for certain, with a decimal point among them or not. */
const digitsMax = 15

/**
 * Looks only at every 16th character: a longer run of digits and points covers one of these. Digits inside strings
 * count too, which costs such a body nothing but its indifference to whitespace.
 */
function hasLongNumber(text: string): boolean {
  for (let at = digitsMax; at < text.length; at += digitsMax + 1) {
    if (!inNumber(text.charCodeAt(at))) continue
    let start = at
    while (start > 0 && inNumber(text.charCodeAt(start - 1))) start -= 1
    let end = at + 1
    while (end < text.length && inNumber(text.charCodeAt(end))) end += 1
    let digits = 0
    for (let next = start; next < end; next += 1) if (text.charCodeAt(next) !== 0x2e) digits += 1
    if (digits > digitsMax) return true
    at = end
  }
  return false
}

const inNumber = (code: number): boolean => (code >= 0x30 && code <= 0x39) || code === 0x2e

/**
 * The value with the keys of all objects in order, itself where they are already; native JSON.stringify then writes
 * it faster than any concatenation. Undefined where that would lose something: an infinite number, `-0`, or levels.
 */
function sorted(value: unknown, levels: number): unknown {
  if (typeof value === 'number') return Number.isFinite(value) && !Object.is(value, -0) ? value : undefined
  if (typeof value !== 'object' || value === null) return value
  if (levels === 0) return undefined
  return Array.isArray(value)
    ? sortedItems(value, levels - 1)
    : sortedMembers(value as JsonObject, levels - 1)
}

function sortedItems(list: unknown[], levels: number): unknown[] | undefined {
  let copy: unknown[] | null = null
  for (let at = 0; at < list.length; at += 1) {
    const item = sorted(list[at], levels)
    if (item === undefined) return undefined
    if (item !== list[at]) {
      copy ??= list.slice()
      copy[at] = item
    }
  }
  return copy ?? list
}

function sortedMembers(object: JsonObject, levels: number): JsonObject | undefined {
  const names = Object.keys(object)
  let changed = !isSorted(names)
  if (changed) names.sort()
  const members: unknown[] = []
  for (const name of names) {
    const member = sorted(object[name], levels)
    if (member === undefined) return undefined
    changed ||= member !== object[name]
    members.push(member)
  }
  if (!changed) return object
  const copy: JsonObject = {}
  for (let at = 0; at < names.length; at += 1) setOwn(copy, names[at] ?? '', members[at])
  return copy
}

function isSorted(names: readonly string[]): boolean {
  for (let at = 1; at < names.length; at += 1) if ((names[at - 1] ?? '') > (names[at] ?? '')) return false
  return true
}
