import { foldTurnMs, type DestinationDefinition, type FoldCommit, type FoldRead } from '@hookswitch/core'
import type { CallHead } from '@hookswitch/events'
import { callColumns, storedEvent, type EventRow } from '../rows.ts'
import type { Query } from './connections.ts'
import { storableText } from './text.ts'

/**
 * Writes the fold of a stretch in one transaction, which begins by locking `fold_state`: only one writer gets past
 * that, and a second one finds that the place it read is not the place any more. Who changes what is routed to holds
 * the same row meanwhile, so that the list of destinations is as it was read until the commit.
 *
 * Each table comes as its columns. Heads and parts travel as text, because PostgreSQL's JSON functions refuse NUL
 * and lone surrogates, also where they are only passed along.
 */
export const foldCommitFunction = `
CREATE FUNCTION hookswitch.fold_commit(
  expected_seq bigint, expected_routing bigint, new_seq bigint,
  call_ids text[], heads text[], first_event_ats bigint[], statuses text[],
  agent_ids text[], agent_names text[], conversation_ids text[], outcomes text[],
  drop_call_ids text[], drop_kinds text[], drop_seqs bigint[],
  put_call_ids text[], put_kinds text[], put_seqs bigint[], put_ats bigint[], put_data text[],
  event_call_ids text[], event_seqs bigint[],
  marked_seqs bigint[], marked_issues text[],
  delivery_destinations bigint[], delivery_lanes text[], delivery_seqs bigint[]
) RETURNS boolean
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  PERFORM FROM hookswitch.fold_state WHERE folded_seq = expected_seq FOR UPDATE;
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  PERFORM FROM hookswitch.routing_state WHERE version = expected_routing;
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  UPDATE hookswitch.fold_state SET folded_seq = new_seq;

  INSERT INTO hookswitch.calls AS stored
    (call_id, head, first_event_at, status, agent_id, agent_name, conversation_id, outcome)
  SELECT c.call_id, c.head, c.first_event_at, c.status, c.agent_id, c.agent_name, c.conversation_id, c.outcome::jsonb
  FROM unnest(call_ids, heads, first_event_ats, statuses, agent_ids, agent_names, conversation_ids, outcomes)
    AS c(call_id, head, first_event_at, status, agent_id, agent_name, conversation_id, outcome)
  ON CONFLICT (call_id) DO UPDATE SET
    head = excluded.head, first_event_at = excluded.first_event_at, status = excluded.status,
    agent_id = excluded.agent_id, agent_name = excluded.agent_name, conversation_id = excluded.conversation_id,
    outcome = coalesce(excluded.outcome, stored.outcome), recorded = true;

  DELETE FROM hookswitch.call_parts p
  USING unnest(drop_call_ids, drop_kinds, drop_seqs) AS d(call_id, kind, seq),
    LATERAL (SELECT call_key FROM hookswitch.calls WHERE call_id = d.call_id LIMIT 1) c
  WHERE p.call_key = c.call_key AND p.kind = d.kind AND p.seq = d.seq;

  INSERT INTO hookswitch.call_parts (call_key, kind, seq, at, data)
  SELECT c.call_key, n.kind, n.seq, n.at, n.data
  FROM unnest(put_call_ids, put_kinds, put_seqs, put_ats, put_data) AS n(call_id, kind, seq, at, data),
    LATERAL (SELECT call_key FROM hookswitch.calls WHERE call_id = n.call_id LIMIT 1) c
  ON CONFLICT (call_key, kind, seq) DO UPDATE SET at = excluded.at, data = excluded.data;

  INSERT INTO hookswitch.call_events (call_key, seq)
  SELECT c.call_key, n.seq
  FROM unnest(event_call_ids, event_seqs) AS n(call_id, seq),
    LATERAL (SELECT call_key FROM hookswitch.calls WHERE call_id = n.call_id LIMIT 1) c
  ON CONFLICT DO NOTHING;

  UPDATE hookswitch.events e
  SET issues = CASE
    WHEN e.issues IS NULL THEN '[' || m.issues || ']'
    ELSE left(e.issues, -1) || ',' || m.issues || ']'
  END
  FROM (
    SELECT n.seq, string_agg(n.issue, ',' ORDER BY n.place) AS issues
    FROM unnest(marked_seqs, marked_issues) WITH ORDINALITY AS n(seq, issue, place) GROUP BY n.seq
  ) m
  WHERE e.seq = m.seq;

  -- Last, since lanes are what others wait for.
  PERFORM hookswitch.add_deliveries(
    delivery_destinations, delivery_lanes, delivery_seqs, NULL, hookswitch.now_ms());

  RETURN true;
END
$$`

