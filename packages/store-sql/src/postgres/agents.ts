import type { AgentDefinition, NewAgent, StoredAgent } from '@hookswitch/core'
import { sameDefinition } from '../delivery-rows.ts'
import { storedAgent, type AgentRow } from '../publish-rows.ts'
import type { Query } from './connections.ts'
import { canBeStored } from './text.ts'

/** The agents that were made over the API. */

export async function listAgents(
  query: Query,
  { after, limit }: { after: number; limit: number },
): Promise<StoredAgent[]> {
  const rows = await query<AgentRow>(`SELECT * FROM hookswitch.agents WHERE key > $1 ORDER BY key LIMIT $2`, [
    after,
    limit,
  ])
  return rows.map(storedAgent)
}

export async function getAgent(query: Query, id: string): Promise<StoredAgent | null> {
  if (!canBeStored(id)) return null
  const [row] = await query<AgentRow>(`SELECT * FROM hookswitch.agents WHERE id = $1`, [id])
  return row === undefined ? null : storedAgent(row)
}

export async function addAgent(query: Query, { id, definition }: NewAgent): Promise<StoredAgent | null> {
  const [row] = await query<AgentRow>(
    `INSERT INTO hookswitch.agents (id, version, definition, created_at, updated_at)
     SELECT $1, 1, $2, now, now FROM hookswitch.now_ms() AS now
     ON CONFLICT (id) DO NOTHING RETURNING *`,
    [id, JSON.stringify(definition)],
  )
  return row === undefined ? null : storedAgent(row)
}

/** In a transaction. */
export async function changeAgent(
  query: Query,
  id: string,
  version: number,
  definition: AgentDefinition,
): Promise<StoredAgent | 'changed' | 'not_found'> {
  if (!canBeStored(id)) return 'not_found'
  const [before] = await query<AgentRow>(`SELECT * FROM hookswitch.agents WHERE id = $1 FOR UPDATE`, [id])
  if (before === undefined) return 'not_found'
  const stored = storedAgent(before)
  if (stored.version !== version) return 'changed'
  if (sameDefinition(stored.definition, definition)) return stored
  const [row] = await query<AgentRow>(
    `UPDATE hookswitch.agents SET version = version + 1, definition = $2, updated_at = hookswitch.now_ms()
     WHERE key = $1 RETURNING *`,
    [stored.key, JSON.stringify(definition)],
  )
  return row === undefined ? 'not_found' : storedAgent(row)
}

export async function removeAgent(query: Query, id: string): Promise<boolean> {
  if (!canBeStored(id)) return false
  const rows = await query(`DELETE FROM hookswitch.agents WHERE id = $1 RETURNING id`, [id])
  return rows.length > 0
}
