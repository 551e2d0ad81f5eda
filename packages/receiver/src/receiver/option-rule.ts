/** What an option has to be, and how a message speaks of one that is not. */
export interface Rule {
  holds: (value: unknown) => boolean
  expected: string
  shown: (value: unknown) => string
}

/** The value is shown where nobody could have put a secret by mistake. */
function shownRule(holds: Rule['holds'], expected: string): Rule {
  const shown = (value: unknown): string =>
    typeof value === 'number' || typeof value === 'string' ? show(value) : kindOf(value)
  return { holds, expected, shown }
}

export function hiddenRule(holds: Rule['holds'], expected: string): Rule {
  return { holds, expected, shown: kindOf }
}

export function whole(max: number): Rule {
  return shownRule(
    (value) => Number.isInteger(value) && Number(value) >= 1 && Number(value) <= max,
    `a whole number from 1 to ${max}`,
  )
}

export function oneOf(...words: string[]): Rule {
  return shownRule((value) => words.includes(value as string), words.map((word) => `'${word}'`).join(' or '))
}

export function port(expected: string, ...methods: string[]): Rule {
  return hiddenRule(
    (value) => isObject(value) && methods.every((method) => isFunction(value[method])),
    expected,
  )
}

export function isFunction(value: unknown): boolean {
  return typeof value === 'function'
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function show(value: number | string): string {
  return typeof value === 'number' ? String(value) : JSON.stringify(value)
}

/** How messages speak of a value that is not to be shown. */
export function kindOf(value: unknown): string {
  if (value === undefined || value === null) return String(value)
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list'
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}
