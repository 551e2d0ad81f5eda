import type { StoredSecret } from '@hookswitch/core'
import { storedSecret, type SecretRow } from '../rows.ts'
import type { Query } from './connections.ts'
import { canBeStored } from './text.ts'

export async function listSecrets(query: Query): Promise<StoredSecret[]> {
  const rows = await query<SecretRow>(`SELECT * FROM hookswitch.secrets ORDER BY created_at, id`)
  return rows.map(storedSecret)
}

export async function addSecret(query: Query, secret: StoredSecret): Promise<StoredSecret> {
  const { id, source, hash, origin, label, createdAt, expiresAt, lastUsedAt } = secret
  // An update that changes nothing: it is what makes the row that was there come back.
  const [row] = await query<SecretRow>(
    `INSERT INTO hookswitch.secrets (id, source, hash, origin, label, created_at, expires_at, last_used_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
     ON CONFLICT (source, hash) DO UPDATE SET id = secrets.id RETURNING *`,
    [id, source, hash, origin, label, createdAt, expiresAt, lastUsedAt],
  )
  return row === undefined ? secret : storedSecret(row)
}

export async function expireSecret(
  query: Query,
  source: string,
  id: string,
  expiresAt: number,
): Promise<boolean> {
  if (!canBeStored(source) || !canBeStored(id)) return false
  const rows = await query(
    `UPDATE hookswitch.secrets SET expires_at = $1 WHERE source = $2 AND id = $3 RETURNING id`,
    [expiresAt, source, id],
  )
  return rows.length > 0
}

export async function removeSecret(query: Query, source: string, id: string): Promise<boolean> {
  if (!canBeStored(source) || !canBeStored(id)) return false
  const rows = await query(`DELETE FROM hookswitch.secrets WHERE source = $1 AND id = $2 RETURNING id`, [
    source,
    id,
  ])
  return rows.length > 0
}

export async function touchSecrets(
  query: Query,
  uses: readonly { id: string; lastUsedAt: number }[],
): Promise<void> {
  if (uses.length === 0) return
  // Rows are locked in one order, since several nodes note their uses at once.
  await query(
    `WITH used AS (
       SELECT id, max(last_used_at) AS last_used_at
       FROM unnest($1::text[], $2::bigint[]) AS u(id, last_used_at) GROUP BY id
     ),
     locked AS (
       SELECT s.id, used.last_used_at FROM hookswitch.secrets s JOIN used USING (id) ORDER BY s.id FOR UPDATE OF s
     )
     UPDATE hookswitch.secrets s SET last_used_at = greatest(s.last_used_at, locked.last_used_at)
     FROM locked WHERE s.id = locked.id`,
    [uses.map(({ id }) => id), uses.map(({ lastUsedAt }) => lastUsedAt)],
  )
}
