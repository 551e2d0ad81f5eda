/**
 * What migration 1 made, and migration 2 replaced; never changed, as the migration is not.
 *
 * Writes the fold of a stretch in one transaction, which begins by moving `folded_seq`: only one writer gets past
 * that, and a second one finds that the place it read is not the place any more.
 *
 * Each table comes as its columns. Heads and parts travel as text, because PostgreSQL's JSON functions refuse NUL
 * and lone surrogates, also where they are only passed along.
 */
export const foldCommitFunctionOfVersion1 = `
CREATE OR REPLACE FUNCTION hookswitch.fold_commit(
  expected_seq bigint, new_seq bigint,
  call_ids text[], heads text[], first_event_ats bigint[], statuses text[],
  agent_ids text[], agent_names text[], conversation_ids text[], outcomes text[],
  drop_call_ids text[], drop_kinds text[], drop_seqs bigint[],
  put_call_ids text[], put_kinds text[], put_seqs bigint[], put_ats bigint[], put_data text[],
  event_call_ids text[], event_seqs bigint[],
  marked_seqs bigint[], marked_issues text[]
) RETURNS boolean
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  UPDATE hookswitch.fold_state SET folded_seq = new_seq WHERE folded_seq = expected_seq;
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  -- What a crash takes is lost whole, with the place, and folded again.
  PERFORM set_config('synchronous_commit', 'off', true);

  INSERT INTO hookswitch.calls AS stored
    (call_id, head, first_event_at, status, agent_id, agent_name, conversation_id, outcome)
  SELECT c.call_id, c.head, c.first_event_at, c.status, c.agent_id, c.agent_name, c.conversation_id, c.outcome::jsonb
  FROM unnest(call_ids, heads, first_event_ats, statuses, agent_ids, agent_names, conversation_ids, outcomes)
    AS c(call_id, head, first_event_at, status, agent_id, agent_name, conversation_id, outcome)
  ON CONFLICT (call_id) DO UPDATE SET
    head = excluded.head, first_event_at = excluded.first_event_at, status = excluded.status,
    agent_id = excluded.agent_id, agent_name = excluded.agent_name, conversation_id = excluded.conversation_id,
    outcome = coalesce(excluded.outcome, stored.outcome);

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

  RETURN true;
END
$$`
