import type { Issue } from '../event.ts'
import { bodyNestingMax, isObject, kindOf, nestsDeeperThan } from '../json.ts'
import { jsonErrorOffset, utf8ErrorOffset } from './malformed.ts'

export type BodyReading =
  { ok: true; value: Record<string, unknown>; text: string } | { ok: false; issues: Issue[] }

// Decoding anything but UTF-8 leniently would store one text and sign or hash another.
const decoder = new TextDecoder('utf-8', { fatal: true })

/**
 * Reads the bytes of one webhook: strict UTF-8 (a byte order mark is tolerated), JSON, an object, nested at most
 * `bodyNestingMax` levels. Refusals say what came and where, never what it says. Never throws.
 */
export function readBody(body: Uint8Array): BodyReading {
  if (body.length === 0) return refused('is empty, expected a JSON object')
  let text: string
  try {
    text = decoder.decode(body)
  } catch {
    return refused(
      `is not UTF-8 from byte offset ${utf8ErrorOffset(body)} on, expected a JSON object in UTF-8`,
    )
  }
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return refused(syntaxProblem(text))
  }
  if (!isObject(value)) return refused(`is ${kindOf(value)}, expected a JSON object`)
  // Few bodies open as many brackets as may be nested, and counting them is cheaper than walking the value.
  if (bracketsExceed(text, bodyNestingMax) && nestsDeeperThan(value, bodyNestingMax)) {
    return refused(`is nested deeper than ${bodyNestingMax} levels`)
  }
  return { ok: true, value, text }
}

function refused(message: string): BodyReading {
  return { ok: false, issues: [{ path: '', message }] }
}

function bracketsExceed(text: string, limit: number): boolean {
  let brackets = 0
  for (const bracket of ['{', '[']) {
    for (let at = text.indexOf(bracket); at !== -1; at = text.indexOf(bracket, at + 1)) {
      brackets += 1
      if (brackets > limit) return true
    }
  }
  return false
}

function syntaxProblem(text: string): string {
  const offset = jsonErrorOffset(text)
  if (offset >= text.length) return `is not complete JSON: it ends too early, at character ${text.length}`
  const lineStart = text.lastIndexOf('\n', offset - 1) + 1
  let line = 1
  for (let at = text.indexOf('\n'); at !== -1 && at < offset; at = text.indexOf('\n', at + 1)) line += 1
  return `is not JSON: unexpected character at offset ${offset} (line ${line}, column ${offset - lineStart + 1})`
}
