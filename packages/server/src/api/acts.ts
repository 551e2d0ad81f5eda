import { z } from '@hono/zod-openapi'
import type { AuditEntry, DeliveryStore } from '@hookswitch/core'

/** What a request says of a manual act besides the act itself; `GET /audit` shows it. */

const actorDefault = 'admin'

const actorCharactersMax = 100
const actorExpectation = `a name of 1 to ${actorCharactersMax} printable ASCII characters`

export const actorHeaders = z.object({
  'hookswitch-actor': z
    .string()
    .regex(/^[\x20-\x7e]+$/, actorExpectation)
    .max(actorCharactersMax, actorExpectation)
    .optional()
    .openapi({
      description: `Who acts, for the audit log; \`${actorDefault}\` by default.`,
      example: 'amal',
    }),
})

const reasonCharactersMax = 500
const reason = `a text of 1 to ${reasonCharactersMax} characters`

export const reasonField = z
  .string(reason)
  .trim()
  .min(1, reason)
  .max(reasonCharactersMax, reason)
  .optional()
  .openapi({ description: 'Why, for the audit log.', example: 'the CRM is in maintenance until noon' })

/** The body of an act that needs no other. */
export const reasonBody = z.strictObject(
  { reason: reasonField },
  {
    error: ({ code }) => (code === 'unrecognized_keys' ? 'reason' : 'an object'),
  },
)

/** Who asks, as the header says it. */
export function actorOf(headers: z.infer<typeof actorHeaders>): string {
  return headers['hookswitch-actor'] ?? actorDefault
}

/** Notes an act that was done. What was acted on is named by its id, never by what it holds. */
export async function audit(
  store: Pick<DeliveryStore, 'addAudit'>,
  headers: z.infer<typeof actorHeaders>,
  act: Pick<AuditEntry, 'action' | 'target'> & {
    reason?: string | undefined
    detail?: Record<string, unknown>
  },
): Promise<void> {
  const { action, target, detail = null } = act
  await store.addAudit({ actor: actorOf(headers), action, target, reason: act.reason ?? null, detail })
}

/** Why a delivery was passed over, as its own reason. */
export function skipReason(actor: string, given: string | undefined): string {
  return given === undefined ? `skipped by ${actor}` : `skipped by ${actor}: ${given}`
}
