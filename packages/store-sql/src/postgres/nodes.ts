import { epochLapsesMs } from '@hookswitch/core'
import { lapsedEpochKeptMs } from '../delivery-rows.ts'
import type { Query } from './connections.ts'
import { hasPending } from './lanes.ts'

/**
 * Renews an epoch and frees the lanes of those that are silent. The row of a lapsed one stays for a while, so that a
 * node that wakes up is told. A node that is within a transaction of `work` holds its row against this: it is passed
 * over, and whatever it claims is freed the next time.
 */
export const beatFunction = `
CREATE FUNCTION hookswitch.beat(
  node_epoch text, lapses_ms integer, kept_ms integer
) RETURNS TABLE (alive boolean, freed bigint)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  silent_since bigint;
  lapsed text[];
BEGIN
  UPDATE hookswitch.nodes SET beat_at = hookswitch.now_ms()
  WHERE epoch = node_epoch AND beat_at > hookswitch.now_ms() - lapses_ms;
  alive := FOUND;
  IF NOT alive THEN
    INSERT INTO hookswitch.nodes (epoch, beat_at) VALUES (node_epoch, hookswitch.now_ms()) ON CONFLICT DO NOTHING;
    alive := FOUND;
  END IF;

  silent_since := hookswitch.now_ms() - lapses_ms;
  SELECT array_agg(n.epoch) INTO lapsed
  FROM (SELECT epoch FROM hookswitch.nodes WHERE beat_at <= silent_since FOR UPDATE SKIP LOCKED) n;
  freed := hookswitch.free_lanes(lapsed);
  DELETE FROM hookswitch.nodes WHERE epoch = ANY (lapsed) AND beat_at <= silent_since - kept_ms;
  RETURN NEXT;
END
$$;

-- Frees the lanes of epochs that take no more of them, and returns how many there were.
CREATE FUNCTION hookswitch.free_lanes(epochs text[]) RETURNS bigint
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  freed bigint[];
BEGIN
  SELECT array_agg(locked.key) INTO freed FROM (
    SELECT l.key FROM hookswitch.lanes l WHERE l.epoch = ANY (epochs)
    ORDER BY l.destination_key, l.lane_key FOR UPDATE
  ) locked;
  UPDATE hookswitch.lanes SET epoch = NULL WHERE key = ANY (freed);
  -- What was being tried may have been ended meanwhile, and nothing else waits.
  DELETE FROM hookswitch.lanes l WHERE l.key = ANY (freed) AND NOT ${hasPending};
  RETURN coalesce(cardinality(freed), 0);
END
$$`

/** Renews an epoch; also whether lanes of others were freed. */
export async function beat(query: Query, epoch: string): Promise<{ alive: boolean; freed: number }> {
  const [row] = await query<{ alive: boolean; freed: number }>(`SELECT * FROM hookswitch.beat($1, $2, $3)`, [
    epoch,
    epochLapsesMs,
    lapsedEpochKeptMs,
  ])
  return row ?? { alive: false, freed: 0 }
}

/** In a transaction: ends an epoch and frees its lanes; returns how many there were. */
export async function endEpoch(query: Query, epoch: string): Promise<number> {
  // First the row, which waits for the work of this epoch that is under way; only then its lanes are all seen.
  await query(`SELECT FROM hookswitch.nodes WHERE epoch = $1 FOR UPDATE`, [epoch])
  await query(
    `UPDATE hookswitch.nodes SET beat_at = least(beat_at, hookswitch.now_ms() - $2) WHERE epoch = $1`,
    [epoch, epochLapsesMs],
  )
  const [row] = await query<{ freed: number }>(`SELECT hookswitch.free_lanes(ARRAY[$1]) AS freed`, [epoch])
  return row?.freed ?? 0
}
