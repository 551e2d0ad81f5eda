import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { EraseReport, EraseSelection } from '@hookswitch/core'
import { phoneDigits, saysParam, type DeliveryRow } from '../delivery-rows.ts'
import type { DestinationTable } from './destinations.ts'
import type { LaneTable } from './lanes.ts'

/** Calls that one chunk looks through. */
const callsLookedAtMax = 2_000

/** Events that one chunk removes; a longer call takes several. */
const eventsMax = 1_000

/** A database of up to 64 MiB is written anew after an erase: that takes some hundred milliseconds. */
const vacuumPagesMax = 16 * 1024

/**
 * Erases calls: their events, records, deliveries and attempts. Call within a transaction.
 *
 * What is found is found by the record of the call: by its id, by its user's number, or by what its params or its
 * outcome say. An event that is not folded yet is in no record; erase again once it is. Where the record was removed
 * before its events, they are found by the id of the call alone. The keys of the events stay until they are too old,
 * with the id of the call and a hash of the content, so that a late repeat brings nothing back.
 */
export class Eraser {
  readonly #destinations: DestinationTable
  readonly #lanes: LaneTable
  readonly #byCallId: StatementSync
  readonly #numbers: StatementSync
  readonly #callKeys: StatementSync
  readonly #params: StatementSync
  readonly #events: StatementSync
  readonly #deliveries: StatementSync
  readonly #deleteAttempts: StatementSync
  readonly #deleteDelivery: StatementSync
  readonly #deleteEvent: StatementSync
  readonly #deleteCallEvent: StatementSync
  readonly #deleteParts: StatementSync
  readonly #deleteCall: StatementSync
  /** How far each search has come that is under way, by what it looks for. */
  readonly #lookedAt = new Map<string, number>()
  #hasErased = false

  constructor(database: DatabaseSync, destinations: DestinationTable, lanes: LaneTable) {
    this.#destinations = destinations
    this.#lanes = lanes
    this.#byCallId = database.prepare(`SELECT call_key FROM calls WHERE call_id = ?`)
    this.#numbers = database.prepare(
      `SELECT call_key, CASE WHEN head <> '' THEN json_extract(head, '$.userNumber.value') END AS number FROM calls
       WHERE call_key > ? ORDER BY call_key LIMIT ${callsLookedAtMax}`,
    )
    this.#callKeys = database.prepare(
      `SELECT call_key FROM calls WHERE call_key > ? ORDER BY call_key LIMIT ${callsLookedAtMax}`,
    )
    this.#params = database.prepare(
      `SELECT data FROM call_parts WHERE call_key = ? AND kind IN ('params', 'outcome')`,
    )
    this.#events = database.prepare(`SELECT seq FROM call_events WHERE call_key = ? ORDER BY seq LIMIT ?`)
    this.#deliveries = database.prepare(`SELECT * FROM deliveries WHERE event_seq = ?`)
    this.#deleteAttempts = database.prepare(`DELETE FROM attempts WHERE delivery_key = ?`)
    this.#deleteDelivery = database.prepare(`DELETE FROM deliveries WHERE key = ?`)
    this.#deleteEvent = database.prepare(`DELETE FROM events WHERE seq = ?`)
    this.#deleteCallEvent = database.prepare(`DELETE FROM call_events WHERE call_key = ? AND seq = ?`)
    this.#deleteParts = database.prepare(`DELETE FROM call_parts WHERE call_key = ?`)
    this.#deleteCall = database.prepare(
      `DELETE FROM calls WHERE call_key = ? RETURNING head <> '' AS has_record`,
    )
  }

  erase(selection: EraseSelection, callsMax: number, now: number): EraseReport & { more: boolean } {
    const search = JSON.stringify(selection)
    const report = { calls: 0, events: 0, deliveries: 0, attempts: 0 }
    const found = this.#find(selection, this.#lookedAt.get(search) ?? 0)
    for (const key of found.calls) {
      if (report.calls < callsMax && this.#eraseCall(key, report, now)) continue
      this.#lookedAt.set(search, key - 1)
      return { ...report, more: true }
    }
    if (found.lookedAt === null) this.#lookedAt.delete(search)
    else this.#lookedAt.set(search, found.lookedAt)
    return { ...report, more: found.lookedAt !== null }
  }

  /**
   * Takes what was erased out of the files too; call outside a transaction.
   *
   * SQLite overwrites what is deleted (`secure_delete`), but not the copies that it leaves in unused bytes of a page
   * when it moves rows to its neighbours; of about one call in forty something was found there. Those go when the
   * database is written anew, which a large one is not by itself, because nothing can be accepted meanwhile.
   */
  overwrite(database: DatabaseSync): void {
    if (!this.#hasErased) return
    const { page_count: pages } = database.prepare('PRAGMA page_count').get() as { page_count: number }
    if (pages <= vacuumPagesMax) database.exec('VACUUM')
    // Empties the log beside the database; where a reader keeps that from being done, the next call tries again.
    const { busy } = database.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get() as { busy: number }
    this.#hasErased = busy !== 0
  }

  /** @returns the calls that are meant, by key, and the last one looked at; null where there are no more. */
  #find(selection: EraseSelection, after: number): { calls: number[]; lookedAt: number | null } {
    if ('callId' in selection) {
      const row = this.#byCallId.get(selection.callId) as { call_key: number } | undefined
      return { calls: row === undefined ? [] : [row.call_key], lookedAt: null }
    }
    let looked: number[]
    let calls: number[]
    if ('phone' in selection) {
      const digits = phoneDigits(selection.phone)
      if (digits === null) return { calls: [], lookedAt: null }
      const rows = this.#numbers.all(after) as unknown as { call_key: number; number: string | null }[]
      looked = rows.map(({ call_key }) => call_key)
      calls = rows
        .filter(({ number }) => number !== null && phoneDigits(number) === digits)
        .map(({ call_key }) => call_key)
    } else {
      const { param } = selection
      const rows = this.#callKeys.all(after) as unknown as { call_key: number }[]
      looked = rows.map(({ call_key }) => call_key)
      calls = looked.filter((key) =>
        (this.#params.all(key) as unknown as { data: string }[]).some(({ data }) => saysParam(data, param)),
      )
    }
    return { calls, lookedAt: looked.length < callsLookedAtMax ? null : (looked.at(-1) ?? null) }
  }

  /** False where the call has more events than one chunk removes. */
  #eraseCall(key: number, report: EraseReport, now: number): boolean {
    const allowed = eventsMax - report.events
    const events = this.#events.all(key, allowed + 1) as unknown as { seq: number }[]
    for (const { seq } of events.slice(0, allowed)) {
      this.#eraseEvent(seq, report, now)
      this.#deleteCallEvent.run(key, seq)
    }
    this.#hasErased = true
    // A fold that has read the record must not write it again.
    this.#destinations.countRouting()
    if (events.length > allowed) return false
    this.#deleteParts.run(key)
    const { has_record: calls } = this.#deleteCall.get(key) as { has_record: number }
    report.calls += calls
    return true
  }

  #eraseEvent(seq: number, report: EraseReport, now: number): void {
    for (const delivery of this.#deliveries.all(seq) as unknown as DeliveryRow[]) {
      report.attempts += Number(this.#deleteAttempts.run(delivery.key).changes)
      this.#deleteDelivery.run(delivery.key)
      report.deliveries += 1
      if (delivery.state === 'pending') this.#lanes.eraseGap(delivery, now)
    }
    report.events += Number(this.#deleteEvent.run(seq).changes)
  }
}
