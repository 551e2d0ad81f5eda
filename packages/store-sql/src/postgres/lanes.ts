import type { LaneQuery, StoredLane } from '@hookswitch/core'
import { countedMax, storedLane, type LaneRow } from '../delivery-rows.ts'
import type { Query } from './connections.ts'
import { storableText } from './text.ts'

/**
 * Lanes that have something to deliver. Whoever locks several takes them in the order of (destination, lane) and after
 * whatever destinations it locks, so that nobody waits in a circle. A delivery that is pending is changed only under
 * the lock of its lane.
 */

/**
 * Adds deliveries at the tails of their lanes, in the order in which they are given. The lane that is there is locked
 * and its tail moved, and the lane that is not is made; one that is deleted meanwhile is made anew.
 */
export const addDeliveriesFunction = `
CREATE FUNCTION hookswitch.add_deliveries(
  destination_keys bigint[], lane_keys text[], event_seqs bigint[], replay bigint, at bigint
) RETURNS void
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  WITH given AS MATERIALIZED (
    SELECT g.destination_key, g.lane_key COLLATE "C" AS lane_key, g.event_seq, g.place,
           count(*) OVER earlier AS nth, count(*) OVER same AS of_lane
    FROM unnest(destination_keys, lane_keys, event_seqs)
      WITH ORDINALITY AS g(destination_key, lane_key, event_seq, place)
    WINDOW same AS (PARTITION BY g.destination_key, g.lane_key COLLATE "C"),
           earlier AS (same ORDER BY g.place)
  ),
  tails AS (
    INSERT INTO hookswitch.lanes AS lane (destination_key, lane_key, state, due_at, head_attempts, claim, tail)
    SELECT destination_key, lane_key, 'running', at, 0, 0, count(*)
    FROM given GROUP BY destination_key, lane_key ORDER BY destination_key, lane_key
    ON CONFLICT (destination_key, lane_key) DO UPDATE SET tail = lane.tail + excluded.tail
    RETURNING destination_key, lane_key, tail
  )
  INSERT INTO hookswitch.deliveries
    (destination_key, event_seq, lane_key, position, replay_key, state, attempts, created_at)
  SELECT given.destination_key, given.event_seq, given.lane_key, tails.tail - given.of_lane + given.nth, replay,
         'pending', 0, at
  FROM given JOIN tails USING (destination_key, lane_key)
  ORDER BY given.place;
END
$$`

/** The pending delivery of a lane `l` with the lowest position. */
export const headOfLane = `
  SELECT * FROM hookswitch.deliveries d
  WHERE d.destination_key = l.destination_key AND d.lane_key = l.lane_key AND d.state = 'pending'
  ORDER BY d.position LIMIT 1`

/** Whether a lane `l` has one. */
export const hasPending = `EXISTS (
  SELECT FROM hookswitch.deliveries d
  WHERE d.destination_key = l.destination_key AND d.lane_key = l.lane_key AND d.state = 'pending')`

export async function listLanes(query: Query, wanted: LaneQuery): Promise<StoredLane[]> {
  const values: unknown[] = [wanted.after, wanted.limit]
  const bind = (value: unknown): string => `$${values.push(value)}`
  const conditions = ['key > $1']
  if (wanted.state !== undefined) conditions.push(`state = ${bind(wanted.state)}`)
  if (wanted.destinationKey !== undefined) conditions.push(`destination_key = ${bind(wanted.destinationKey)}`)
  const rows = await query<LaneRow>(
    `SELECT l.*, head.key AS head_delivery_key,
            (SELECT count(*) FROM (
               SELECT FROM hookswitch.deliveries d
               WHERE d.destination_key = l.destination_key AND d.lane_key = l.lane_key AND d.state = 'pending'
               LIMIT ${countedMax}
             ) counted) AS pending
     FROM (SELECT * FROM hookswitch.lanes WHERE ${conditions.join(' AND ')} ORDER BY key LIMIT $2) l,
       LATERAL (${headOfLane}) head
     ORDER BY l.key`,
    values,
  )
  return rows.map(storedLane)
}

