import type { Appended, NewEvent } from '@hookswitch/core'
import { collisionIssue } from '../rows.ts'
import type { Query } from './connections.ts'

/** Stands for the id in the text of the issue that the function writes. */
const idPlaceholder = '{id}'
const collisionIssues = JSON.stringify([collisionIssue(idPlaceholder)])

/**
 * One call is one transaction. It takes the lock of the whole store first and draws `seq` only then, so that the
 * order of `seq` is the order of the commits and a reader that has seen a place has seen all before it; the
 * statement after the lock sees whatever was committed while it waited.
 *
 * Bodies come as one piece with their sizes, since a `bytea` travels as it is while an array of them is written as
 * hexadecimal digits.
 */
export const appendFunction = `
CREATE OR REPLACE FUNCTION hookswitch.append(
  ids text[], sources text[], call_ids text[], types text[], dialects text[],
  occurred_ats bigint[], received_ats bigint[], contents bytea[], sizes integer[], bodies bytea, collision_issues text
) RETURNS TABLE (place integer, id text, seq bigint, duplicate boolean, collision boolean)
LANGUAGE plpgsql
-- The plan must not depend on how small the tables were when it was made, and be made once.
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    RAISE EXCEPTION 'hookswitch.append needs the isolation level read committed';
  END IF;
  -- An event that is acknowledged is on disk, also where the database's default is not to wait for that.
  IF current_setting('synchronous_commit') = 'off' THEN
    PERFORM set_config('synchronous_commit', 'on', true);
  END IF;
  PERFORM pg_advisory_xact_lock(hashtext('hookswitch'), 1);

  RETURN QUERY
  WITH given AS MATERIALIZED (
    SELECT g.id, g.source, g.call_id, g.type, g.dialect, g.occurred_at, g.received_at, g.content,
           g.place::integer AS place,
           coalesce(g.occurred_at, 0) AS key_at,
           substring(bodies FROM (sum(g.size) OVER (ORDER BY g.place) - g.size)::integer + 1 FOR g.size) AS body
    FROM unnest(ids, sources, call_ids, types, dialects, occurred_ats, received_ats, contents, sizes)
      WITH ORDINALITY AS g(id, source, call_id, type, dialect, occurred_at, received_at, content, size, place)
  ),
  looked_up AS MATERIALIZED (
    SELECT given.*, known.id AS known_id, known.seq AS known_seq,
           first_value(given.place) OVER (
             PARTITION BY key_at, source, call_id, type, content ORDER BY given.place
           ) AS first_place
    FROM given
    LEFT JOIN LATERAL (
      SELECT k.id, k.seq FROM hookswitch.event_keys k
      WHERE k.occurred_at = given.key_at AND k.source = given.source AND k.call_id = given.call_id
        AND k.type = given.type AND k.content = given.content
      LIMIT 1
    ) known ON true
  ),
  fresh AS MATERIALIZED (
    SELECT nextval('hookswitch.event_seq') AS seq, ordered.*
    FROM (
      SELECT looked_up.*,
             coalesce(
               (SELECT k.id FROM hookswitch.event_keys k
                WHERE k.occurred_at = key_at AND k.source = looked_up.source
                  AND k.call_id = looked_up.call_id AND k.type = looked_up.type
                LIMIT 1),
               lag(looked_up.id) OVER (PARTITION BY key_at, source, call_id, type ORDER BY place)
             ) AS same_key_id
      FROM looked_up
      WHERE known_seq IS NULL AND place = first_place
      ORDER BY place
    ) ordered
  ),
  keys_written AS (
    INSERT INTO hookswitch.event_keys (occurred_at, source, call_id, type, content, id, seq)
    SELECT key_at, source, call_id, type, content, id, seq FROM fresh
  ),
  events_written AS (
    INSERT INTO hookswitch.events
      (seq, id, source, call_id, type, dialect, occurred_at, received_at, issues, body)
    SELECT seq, id, source, call_id, type, dialect, occurred_at, received_at,
           replace(collision_issues, '${idPlaceholder}', same_key_id), body
    FROM fresh
  )
  SELECT looked_up.place,
         coalesce(looked_up.known_id, fresh.id),
         coalesce(looked_up.known_seq, fresh.seq),
         fresh.place IS DISTINCT FROM looked_up.place,
         fresh.place IS NOT DISTINCT FROM looked_up.place AND same_key_id IS NOT NULL
  FROM looked_up LEFT JOIN fresh ON fresh.place = looked_up.first_place;
END
$$`

/** Writes a batch of events into the log. */
export async function append(query: Query, batch: readonly NewEvent[]): Promise<Appended[]> {
  if (batch.length === 0) return []
  const rows = await query<Appended & { place: number }>(
    `SELECT * FROM hookswitch.append($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
    appendArguments(batch),
  )
  const appended = Array.from<Appended>({ length: batch.length })
  for (const { place, id, seq, duplicate, collision } of rows) {
    appended[place - 1] = { id, seq, duplicate, collision }
  }
  return appended
}

/** What `hookswitch.append` is called with. */
export function appendArguments(batch: readonly NewEvent[]): unknown[] {
  return [
    batch.map(({ id }) => id),
    batch.map(({ source }) => source),
    batch.map(({ callId }) => callId),
    batch.map(({ type }) => type),
    batch.map(({ dialect }) => dialect),
    batch.map(({ occurredAt }) => occurredAt),
    batch.map(({ receivedAt }) => receivedAt),
    batch.map(({ content }) => content),
    batch.map(({ body }) => body.byteLength),
    Buffer.concat(batch.map(({ body }) => body)),
    collisionIssues,
  ]
}
