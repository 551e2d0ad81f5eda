import type { z } from 'zod'
import {
  cut,
  issueSentences,
  placeIn,
  shownKind,
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

/** An error is read by a person, and a body may have a million mistakes: the others are counted. */
const sentencesMax = 10

/** Says of each parameter or field that was not accepted its name, what came and what was expected; of the first ten. */
export function invalidRequest(
  issues: readonly z.core.$ZodIssue[],
  given: unknown,
  target: string,
): ApiError {
  const noun = target === 'json' ? 'field' : 'parameter'
  const words: IssueWords = {
    noun,
    place: placeOf,
    describe: (path, isOther) => describe(path, isOther, given, noun),
  }
  const sentences: string[] = []
  let problems = 0
  for (const issue of issues) {
    problems += issue.code === 'unrecognized_keys' ? issue.keys.length : 1
    const left = sentencesMax - sentences.length
    if (left > 0) sentences.push(...issueSentences(issue, words, left))
  }
  const more = problems > sentences.length ? `; and ${problems - sentences.length} more` : ''
  return new ApiError('invalid_request', sentences.join('; ') + more)
}

function placeOf(path: readonly PropertyKey[]): string {
  if (path.length === 0) return 'the body'
  // A parameter has dots in its own name.
  return path.length === 1 ? cut(String(path[0])) : placeIn(path)
}

function describe(
  path: readonly PropertyKey[],
  isOther: boolean,
  given: unknown,
  noun: 'field' | 'parameter',
): string {
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
  if (!isSecret) return shownValue(value)
  // A number can only be of another kind than a secret or a phone number, and saying so gives nothing away.
  return isOther || typeof value !== 'string' ? shownKind(value) : 'not valid'
}