/** In a transaction: a parked lane runs again. */
export async function resumeLane(query: Query, key: number): Promise<'done' | 'not_found' | 'running'> {
  const lane = await lockLane(query, key)
  if (lane === null) return 'not_found'
  if (lane.state === 'running') return 'running'
  await beginAnew(query, [key])
  return 'done'
}

/** In a transaction: passes over the head of a lane. */
export async function skipLaneHead(
  query: Query,
  key: number,
  reason: string,
): Promise<'done' | 'not_found' | 'claimed'> {
  const lane = await lockLane(query, key)
  if (lane === null) return 'not_found'
  if (lane.epoch !== null) return 'claimed'
  const heads = await query<{ key: number }>(
    `SELECT head.key FROM hookswitch.lanes l, LATERAL (${headOfLane}) head WHERE l.key = $1`,
    [key],
  )
  await endDeliveries(
    query,
    heads.map((head) => head.key),
    { state: 'skipped', reason },
  )
  return 'done'
}

async function lockLane(query: Query, key: number): Promise<{ state: string; epoch: string | null } | null> {
  const [lane] = await query<{ state: string; epoch: string | null }>(
    `SELECT state, epoch FROM hookswitch.lanes WHERE key = $1 FOR UPDATE`,
    [key],
  )
  return lane ?? null
}

/**
 * In a transaction: ends pending deliveries, and returns the keys of those that were. A lane whose head was ended
 * goes on with the next one, also where it was parked.
 *
 * @param end.claimed whether that includes what is being tried; its lane then goes on with the result.
 */
export async function endDeliveries(
  query: Query,
  keys: readonly number[],
  end: { state: 'dead' | 'skipped'; reason: string; claimed?: boolean },
): Promise<number[]> {
  const lanes = await query<{ key: number }>(
    `SELECT l.key FROM hookswitch.lanes l
     WHERE (l.destination_key, l.lane_key) IN
       (SELECT d.destination_key, d.lane_key FROM hookswitch.deliveries d WHERE d.key = ANY ($1) AND d.state = 'pending')
     ORDER BY l.destination_key, l.lane_key FOR UPDATE`,
    [keys],
  )
  if (lanes.length === 0) return []
  const ended = await query<{ key: number; begins: number | null }>(
    `WITH heads AS MATERIALIZED (
       SELECT l.key AS lane, l.epoch IS NOT NULL AS claimed, head.key
       FROM hookswitch.lanes l, LATERAL (${headOfLane}) head WHERE l.key = ANY ($2)
     ),
     ended AS (
       UPDATE hookswitch.deliveries d SET state = $3, reason = $4, finished_at = hookswitch.now_ms()
       FROM hookswitch.lanes l
       WHERE l.key = ANY ($2) AND d.destination_key = l.destination_key AND d.lane_key = l.lane_key
         AND d.key = ANY ($1) AND d.state = 'pending'
         AND ($5 OR d.key NOT IN (SELECT heads.key FROM heads WHERE claimed))
       RETURNING d.key
     )
     SELECT ended.key, heads.lane AS begins FROM ended LEFT JOIN heads ON heads.key = ended.key AND NOT claimed`,
    [keys, lanes.map(({ key }) => key), end.state, storableText(end.reason), end.claimed === true],
  )
  await beginAnew(
    query,
    ended.flatMap(({ begins }) => begins ?? []),
  )
  return ended.map(({ key }) => key)
}

/** Lanes that are locked, and that nobody works on, have another head: they run with it, or go where there is none. */
export async function beginAnew(query: Query, lanes: readonly number[]): Promise<void> {
  if (lanes.length === 0) return
  await query(
    `WITH idle AS (DELETE FROM hookswitch.lanes l WHERE l.key = ANY ($1) AND NOT ${hasPending})
     UPDATE hookswitch.lanes l
     SET state = 'running', due_at = hookswitch.now_ms(), head_attempts = 0, parked_at = NULL, parked_reason = NULL
     WHERE l.key = ANY ($1) AND ${hasPending}`,
    [lanes],
  )
}
