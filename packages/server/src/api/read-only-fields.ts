import { isDeepStrictEqual } from 'node:util'
import { ApiError, type ApiErrorCode } from './errors.ts'

interface Refusal {
  code: ApiErrorCode
  text: string
}

/** By field; null where it is not looked at, because it moves by itself. */
type ReadOnlyFields = Readonly<Record<string, Refusal | null>>

const changedMeanwhile: Refusal = {
  code: 'conflict',
  text: 'It was changed since it was read; read it again',
}

const fixed = (field: string): Refusal => ({ code: 'invalid_request', text: `${field} cannot be changed` })

/** What the answer has of a destination that a change cannot set. */
export const destinationReadOnly: ReadOnlyFields = {
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

/** Of an agent. */
export const agentReadOnly: ReadOnlyFields = {
  id: fixed('id'),
  agentId: fixed('agentId'),
  origin: fixed('origin'),
  createdAt: fixed('createdAt'),
  version: changedMeanwhile,
  updatedAt: changedMeanwhile,
}

/** Of its webhook. */
export const webhookReadOnly: ReadOnlyFields = { state: null, secrets: null, destination: null, health: null }

/**
 * A change without the fields that only an answer has, so that who reads, changes and sends back is understood.
 *
 * @param shown as an answer has it now.
 * @throws ApiError where one of them is another than it is.
 */
export function withoutReadOnly(
  given: Readonly<Record<string, unknown>>,
  shown: Readonly<Record<string, unknown>>,
  fields: ReadOnlyFields,
): Record<string, unknown> {
  for (const [field, refusal] of Object.entries(fields)) {
    const isSame = isDeepStrictEqual(comparable(given[field]), comparable(shown[field]))
    if (Object.hasOwn(given, field) && refusal !== null && !isSame) {
      throw new ApiError(refusal.code, refusal.text)
    }
  }
  return settable(given, fields)
}

/** A change without the fields that only an answer has, whatever they say. */
export function settable(
  given: Readonly<Record<string, unknown>>,
  fields: ReadOnlyFields,
): Record<string, unknown> {
  return Object.fromEntries(Object.entries(given).filter(([field]) => !Object.hasOwn(fields, field)))
}

/** Of a state only whether it is held: since when and until when moves by itself. */
function comparable(value: unknown): unknown {
  return typeof value === 'object' && value !== null && 'state' in value ? value.state : value
}
