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
  checkValue(event, '', bodyNestingMax)
  return encoder.encode(JSON.stringify(event))
}

/** What JSON would refuse without saying where, or would write as null, which means that the caller did not say. */
function checkValue(value: unknown, path: string, levels: number): void {
  if (typeof value === 'bigint' || (typeof value === 'number' && !Number.isFinite(value))) {
    throw new TypeError(
      `${path} is ${kindOf(value)} that JSON cannot hold, expected a finite number or a text`,
    )
  }
  if (typeof value !== 'object' || value === null) return
  // A value that holds itself ends here too.
  if (levels === 0) throw new TypeError(`the event is nested deeper than ${bodyNestingMax} levels`)
  for (const [name, member] of Object.entries(value)) {
    checkValue(member, path === '' ? name : `${path}.${name}`, levels - 1)
  }
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
