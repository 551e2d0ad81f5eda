import { bodyNestingMax, readEnvelope } from '@hookswitch/events'

const encoder = new TextEncoder()

/**
 * An event as JSON in UTF-8.
 *
 * @throws TypeError for one that receivers would refuse, or would read as something that was not meant. The message
 * has the path and the kind, never the value.
 */
export function encodeEvent(event: Record<string, unknown>): Uint8Array<ArrayBuffer> {
  const reading = readEnvelope(event)
  if (!reading.ok) {
    throw new TypeError(reading.issues.map(({ path, message }) => `${path} ${message}`).join('; '))
  }
  const problem = problemIn(event, bodyNestingMax)
  if (problem !== null) throw new TypeError(`${problem.path.join('.')} ${problem.message}`)
  return encoder.encode(JSON.stringify(event))
}

interface Problem {
  /** Put together on the way back, so that the values before it cost nothing. */
  path: (string | number)[]
  message: string
}

/** What JSON would refuse without saying where, or would write as null, which means that the caller did not say. */
function problemIn(value: unknown, levels: number): Problem | null {
  if (typeof value === 'bigint' || (typeof value === 'number' && !Number.isFinite(value))) {
    return {
      path: [],
      message: `is ${kindOf(value)} that JSON cannot hold, expected a finite number or a text`,
    }
  }
  if (typeof value !== 'object' || value === null) return null
  // A value that holds itself ends here too.
  if (levels === 0) throw new TypeError(`the event is nested deeper than ${bodyNestingMax} levels`)
  if (Array.isArray(value)) {
    for (let at = 0; at < value.length; at += 1) {
      const problem = problemIn(value[at], levels - 1)
      if (problem !== null) return { ...problem, path: [at, ...problem.path] }
    }
    return null
  }
  for (const name of Object.keys(value)) {
    const problem = problemIn((value as Record<string, unknown>)[name], levels - 1)
    if (problem !== null) return { ...problem, path: [name, ...problem.path] }
  }
  return null
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** How messages speak of a value that may be private. */
export function kindOf(value: unknown): string {
  if (value === undefined || value === null) return String(value)
  if (Array.isArray(value)) return 'an array'
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}
