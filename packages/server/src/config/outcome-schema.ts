import { Ajv, type ValidateFunction } from 'ajv'
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import type { JsonSchema } from '@hookswitch/events'

/** An agent's outcome schema, ready to be applied. */
export interface OutcomeSchema {
  schema: JsonSchema
  /** Says what does not fit the schema about the value of one field, or null. Never quotes the value. */
  check: (field: string, value: unknown) => string | null
}

/** Compiles a JSON Schema or a schema that can say itself as one. The problem goes on after the schema's path. */
export function readOutcomeSchema(
  given: unknown,
): { ok: true; outcome: OutcomeSchema } | { ok: false; problem: string } {
  try {
    const schema = toJsonSchema(given)
    return { ok: true, outcome: { schema, check: compile(schema) } }
  } catch (error) {
    return { ok: false, problem: error instanceof Error ? error.message : String(error) }
  }
}

const expectation = 'expected a JSON Schema, or a schema with Standard JSON Schema (~standard.jsonSchema)'

function toJsonSchema(given: unknown): JsonSchema {
  if ((typeof given !== 'object' && typeof given !== 'function') || given === null || Array.isArray(given)) {
    throw new TypeError(`is no object, ${expectation}`)
  }
  if (!('~standard' in given)) {
    if (typeof given === 'function') throw new TypeError(`is a function, ${expectation}`)
    return objectSchema(given as JsonSchema)
  }
  const standard = given['~standard'] as { vendor?: string; jsonSchema?: { input?: unknown } } | undefined
  const input = standard?.jsonSchema?.input
  if (typeof input !== 'function') {
    throw new TypeError(
      `is a Standard Schema${standard?.vendor === undefined ? '' : ` of ${standard.vendor}`} that cannot say itself as JSON Schema (it has no ~standard.jsonSchema); give its JSON Schema instead`,
    )
  }
  let converted: unknown
  try {
    // The input side: an outcome is what comes in, before any transformation of the schema.
    converted = (input as (options: { target: string }) => unknown)({ target: 'draft-2020-12' })
  } catch (error) {
    throw new TypeError(
      `cannot be said as JSON Schema: ${error instanceof Error ? error.message : String(error)}`,
      {
        cause: error,
      },
    )
  }
  return objectSchema(converted as JsonSchema)
}

function objectSchema(schema: JsonSchema): JsonSchema {
  const { type } = schema
  if (type === undefined || type === 'object') return schema
  throw new TypeError(
    `describes ${JSON.stringify(type)}, expected an object: an outcome is one, field by field`,
  )
}

function compile(schema: JsonSchema): OutcomeSchema['check'] {
  const { $schema: dialect } = schema
  const options = {
    strict: false,
    // The error of the field that is asked about may come after one of the whole, such as a missing other field.
    allErrors: true,
    // Unknown formats are no errors, and nothing that is written to the console.
    logger: false,
  } as const
  const ajv =
    typeof dialect === 'string' && /draft-0[67]/.test(dialect) ? new Ajv(options) : new Ajv2020(options)
  addFormats.default(ajv)
  const validate: ValidateFunction = ajv.compile(schema)
  if ('$async' in validate) throw new TypeError('is asynchronous ($async), expected a schema that is not')
  return (field, value) => {
    if (validate({ [field]: value })) return null
    const place = `/${field.replaceAll('~', '~0').replaceAll('/', '~1')}`
    for (const { instancePath, message, params } of validate.errors ?? []) {
      if (instancePath === place) return message ?? 'does not fit the schema'
      if (instancePath.startsWith(`${place}/`)) {
        return `${instancePath.slice(place.length + 1)} ${message ?? 'does not fit the schema'}`
      }
      if (instancePath === '' && params['additionalProperty'] === field) return 'is not in the schema'
    }
    return null
  }
}
