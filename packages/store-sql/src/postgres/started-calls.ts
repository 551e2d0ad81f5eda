import {
  freshProgress,
  type Appended,
  type NewStartedCall,
  type Publication,
  type StartedCall,
} from '@hookswitch/core'
import { startedCall, type StartedCallRow } from '../publish-rows.ts'
import { appendArguments } from './append.ts'
import type { Query } from './connections.ts'
import { canBeStored, storableText } from './text.ts'

/**
 * One call is one transaction, which moves calls on and appends the events of those that were still where they were
 * read. It waits for others who publish in the same calls before it appends, so that nobody waits for the lock of the
 * store on their account, and it asks for the calls in one order, so that no two wait for each other.
 */
export const publishFunction = `
CREATE FUNCTION hookswitch.publish(
  expected_versions bigint[], progresses text[],
  ids text[], sources text[], call_ids text[], types text[], dialects text[],
  occurred_ats bigint[], received_ats bigint[], contents bytea[], sizes integer[], bodies bytea, collision_issues text
) RETURNS TABLE (place integer, id text, seq bigint, duplicate boolean, collision boolean)
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
  places integer[];
BEGIN
  PERFORM FROM hookswitch.started_calls s WHERE s.call_id = ANY (call_ids) ORDER BY s.call_id FOR NO KEY UPDATE;

  WITH moved AS (
    UPDATE hookswitch.started_calls s SET version = s.version + 1, progress = g.progress
    FROM unnest(call_ids, expected_versions, progresses) WITH ORDINALITY AS g(call_id, version, progress, place)
    WHERE s.call_id = g.call_id AND s.version = g.version
    RETURNING g.place::integer AS place
  )
  SELECT array_agg(moved.place ORDER BY moved.place) INTO places FROM moved;
  IF places IS NULL THEN
    RETURN;
  END IF;

  RETURN QUERY
  WITH given AS MATERIALIZED (
    SELECT g.*, substring(bodies FROM (sum(g.size) OVER (ORDER BY g.place) - g.size)::integer + 1 FOR g.size) AS body
    FROM unnest(ids, sources, call_ids, types, dialects, occurred_ats, received_ats, contents, sizes)
      WITH ORDINALITY AS g(id, source, call_id, type, dialect, occurred_at, received_at, content, size, place)
  ),
  taken AS MATERIALIZED (
    SELECT array_agg(g.id ORDER BY g.place) AS ids, array_agg(g.source ORDER BY g.place) AS sources,
           array_agg(g.call_id ORDER BY g.place) AS call_ids, array_agg(g.type ORDER BY g.place) AS types,
           array_agg(g.dialect ORDER BY g.place) AS dialects, array_agg(g.occurred_at ORDER BY g.place) AS occurred_ats,
           array_agg(g.received_at ORDER BY g.place) AS received_ats, array_agg(g.content ORDER BY g.place) AS contents,
           array_agg(g.size ORDER BY g.place) AS sizes, string_agg(g.body, '' ORDER BY g.place) AS bodies
    FROM given g WHERE g.place = ANY (places)
  )
  SELECT places[a.place], a.id, a.seq, a.duplicate, a.collision
  FROM taken t, hookswitch.append(t.ids, t.sources, t.call_ids, t.types, t.dialects, t.occurred_ats, t.received_ats,
    t.contents, t.sizes, t.bodies, collision_issues) a;
END
$$`

/** Publishes events in calls that are still at the version that was read. */
export async function publish(
  query: Query,
  batch: readonly Publication[],
): Promise<(Appended | 'changed')[]> {
  if (batch.length === 0) return []
  const rows = await query<Appended & { place: number }>(
    `SELECT * FROM hookswitch.publish($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
    [
      batch.map(({ expectedVersion }) => expectedVersion),
      batch.map(({ progress }) => JSON.stringify(progress)),
      ...appendArguments(batch),
    ],
  )
  const published = batch.map((): Appended | 'changed' => 'changed')
  for (const { place, id, seq, duplicate, collision } of rows) {
    published[place - 1] = { id, seq, duplicate, collision }
  }
  return published
}

export async function addStartedCall(query: Query, call: NewStartedCall): Promise<StartedCall> {
  const [row] = await query<StartedCallRow>(
    `INSERT INTO hookswitch.started_calls (call_id, agent_id, conversation_id, direction, to_address, from_address,
       override, sealed_secrets, version, created_at, progress, params)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 1, hookswitch.now_ms(), $9, $10) RETURNING *`,
    [
      call.callId,
      call.agentId,
      storableText(call.conversationId),
      call.direction,
      call.to === null ? null : storableText(call.to),
      call.from === null ? null : storableText(call.from),
      call.override === null ? null : JSON.stringify(call.override),
      call.sealedSecrets,
      JSON.stringify(freshProgress),
      JSON.stringify(call.params),
    ],
  )
  return startedCall(row as StartedCallRow)
}

export async function getStartedCall(query: Query, callId: string): Promise<StartedCall | null> {
  if (!canBeStored(callId)) return null
  const [row] = await query<StartedCallRow>(`SELECT * FROM hookswitch.started_calls WHERE call_id = $1`, [
    callId,
  ])
  return row === undefined ? null : startedCall(row)
}
