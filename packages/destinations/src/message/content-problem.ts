import { withoutAnswer, type AttemptResult } from '@hookswitch/core'

/** A template returned what cannot be sent; nothing was, and the same would come of it again. */
export function contentProblem(problem: string): AttemptResult {
  return withoutAnswer('reject', 'code', `the template returned ${problem}`)
}

/** Whether JSON can hold what a template returned: nothing that holds itself, and no bigint. */
export function isJson(content: unknown): boolean {
  try {
    JSON.stringify(content)
    return true
  } catch {
    return false
  }
}

/** For what is not. */
export const notJson = 'what JSON cannot hold'

/** What came, as the kind of value that it is; never the value. */
export function shownKind(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'a list'
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}
