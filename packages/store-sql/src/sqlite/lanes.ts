import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { DeliveryState, LaneQuery, RoutedDelivery, StoredLane } from '@hookswitch/core'
import { countedMax, storedLane, type DeliveryRow, type LaneRow } from '../delivery-rows.ts'
import { eachDestination, keysOf, Statements } from './statements.ts'

/**
 * The lanes and the deliveries that wait in them. Call within a transaction; there is one writer, so a row that was
 * read in it is locked.
 */
export class LaneTable {
  readonly #draw: StatementSync
  readonly #insert: StatementSync
  readonly #head: StatementSync
  readonly #finish: StatementSync
  readonly #ofKey: StatementSync
  readonly #ofDelivery: StatementSync
  readonly #rewind: StatementSync
  readonly #delete: StatementSync
  readonly #shown: StatementSync
  readonly #lists: Statements
  readonly #nextParked: StatementSync

  constructor(database: DatabaseSync) {
    // A lane that is there is only made longer: it may be parked, waiting or claimed.
    this.#draw = database.prepare(
      `INSERT INTO lanes (destination_key, lane_key, state, due_at, retrying, head_attempts, claim, tail)
       VALUES (?, ?, 'running', ?, 0, 0, 0, 1)
       ON CONFLICT (destination_key, lane_key) DO UPDATE SET tail = tail + 1 RETURNING tail`,
    )
    this.#insert = database.prepare(
      `INSERT INTO deliveries (destination_key, event_seq, lane_key, position, replay_key, state, attempts, created_at)
       VALUES (?, ?, ?, ?, ?, 'pending', 0, ?)`,
    )
    // Only what the lane and the condition do not say: each column of a row costs as much as a seek.
    this.#head = database.prepare(
      `SELECT key, event_seq, position, replay_key, reason, attempts, created_at
       FROM deliveries INDEXED BY deliveries_pending
       WHERE destination_key = ? AND lane_key = ? AND state = 'pending' ORDER BY position LIMIT 1`,
    )
    this.#finish = database.prepare(
      `UPDATE deliveries SET state = ?, reason = ?, attempts = ?, finished_at = ? WHERE key = ?`,
    )
    this.#ofKey = database.prepare(
      `SELECT key, destination_key, lane_key, state, epoch FROM lanes WHERE key = ?`,
    )
    this.#ofDelivery = database.prepare(
      `SELECT key, destination_key, lane_key, state, epoch FROM lanes WHERE destination_key = ? AND lane_key = ?`,
    )
    this.#rewind = database.prepare(
      `UPDATE lanes SET state = 'running', due_at = ?, retrying = 0, head_attempts = 0, parked_at = NULL,
         parked_reason = NULL WHERE key = ?`,
    )
    this.#delete = database.prepare(`DELETE FROM lanes WHERE key = ?`)

    // Only in the moment after its destination was removed has a claimed lane no head.
    this.#shown = database.prepare(
      `SELECT l.key, l.destination_key, l.lane_key, l.state, l.due_at, l.head_attempts, l.parked_at, l.parked_reason,
         h.key AS head_delivery_key,
         (SELECT count(*) FROM (
            SELECT 1 FROM deliveries p
            WHERE p.destination_key = l.destination_key AND p.lane_key = l.lane_key AND p.state = 'pending'
            LIMIT ${countedMax})) AS pending
       FROM lanes l JOIN deliveries h ON h.key = (
         SELECT key FROM deliveries d
         WHERE d.destination_key = l.destination_key AND d.lane_key = l.lane_key AND d.state = 'pending'
         ORDER BY position LIMIT 1)
       WHERE l.key = ?`,
    )
    this.#lists = new Statements(database)
    this.#nextParked = database.prepare(
      `SELECT min(destination_key) AS key FROM lanes INDEXED BY lanes_parked
       WHERE state = 'parked' AND destination_key > ?`,
    )
  }

  /** Each joins its lane at the tail; an idle lane begins to run. */
  append(deliveries: readonly RoutedDelivery[], now: number): void {
    for (const { destinationKey, eventSeq, laneKey, replayKey } of deliveries) {
      const position = this.drawPosition(destinationKey, laneKey, now)
      this.#insert.run(destinationKey, eventSeq, laneKey, position, replayKey, now)
    }
  }

  /** The next position of a lane, which there is after that. */
  drawPosition(destinationKey: number, laneKey: string, now: number): number {
    return (this.#draw.get(destinationKey, laneKey, now) as { tail: number }).tail
  }

  /** The delivery that is next in a lane. */
  head({ destination_key, lane_key }: LaneName): DeliveryRow | undefined {
    const head = this.#head.get(destination_key, lane_key) as HeadRow | undefined
    if (head === undefined) return undefined
    const { key, event_seq, position, replay_key, reason, attempts, created_at } = head
    return {
      key,
      destination_key,
      event_seq,
      lane_key,
      position,
      replay_key,
      state: 'pending',
      reason,
      attempts,
      created_at,
      finished_at: null,
    }
  }

  /** Ends a delivery; what becomes of its lane is for the caller to say. */
  finish(key: number, state: DeliveryState, reason: string | null, attempts: number, now: number): void {
    this.#finish.run(state, reason, attempts, now, key)
  }

  laneOf({ destination_key, lane_key }: LaneName): LaneStand | undefined {
    return this.#ofDelivery.get(destination_key, lane_key) as LaneStand | undefined
  }

  laneAt(key: number): LaneStand | undefined {
    return this.#ofKey.get(key) as LaneStand | undefined
  }

  /** Ends a pending delivery that was not tried now. */
  passOver(delivery: DeliveryRow, state: DeliveryState, reason: string, now: number): void {
    this.finish(delivery.key, state, reason, delivery.attempts, now)
    this.#closeGap(delivery, now)
  }

  /** After a delivery has left its lane: an empty lane is idle, and one with another head begins anew with it. */
  #closeGap(gone: DeliveryRow, now: number): void {
    const lane = this.laneOf(gone)
    // A claimed lane goes on by the claim's result.
    if (lane === undefined || lane.epoch !== null) return
    const head = this.head(gone)
    if (head === undefined) this.remove(lane.key)
    else if (head.position > gone.position) this.rewind(lane.key, now)
  }

  /** After a delivery was erased: an empty lane, whose name may be a number, goes at once, also while it is claimed. */
  eraseGap(gone: DeliveryRow, now: number): void {
    const lane = this.laneOf(gone)
    if (lane !== undefined && this.head(gone) === undefined) this.remove(lane.key)
    else this.#closeGap(gone, now)
  }

  /** Runs, is due now, and its head has a fresh budget. */
  rewind(key: number, now: number): void {
    this.#rewind.run(now, key)
  }

  remove(key: number): void {
    this.#delete.run(key)
  }

  list(query: LaneQuery): StoredLane[] {
    return this.#keysFor(query).flatMap((key) => {
      const row = this.#shown.get(key) as unknown as LaneRow | undefined
      return row === undefined ? [] : [storedLane(row)]
    })
  }

  resume(key: number, now: number): 'done' | 'not_found' | 'running' {
    const lane = this.laneAt(key)
    if (lane === undefined) return 'not_found'
    if (lane.state !== 'parked') return 'running'
    this.rewind(key, now)
    return 'done'
  }

  skipHead(key: number, reason: string, now: number): 'done' | 'not_found' | 'claimed' {
    const lane = this.laneAt(key)
    if (lane === undefined) return 'not_found'
    if (lane.epoch !== null) return 'claimed'
    const head = this.head(lane)
    if (head === undefined) return 'not_found'
    this.passOver(head, 'skipped', reason, now)
    return 'done'
  }

  #keysFor({ state, destinationKey, after, limit }: LaneQuery): number[] {
    // Written out, since the index of parked lanes serves only what says so.
    const isState =
      state === undefined ? '' : state === 'parked' ? `AND state = 'parked'` : `AND state = 'running'`
    const find = (sql: string, ...values: number[]): number[] =>
      keysOf(
        this.#lists.of(`SELECT key FROM lanes ${sql} ${isState} ORDER BY key LIMIT ?`).all(...values, limit),
      )
    if (state !== 'parked') {
      return destinationKey === undefined
        ? find(`WHERE key > ?`, after)
        : find(`INDEXED BY lanes_key WHERE key > ? AND destination_key = ?`, after, destinationKey)
    }
    const destinations = destinationKey === undefined ? eachDestination(this.#nextParked) : [destinationKey]
    return Array.from(destinations, (key) =>
      find(`INDEXED BY lanes_parked WHERE key > ? AND destination_key = ?`, after, key),
    )
      .flat()
      .sort((one, other) => one - other)
      .slice(0, limit)
  }
}

/** What names a lane, in its own row and in those of its deliveries. */
type LaneName = Pick<DeliveryRow, 'destination_key' | 'lane_key'>

type HeadRow = Pick<
  DeliveryRow,
  'key' | 'event_seq' | 'position' | 'replay_key' | 'reason' | 'attempts' | 'created_at'
>

/** How a lane stands, for those who would change it. */
interface LaneStand extends LaneName {
  key: number
  state: string
  epoch: string | null
}
