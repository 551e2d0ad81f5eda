import { isDeepStrictEqual } from 'node:util'
import type { z } from 'zod'
import type { destinationSchema } from './destination-json.ts'
import { ApiError, type ApiErrorCode } from './errors.ts'

interface Refusal {
  code: ApiErrorCode
  text: string
}

const changedMeanwhile: Refusal = {
  code: 'conflict',
  text: 'This destination was changed since it was read; read it again',
}

const fixed = (field: string): Refusal => ({ code: 'invalid_request', text: `${field} cannot be changed` })

/**
 * What an answer has that a change cannot set, and what is said where it is not what it is now. Null is not looked at:
 * it moves with every delivery.
 */
const readOnlyFields: Readonly<Record<string, Refusal | null>> = {
  id: fixed('id'),
  origin: fixed('origin'),
  createdAt: fixed('createdAt'),
  version: changedMeanwhile,
  updatedAt: changedMeanwhile,
  state: {
    code: 'invalid_request',
    text: 'state is not what it is now; POST /destinations/{id}/pause and POST /destinations/{id}/resume change it',
  },
  secrets: {
    code: 'invalid_request',
    text: 'secrets are the names of those that are set; set the secrets themselves in settings',
  },
  lastSuccessAt: null,
  lastFailureAt: null,
}

/**
 * A change without the fields that only an answer has, so that who reads, changes and sends back is understood.
 *
 * @param shown the destination as an answer has it now.
 * @throws ApiError where one of them is another than it is.
 */
export function withoutReadOnly(
  given: Readonly<Record<string, unknown>>,
  shown: z.infer<typeof destinationSchema>,
): Record<string, unknown> {
  const present: Readonly<Record<string, unknown>> = shown
  for (const [field, refusal] of Object.entries(readOnlyFields)) {
    const isSame = isDeepStrictEqual(comparable(given[field]), comparable(present[field]))
    if (Object.hasOwn(given, field) && refusal !== null && !isSame) {
      throw new ApiError(refusal.code, refusal.text)
    }
  }
  return settable(given)
}

/** A change without the fields that only an answer has, whatever they say. */
export function settable(given: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(given).filter(([field]) => !Object.hasOwn(readOnlyFields, field)))
}

/** Of a state only whether it is held: since when and until when moves by itself. */
function comparable(value: unknown): unknown {
  return typeof value === 'object' && value !== null && 'state' in value ? value.state : value
}
