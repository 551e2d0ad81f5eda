import type { OutcomeField, OutcomeOrigin } from '../call.ts'
import { canonicalJson } from '../wire/canonical-content.ts'
import { isObject, setOwn } from '../json.ts'
import { coerceValue, propertyOf, type JsonSchema } from './coerce-outcome.ts'

/** What is known about an agent besides its calls. */
export interface CallView {
  /** Names of the params that are sent along with each call, and come back inside the outcome. */
  echo?: readonly string[]
  /** The agent's outcome schema. */
  outcome?: JsonSchema
  /** Says what does not fit the schema about a coerced value that is not null, or null. */
  check?: (field: string, value: unknown) => string | null
  /** Of a call that was started here: the fields that were collected in it so far, which nobody need guess then. */
  collected?: readonly string[]
}

/**
 * The outcome with its three states: a field with a value, one that came as null (the caller did not say), and one
 * that is expected by the schema, the echo list or the params, and did not come.
 */
export function outcomeFields(
  outcome: Record<string, unknown>,
  params: Record<string, unknown> | null,
  view: CallView,
): Record<string, OutcomeField> {
  const schema = view.outcome ?? {}
  const fields: Record<string, OutcomeField> = {}
  for (const [field, value] of Object.entries(outcome)) {
    const origin = originOf(field, value, params, view)
    if (value === null) setOwn(fields, field, { state: 'null', value, origin })
    else setOwn(fields, field, valueField(field, value, origin, schema, view.check))
  }
  for (const field of expectedFields(params, view)) {
    if (Object.hasOwn(fields, field)) continue
    setOwn(fields, field, { state: 'absent', value: null, origin: originOfAbsent(field, params, view) })
  }
  return fields
}

function valueField(
  field: string,
  value: unknown,
  origin: OutcomeOrigin,
  schema: JsonSchema,
  check: CallView['check'],
): OutcomeField {
  const coerced = coerceValue(value, propertyOf(schema, field))
  const shown: OutcomeField = { state: 'value', value: coerced.value, origin }
  if ('raw' in coerced) shown.raw = coerced.raw
  const issue = coerced.issue ?? check?.(field, coerced.value) ?? null
  if (issue !== null) shown.issue = issue
  return shown
}

function expectedFields(
  params: Record<string, unknown> | null,
  { echo = [], outcome = {} }: CallView,
): string[] {
  const properties = isObject(outcome['properties']) ? Object.keys(outcome['properties']) : []
  return [...properties, ...echo, ...Object.keys(params ?? {})]
}

/** Where the params are known, only the same value is an echo: a field of that name with another one was collected. */
function originOf(
  field: string,
  value: unknown,
  params: Record<string, unknown> | null,
  { echo, collected }: CallView,
): OutcomeOrigin {
  if (collected !== undefined) {
    return Object.hasOwn(params ?? {}, field) && !collected.includes(field) ? 'echoed' : 'collected'
  }
  if (params !== null) {
    return Object.hasOwn(params, field) && isSame(value, params[field]) ? 'echoed' : 'collected'
  }
  if (echo !== undefined) return echo.includes(field) ? 'echoed' : 'collected'
  return 'unknown'
}

function originOfAbsent(
  field: string,
  params: Record<string, unknown> | null,
  { echo, collected }: CallView,
): OutcomeOrigin {
  if (params === null && echo === undefined && collected === undefined) return 'unknown'
  return Object.hasOwn(params ?? {}, field) || (echo ?? []).includes(field) ? 'echoed' : 'collected'
}

/** Equal as JSON, or as text: params pass through systems that make `12345` into `"12345"`, and objects into JSON. */
function isSame(one: unknown, other: unknown): boolean {
  const [oneText, otherText] = [canonicalJson(one), canonicalJson(other)]
  if (oneText === otherText) return true
  if (one === null || other === null) return false
  return (
    (typeof one === 'string' ? jsonText(one) : oneText) ===
    (typeof other === 'string' ? jsonText(other) : otherText)
  )
}

/** The text itself, unless it is JSON written in another way. */
function jsonText(text: string): string | null {
  if (!/^\s*[[{]/.test(text)) return text
  try {
    return canonicalJson(JSON.parse(text))
  } catch {
    return text
  }
}
