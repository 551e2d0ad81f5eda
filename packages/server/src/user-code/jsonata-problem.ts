import jsonata from 'jsonata'

/** A filter or template of a person's hand is a few hundred bytes. */
export const jsonataBytesMax = 16 * 1024

/** What is wrong with an expression, and where. */
export interface JsonataProblem {
  /** Characters before it. */
  position: number
  /** From 1. */
  line: number
  /** From 1. */
  column: number
  message: string
}

/** Null for an expression that can be run. */
export function jsonataProblem(expression: string): JsonataProblem | null {
  const bytes = Buffer.byteLength(expression)
  if (bytes > jsonataBytesMax) {
    return problemAt(expression, 0, `${bytes} bytes, expected at most ${jsonataBytesMax}`)
  }
  try {
    jsonata(expression)
    return null
  } catch (error) {
    return problemOf(expression, error)
  }
}

/** @param error what the parser threw. */
export function problemOf(expression: string, error: unknown): JsonataProblem {
  if (error instanceof RangeError) return problemAt(expression, 0, 'it is nested too deeply')
  const { message, position, token } = error as { message: string; position?: number; token?: string }
  if (error instanceof SyntaxError) {
    // Of a regular expression, which JavaScript read: it says which one, and not where.
    const [, literal] = /^Invalid regular expression: (\/.*\/)\w*: /s.exec(message) ?? []
    return problemAt(
      expression,
      literal === undefined ? 0 : Math.max(0, expression.indexOf(literal)),
      message,
    )
  }
  const end = position ?? 0
  // The parser says where a token ends.
  const begin = end - (token?.length ?? 0)
  return problemAt(expression, expression.slice(Math.max(0, begin), end) === token ? begin : end, message)
}

function problemAt(expression: string, position: number, message: string): JsonataProblem {
  const before = expression.slice(0, position).split('\n')
  return { position, line: before.length, column: (before.at(-1)?.length ?? 0) + 1, message }
}
