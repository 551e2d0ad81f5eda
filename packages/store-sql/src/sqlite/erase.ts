import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { EraseReport, EraseSelection } from '@hookswitch/core'
import { phoneDigits, saysParam, type DeliveryRow } from '../delivery-rows.ts'
import { hasDigits, userNumber } from '../publish-rows.ts'
import type { DestinationTable } from './destinations.ts'
import type { LaneTable } from './lanes.ts'

/** Calls that one chunk looks through. */
const callsLookedAtMax = 2_000

/** Events that one chunk removes; a longer call takes several. */
const eventsMax = 1_000

/** A database of up to 64 MiB is written anew after an erase: that takes some hundred milliseconds. */
const vacuumPagesMax = 16 * 1024

/** Calls are looked for among those that were started here, and then among the records. */
type Table = 'started_calls' | 'calls'

/** How far a search has come. */
interface Place {
  table: Table
  after: number
}

/** A call, and its key in the table in which it was looked at. */
interface LookedAt {
  key: number
  call_id: string
}

/**
 * Erases calls: their events, records, deliveries and attempts, and what they were started with. Call within a
 * transaction.
 *
 * What is found is found by the record of the call and by what it was started with: by its id, by its user's number,
 * or by what its params or its outcome say. An event that is not folded yet is in no record; erase
 * again once it is. Where the record was removed before its events, they are found by the id of the call alone. The
 * keys of the events stay until they are too old, with the id of the call and a hash of the content, so that a late
 * repeat brings nothing back.
 */
export class Eraser {
  readonly #destinations: DestinationTable
  readonly #lanes: LaneTable
  readonly #callKey: StatementSync
  readonly #calls: Readonly<Record<Table, StatementSync>>
  readonly #numbers: Readonly<Record<Table, StatementSync>>
  readonly #params: Readonly<Record<Table, StatementSync>>
  readonly #events: StatementSync
  readonly #deliveries: StatementSync
  readonly #deleteAttempts: StatementSync
  readonly #deleteDelivery: StatementSync
  readonly #deleteEvent: StatementSync
  readonly #deleteCallEvent: StatementSync
  readonly #deleteParts: StatementSync
  readonly #deleteCall: StatementSync
  readonly #deleteStarted: StatementSync
  /** The searches that are under way, by what they look for. */
  readonly #places = new Map<string, Place>()
  #hasErased = false

  constructor(database: DatabaseSync, destinations: DestinationTable, lanes: LaneTable) {
    this.#destinations = destinations
    this.#lanes = lanes
    this.#callKey = database.prepare(`SELECT call_key FROM calls WHERE call_id = ?`)
    const started = `FROM started_calls WHERE key > ? ORDER BY key LIMIT ${callsLookedAtMax}`
    const recorded = `FROM calls WHERE call_key > ? ORDER BY call_key LIMIT ${callsLookedAtMax}`
    this.#calls = {
      started_calls: database.prepare(`SELECT key, call_id ${started}`),
      calls: database.prepare(`SELECT call_key AS key, call_id ${recorded}`),
    }
    this.#numbers = {
      started_calls: database.prepare(`SELECT key, call_id, ${userNumber} AS number ${started}`),
      calls: database.prepare(
        `SELECT call_key AS key, call_id,
           CASE WHEN head <> '' THEN json_extract(head, '$.userNumber.value') END AS number ${recorded}`,
      ),
    }
    this.#params = {
      started_calls: database.prepare(`SELECT params AS data FROM started_calls WHERE key = ?`),
      calls: database.prepare(
        `SELECT data FROM call_parts WHERE call_key = ? AND kind IN ('params', 'outcome')`,
      ),
    }
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
    this.#deleteStarted = database.prepare(`DELETE FROM started_calls WHERE call_id = ?`)
  }

  erase(selection: EraseSelection, callsMax: number, now: number): EraseReport & { more: boolean } {
    const search = JSON.stringify(selection)
    const report = { calls: 0, events: 0, deliveries: 0, attempts: 0 }
    let place: Place | null = this.#places.get(search) ?? { table: 'started_calls', after: 0 }
    while (place !== null) {
      const { table }: Place = place
      const { calls, next } = this.#find(selection, place)
      for (const { key, call_id: callId } of calls) {
        if (report.calls < callsMax && this.#eraseCall(callId, report, now)) continue
        this.#places.set(search, { table, after: key - 1 })
        return { ...report, more: true }
      }
      if (next?.table === table) {
        this.#places.set(search, next)
        return { ...report, more: true }
      }
      place = next
    }
    this.#places.delete(search)
    return { ...report, more: false }
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

  /** The calls that are meant in the next stretch of a table, and where the search goes on; null at its end. */
  #find(selection: EraseSelection, { table, after }: Place): { calls: LookedAt[]; next: Place | null } {
    if ('callId' in selection) return { calls: [{ key: 0, call_id: selection.callId }], next: null }
    let looked: LookedAt[]
    let calls: LookedAt[]
    if ('phone' in selection) {
      const digits = phoneDigits(selection.phone)
      if (digits === null) return { calls: [], next: null }
      const rows = this.#numbers[table].all(after) as unknown as (LookedAt & { number: string | null })[]
      looked = rows
      calls = rows.filter(({ number }) => hasDigits(number, digits))
    } else {
      const { param } = selection
      looked = this.#calls[table].all(after) as unknown as LookedAt[]
      calls = looked.filter(({ key }) =>
        (this.#params[table].all(key) as unknown as { data: string }[]).some(({ data }) =>
          saysParam(data, param),
        ),
      )
    }
    const last = looked.at(-1)
    if (last !== undefined && looked.length === callsLookedAtMax) {
      return { calls, next: { table, after: last.key } }
    }
    return { calls, next: table === 'calls' ? null : { table: 'calls', after: 0 } }
  }

  /** False where the call has more events than one chunk removes. */
  #eraseCall(callId: string, report: EraseReport, now: number): boolean {
    const call = this.#callKey.get(callId) as { call_key: number } | undefined
    let hasRecord = false
    if (call !== undefined) {
      const allowed = eventsMax - report.events
      if (!this.#eraseEvents(call.call_key, allowed, report, now)) return false
      this.#deleteParts.run(call.call_key)
      const deleted = this.#deleteCall.get(call.call_key) as { has_record: number }
      hasRecord = deleted.has_record === 1
    }
    const wasStarted = this.#deleteStarted.run(callId).changes > 0
    if (wasStarted) this.#hasErased = true
    if (hasRecord || wasStarted) report.calls += 1
    return true
  }

  /** False where there are more than are allowed. */
  #eraseEvents(callKey: number, allowed: number, report: EraseReport, now: number): boolean {
    const events = this.#events.all(callKey, allowed + 1) as unknown as { seq: number }[]
    for (const { seq } of events.slice(0, allowed)) {
      this.#eraseEvent(seq, report, now)
      this.#deleteCallEvent.run(callKey, seq)
    }
    this.#hasErased = true
    // A fold that has read the record must not write it again.
    this.#destinations.countRouting()
    return events.length <= allowed
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
