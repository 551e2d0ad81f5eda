import { headOfLane } from './lanes.ts'

/**
 * The three steps of `work` that the server does; what is decided between them is decided by the program. They are
 * functions so that their plans are made once, also behind a pooler that keeps no prepared statements.
 */
export const workFunctions = `
-- Looks without a lock: the destinations that have lanes nobody works on, and when the first of these is due. It goes
-- from one destination to the next by the index, however many lanes each has.
CREATE FUNCTION hookswitch.look_for_work(
  node_epoch text, lapses_ms integer
) RETURNS TABLE (alive boolean, now_ms bigint, destinations json)
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RETURN QUERY
  WITH RECURSIVE free AS (
    (SELECT destination_key FROM hookswitch.lanes WHERE state = 'running' AND epoch IS NULL
     ORDER BY destination_key, retrying, due_at LIMIT 1)
    UNION ALL
    SELECT (SELECT l.destination_key FROM hookswitch.lanes l
            WHERE l.state = 'running' AND l.epoch IS NULL AND l.destination_key > free.destination_key
            ORDER BY l.destination_key, l.retrying, l.due_at LIMIT 1)
    FROM free WHERE free.destination_key IS NOT NULL
  )
  SELECT EXISTS (SELECT FROM hookswitch.nodes n
                 WHERE n.epoch = node_epoch AND n.beat_at > hookswitch.now_ms() - lapses_ms),
         hookswitch.now_ms(),
         (SELECT json_agg(json_build_object('key', d.key, 'flow', d.flow, 'dueAt', least(fresh.due_at, retrying.due_at)))
          FROM free
          JOIN hookswitch.destinations d ON d.key = free.destination_key
          LEFT JOIN LATERAL (${firstDue(false)}) fresh ON true
          LEFT JOIN LATERAL (${firstDue(true)}) retrying ON true);
END
$$;

-- Locks the destinations, then the lanes of the results, and looks only then, in a statement that sees all that was
-- committed while it waited: a position that was drawn meanwhile, a hold, the claims of other nodes. A destination
-- that is only to be taken from is left out where another node holds it, which is taking from it at this moment.
CREATE FUNCTION hookswitch.lock_work(
  node_epoch text, lapses_ms integer, result_lanes bigint[], result_deliveries bigint[],
  due_destinations bigint[], lanes_max integer
) RETURNS TABLE (now_ms bigint, destinations json, held json, ended json, free json)
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  locked bigint[];
BEGIN
  -- Held to the end, so that nobody frees the lanes of this epoch while it takes others.
  PERFORM FROM hookswitch.nodes WHERE epoch = node_epoch AND beat_at > hookswitch.now_ms() - lapses_ms FOR KEY SHARE;
  IF NOT FOUND THEN
    RETURN;
  END IF;
  -- Who only needs a destination to stay there (a retry, a replay) is not kept waiting by this kind of lock.
  SELECT coalesce(array_agg(d.key), '{}') INTO locked FROM (
    SELECT key FROM hookswitch.destinations
    WHERE key IN (SELECT l.destination_key FROM hookswitch.lanes l WHERE l.key = ANY (result_lanes))
    ORDER BY key FOR NO KEY UPDATE
  ) d;
  SELECT locked || coalesce(array_agg(d.key), '{}') INTO locked FROM (
    SELECT key FROM hookswitch.destinations
    WHERE key = ANY (due_destinations) AND key <> ALL (locked) FOR NO KEY UPDATE SKIP LOCKED
  ) d;
  PERFORM FROM hookswitch.lanes WHERE key = ANY (result_lanes) ORDER BY destination_key, lane_key FOR UPDATE;

  RETURN QUERY SELECT
    hookswitch.now_ms(),
    (SELECT json_agg(json_build_object(
       'key', d.key, 'version', d.version, 'terms', d.terms, 'flow', d.flow,
       'running', claimed.running, 'retrying', claimed.retrying, 'onNode', claimed.on_node))
     FROM hookswitch.destinations d, LATERAL (
       SELECT count(*) AS running, count(*) FILTER (WHERE l.retrying) AS retrying,
              count(*) FILTER (WHERE l.epoch = node_epoch) AS on_node
       FROM hookswitch.lanes l WHERE l.destination_key = d.key AND l.epoch IS NOT NULL
     ) claimed
     WHERE d.key = ANY (locked)),
    (SELECT json_agg(json_build_object(
       'key', l.key, 'destinationKey', l.destination_key, 'claim', l.claim, 'headAttempts', l.head_attempts,
       'pending', (SELECT json_agg(waiting ORDER BY waiting.position) FROM (
          SELECT * FROM hookswitch.deliveries d
          WHERE d.destination_key = l.destination_key AND d.lane_key = l.lane_key AND d.state = 'pending'
          ORDER BY d.position LIMIT 2
        ) waiting)))
     FROM hookswitch.lanes l WHERE l.key = ANY (result_lanes) AND l.epoch = node_epoch),
    (SELECT json_agg(d) FROM hookswitch.deliveries d WHERE d.key = ANY (result_deliveries) AND d.state <> 'pending'),
    (SELECT json_agg(json_build_object(
       'key', l.key, 'destinationKey', destination.key, 'retrying', kind.retrying, 'dueAt', l.due_at))
     FROM unnest(locked) AS destination (key), (VALUES (false), (true)) AS kind (retrying), LATERAL (
       SELECT l.key, l.due_at FROM hookswitch.lanes l
       WHERE l.destination_key = destination.key AND l.retrying = kind.retrying
         AND l.state = 'running' AND l.epoch IS NULL
       ORDER BY l.due_at LIMIT lanes_max
     ) l);
END
$$;

-- Writes what was decided, and takes the lanes that were chosen: not one that an appender holds at this moment, since
-- it will say when it is done. Their heads are looked up when they are locked.
CREATE FUNCTION hookswitch.write_work(
  node_epoch text, at bigint,
  delivery_keys bigint[], delivery_states text[], delivery_reasons text[], delivery_attempts integer[],
  attempt_deliveries bigint[], attempt_numbers integer[], attempt_starts bigint[], attempt_durations bigint[],
  attempt_verdicts text[], attempt_statuses integer[], attempt_causes text[], attempt_messages text[],
  attempt_nodes text[], attempt_requests text[], attempt_responses text[],
  lane_keys bigint[], lane_states text[], lane_due_ats bigint[], lane_head_attempts integer[], lane_kept boolean[],
  lane_reasons text[],
  empty_lanes bigint[],
  destination_keys bigint[], destination_flows text[],
  claimed_lanes bigint[]
) RETURNS TABLE (lane bigint, claim bigint, head_attempts integer, delivery json)
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
  taken bigint[];
BEGIN
  INSERT INTO hookswitch.attempts
    (delivery_key, number, started_at, duration_ms, verdict, status, cause, message, node, request, response)
  SELECT * FROM unnest(attempt_deliveries, attempt_numbers, attempt_starts, attempt_durations, attempt_verdicts,
    attempt_statuses, attempt_causes, attempt_messages, attempt_nodes, attempt_requests, attempt_responses);

  UPDATE hookswitch.deliveries d
  SET state = n.state, reason = n.reason, attempts = n.attempts,
      finished_at = CASE WHEN n.state = 'pending' THEN NULL ELSE coalesce(d.finished_at, at) END
  FROM unnest(delivery_keys, delivery_states, delivery_reasons, delivery_attempts) AS n(key, state, reason, attempts)
  WHERE d.key = n.key;

  UPDATE hookswitch.lanes l
  SET state = n.state, due_at = n.due_at, head_attempts = n.head_attempts,
      epoch = CASE WHEN n.kept THEN l.epoch END, claim = l.claim + n.kept::integer,
      parked_at = CASE WHEN n.state = 'parked' THEN at END, parked_reason = n.reason
  FROM unnest(lane_keys, lane_states, lane_due_ats, lane_head_attempts, lane_kept, lane_reasons)
    AS n(key, state, due_at, head_attempts, kept, reason)
  WHERE l.key = n.key;

  DELETE FROM hookswitch.lanes l WHERE l.key = ANY (empty_lanes);

  UPDATE hookswitch.destinations d SET flow = n.flow
  FROM unnest(destination_keys, destination_flows) AS n(key, flow) WHERE d.key = n.key;

  -- What must hold is asked apart, so that no plan goes through all lanes for which it does.
  WITH chosen AS MATERIALIZED (
    SELECT key, state, epoch FROM hookswitch.lanes WHERE key = ANY (claimed_lanes) FOR UPDATE SKIP LOCKED
  )
  SELECT array_agg(key) INTO taken FROM chosen WHERE state = 'running' AND epoch IS NULL;
  RETURN QUERY
  WITH heads AS MATERIALIZED (
    SELECT l.key AS lane, to_json(head) AS delivery
    FROM hookswitch.lanes l, LATERAL (${headOfLane}) head WHERE l.key = ANY (taken)
  )
  UPDATE hookswitch.lanes l SET epoch = node_epoch, claim = l.claim + 1
  FROM heads WHERE l.key = heads.lane
  RETURNING l.key, l.claim, l.head_attempts, heads.delivery;
END
$$`

function firstDue(retrying: boolean): string {
  return `
    SELECT l.due_at FROM hookswitch.lanes l
    WHERE l.destination_key = free.destination_key AND l.retrying = ${retrying} AND l.state = 'running' AND l.epoch IS NULL
    ORDER BY l.due_at LIMIT 1`
}
