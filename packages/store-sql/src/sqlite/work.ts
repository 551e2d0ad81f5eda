import type { DatabaseSync, StatementSync } from 'node:sqlite'
import {
  allowedSends,
  deliveryAgeMsMax,
  drawn,
  holdAt,
  lanesToTake,
  settle,
  type Claim,
  type DestinationDefinition,
  type DestinationFlow,
  type WorkAnswer,
  type WorkRequest,
  type WorkResult,
} from '@hookswitch/core'
import { attemptRow, expiredReason, storedDelivery, type DeliveryRow } from '../delivery-rows.ts'
import type { DestinationTable } from './destinations.ts'
import type { LaneTable } from './lanes.ts'
import type { NodeTable } from './nodes.ts'
import { eachDestination } from './statements.ts'

/** Deliveries that one request ends for their age, so that a lane of a million old ones holds up nobody. */
const expiredMax = 500

/** Writes what came of the claims and gives out new ones. Call within a transaction. */
export class WorkTable {
  readonly #destinations: DestinationTable
  readonly #lanes: LaneTable
  readonly #nodes: NodeTable
  readonly #lane: StatementSync
  readonly #delivery: StatementSync
  readonly #note: StatementSync
  readonly #insertAttempt: StatementSync
  readonly #claim: StatementSync
  readonly #claimOn: StatementSync
  readonly #release: StatementSync
  readonly #park: StatementSync
  readonly #runningOf: StatementSync
  readonly #nextDestination: StatementSync
  readonly #due: StatementSync
  readonly #nextDue: StatementSync
  readonly #clear: StatementSync
  /** Parsed once for each version. */
  readonly #definitions = new Map<number, { version: number; definition: DestinationDefinition }>()
  /** The destination that got the last lane of the previous request; the next one begins after it. */
  #lastServed = 0

