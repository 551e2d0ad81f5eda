import type { z } from 'zod'
import { saidWhole } from './config-schema.ts'
import { nearestName } from './nearest-name.ts'

/** What zod found, as sentences for whoever wrote the file: file, key, what came, what was expected. */
export function configProblems(issues: readonly z.core.$ZodIssue[], file: string): string[] {
  return issues.flatMap((issue) => problemsOf(issue).map((problem) => `${file}: ${problem}`))
}

function problemsOf(issue: z.core.$ZodIssue): string[] {
  const place = placeOf(issue.path)
  if (issue.code === 'unrecognized_keys') {
    const known = issue.message.split(' ')
    return issue.keys.map((key) => {
      const nearest = nearestName(key, known)
      const advice = nearest === null ? `expected one of ${known.join(', ')}` : `did you mean ${nearest}?`
      return `${placeOf([...issue.path, key])} is not a known key, ${advice}`
    })
  }
  if (issue.code === 'invalid_key') {
    return [`${place} is not a valid name, expected ${issue.issues[0]?.message ?? 'another one'}`]
  }
  if (issue.code === 'custom' && issue.params?.[saidWhole] === true) return [`${place} ${issue.message}`]
  const came = describe(issue.input, issue.path.includes('secrets'))
  return [`${place} is ${came}, expected ${issue.message}`]
}

/** `sources.hamsa.secrets[0]`, `agents["agent-123"].echo`. */
function placeOf(path: readonly PropertyKey[]): string {
  let place = ''
  for (const key of path) {
    if (typeof key === 'number') place += `[${key}]`
    else if (/^[A-Za-z_$][\w$]*$/.test(String(key))) place += place === '' ? String(key) : `.${String(key)}`
    else place += `[${JSON.stringify(String(key))}]`
  }
  return place === '' ? 'the default export' : place
}

/** Longer values are cut: a message is one line. */
const shownCharacters = 80

function describe(value: unknown, isSecret: boolean): string {
  if (value === undefined) return 'undefined'
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'an object'
  if (isSecret || !['string', 'number', 'boolean'].includes(typeof value)) return `a ${typeof value}`
  const text = typeof value === 'string' ? JSON.stringify(value) : `${value as number | boolean}`
  return text.length > shownCharacters ? `${text.slice(0, shownCharacters)}…` : text
}