/** The next stretch of the log, for the node whose turn it is. */
export async function foldRead(
  query: Query,
  node: string,
  eventsMax: number,
  bytesMax: number,
): Promise<FoldRead | null> {
  // Sizes are known without reading the bodies, so that none beyond the bound leaves the disk.
  const rows = await query<EventRow & { folded_seq: number; seq: number | null }>(
    `WITH turn AS (
       UPDATE hookswitch.fold_state
       SET turn_node = $1, turn_until = clock_timestamp() + $2 * interval '1 millisecond'
       WHERE turn_node IS NULL OR turn_node = $1 OR turn_until <= clock_timestamp()
       RETURNING folded_seq
     )
     SELECT turn.folded_seq, e.seq, e.id, e.source, e.call_id, e.type, e.dialect, e.occurred_at, e.received_at,
            e.issues, e.body
     FROM turn LEFT JOIN LATERAL (
       SELECT * FROM (
         SELECT next.*, sum(octet_length(body)) OVER (ORDER BY seq) - octet_length(body) AS bytes_before
         FROM (SELECT * FROM hookswitch.events WHERE seq > turn.folded_seq ORDER BY seq LIMIT $3) next
       ) measured
       WHERE bytes_before < $4
     ) e ON true
     ORDER BY e.seq`,
    [node, foldTurnMs, eventsMax, bytesMax],
  )
  const first = rows[0]
  if (first === undefined) return null
  const events = rows.filter(({ seq }) => seq !== null).map(storedEvent)
  return {
    foldedSeq: first.folded_seq,
    events,
    heads: await readHeads(query, events),
    ...(await readRouting(query)),
  }
}

/** The destinations and their count, of one moment. */
async function readRouting(query: Query): Promise<Pick<FoldRead, 'destinations' | 'routing'>> {
  const rows = await query<{ routing: number; key: number | null; definition: string }>(
    `SELECT r.version AS routing, d.key, v.definition
     FROM hookswitch.routing_state r
     LEFT JOIN (hookswitch.destinations d JOIN hookswitch.destination_versions v
                ON v.destination_key = d.key AND v.version = d.version)
       ON v.definition IS NOT NULL
     ORDER BY d.key`,
  )
  return {
    destinations: rows.flatMap(({ key, definition }) =>
      key === null ? [] : { key, definition: JSON.parse(definition) as DestinationDefinition },
    ),
    routing: rows[0]?.routing ?? 0,
  }
}

/** The heads of the calls that these events belong to. */
export async function readHeads(
  query: Query,
  events: readonly { callId: string }[],
): Promise<Map<string, CallHead>> {
  if (events.length === 0) return new Map()
  const callIds = [...new Set(events.map(({ callId }) => callId))]
  const rows = await query<{ call_id: string; head: string }>(
    `SELECT call_id, head FROM hookswitch.calls WHERE call_id = ANY ($1) AND recorded`,
    [callIds],
  )
  return new Map(rows.map(({ call_id, head }) => [call_id, JSON.parse(head) as CallHead]))
}

/** Writes the fold of a stretch; false, and nothing is written, where the fold has moved on. */
export async function foldCommit(query: Query, commit: FoldCommit): Promise<boolean> {
  const { calls, events, marked, deliveries } = commit
  const columns = calls.map(({ head }) => callColumns(head))
  const drops = calls.flatMap(({ head, drop }) => drop.map((part) => ({ callId: head.callId, ...part })))
  const puts = calls.flatMap(({ head, put }) => put.map((part) => ({ callId: head.callId, part })))
  const [row] = await query<{ committed: boolean }>(
    `SELECT hookswitch.fold_commit($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18,
       $19, $20, $21, $22, $23, $24, $25, $26) AS committed`,
    [
      commit.expectedFoldedSeq,
      commit.expectedRouting,
      commit.foldedSeq,
      calls.map(({ head }) => head.callId),
      calls.map(({ head }) => JSON.stringify(head)),
      columns.map(({ firstEventAt }) => firstEventAt),
      columns.map(({ status }) => status),
      columns.map(({ agentId }) => agentId),
      columns.map(({ agentName }) => agentName),
      columns.map(({ conversationId }) => conversationId),
      calls.map(({ outcomeText }) => (outcomeText === undefined ? null : storableOutcome(outcomeText))),
      drops.map(({ callId }) => callId),
      drops.map(({ kind }) => kind),
      drops.map(({ seq }) => seq),
      puts.map(({ callId }) => callId),
      puts.map(({ part }) => part.kind),
      puts.map(({ part }) => part.seq),
      puts.map(({ part }) => part.at),
      puts.map(({ part }) => JSON.stringify(part.data)),
      events.map(({ callId }) => callId),
      events.map(({ seq }) => seq),
      marked.map(({ seq }) => seq),
      marked.map(({ issue }) => JSON.stringify(issue)),
      deliveries.map(({ destinationKey }) => destinationKey),
      deliveries.map(({ laneKey }) => laneKey),
      deliveries.map(({ eventSeq }) => eventSeq),
    ],
  )
  return row?.committed === true
}

/** Two fields whose names differ only in what cannot be stored become one; the record itself keeps both. */
function storableOutcome(outcomeText: Record<string, string>): string {
  return JSON.stringify(
    Object.fromEntries(
      Object.entries(outcomeText).map(([field, text]) => [storableText(field), storableText(text)]),
    ),
  )
}
