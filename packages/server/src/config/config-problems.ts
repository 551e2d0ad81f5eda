import type { z } from 'zod'
import { isSecretSetting } from '../destinations/secret-settings.ts'
import { issueSentences, placeIn, shownValue, valueAt, type IssueWords } from './issue-sentence.ts'

/**
 * What zod found, as sentences for whoever wrote the file: file, key, what came, what was expected.
 *
 * @param config what the file exports.
 */
export function configProblems(issues: readonly z.core.$ZodIssue[], config: unknown, file: string): string[] {
  const words: IssueWords = {
    noun: 'key',
    place: (path) => placeOf(path, config),
    describe: (path) => describe(path, config),
  }
  return issues.flatMap((issue) => {
    const advice = isUnset(issue.path, config) ? '; is a variable of the environment not set?' : ''
    return issueSentences(issue, words).map((sentence) => `${file}: ${sentence}${advice}`)
  })
}

/** What a missing variable leaves behind in the settings of a destination or of an agent's webhook: a key that is there, and undefined. */
function isUnset(path: readonly PropertyKey[], config: unknown): boolean {
  const inSettings = path[0] === 'destinations' ? path.includes('settings') : isWebhook(path)
  if (!inSettings) return false
  const parent = valueAt(config, path.slice(0, -1))
  const key = path.at(-1) ?? ''
  return (
    typeof parent === 'object' &&
    parent !== null &&
    Object.hasOwn(parent, key) &&
    valueAt(parent, [key]) === undefined
  )
}

/** A destination is named where it has a name: `destination "crm": settings.url`. */
function placeOf(path: readonly PropertyKey[], config: unknown): string {
  const [root, at, ...rest] = path
  if (root === 'destinations' && typeof at === 'number' && rest.length > 0 && rest[0] !== 'name') {
    const name = valueAt(config, [root, at, 'name'])
    if (typeof name === 'string') return `destination ${shownValue(name)}: ${placeIn(rest)}`
  }
  return path.length === 0 ? 'the default export' : placeIn(path)
}

function describe(path: readonly PropertyKey[], config: unknown): string {
  const value = valueAt(config, path)
  if (value === undefined) return 'undefined'
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'an object'
  const isPlain = ['string', 'number', 'boolean'].includes(typeof value)
  return !isPlain || isSecret(path, config) ? `a ${typeof value}` : shownValue(value)
}

/** Within the webhook of an agent. */
function isWebhook(path: readonly PropertyKey[]): boolean {
  return path[0] === 'agents' && path[2] === 'webhook' && path.length > 3
}

function isSecret(path: readonly PropertyKey[], config: unknown): boolean {
  if (isWebhook(path)) return isSecretSetting(['settings', ...path.slice(3)], 'webhook')
  const [root, at = 0, ...rest] = path
  if (root !== 'destinations') return path.includes('secrets')
  return isSecretSetting(rest, valueAt(config, [root, at, 'kind']))
}
