import type { AuditEntry } from '@hookswitch/core'
import { auditEntry, type AuditRow } from '../delivery-rows.ts'
import type { Query } from './connections.ts'
import { storableText } from './text.ts'

export async function addAudit(query: Query, entry: Omit<AuditEntry, 'key' | 'at'>): Promise<void> {
  const { actor, action, target, reason, detail } = entry
  await query(
    `INSERT INTO hookswitch.audit (at, actor, action, target, reason, detail)
     VALUES (hookswitch.now_ms(), $1, $2, $3, $4, $5)`,
    [
      storableText(actor),
      storableText(action),
      storableText(target),
      reason === null ? null : storableText(reason),
      detail === null ? null : JSON.stringify(detail),
    ],
  )
}

export async function listAudit(
  query: Query,
  { before, limit }: { before: number | null; limit: number },
): Promise<AuditEntry[]> {
  const rows = await query<AuditRow>(
    `SELECT * FROM hookswitch.audit WHERE key < $1 ORDER BY key DESC LIMIT $2`,
    [before ?? Number.MAX_SAFE_INTEGER, limit],
  )
  return rows.map(auditEntry)
}
