import { isUtf8 } from 'node:buffer'
import { readBody } from '@hookswitch/events'
import type { MiddlewareHandler } from 'hono'
import { ApiError } from './errors.ts'

/**
 * Refuses a body that is not UTF-8, in the words of the ingest. A route by itself would read U+FFFD in its place, and
 * keep or publish another text than was given.
 */
export const utf8Body: MiddlewareHandler = async (c, next) => {
  const body = await c.req.bytes().catch(() => {
    throw new ApiError('invalid_request', 'The body ended before it was whole')
  })
  if (isUtf8(body)) return next()
  const reading = readBody(body)
  const issues = reading.ok ? [] : reading.issues
  throw new ApiError('invalid_request', issues.map(({ message }) => `the body ${message}`).join('; '))
}
