import type {
  DeliveryQuery,
  ListedDelivery,
  RecentAttempt,
  RetryResult,
  StoredAttempt,
} from '@hookswitch/core'
import {
  expiredReason,
  listedDelivery,
  recentAttempt,
  storedAttempt,
  type AttemptRow,
  type ListedDeliveryRow,
  type RecentAttemptRow,
} from '../delivery-rows.ts'
import type { Query } from './connections.ts'
import { beginAnew, endDeliveries, headOfLane } from './lanes.ts'
import { canBeStored } from './text.ts'

/** Of a delivery that was tried by hand again and again the newest attempts are shown. */
const attemptsMax = 500

/** Of an event that was replayed again and again the newest deliveries are shown. */
const ofEventMax = 1_000

export async function listDeliveries(query: Query, wanted: DeliveryQuery): Promise<ListedDelivery[]> {
  const { state, destinationKey, callId, before, limit } = wanted
  if (callId !== undefined && !canBeStored(callId)) return []
  const values: unknown[] = []
  const bind = (value: unknown): string => `$${values.push(value)}`
  // Those of a call are found by its events, and not by looking for them among the newest of all.
  const source =
    callId === undefined
      ? 'hookswitch.deliveries'
      : `(SELECT d.* FROM hookswitch.calls c
            JOIN hookswitch.call_events ce USING (call_key) JOIN hookswitch.deliveries d ON d.event_seq = ce.seq
          WHERE c.call_id = ${bind(callId)} OFFSET 0)`
  const conditions: string[] = []
  if (before !== null) conditions.push(`key < ${bind(before)}`)
  if (state !== undefined) conditions.push(`state = ${bind(state)}`)
  if (destinationKey !== undefined) conditions.push(`destination_key = ${bind(destinationKey)}`)
  const page = await listed(
    query,
    `SELECT * FROM ${source} found ${conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`}
     ORDER BY key DESC LIMIT ${bind(limit)}`,
    values,
  )
  return page.toReversed()
}

/** A delivery and its attempts. */
export async function getDelivery(
  query: Query,
  key: number,
): Promise<{ delivery: ListedDelivery; attempts: StoredAttempt[] } | null> {
  const [delivery] = await listed(query, `SELECT * FROM hookswitch.deliveries WHERE key = $1`, [key])
  if (delivery === undefined) return null
  const attempts = await query<AttemptRow>(
    `SELECT * FROM hookswitch.attempts WHERE delivery_key = $1 ORDER BY number DESC LIMIT ${attemptsMax}`,
    [key],
  )
  return { delivery, attempts: attempts.map(storedAttempt).toReversed() }
}

export function deliveriesOfEvent(query: Query, seq: number): Promise<ListedDelivery[]> {
  return listed(
    query,
    `SELECT * FROM hookswitch.deliveries WHERE event_seq = $1 ORDER BY key DESC LIMIT ${ofEventMax}`,
    [seq],
  )
}

/** Of those that wait only what was tried counts, of each delivery as many tries as are asked for. */
export async function recentAttempts(
  query: Query,
  destinationKey: number,
  since: number,
  limit: number,
): Promise<RecentAttempt[]> {
  const newest = ['pending', 'delivered', 'filtered', 'dead', 'skipped'].map(
    (state) =>
      `(SELECT key, attempts FROM hookswitch.deliveries
        WHERE destination_key = $1 AND state = '${state}' ${state === 'pending' ? 'AND attempts > 0' : ''}
        ORDER BY key DESC LIMIT $3)`,
  )
  const rows = await query<RecentAttemptRow>(
    `SELECT a.started_at, a.duration_ms, a.verdict, a.status, a.cause, a.message
     FROM (${newest.join(' UNION ALL ')}) d
     JOIN hookswitch.attempts a ON a.delivery_key = d.key AND a.number > d.attempts - $3
     WHERE a.started_at >= $2
     ORDER BY a.started_at DESC, a.delivery_key DESC, a.number DESC LIMIT $3`,
    [destinationKey, since, limit],
  )
  return rows.map(recentAttempt)
}

/** By key. */
async function listed(
  query: Query,
  deliveries: string,
  values: readonly unknown[],
): Promise<ListedDelivery[]> {
  const rows = await query<ListedDeliveryRow>(
    `SELECT d.*, e.id AS event_id, e.type AS event_type, e.call_id,
            l.key AS lane, l.state AS lane_state, l.due_at AS lane_due_at, l.epoch IS NOT NULL AS lane_claimed,
            d.key = (SELECT head.key FROM (${headOfLane}) head) AS is_head
     FROM (${deliveries}) d
     LEFT JOIN hookswitch.events e ON e.seq = d.event_seq
     LEFT JOIN hookswitch.lanes l
       ON d.state = 'pending' AND l.destination_key = d.destination_key AND l.lane_key = d.lane_key
     ORDER BY d.key`,
    values,
  )
  return rows.map(listedDelivery)
}

/** In a transaction. */
export async function retryDelivery(query: Query, key: number): Promise<RetryResult> {
  const [delivery] = await query<{
    destination_key: number
    lane_key: string
    event_seq: number
    state: string
  }>(`SELECT destination_key, lane_key, event_seq, state FROM hookswitch.deliveries WHERE key = $1`, [key])
  if (delivery === undefined) return 'not_found'
  const { state, destination_key, lane_key, event_seq } = delivery
  if (state === 'pending') return hurry(query, key)

  // Both stay there until the delivery is pending again.
  const destination = await query(`SELECT FROM hookswitch.destinations WHERE key = $1 FOR KEY SHARE`, [
    destination_key,
  ])
  if (destination.length === 0) return 'destination_removed'
  if (state === 'delivered') return 'delivered'
  const event = await query(`SELECT FROM hookswitch.events WHERE seq = $1 FOR KEY SHARE`, [event_seq])
  if (event.length === 0) return 'event_removed'
  const ended = await query(`SELECT FROM hookswitch.deliveries WHERE key = $1 AND state = $2 FOR UPDATE`, [
    key,
    state,
  ])
  // Somebody else was first.
  if (ended.length === 0) return retryDelivery(query, key)
  const [lane] = await query<{ tail: number }>(
    `INSERT INTO hookswitch.lanes AS lane (destination_key, lane_key, state, due_at, head_attempts, claim, tail)
     VALUES ($1, $2, 'running', hookswitch.now_ms(), 0, 0, 1)
     ON CONFLICT (destination_key, lane_key) DO UPDATE SET tail = lane.tail + 1
     RETURNING tail`,
    [destination_key, lane_key],
  )
  await query(
    `UPDATE hookswitch.deliveries
     SET state = 'pending', position = $2, reason = NULL, created_at = hookswitch.now_ms(), finished_at = NULL
     WHERE key = $1`,
    [key, lane?.tail],
  )
  return 'done'
}

/** The lane of a pending delivery is due now where it waits, and runs again where it is parked. */
async function hurry(query: Query, key: number): Promise<'done' | 'claimed'> {
  const lane = await lockLaneOf(query, key)
  if (lane === null || (lane.claimed && !lane.isHead)) return 'done'
  if (lane.claimed) return 'claimed'
  if (lane.state === 'parked') await beginAnew(query, [lane.key])
  else {
    await query(`UPDATE hookswitch.lanes SET due_at = least(due_at, hookswitch.now_ms()) WHERE key = $1`, [
      lane.key,
    ])
  }
  return 'done'
}

/** In a transaction. */
export async function skipDelivery(
  query: Query,
  key: number,
  reason: string,
): Promise<'done' | 'not_found' | 'claimed' | 'finished'> {
  const found = await query(`SELECT FROM hookswitch.deliveries WHERE key = $1`, [key])
  if (found.length === 0) return 'not_found'
  const lane = await lockLaneOf(query, key)
  if (lane === null) return 'finished'
  if (lane.claimed && lane.isHead) return 'claimed'
  await endDeliveries(query, [key], { state: 'skipped', reason })
  return 'done'
}

/** Locks the lane in which a delivery is pending; null where it is not. */
async function lockLaneOf(
  query: Query,
  key: number,
): Promise<{ key: number; state: string; claimed: boolean; isHead: boolean } | null> {
  const locked = await query(
    `SELECT FROM hookswitch.lanes l JOIN hookswitch.deliveries d USING (destination_key, lane_key)
     WHERE d.key = $1 AND d.state = 'pending' FOR UPDATE OF l`,
    [key],
  )
  if (locked.length === 0) return null
  // What is read of it before it is locked may be over by then.
  const [lane] = await query<{ key: number; state: string; claimed: boolean; isHead: boolean }>(
    `SELECT l.key, l.state, l.epoch IS NOT NULL AS claimed, head.key = $1 AS "isHead"
     FROM hookswitch.deliveries d JOIN hookswitch.lanes l USING (destination_key, lane_key),
       LATERAL (${headOfLane}) head
     WHERE d.key = $1 AND d.state = 'pending'`,
    [key],
  )
  return lane ?? null
}

/** In a transaction: ends what has waited for too long and is not being tried. */
export async function expireDeliveries(
  query: Query,
  createdBefore: number,
  deliveriesMax: number,
): Promise<number> {
  const old = await query<{ key: number }>(
    `SELECT key FROM hookswitch.deliveries WHERE state = 'pending' AND created_at < $1 ORDER BY key LIMIT $2`,
    [createdBefore, deliveriesMax],
  )
  const ended = await endDeliveries(
    query,
    old.map(({ key }) => key),
    { state: 'dead', reason: expiredReason },
  )
  return ended.length
}
