import { StoreError } from '@hookswitch/core'
import type { Context } from 'hono'
import { HTTPException } from 'hono/http-exception'
import type { Logger } from '../observe/log.ts'

/** Every error of the API: its stable code, its status, and what it says where nothing more exact is known. */
export const apiErrors = {
  invalid_request: { status: 400, text: 'Invalid request' },
  unauthorized: { status: 401, text: 'Unauthorized: expected Authorization: Bearer <admin token>' },
  not_found: { status: 404, text: 'Not found' },
  method_not_allowed: { status: 405, text: 'Method not allowed' },
  conflict: { status: 409, text: 'Conflict' },
  length_required: { status: 411, text: 'Expected a body with Content-Length' },
  payload_too_large: { status: 413, text: 'The body is too large' },
  unsupported_media_type: { status: 415, text: 'Expected Content-Type: application/json' },
  internal: { status: 500, text: 'Internal error' },
  unavailable: { status: 503, text: 'The store is not available' },
  too_many_streams: { status: 503, text: 'Too many streams are open' },
} as const

export type ApiErrorCode = keyof typeof apiErrors

/** How soon to try again: the store comes back within this time from all but an outage. */
const retryAfterSeconds = 2

/** An error that the caller of the API is told. */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  readonly code: ApiErrorCode
  readonly headers: Readonly<Record<string, string>>

  constructor(code: ApiErrorCode, text: string = apiErrors[code].text, headers: Record<string, string> = {}) {
    super(text)
    this.code = code
    this.headers = headers
  }
}

/** Turns whatever was thrown into one of the errors of the table. Only what nobody expected is logged. */
export function answerError(error: unknown, c: Context, log: Pick<Logger, 'error'>): Response {
  const { code, message, headers } = apiError(error)
  if (code === 'internal') log.error(traceOf(error), 'a request failed')
  const { status } = apiErrors[code]
  if (code === 'unauthorized') c.header('WWW-Authenticate', 'Bearer')
  if (status === 503) c.header('Retry-After', String(retryAfterSeconds))
  for (const [name, value] of Object.entries(headers)) c.header(name, value)
  return c.json({ error: message, code }, status)
}

function apiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error
  if (error instanceof StoreError) return new ApiError('unavailable')
  if (error instanceof HTTPException) {
    if (error.status === 400)
      return new ApiError('invalid_request', 'The body is not JSON, expected an object')
    if (error.status === 415) return new ApiError('unsupported_media_type')
  }
  return new ApiError('internal')
}

/** Where it happened, and never the message, which may quote what was being handled. */
function traceOf(error: unknown): { name: string; at: string[] } {
  if (!(error instanceof Error)) return { name: typeof error, at: [] }
  const frames = (error.stack ?? '').split('\n').filter((line) => line.startsWith('    at '))
  return { name: error.name, at: frames.slice(0, 8).map((line) => line.slice('    at '.length)) }
}
