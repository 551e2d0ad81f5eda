import type { z } from 'zod'
import {
  cut,
  issueSentences,
  placeIn,
  shownValue,
  valueAt,
  type IssueWords,
} from '../config/issue-sentence.ts'
import { isSecretSetting } from '../destinations/secret-settings.ts'
import { ApiError } from './errors.ts'

/** Fields whose values are never quoted: secrets, what names a person, and what was said in a call. */
const secretFields: ReadonlySet<PropertyKey | undefined> = new Set([
  'secret',
  'phone',
  'param',
  'to',
  'from',
  'params',
  'data',
])

/** Says of each parameter or field that was not accepted its name, what came and what was expected. */
export function invalidRequest(
  issues: readonly z.core.$ZodIssue[],
  given: unknown,
  target: string,
): ApiError {
  const noun = target === 'json' ? 'field' : 'parameter'
  const words: IssueWords = {
    noun,
    place: placeOf,
    describe: (path) => describe(path, given, noun),
  }
  return new ApiError('invalid_request', issues.flatMap((issue) => issueSentences(issue, words)).join('; '))
}

function placeOf(path: readonly PropertyKey[]): string {
  if (path.length === 0) return 'the body'
  // A parameter has dots in its own name.
  return path.length === 1 ? cut(String(path[0])) : placeIn(path)
}

function describe(path: readonly PropertyKey[], given: unknown, noun: 'field' | 'parameter'): string {
  const value = valueAt(given, path)
  if (value === undefined) return 'missing'
  // The query of a URL gives texts in a list where a parameter stands in it twice.
  if (noun === 'parameter' && Array.isArray(value)) return 'given more than once'
  if (typeof value === 'object') return shownValue(value)
  const isSecret =
    (noun === 'field' && secretFields.has(path[0])) ||
    (path[0] === 'webhook'
      ? isSecretSetting(['settings', ...path.slice(1)], 'webhook')
      : isSecretSetting(path, valueAt(given, ['kind'])))
  return isSecret ? 'not valid' : shownValue(value)
}