  constructor(
    database: DatabaseSync,
    tables: { destinations: DestinationTable; lanes: LaneTable; nodes: NodeTable },
  ) {
    this.#destinations = tables.destinations
    this.#lanes = tables.lanes
    this.#nodes = tables.nodes
    this.#lane = database.prepare(
      `SELECT key, destination_key, lane_key, head_attempts, epoch, claim FROM lanes WHERE key = ?`,
    )
    this.#delivery = database.prepare(`SELECT * FROM deliveries WHERE key = ?`)
    this.#note = database.prepare(`UPDATE deliveries SET reason = ?, attempts = ? WHERE key = ?`)
    this.#insertAttempt = database.prepare(
      `INSERT INTO attempts (delivery_key, number, started_at, duration_ms, verdict, status, cause, message, node,
         request, response)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    this.#claim = database.prepare(
      `UPDATE lanes SET epoch = ?, claim = claim + 1, head_attempts = ?, retrying = ? WHERE key = ?`,
    )
    // Touches no index: most claims go on with a lane whose head was new, and so is the next.
    this.#claimOn = database.prepare(`UPDATE lanes SET claim = claim + 1 WHERE key = ?`)
    this.#release = database.prepare(
      `UPDATE lanes SET epoch = NULL, due_at = ?, head_attempts = ?, retrying = ? WHERE key = ?`,
    )
    this.#park = database.prepare(
      `UPDATE lanes SET state = 'parked', epoch = NULL, parked_at = ?, parked_reason = ?, head_attempts = ?, retrying = 1
       WHERE key = ?`,
    )
    this.#runningOf = database.prepare(
      `SELECT retrying, epoch = ? AS own, count(*) AS lanes FROM lanes INDEXED BY lanes_claimed
       WHERE destination_key = ? AND epoch IS NOT NULL GROUP BY 1, 2`,
    )
    this.#nextDestination = database.prepare(
      `SELECT min(destination_key) AS key FROM lanes INDEXED BY lanes_due
       WHERE state = 'running' AND epoch IS NULL AND destination_key > ?`,
    )
    this.#due = database.prepare(
      `SELECT key, destination_key, lane_key, head_attempts, epoch, claim FROM lanes INDEXED BY lanes_due
       WHERE state = 'running' AND epoch IS NULL AND destination_key = ? AND retrying = ? AND due_at <= ?
       ORDER BY due_at, key LIMIT ?`,
    )
    // A lane that was claimed when its destination was removed, by a node that has died since: nothing is in it.
    this.#clear = database.prepare(`DELETE FROM lanes WHERE destination_key = ? AND epoch IS NULL`)
    this.#nextDue = database.prepare(
      `SELECT min(due_at) AS due_at FROM lanes INDEXED BY lanes_due
       WHERE state = 'running' AND epoch IS NULL AND destination_key = ? AND retrying = ? AND due_at > ?`,
    )
  }

  work(request: WorkRequest, now: number): WorkAnswer {
    const { epoch, results } = request
    if (!this.#nodes.isAlive(epoch, now)) {
      return { alive: false, written: results.map(() => false), claims: [], waitMs: null }
    }
    const turn: Turn = {
      epoch,
      now,
      destinations: new Map(),
      goingOn: new Map(),
      claims: [],
      expired: 0,
      waitMs: Infinity,
    }
    // All results before anything is claimed: what the last one says of a destination holds for all.
    const written = results.map((result) => this.#write(result, turn))
    for (const going of turn.goingOn.values()) this.#goOn(going, turn)
    this.#claimDue(request, turn)
    for (const [key, { flow, storedFlow }] of turn.destinations) {
      if (flow !== storedFlow) this.#destinations.setFlow(key, flow)
    }
    const waitMs = turn.waitMs === Infinity ? null : Math.max(0, turn.waitMs)
    return { alive: true, written, claims: turn.claims, waitMs }
  }

  /** False where the claim is not this node's any more; nothing is written then. */
  #write(result: WorkResult, turn: Turn): boolean {
    const lane = this.#lane.get(result.laneKey) as ClaimedLane | undefined
    if (lane === undefined || lane.epoch !== turn.epoch || lane.claim !== result.claim) return false
    if (turn.goingOn.has(lane.key)) return false
    const head = this.#lanes.head(lane)
    const isHead = head?.key === result.deliveryKey
    const delivery = isHead ? head : (this.#delivery.get(result.deliveryKey) as DeliveryRow | undefined)
    if (!isHead && delivery !== undefined && !isIn(lane, delivery)) return false

    const destination = this.#destination(lane.destination_key, turn)
    if (destination !== null) leave(this.#running(destination, turn), lane)
    const attempts = delivery === undefined ? 0 : this.#record(delivery, result, turn)
    if (!isHead || destination === null) {
      // It was ended, or erased with its event, while it was tried; that changes nothing of it any more.
      if (delivery !== undefined) this.#note.run(delivery.reason, attempts, delivery.key)
      turn.goingOn.set(lane.key, { lane, wantsNext: result.wantsNext })
      return true
    }
    const settlement = settle(
      result,
      destination.definition,
      destination.flow,
      { headAttempts: lane.head_attempts, reason: head.reason },
      turn.now,
    )
    destination.flow = settlement.flow
    const { state, reason, lane: next } = settlement
    if (state === 'pending') this.#note.run(reason, attempts, head.key)
    else this.#lanes.finish(head.key, state, reason, attempts, turn.now)
    if (next.state === 'done') turn.goingOn.set(lane.key, { lane, wantsNext: result.wantsNext })
    else if (next.state === 'parked') this.#park.run(turn.now, next.reason, next.headAttempts, lane.key)
    else this.#release.run(next.dueAt, next.headAttempts, next.headAttempts > 0 ? 1 : 0, lane.key)
    return true
  }

  /** @returns how many attempts the delivery has now. */
  #record({ key, attempts }: DeliveryRow, { attempt }: WorkResult, { now }: Turn): number {
    if (attempt === null) return attempts
    const row = attemptRow(key, attempts + 1, attempt, now)
    this.#insertAttempt.run(
      row.delivery_key,
      row.number,
      row.started_at,
      row.duration_ms,
      row.verdict,
      row.status,
      row.cause,
      row.message,
      row.node,
      row.request,
      row.response,
    )
    return row.number
  }

  /** The head of the lane was done: its claim goes on with the next one, or ends. */
  #goOn({ lane, wantsNext }: GoingOn, turn: Turn): void {
    const head = this.#nextDelivery(lane, turn)
    if (head === null) return
    const destination = this.#destination(lane.destination_key, turn)
    if (wantsNext && destination !== null) {
      const { definition, flow } = destination
      const running = this.#running(destination, turn)
      if (allowedSends(definition.limits, flow, running.all, turn.now).sends > 0) {
        destination.flow = drawn(definition.limits, flow, 1, turn.now)
        if (lane.head_attempts === 0) this.#claimOn.run(lane.key)
        else this.#claim.run(turn.epoch, 0, 0, lane.key)
        enter(running, 0)
        turn.claims.push(claimOf(lane, head, 0, destination, true))
        return
      }
    }
    this.#release.run(turn.now, 0, 0, lane.key)
  }

  /** Takes lanes that are due, destination by destination. */
  #claimDue({ lanesMax, lanesPerDestinationMax }: WorkRequest, turn: Turn): void {
    const keys = [...eachDestination(this.#nextDestination)]
    const first = keys.findIndex((key) => key > this.#lastServed)
    let lanesFree = lanesMax
    for (const key of first === -1 ? keys : [...keys.slice(first), ...keys.slice(0, first)]) {
      const taken = this.#claimDueOf(key, { lanesFree, lanesPerDestinationMax }, turn)
      if (taken > 0) this.#lastServed = key
      lanesFree = Math.max(0, lanesFree - taken)
    }
  }

  /** @returns how many lanes were taken. */
  #claimDueOf(key: number, node: { lanesFree: number; lanesPerDestinationMax: number }, turn: Turn): number {
    const destination = this.#destination(key, turn)
    if (destination === null) {
      this.#clear.run(key)
      return 0
    }
    const { limits } = destination.definition
    const { now } = turn
    const hold = holdAt(destination.flow, now)
    if (hold !== null) {
      if (hold.until !== null) waitUntil(hold.until, turn)
      return 0
    }
    const running = this.#running(destination, turn)
    const { sends } = allowedSends(limits, destination.flow, running.all, now)
    let taken = 0
    if (sends > 0) {
      const count = Math.min(sends, Math.max(1, node.lanesFree))
      const fresh = this.#due.all(key, 0, now, count) as unknown as ClaimedLane[]
      const retrying = this.#due.all(key, 1, now, count) as unknown as ClaimedLane[]
      const wanted = { fresh: fresh.length, retrying: retrying.length }
      const take = lanesToTake(limits, sends, wanted, running, node, destination.flow.retryTurn)
      for (const lane of [...fresh.slice(0, take.fresh), ...retrying.slice(0, take.retrying)]) {
        if (this.#take(lane, destination, turn)) taken += 1
      }
      destination.flow = drawn(limits, destination.flow, taken, now)
      if (taken > 0 && wanted.fresh > 0 && wanted.retrying > 0) {
        destination.flow = { ...destination.flow, retryTurn: !destination.flow.retryTurn }
      }
    }
    // What is due and was not taken waits for the limit of the rate, or for a result, which asks again by itself.
    const after = allowedSends(limits, destination.flow, running.all, now)
    if (after.sends === 0) {
      if (after.nextAt !== null) waitUntil(after.nextAt, turn)
      return taken
    }
    for (const retrying of [0, 1]) {
      const { due_at: dueAt } = this.#nextDue.get(key, retrying, now) as { due_at: number | null }
      if (dueAt !== null) waitUntil(dueAt, turn)
    }
    return taken
  }

  #take(lane: ClaimedLane, destination: Destination, turn: Turn): boolean {
    const { expired } = turn
    const head = this.#nextDelivery(lane, turn)
    if (head === null) return false
    const headAttempts = turn.expired === expired ? lane.head_attempts : 0
    const retrying = headAttempts > 0 ? 1 : 0
    this.#claim.run(turn.epoch, headAttempts, retrying, lane.key)
    enter(this.#running(destination, turn), retrying)
    turn.claims.push(claimOf(lane, head, headAttempts, destination, false))
    return true
  }

  /** The delivery to make, past those that are too old; null where the lane is idle, or has too many of them. */
  #nextDelivery(lane: ClaimedLane, turn: Turn): DeliveryRow | null {
    for (; ; turn.expired += 1) {
      const head = this.#lanes.head(lane)
      if (head === undefined) {
        this.#lanes.remove(lane.key)
        return null
      }
      if (head.created_at >= turn.now - deliveryAgeMsMax) return head
      if (turn.expired >= expiredMax) {
        this.#release.run(turn.now, 0, 0, lane.key)
        waitUntil(turn.now, turn)
        return null
      }
      this.#lanes.finish(head.key, 'dead', expiredReason, head.attempts, turn.now)
    }
  }

  /** Null for one that was removed while something was on its way to it. */
  #destination(key: number, turn: Turn): Destination | null {
    const known = turn.destinations.get(key)
    if (known !== undefined) return known
    const row = this.#destinations.row(key)
    if (row === undefined) return null
    let parsed = this.#definitions.get(key)
    if (parsed?.version !== row.version) {
      parsed = { version: row.version, definition: JSON.parse(row.definition) as DestinationDefinition }
      this.#definitions.set(key, parsed)
    }
    const flow = JSON.parse(row.flow) as DestinationFlow
    const destination = { key, ...parsed, flow, storedFlow: flow, running: null }
    turn.destinations.set(key, destination)
    return destination
  }

  /** Counted when it is first asked for, and kept up from then on. */
  #running(destination: Destination, turn: Turn): Running {
    if (destination.running === null) {
      const running = { all: 0, retrying: 0, onNode: 0 }
      const counts = this.#runningOf.all(turn.epoch, destination.key) as unknown as {
        retrying: number
        own: number
        lanes: number
      }[]
      for (const { retrying, own, lanes } of counts) {
        running.all += lanes
        if (retrying === 1) running.retrying += lanes
        if (own === 1) running.onNode += lanes
      }
      destination.running = running
    }
    return destination.running
  }
}

/** What one request has read and done so far. */
interface Turn {
  epoch: string
  now: number
  destinations: Map<number, Destination>
  /** Lanes whose head is done, by key: their claims go on or end when all results are written. */
  goingOn: Map<number, GoingOn>
  claims: Claim[]
  expired: number
  waitMs: number
}

interface Destination {
  key: number
  version: number
  definition: DestinationDefinition
  flow: DestinationFlow
  storedFlow: DestinationFlow
  running: Running | null
}

/** Lanes of a destination that are claimed. */
interface Running {
  all: number
  retrying: number
  onNode: number
}

interface ClaimedLane {
  key: number
  destination_key: number
  lane_key: string
  head_attempts: number
  epoch: string | null
  claim: number
}

interface GoingOn {
  lane: ClaimedLane
  wantsNext: boolean
}

function isIn(lane: ClaimedLane, delivery: DeliveryRow): boolean {
  return delivery.destination_key === lane.destination_key && delivery.lane_key === lane.lane_key
}

function enter(running: Running, retrying: number): void {
  running.all += 1
  running.retrying += retrying
  running.onNode += 1
}

function leave(running: Running, lane: ClaimedLane): void {
  running.all -= 1
  if (lane.head_attempts > 0) running.retrying -= 1
  running.onNode -= 1
}

function waitUntil(at: number, turn: Turn): void {
  turn.waitMs = Math.min(turn.waitMs, at - turn.now)
}

function claimOf(
  lane: ClaimedLane,
  head: DeliveryRow,
  headAttempts: number,
  { key, version }: Destination,
  continued: boolean,
): Claim {
  return {
    laneKey: lane.key,
    claim: lane.claim + 1,
    continued,
    destinationKey: key,
    destinationVersion: version,
    delivery: storedDelivery(head),
    headAttempts,
  }
}
