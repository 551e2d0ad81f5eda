import { z } from '@hono/zod-openapi'

export const isoTime = z.string().openapi({ format: 'date-time', example: '2026-01-31T12:00:00.000Z' })

/** Unix milliseconds as the API writes times: ISO 8601 in UTC. */
export function iso(ms: number): string {
  return new Date(ms).toISOString()
}

export function isoOrNull(ms: number | null): string | null {
  return ms === null ? null : iso(ms)
}
