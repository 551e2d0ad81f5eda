// How single values are read: tolerantly, each with a note where it came in another form than documented.
import type { Issue } from '../event.ts'
import { bodyNestingMax, isObject, kindOf, nestsDeeperThan, note, setOwn, type JsonObject } from '../json.ts'

/** Names and ids stand in the head of a call, which is read for every list; nothing real is longer. */
const textCharactersMax = 1_000
/** Signed URLs run to about 2,000. */
const urlCharactersMax = 8_192

/** A text, or a number as its text; the empty text says nothing, so it is null. */
export function readText(value: unknown, path: string, issues: Issue[]): string | null {
  if (value === undefined || value === null || value === '') return null
  if (typeof value === 'number' && Number.isFinite(value)) {
    note(issues, path, 'is a number, taken as text')
    return String(value)
  }
  if (typeof value !== 'string') {
    note(issues, path, `is ${kindOf(value)}, expected a string`)
    return null
  }
  return bounded(value, textCharactersMax, path, issues)
}

export function readUrl(value: unknown, path: string, issues: Issue[]): string | null {
  if (value === undefined || value === null || value === '') return null
  if (typeof value !== 'string') {
    note(issues, path, `is ${kindOf(value)}, expected a URL`)
    return null
  }
  // Whoever shows the record makes it a link; `javascript:` and `data:` have no authority part.
  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(value)) {
    note(issues, path, 'is not a URL')
    return null
  }
  return bounded(value, urlCharactersMax, path, issues)
}

function bounded(value: string, charactersMax: number, path: string, issues: Issue[]): string | null {
  if (value.length > charactersMax) {
    note(issues, path, `has ${value.length} characters, left out over ${charactersMax}`)
    return null
  }
  if (value.isWellFormed() && !value.includes('\0')) return value
  // No database keeps these in a text column as they are.
  note(issues, path, 'has a NUL or half of a surrogate pair, replaced by U+FFFD')
  return value.toWellFormed().replaceAll('\0', '\uFFFD')
}

/** A number that is not negative, such as a length of time; `"67"` is 67. */
export function readAmount(value: unknown, path: string, issues: Issue[]): number | null {
  if (value === undefined || value === null || value === '') return null
  let amount = value
  if (typeof value === 'string' && /^\s*\d{1,15}(\.\d{1,12})?\s*$/.test(value)) {
    note(issues, path, 'is a string, taken as a number')
    amount = Number(value)
  }
  if (typeof amount !== 'number') {
    note(issues, path, `is ${kindOf(value)}, expected a number`)
    return null
  }
  if (!Number.isFinite(amount) || amount < 0) {
    note(issues, path, 'is negative or out of range')
    return null
  }
  return amount
}

export function readBoolean(value: unknown, path: string, issues: Issue[]): boolean | null {
  if (value === undefined || value === null) return null
  if (typeof value === 'boolean') return value
  if (value === 'true' || value === 'false') {
    note(issues, path, 'is a string, taken as a boolean')
    return value === 'true'
  }
  note(issues, path, `is ${kindOf(value)}, expected a boolean`)
  return null
}

/** An object, or one that came as JSON in a string; an empty one says nothing, so it is null. */
export function readObject(value: unknown, path: string, issues: Issue[]): JsonObject | null {
  if (value === undefined || value === null || value === '') return null
  let found = value
  if (typeof value === 'string') {
    try {
      found = JSON.parse(value)
    } catch {
      note(issues, path, 'is a string, expected an object')
      return null
    }
    if (isObject(found)) note(issues, path, 'is JSON in a string, taken as the object in it')
  }
  if (!isObject(found)) {
    note(issues, path, `is ${kindOf(value)}, expected an object`)
    return null
  }
  if (nestsDeeperThan(found, bodyNestingMax)) {
    note(issues, path, `is nested deeper than ${bodyNestingMax} levels`)
    return null
  }
  return Object.keys(found).length === 0 ? null : (storable(found, path, issues) as JsonObject)
}

/**
 * The value itself, unless it holds a number beyond the range of a double (`1e999`): JSON would write that as null,
 * which means "the caller did not say", so it becomes the text `Infinity`.
 */
export function storable(value: unknown, path: string, issues: Issue[]): unknown {
  return hasInfinity(value) ? withoutInfinity(value, path, issues) : value
}

function hasInfinity(value: unknown): boolean {
  if (typeof value === 'number') return !Number.isFinite(value)
  if (typeof value !== 'object' || value === null) return false
  return (Array.isArray(value) ? value : Object.values(value)).some(hasInfinity)
}

function withoutInfinity(value: unknown, path: string, issues: Issue[]): unknown {
  if (typeof value === 'number' && !Number.isFinite(value)) {
    note(issues, path, 'has a number out of range, taken as text')
    return String(value)
  }
  if (Array.isArray(value)) return value.map((item) => withoutInfinity(item, path, issues))
  if (!isObject(value)) return value
  const copy: JsonObject = {}
  for (const [name, member] of Object.entries(value))
    setOwn(copy, name, withoutInfinity(member, path, issues))
  return copy
}
