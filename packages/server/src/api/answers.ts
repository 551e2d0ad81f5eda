import type { z } from '@hono/zod-openapi'
import type { Context, TypedResponse } from 'hono'
import type { JSONParsed } from 'hono/utils/types'
import { apiErrors, type ApiErrorCode } from './errors.ts'
import { errorSchema } from './schemas.ts'

/** An answer of a route, for its documentation. */
export function jsonAnswer<Schema extends z.ZodType>(description: string, schema: Schema) {
  return { description, content: { 'application/json': { schema } } }
}

/** The errors that a route may answer besides those that every route may. */
export function errorAnswers(...codes: ApiErrorCode[]) {
  const answers: Record<number, ReturnType<typeof jsonAnswer<typeof errorSchema>>> = {}
  for (const code of ['unauthorized', ...codes, 'unavailable', 'internal'] as const) {
    answers[apiErrors[code].status] = jsonAnswer(apiErrors[code].text, errorSchema)
  }
  return answers
}

/** What a route with a body may answer besides. */
export const bodyErrors = [
  'invalid_request',
  'length_required',
  'payload_too_large',
  'unsupported_media_type',
] as const satisfies ApiErrorCode[]

/** A 200 of JSON that is text already; the type says what it is the text of. */
export function jsonText<Shape>(c: Context, text: string): TypedResponse<JSONParsed<Shape>, 200, 'json'> {
  const response: Response = c.body(text, 200, { 'Content-Type': 'application/json' })
  return response as Response & TypedResponse<JSONParsed<Shape>, 200, 'json'>
}
