import { CodeFailure } from './code-failure.ts'

/** What a template may return, as JSON: the largest message of any destination is far smaller. */
const valueBytesMax = 1024 * 1024

/**
 * A result as JSON text; nothing becomes null.
 *
 * @throws CodeFailure for what is not JSON, which a change of the code can mend, and for what is too large, which
 *   another try cannot.
 */
export function jsonText(value: unknown, replacer?: (key: string, value: unknown) => unknown): string {
  if (typeof value === 'function' || typeof value === 'symbol') {
    throw new CodeFailure(`returned a ${typeof value}, expected a JSON value`)
  }
  let text
  try {
    text = JSON.stringify(value, replacer) ?? 'null'
  } catch (error) {
    const [said] = error instanceof Error ? error.message.split('\n') : []
    throw new CodeFailure(`returned what is not JSON: ${said ?? 'it cannot be read'}`)
  }
  const bytes = Buffer.byteLength(text)
  if (bytes > valueBytesMax) {
    throw new CodeFailure(`returned ${bytes} bytes of JSON, expected at most ${valueBytesMax}`, 'reject')
  }
  return text
}
