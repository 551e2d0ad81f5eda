import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type {
  DeliveryQuery,
  DeliveryState,
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
  type DeliveryRow,
  type ListedDeliveryRow,
  type RecentAttemptRow,
} from '../delivery-rows.ts'
import type { LaneTable } from './lanes.ts'
import { eachDestination, keysOf, Statements } from './statements.ts'

const states: readonly DeliveryState[] = ['pending', 'delivered', 'filtered', 'dead', 'skipped']

/** Deliveries as people look at them and act on them. Call within a transaction. */
export class DeliveryTable {
  readonly #lanes: LaneTable
  readonly #lists: Statements
  readonly #listed: StatementSync
  readonly #attempts: StatementSync
  readonly #recent: StatementSync
  readonly #ofEvent: StatementSync
  readonly #newest: StatementSync
  readonly #ofState: StatementSync
  readonly #nextDestination: StatementSync
  readonly #delivery: StatementSync
  readonly #canRun: StatementSync
  readonly #hurry: StatementSync
  readonly #reopen: StatementSync
  readonly #expired: StatementSync

  constructor(database: DatabaseSync, lanes: LaneTable) {
    this.#lanes = lanes
    this.#lists = new Statements(database)
    this.#listed = database.prepare(
      `SELECT d.*, e.id AS event_id, e.type AS event_type, e.call_id,
         l.key AS lane, l.state AS lane_state, l.due_at AS lane_due_at, l.epoch IS NOT NULL AS lane_claimed,
         NOT EXISTS (
           SELECT 1 FROM deliveries h
           WHERE h.destination_key = d.destination_key AND h.lane_key = d.lane_key AND h.state = 'pending'
             AND h.position < d.position) AS is_head
       FROM deliveries d
       LEFT JOIN events e ON e.seq = d.event_seq
       LEFT JOIN lanes l
         ON d.state = 'pending' AND l.destination_key = d.destination_key AND l.lane_key = d.lane_key
       WHERE d.key = ?`,
    )
    this.#attempts = database.prepare(
      `SELECT * FROM attempts WHERE delivery_key = ? ORDER BY number DESC LIMIT ${attemptsMax}`,
    )
    // Of those that wait only what was tried counts, of each delivery as many tries as are asked for.
    const newest = states.map((state) =>
      state === 'pending'
        ? `SELECT * FROM (SELECT key, attempts FROM deliveries INDEXED BY deliveries_retried
             WHERE destination_key = ?1 AND state = 'pending' AND attempts > 0 ORDER BY key DESC LIMIT ?3)`
        : `SELECT * FROM (SELECT key, attempts FROM deliveries INDEXED BY deliveries_state
             WHERE destination_key = ?1 AND state = '${state}' ORDER BY key DESC LIMIT ?3)`,
    )
    this.#recent = database.prepare(
      `SELECT a.started_at, a.duration_ms, a.verdict, a.status, a.cause, a.message
       FROM (${newest.join(' UNION ALL ')}) d
       CROSS JOIN attempts a ON a.delivery_key = d.key AND a.number > d.attempts - ?3
       WHERE a.started_at >= ?2
       ORDER BY a.started_at DESC, a.delivery_key DESC, a.number DESC LIMIT ?3`,
    )
    this.#ofEvent = database.prepare(
      `SELECT key FROM deliveries WHERE event_seq = ? ORDER BY key DESC LIMIT ${ofEventMax}`,
    )
    this.#newest = database.prepare(`SELECT key FROM deliveries WHERE key < ? ORDER BY key DESC LIMIT ?`)
    this.#ofState = database.prepare(
      `SELECT key FROM deliveries INDEXED BY deliveries_state
       WHERE destination_key = ? AND state = ? AND key < ? ORDER BY key DESC LIMIT ?`,
    )
    this.#nextDestination = database.prepare(
      `SELECT min(destination_key) AS key FROM deliveries INDEXED BY deliveries_state WHERE destination_key > ?`,
    )
    this.#delivery = database.prepare(`SELECT * FROM deliveries WHERE key = ?`)
    this.#canRun = database.prepare(
      `SELECT EXISTS (SELECT 1 FROM events WHERE seq = ?) AS event,
              EXISTS (SELECT 1 FROM destinations WHERE key = ?) AS destination`,
    )
    this.#hurry = database.prepare(`UPDATE lanes SET due_at = ?2 WHERE key = ?1 AND due_at > ?2`)
    // The budget is the lane's; the time it may wait begins anew too.
    this.#reopen = database.prepare(
      `UPDATE deliveries SET state = 'pending', reason = NULL, position = ?, created_at = ?, finished_at = NULL
       WHERE key = ?`,
    )
    this.#expired = database.prepare(
      `SELECT * FROM deliveries d INDEXED BY deliveries_age
       WHERE finished_at IS NULL AND created_at < ? AND NOT EXISTS (
         SELECT 1 FROM lanes l
         WHERE l.destination_key = d.destination_key AND l.lane_key = d.lane_key AND l.epoch IS NOT NULL
           AND NOT EXISTS (
             SELECT 1 FROM deliveries h
             WHERE h.destination_key = d.destination_key AND h.lane_key = d.lane_key AND h.state = 'pending'
               AND h.position < d.position))
       ORDER BY created_at LIMIT ?`,
    )
  }

  list(query: DeliveryQuery): ListedDelivery[] {
    return this.#listedAt(this.#keysFor(query))
  }

  get(key: number): { delivery: ListedDelivery; attempts: StoredAttempt[] } | null {
    const [delivery] = this.#listedAt([key])
    if (delivery === undefined) return null
    const attempts = this.#attempts.all(key) as unknown as AttemptRow[]
    return { delivery, attempts: attempts.map(storedAttempt).toReversed() }
  }

  ofEvent(seq: number): ListedDelivery[] {
    return this.#listedAt(keysOf(this.#ofEvent.all(seq)).toReversed())
  }

  recentAttempts(destinationKey: number, since: number, attemptsMax: number): RecentAttempt[] {
    const rows = this.#recent.all(destinationKey, since, attemptsMax)
    return (rows as unknown as RecentAttemptRow[]).map(recentAttempt)
  }

  retry(key: number, now: number): RetryResult {
    const delivery = this.#find(key)
    if (delivery === undefined) return 'not_found'
    if (delivery.state === 'pending') return this.#hurryLane(delivery, now)
    const { event_seq: seq, destination_key: destination, lane_key: lane } = delivery
    const found = this.#canRun.get(seq, destination) as { event: number; destination: number }
    if (found.destination === 0) return 'destination_removed'
    if (delivery.state === 'delivered') return 'delivered'
    if (found.event === 0) return 'event_removed'
    this.#reopen.run(this.#lanes.drawPosition(destination, lane, now), now, key)
    return 'done'
  }

  skip(key: number, reason: string, now: number): 'done' | 'not_found' | 'claimed' | 'finished' {
    const delivery = this.#find(key)
    if (delivery === undefined) return 'not_found'
    if (delivery.state !== 'pending') return 'finished'
    if (this.#isTried(delivery)) return 'claimed'
    this.#lanes.passOver(delivery, 'skipped', reason, now)
    return 'done'
  }

  expire(createdBefore: number, deliveriesMax: number, now: number): number {
    const expired = this.#expired.all(createdBefore, deliveriesMax) as unknown as DeliveryRow[]
    for (const delivery of expired) this.#lanes.passOver(delivery, 'dead', expiredReason, now)
    return expired.length
  }

  #find(key: number): DeliveryRow | undefined {
    return this.#delivery.get(key) as unknown as DeliveryRow | undefined
  }

  #isHead(delivery: DeliveryRow): boolean {
    return this.#lanes.head(delivery)?.key === delivery.key
  }

  #isTried(delivery: DeliveryRow): boolean {
    return this.#isHead(delivery) && this.#lanes.laneOf(delivery)?.epoch != null
  }

  #hurryLane(delivery: DeliveryRow, now: number): 'done' | 'claimed' {
    if (this.#isTried(delivery)) return 'claimed'
    const lane = this.#lanes.laneOf(delivery)
    if (lane === undefined || lane.epoch !== null) return 'done'
    if (lane.state === 'parked') this.#lanes.rewind(lane.key, now)
    else this.#hurry.run(lane.key, now)
    return 'done'
  }

  #listedAt(keys: readonly number[]): ListedDelivery[] {
    return keys.flatMap((key) => {
      const row = this.#listed.get(key) as unknown as ListedDeliveryRow | undefined
      return row === undefined ? [] : [listedDelivery(row)]
    })
  }

  #keysFor(query: DeliveryQuery): number[] {
    const { state, destinationKey, callId, limit } = query
    const before = query.before ?? Number.MAX_SAFE_INTEGER
    if (callId !== undefined) return this.#keysOfCall(callId, query, before)
    if (state === undefined && destinationKey === undefined) return keysOf(this.#newest.all(before, limit))
    // The newest of each list that the index holds, put together.
    const destinations =
      destinationKey === undefined ? eachDestination(this.#nextDestination) : [destinationKey]
    return Array.from(destinations, (destination) =>
      (state === undefined ? states : [state]).map((one) =>
        keysOf(this.#ofState.all(destination, one, before, limit)),
      ),
    )
      .flat(2)
      .sort((one, other) => other - one)
      .slice(0, limit)
  }

  #keysOfCall(callId: string, { state, destinationKey, limit }: DeliveryQuery, before: number): number[] {
    const conditions: string[] = []
    const values: (string | number)[] = []
    if (state !== undefined) {
      conditions.push(`AND d.state = ?`)
      values.push(state)
    }
    if (destinationKey !== undefined) {
      conditions.push(`AND d.destination_key = ?`)
      values.push(destinationKey)
    }
    const sql = `SELECT d.key FROM call_events c CROSS JOIN deliveries d INDEXED BY deliveries_event
      ON d.event_seq = c.seq
      WHERE c.call_key = (SELECT call_key FROM calls WHERE call_id = ?) AND d.key < ? ${conditions.join(' ')}
      ORDER BY d.key DESC LIMIT ?`
    return keysOf(this.#lists.of(sql).all(callId, before, ...values, limit))
  }
}

/** Of a delivery that was tried by hand again and again the newest are shown. */
const attemptsMax = 500

/** Of an event that was replayed again and again the newest are shown. */
const ofEventMax = 1_000
