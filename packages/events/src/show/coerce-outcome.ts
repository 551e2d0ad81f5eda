// Outcomes are written by a language model: numbers as strings, in Arabic-Indic digits, arrays as JSON in strings.
// Each value is brought into the type of its schema where that is possible without guessing.
import { bodyNestingMax, isObject, kindOf, nestsDeeperThan, setOwn, type JsonObject } from '../json.ts'

/** A JSON Schema, of which `type`, `enum`, `properties` and `items` are applied here. */
export type JsonSchema = Readonly<Record<string, unknown>>

export interface Coerced {
  value: unknown
  /** The value as sent, where it is another one. */
  raw?: unknown
  /** What does not fit the schema; the value is then as it came. */
  issue?: string
}

/**
 * Brings each field of an outcome into the type that the schema's `properties` give it: numbers and booleans from
 * text (also in Arabic-Indic and Persian digits, yes, no, نعم, لا), arrays and objects from JSON in a string.
 * `null` stays null, which means that the caller did not say; `""` stays a value.
 */
export function coerceOutcome(outcome: Record<string, unknown>, schema: JsonSchema): Record<string, Coerced> {
  const coerced: Record<string, Coerced> = {}
  for (const [field, value] of Object.entries(outcome)) {
    setOwn(coerced, field, coerceValue(value, propertyOf(schema, field)))
  }
  return coerced
}

/** As `coerceOutcome`, for one value and its own schema. */
export function coerceValue(value: unknown, schema: JsonSchema): Coerced {
  if (value === null) return { value }
  const issues: string[] = []
  const fitted = fit(value, schema, '', issues, bodyNestingMax)
  const coerced: Coerced = { value: fitted }
  if (fitted !== value) coerced.raw = value
  if (issues[0] !== undefined) coerced.issue = issues[0]
  return coerced
}

/** The schema of one property, `{}` where there is none. */
export function propertyOf(schema: JsonSchema, field: string): JsonSchema {
  const { properties } = schema
  const property = isObject(properties) && Object.hasOwn(properties, field) ? properties[field] : undefined
  return isObject(property) ? property : {}
}

/** Returns the very same value where nothing had to be done. */
function fit(value: unknown, schema: JsonSchema, path: string, issues: string[], levels: number): unknown {
  const types = typesOf(schema)
  let fitted = value
  if (types.length > 0 && !types.some((type) => isOfType(value, type))) {
    const found = types.map((type) => convert(value, type)).find((converted) => converted !== undefined)
    if (found === undefined) {
      issues.push(`${path}is ${kindOf(value)} that does not read as ${types.join(' or ')}`.trimStart())
      return value
    }
    fitted = found
  }
  fitted = fitEnum(fitted, schema, path, issues)
  if (levels > 0 && Array.isArray(fitted)) return fitItems(fitted, schema, path, issues, levels - 1)
  if (levels > 0 && isObject(fitted)) return fitMembers(fitted, schema, path, issues, levels - 1)
  return fitted
}

function typesOf({ type }: JsonSchema): string[] {
  if (typeof type === 'string') return [type]
  return Array.isArray(type) ? type.filter((one) => typeof one === 'string') : []
}

function isOfType(value: unknown, type: string): boolean {
  switch (type) {
    case 'null':
      return value === null
    case 'array':
      return Array.isArray(value)
    case 'object':
      return isObject(value)
    case 'integer':
      return Number.isInteger(value)
    default:
      return typeof value === type
  }
}

/** Undefined where the value does not read as the type. */
function convert(value: unknown, type: string): unknown {
  switch (type) {
    case 'string':
      return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined
    case 'number':
    case 'integer': {
      const number = typeof value === 'string' ? toNumber(value) : undefined
      return type === 'number' || Number.isInteger(number) ? number : undefined
    }
    case 'boolean':
      return toBoolean(value)
    case 'array':
    case 'object': {
      const parsed = typeof value === 'string' ? toJson(value) : undefined
      return isOfType(parsed, type) ? parsed : undefined
    }
    default:
      return undefined
  }
}

function toNumber(text: string): number | undefined {
  const plain = withAsciiDigits(text.trim())
  if (!/^[+-]?\d+(?:\.\d+)?(?:e[+-]?\d{1,3})?$/i.test(plain)) return undefined
  const number = Number(plain)
  const digits = plain.replace(/e.*$/i, '').replace(/\D/g, '').replace(/^0+/, '')
  // A double holds 15 digits for certain; more would be another number than the one that was sent.
  return Number.isFinite(number) && (digits.length <= 15 || Number.isSafeInteger(number)) ? number : undefined
}

/** Arabic-Indic (U+0660) and Persian (U+06F0) digits, with their decimal and thousands separators. */
function withAsciiDigits(text: string): string {
  return text
    .replace(/[\u0660-\u0669]/g, (digit) => String(digit.charCodeAt(0) - 0x0660))
    .replace(/[\u06f0-\u06f9]/g, (digit) => String(digit.charCodeAt(0) - 0x06f0))
    .replace('\u066b', '.')
    .replaceAll('\u066c', '')
}

const booleans: ReadonlyMap<string, boolean> = new Map([
  ['true', true],
  ['yes', true],
  ['1', true],
  ['نعم', true],
  ['false', false],
  ['no', false],
  ['0', false],
  ['لا', false],
])

function toBoolean(value: unknown): boolean | undefined {
  if (typeof value !== 'string' && typeof value !== 'number') return undefined
  return booleans.get(withAsciiDigits(String(value).trim()).toLowerCase())
}

function toJson(text: string): unknown {
  try {
    const parsed: unknown = JSON.parse(text)
    return nestsDeeperThan(parsed, bodyNestingMax) ? undefined : parsed
  } catch {
    return undefined
  }
}

/** Where a schema lists values without a type, the one with the same text is meant: 1 for `"1"`. */
function fitEnum(value: unknown, schema: JsonSchema, path: string, issues: string[]): unknown {
  const allowed = schema['enum']
  if (!Array.isArray(allowed)) return value
  const written = JSON.stringify(value)
  if (allowed.some((member) => JSON.stringify(member) === written)) return value
  const text = scalarText(value)
  const meant: unknown = allowed.find((member) => text !== null && scalarText(member) === text)
  if (meant !== undefined && typesOf(schema).length === 0) return meant
  issues.push(`${path}is none of the ${allowed.length} values that the schema lists`.trimStart())
  return value
}

function scalarText(value: unknown): string | null {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    ? String(value)
    : null
}

function fitItems(
  list: unknown[],
  schema: JsonSchema,
  path: string,
  issues: string[],
  levels: number,
): unknown {
  const { items } = schema
  if (!isObject(items)) return list
  const fitted = list.map((item, at) => fit(item, items, `${path.trimEnd()}[${at}] `, issues, levels))
  return fitted.some((item, at) => item !== list[at]) ? fitted : list
}

function fitMembers(
  object: JsonObject,
  schema: JsonSchema,
  path: string,
  issues: string[],
  levels: number,
): unknown {
  if (!isObject(schema['properties'])) return object
  const fitted: JsonObject = {}
  let changed = false
  for (const [name, member] of Object.entries(object)) {
    // The name is the schema's own where there is something to say about it, so it gives nothing away.
    const at = `${path.trimEnd()}.${name} `
    const value = member === null ? null : fit(member, propertyOf(schema, name), at, issues, levels)
    if (value !== member) changed = true
    setOwn(fitted, name, value)
  }
  return changed ? fitted : object
}
