import type { z } from 'zod'
import { nearestName } from '../config/nearest-name.ts'
import { ApiError } from './errors.ts'

/** Fields whose values are never quoted. */
const secretFields: ReadonlySet<PropertyKey> = new Set(['secret'])

/** Longer values are cut: the message is one line. */
const shownCharacters = 100

/** Says of each parameter or field that was not accepted its name, what came and what was expected. */
export function invalidRequest(error: z.core.$ZodError, given: unknown, target: string): ApiError {
  const noun = target === 'json' ? 'field' : 'parameter'
  return new ApiError(
    'invalid_request',
    error.issues.flatMap((issue) => problemsOf(issue, given, noun)).join('; '),
  )
}

/** In the schemas of this API every message is an expectation; for unknown names it lists the known ones. */
function problemsOf(issue: z.core.$ZodIssue, given: unknown, noun: string): string[] {
  if (issue.code === 'unrecognized_keys') {
    const known = issue.message.split(' ')
    return issue.keys.map((key) => {
      const nearest = nearestName(key, known)
      const advice = nearest === null ? `expected one of ${known.join(', ')}` : `did you mean ${nearest}?`
      return `${cut(key)} is not a known ${noun}, ${advice}`
    })
  }
  const [field] = issue.path
  if (field === undefined) return [`the body is ${describe(given)}, expected ${issue.message}`]
  const value = (given as Record<PropertyKey, unknown>)[field]
  return [
    `${cut(String(field))} is ${secretFields.has(field) ? 'not valid' : describe(value)}, expected ${issue.message}`,
  ]
}

function describe(value: unknown): string {
  if (value === undefined) return 'missing'
  // The query of a URL gives texts in a list where a parameter stands in it twice.
  if (Array.isArray(value)) return typeof value[0] === 'string' ? 'given more than once' : 'a list'
  if (typeof value === 'object' && value !== null) return 'an object'
  return cut(JSON.stringify(value))
}

function cut(text: string): string {
  return text.length > shownCharacters ? `${text.slice(0, shownCharacters)}…` : text
}
