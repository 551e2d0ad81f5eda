import { z } from '@hono/zod-openapi'
import type { StoredAttempt } from '@hookswitch/core'
import { iso, isoTime } from './times.ts'

const verdicts = ['delivered', 'filtered', 'retry', 'reject', 'auth', 'gone', 'interrupted'] as const

export const failureCauses = [
  'dns',
  'refused',
  'reset',
  'tls',
  'timeout',
  'blocked',
  'protocol',
  'code',
  'settings',
] as const

const headers = z.record(z.string(), z.string())

const attemptFields = {
  startedAt: isoTime,
  durationMs: z.number().openapi({ example: 120 }),
  verdict: z.enum(verdicts),
  status: z.int().nullable().openapi({ description: 'Of HTTP, or the code of SMTP.', example: 503 }),
  cause: z.enum(failureCauses).nullable().openapi({ description: 'Why there is no answer that counts.' }),
  message: z.string().nullable(),
  request: z
    .object({
      method: z.string(),
      url: z.string(),
      headers,
      bodyBytes: z.int(),
      body: z.string().nullable().openapi({ description: 'The beginning; null for an event as it came.' }),
    })
    .nullable()
    .openapi({ description: 'What was sent, with secrets masked.' }),
  response: z
    .object({ headers, body: z.string(), truncated: z.boolean() })
    .nullable()
    .openapi({ description: 'The beginning of what came back.' }),
}

/** One that was not made for a delivery. */
export const attemptSchema = z.object(attemptFields).openapi('Attempt')

export const deliveryAttemptSchema = z
  .object({
    number: z.int().openapi({ description: 'From 1, over all budgets.' }),
    ...attemptFields,
    node: z.string().openapi({ description: 'The node that made it.' }),
  })
  .openapi('DeliveryAttempt')

export function shownAttempt(
  attempt: Omit<StoredAttempt, 'deliveryKey' | 'number' | 'node'>,
): z.infer<typeof attemptSchema> {
  const { startedAt, durationMs, verdict, status, cause, message, request, response } = attempt
  return { startedAt: iso(startedAt), durationMs, verdict, status, cause, message, request, response }
}

export function shownDeliveryAttempt(attempt: StoredAttempt): z.infer<typeof deliveryAttemptSchema> {
  const { number, node } = attempt
  return { number, ...shownAttempt(attempt), node }
}
