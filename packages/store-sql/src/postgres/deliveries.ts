import {
  holdAt,
  type DeliveryQuery,
  type DeliveryStats,
  type ListedDelivery,
  type StoredAttempt,
} from '@hookswitch/core'
import {
  countedMax,
  expiredReason,
  listedDelivery,
  storedAttempt,
  storedDestination,
  type AttemptRow,
  type DestinationRow,
  type ListedDeliveryRow,
} from '../delivery-rows.ts'
import type { Query } from './connections.ts'
import { beginAnew, endDeliveries, headOfLane } from './lanes.ts'
import { canBeStored } from './text.ts'

export async function listDeliveries(query: Query, wanted: DeliveryQuery): Promise<ListedDelivery[]> {
  const { state, destinationKey, callId, before, limit } = wanted
  if (callId !== undefined && !canBeStored(callId)) return []
  const values: unknown[] = []
  const bind = (value: unknown): string => `$${values.push(value)}`
  const conditions: string[] = []
  if (before !== null) conditions.push(`d.key < ${bind(before)}`)
  if (state !== undefined) conditions.push(`d.state = ${bind(state)}`)
  if (destinationKey !== undefined) conditions.push(`d.destination_key = ${bind(destinationKey)}`)
  if (callId !== undefined) {
    conditions.push(
      `d.event_seq IN (SELECT ce.seq FROM hookswitch.calls c JOIN hookswitch.call_events ce USING (call_key)
         WHERE c.call_id = ${bind(callId)})`,
    )
  }
  return listed(
    query,
    `SELECT d.* FROM hookswitch.deliveries d
     ${conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`}
     ORDER BY d.key DESC LIMIT ${bind(limit)}`,
    values,
    'd.key DESC',
  )
}

/** A delivery and its attempts. */
export async function getDelivery(
  query: Query,
  key: number,
): Promise<{ delivery: ListedDelivery; attempts: StoredAttempt[] } | null> {
  const [delivery] = await listed(query, `SELECT * FROM hookswitch.deliveries WHERE key = $1`, [key])
  if (delivery === undefined) return null
  const attempts = await query<AttemptRow>(
    `SELECT * FROM hookswitch.attempts WHERE delivery_key = $1 ORDER BY number`,
    [key],
  )
  return { delivery, attempts: attempts.map(storedAttempt) }
}

export function deliveriesOfEvent(query: Query, seq: number): Promise<ListedDelivery[]> {
  return listed(query, `SELECT * FROM hookswitch.deliveries WHERE event_seq = $1`, [seq])
}

async function listed(
  query: Query,
  deliveries: string,
  values: readonly unknown[],
  order = 'd.key',
): Promise<ListedDelivery[]> {
  const rows = await query<ListedDeliveryRow>(
    `SELECT d.*, e.id AS event_id, e.type AS event_type, e.call_id,
            l.key AS lane, l.state AS lane_state, l.due_at AS lane_due_at, l.epoch IS NOT NULL AS lane_claimed,
            d.key = (SELECT head.key FROM (${headOfLane}) head) AS is_head
     FROM (${deliveries}) d
     LEFT JOIN hookswitch.events e ON e.seq = d.event_seq
     LEFT JOIN hookswitch.lanes l
       ON d.state = 'pending' AND l.destination_key = d.destination_key AND l.lane_key = d.lane_key
     ORDER BY ${order}`,
    values,
  )
  return rows.map(listedDelivery)
}

/** In a transaction. */
export async function retryDelivery(
  query: Query,
  key: number,
): Promise<'done' | 'not_found' | 'claimed' | 'delivered' | 'event_removed'> {
  const [delivery] = await query<{
    destination_key: number
    lane_key: string
    event_seq: number
    state: string
  }>(`SELECT destination_key, lane_key, event_seq, state FROM hookswitch.deliveries WHERE key = $1`, [key])
  if (delivery === undefined) return 'not_found'
  const { state, destination_key, lane_key, event_seq } = delivery
  if (state === 'delivered') return 'delivered'
  if (state === 'pending') return hurry(query, key)

  // Both stay there until the delivery is pending again.
  const destination = await query(`SELECT FROM hookswitch.destinations WHERE key = $1 FOR KEY SHARE`, [
    destination_key,
  ])
  if (destination.length === 0) return 'not_found'
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

/** Counts what waits, destination by destination; every count stops at `countedMax`. */
export async function deliveryStats(query: Query): Promise<DeliveryStats> {
  const counted = (sql: string): string =>
    `(SELECT count(*) FROM (SELECT FROM hookswitch.${sql} LIMIT ${countedMax}) counted)`
  // Each kind by itself, as the index has them.
  const free = (retrying: boolean): string =>
    `lanes WHERE destination_key = d.key AND retrying = ${retrying} AND state = 'running' AND epoch IS NULL`
  const oldest = (retrying: boolean): string =>
    `(SELECT due_at FROM hookswitch.${free(retrying)} AND due_at <= now ORDER BY due_at LIMIT 1)`
  const rows = await query<
    DestinationRow &
      Record<'pending' | 'due' | 'waiting' | 'parked', number> & { oldest: number | null; now: number }
  >(
    `SELECT d.*, now,
            ${counted(`deliveries WHERE destination_key = d.key AND state = 'pending'`)} AS pending,
            ${counted(`${free(false)} AND due_at <= now`)} + ${counted(`${free(true)} AND due_at <= now`)} AS due,
            ${counted(`${free(false)} AND due_at > now`)} + ${counted(`${free(true)} AND due_at > now`)} AS waiting,
            ${counted(`lanes WHERE destination_key = d.key AND state = 'parked'`)} AS parked,
            least(${oldest(false)}, ${oldest(true)}) AS oldest
     FROM hookswitch.destinations d, hookswitch.now_ms() AS now ORDER BY d.key`,
  )
  return {
    destinations: rows.map((row) => {
      const { id, definition, flow } = storedDestination(row)
      return {
        id,
        name: definition.name,
        kind: definition.kind,
        hold: holdAt(flow, row.now),
        pending: row.pending,
        lanesDue: Math.min(row.due, countedMax),
        lanesWaiting: Math.min(row.waiting, countedMax),
        lanesParked: row.parked,
        oldestDueAt: row.oldest,
      }
    }),
    countedMax,
  }
}
