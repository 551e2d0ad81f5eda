import type { Issue } from './event.ts'

/** One answer of the ingest, ready to be written: the same for every request that gets it. */
export interface IngestAnswer {
  readonly status: number
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

export type IngestErrorCode =
  | 'invalid_payload'
  | 'unauthorized'
  | 'not_found'
  | 'method_not_allowed'
  | 'request_timeout'
  | 'payload_too_large'
  | 'unsupported_encoding'
  | 'unavailable'

/** The headers of a 200. */
export const acceptedHeaders: Readonly<Record<string, string>> = { 'content-type': 'application/json' }

/** How soon a sender should try again: the store comes back within this time from all but an outage. */
const retryAfterSeconds = 2

/** What the ingest answers instead of a 200, by code. For a bad body `invalidPayload` gives the 400. */
export const ingestAnswers = {
  unauthorized: answer(401, 'Unauthorized', 'unauthorized', { 'www-authenticate': 'Bearer' }),
  not_found: answer(404, 'Not found', 'not_found'),
  method_not_allowed: answer(405, 'Method not allowed', 'method_not_allowed', { allow: 'POST' }),
  request_timeout: answer(408, 'Request timeout', 'request_timeout'),
  payload_too_large: answer(413, 'Payload too large', 'payload_too_large'),
  unsupported_encoding: answer(415, 'Unsupported content encoding', 'unsupported_encoding', {
    'accept-encoding': 'identity',
  }),
  unavailable: answer(503, 'Service unavailable', 'unavailable', {
    'retry-after': String(retryAfterSeconds),
  }),
} as const satisfies Record<Exclude<IngestErrorCode, 'invalid_payload'>, IngestAnswer>

/** The 400 that names everything that is wrong with a body. */
export function invalidPayload(issues: readonly Issue[]): IngestAnswer {
  const body = JSON.stringify({ error: 'Invalid payload', code: 'invalid_payload', issues })
  return { status: 400, headers: acceptedHeaders, body }
}

/** The body of the 200 for an event that is now on disk. @param id `evt_…`, which needs no escaping. */
export function acceptedBody(id: string): string {
  return `{"received":true,"id":"${id}"}`
}

/** The body of the 200 for an event that was known; `id` is the first one's. */
export function duplicateBody(id: string): string {
  return `{"received":true,"duplicate":true,"id":"${id}"}`
}

function answer(
  status: number,
  error: string,
  code: IngestErrorCode,
  headers: Readonly<Record<string, string>> = {},
): IngestAnswer {
  return { status, headers: { ...acceptedHeaders, ...headers }, body: JSON.stringify({ error, code }) }
}
