import type { z } from 'zod'
import { nearestName } from './nearest-name.ts'
import { isOfOtherKind, saidWhole } from './object-schema.ts'

/** How the problems of one kind of input are said. */
export interface IssueWords {
  /** What a name that nobody knows is called. */
  noun: 'key' | 'field' | 'parameter'
  place(path: readonly PropertyKey[]): string
  /** What came; never a secret. `isOther` says that it is of another kind than expected. */
  describe(path: readonly PropertyKey[], isOther: boolean): string
}

/**
 * What zod found, as sentences: place, what came, what was expected.
 *
 * @param sentencesMax of an issue that is of many names, the first so many.
 */
export function issueSentences(
  issue: z.core.$ZodIssue,
  words: IssueWords,
  sentencesMax = Infinity,
): string[] {
  const { path } = issue
  if (issue.code === 'unrecognized_keys') {
    const known = issue.message.split(' ')
    return issue.keys.slice(0, sentencesMax).map((key) => {
      const advice = adviceFor(key, known)
      return `${words.place([...path, key])} is not a known ${words.noun}, ${advice}`
    })
  }
  const place = words.place(path)
  if (issue.code === 'invalid_key') {
    return [`${place} is not a valid name, expected ${issue.issues[0]?.message ?? 'another one'}`]
  }
  const isCustom = issue.code === 'custom'
  if (isCustom && issue.params?.[saidWhole] === true) return [`${place} ${issue.message}`]
  const isOther = isCustom ? issue.params?.[isOfOtherKind] === true : issue.code === 'invalid_type'
  return [`${place} is ${words.describe(path, isOther)}, expected ${issue.message}`]
}

/** The end of a sentence about a name that is not known. */
export function adviceFor(name: string, known: readonly string[]): string {
  const nearest = nearestName(name, known)
  return nearest === null ? `expected one of ${known.join(', ')}` : `did you mean ${nearest}?`
}

/** `sources.hamsa.secrets[0]`, `agents["agent-123"].echo`; empty for the whole. */
export function placeIn(path: readonly PropertyKey[]): string {
  let place = ''
  for (const key of path) {
    if (typeof key === 'number') place += `[${key}]`
    else if (/^[A-Za-z_$][\w$]*$/.test(String(key))) place += place === '' ? String(key) : `.${String(key)}`
    else place += `[${JSON.stringify(cut(String(key)))}]`
  }
  return place
}

/** What stands at a place of what was given; undefined where there is nothing. */
export function valueAt(given: unknown, path: readonly PropertyKey[]): unknown {
  let value = given
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined
    value = (value as Record<PropertyKey, unknown>)[key]
  }
  return value
}

/** Longer values are cut: a message is one line. */
const shownCharacters = 100

export function cut(text: string): string {
  return text.length > shownCharacters ? `${text.slice(0, shownCharacters)}…` : text
}

/** The kind of a value of JSON, where it is not to be quoted. */
export function shownKind(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'an object'
  return typeof value === 'string' ? 'a text' : `a ${typeof value}`
}

/** A value of JSON; what may be a URL without what may be secret in it. */
export function shownValue(value: unknown): string {
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object' && value !== null) return 'an object'
  return cut(typeof value === 'string' ? JSON.stringify(withoutCredentials(value)) : String(value))
}

/** Also of a URL whose beginning is missing or wrong, since that is when it is quoted. */
function withoutCredentials(text: string): string {
  return text
    .replace(/:\/\/[^/?#]*@/, '://…@')
    .replace(/(^|\/)[^/?#@:]*:[^/?#]*@/, '$1…@')
    .replace(/\?.*$/s, '?…')
}
