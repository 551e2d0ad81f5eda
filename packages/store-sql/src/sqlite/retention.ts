import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { keysKeptMs, type RetentionCutoffs, type RetentionReport } from '@hookswitch/core'

/** One chunk ends after so many bytes of bodies: the pages of a large one are many. */
const bodyBytesMax = 16 * 1024 * 1024

/** How often the place of the log is noted; the age of a key is known to this. */
const logTimeEveryMs = 60 * 60 * 1000

/** Pages that one chunk gives back to the disk, and those that are left for what is written next. */
const vacuumPagesMax = 500
const freePagesKept = 2_000

/** Removes what is too old, class by class, a bounded number of rows with each call. Call within a transaction. */
export class Retention {
  readonly #finished: StatementSync
  readonly #deleteAttempts: StatementSync
  readonly #deleteDelivery: StatementSync
  readonly #calls: StatementSync
  readonly #callWaits: StatementSync
  readonly #hasTranscript: StatementSync
  readonly #deleteTranscript: StatementSync
  readonly #deleteParts: StatementSync
  readonly #emptyCall: StatementSync
  readonly #deleteEmptyCall: StatementSync
  readonly #oldestUnfolded: StatementSync
  readonly #startedCalls: StatementSync
  readonly #deleteStartedCall: StatementSync
  readonly #events: StatementSync
  readonly #isPending: StatementSync
  readonly #deliveriesOf: StatementSync
  readonly #deleteEvent: StatementSync
  readonly #callKey: StatementSync
  readonly #deleteCallEvent: StatementSync
  readonly #deleteKeyOf: StatementSync
  readonly #lastLogTime: StatementSync
  readonly #noteLogTime: StatementSync
  readonly #seqAt: StatementSync
  readonly #forgetLogTimes: StatementSync
  readonly #keys: StatementSync
  readonly #deleteKey: StatementSync
  /** The pass through all classes goes on where the last chunk stopped. */
  #step = 0
  #call = callStart
  #startedCall = startedCallStart
  #event = eventStart
  #key = keyStart

  constructor(database: DatabaseSync) {
    this.#finished = database.prepare(
      `SELECT key FROM deliveries INDEXED BY deliveries_age WHERE finished_at < ? ORDER BY finished_at LIMIT ?`,
    )
    this.#deleteAttempts = database.prepare(`DELETE FROM attempts WHERE delivery_key = ?`)
    this.#deleteDelivery = database.prepare(`DELETE FROM deliveries WHERE key = ?`)
    this.#calls = database.prepare(
      `SELECT call_key, first_event_at, CASE WHEN head <> '' THEN json_extract(head, '$.lastEventAt') END AS last_event_at
       FROM calls
       WHERE first_event_at < ? AND (first_event_at, call_key) > (?, ?) ORDER BY first_event_at, call_key LIMIT ?`,
    )
    this.#callWaits = database.prepare(
      `SELECT 1 FROM call_events c CROSS JOIN deliveries d INDEXED BY deliveries_event ON d.event_seq = c.seq
       WHERE c.call_key = ? AND d.state = 'pending' LIMIT 1`,
    )
    const transcript = `call_key = ?1 AND kind IN ('final', 'live', 'tool')`
    this.#hasTranscript = database.prepare(`SELECT 1 FROM call_parts WHERE ${transcript} LIMIT 1`)
    this.#deleteTranscript = database.prepare(
      `DELETE FROM call_parts WHERE ${transcript}
         AND (kind, seq) IN (SELECT kind, seq FROM call_parts WHERE ${transcript} LIMIT ?2)`,
    )
    this.#deleteParts = database.prepare(
      `DELETE FROM call_parts WHERE call_key = ?1
         AND (kind, seq) IN (SELECT kind, seq FROM call_parts WHERE call_key = ?1 LIMIT ?2)`,
    )
    this.#emptyCall = database.prepare(
      `UPDATE calls SET head = '', status = 'ended', agent_id = NULL, agent_name = NULL, conversation_id = NULL,
         outcome = NULL WHERE call_key = ?`,
    )
    this.#deleteEmptyCall = database.prepare(
      `DELETE FROM calls WHERE call_key = ? AND head = ''
         AND NOT EXISTS (SELECT 1 FROM call_events c WHERE c.call_key = calls.call_key)`,
    )
    this.#oldestUnfolded = database.prepare(
      `SELECT received_at FROM events WHERE seq > (SELECT folded_seq FROM fold_state) ORDER BY seq LIMIT 1`,
    )
    this.#startedCalls = database.prepare(
      `SELECT s.key, s.created_at, c.call_key, json_extract(s.progress, '$.lastEventAt') AS last_event_at
       FROM started_calls s LEFT JOIN calls c ON c.call_id = s.call_id
       WHERE s.created_at < ? AND (s.created_at, s.key) > (?, ?) ORDER BY s.created_at, s.key LIMIT ?`,
    )
    this.#deleteStartedCall = database.prepare(`DELETE FROM started_calls WHERE key = ?`)
    this.#events = database.prepare(
      `SELECT seq, call_id, received_at, length(body) AS bytes
       FROM events INDEXED BY events_received_at
       WHERE received_at < ? AND (received_at, seq) > (?, ?)
         AND +seq <= (SELECT folded_seq FROM fold_state)
       ORDER BY received_at, seq LIMIT ?`,
    )
    this.#isPending = database.prepare(
      `SELECT 1 FROM deliveries WHERE event_seq = ? AND state = 'pending' LIMIT 1`,
    )
    this.#deliveriesOf = database.prepare(`SELECT key FROM deliveries WHERE event_seq = ?`)
    this.#deleteEvent = database.prepare(`DELETE FROM events WHERE seq = ?`)
    this.#callKey = database.prepare(`SELECT call_key FROM calls WHERE call_id = ?`)
    this.#deleteCallEvent = database.prepare(`DELETE FROM call_events WHERE call_key = ? AND seq = ?`)
    this.#deleteKeyOf = database.prepare(
      `DELETE FROM event_keys
       WHERE (occurred_at, source, call_id, type) =
         (SELECT coalesce(occurred_at, 0), source, call_id, type FROM events WHERE seq = ?1) AND seq = ?1`,
    )
    this.#lastLogTime = database.prepare(`SELECT max(at) AS at FROM log_times`)
    this.#noteLogTime = database.prepare(
      `INSERT INTO log_times (at, seq)
       SELECT ?, max(folded_seq, coalesce((SELECT max(seq) FROM events), 0)) FROM fold_state`,
    )
    this.#seqAt = database.prepare(`SELECT at, seq FROM log_times WHERE at <= ? ORDER BY at DESC LIMIT 1`)
    this.#forgetLogTimes = database.prepare(`DELETE FROM log_times WHERE at < ?`)
    this.#keys = database.prepare(
      `SELECT k.*, EXISTS (SELECT 1 FROM events e WHERE e.seq = k.seq) AS has_event FROM event_keys k
       WHERE (occurred_at, source, call_id, type, content) > (?, ?, ?, ?, ?) AND occurred_at <= ?
       ORDER BY occurred_at, source, call_id, type, content LIMIT ?`,
    )
    this.#deleteKey = database.prepare(
      `DELETE FROM event_keys WHERE occurred_at = ? AND source = ? AND call_id = ? AND type = ? AND content = ?`,
    )
  }

  retain(cutoffs: RetentionCutoffs, rowsMax: number, now: number): RetentionReport {
    const report: RetentionReport = {
      attempts: 0,
      deliveries: 0,
      transcripts: 0,
      records: 0,
      events: 0,
      keys: 0,
      more: false,
    }
    const keysCutoff = Math.min(cutoffs.keys, now - keysKeptMs)
    const { attempts, transcripts, events, records } = cutoffs
    const steps = [
      (rows: number) => (attempts === null ? rows : this.#removeDeliveries(attempts, rows, report)),
      (rows: number) => (transcripts === null ? rows : this.#removeTranscripts(transcripts, rows, report)),
      (rows: number) => (events === null ? rows : this.#removeEvents(events, keysCutoff, rows, report)),
      (rows: number) => (records === null ? rows : this.#removeRecords(records, rows, report)),
      (rows: number) => (records === null ? rows : this.#removeStartedCalls(records, rows, report)),
      (rows: number) => this.#removeKeys(keysCutoff, rows, report),
    ]
    this.#noteTime(now)
    let rows = rowsMax
    for (let step = steps[this.#step]; step !== undefined; step = steps[this.#step]) {
      rows = step(rows)
      if (rows <= 0) return { ...report, more: true }
      this.#begin(this.#step + 1)
    }
    this.#begin(0)
    return report
  }

  #begin(step: number): void {
    this.#step = step
    this.#call = callStart
    this.#startedCall = startedCallStart
    this.#event = eventStart
    this.#key = keyStart
  }

  // Each of these looks at so many rows at most, and returns how many are left of that; 0 or less if it is not done.

  #removeDeliveries(before: number, rows: number, report: RetentionReport): number {
    let left = rows
    for (const { key } of this.#finished.all(before, rows) as unknown as { key: number }[]) {
      left -= this.#removeDelivery(key, report)
      if (left <= 0) break
    }
    return left
  }

  #removeDelivery(key: number, report: RetentionReport): number {
    const attempts = Number(this.#deleteAttempts.run(key).changes)
    this.#deleteDelivery.run(key)
    report.attempts += attempts
    report.deliveries += 1
    return 1 + attempts
  }

  #removeTranscripts(before: number, rows: number, report: RetentionReport): number {
    return this.#eachCall(before, rows, (call, left) => {
      if (this.#hasTranscript.get(call) === undefined || this.#waits(call)) return 0
      const removed = Number(this.#deleteTranscript.run(call, left).changes)
      report.transcripts += removed
      return removed
    })
  }

  #removeRecords(before: number, rows: number, report: RetentionReport): number {
    return this.#eachCall(before, rows, (call, allowed) => {
      if (this.#waits(call)) return 0
      const removed = Number(this.#deleteParts.run(call, allowed).changes)
      if (removed < allowed) {
        report.records += Number(this.#emptyCall.run(call).changes)
        this.#deleteEmptyCall.run(call)
      }
      return removed
    })
  }

  /**
   * Calls that were started here and in which nothing was published for so long. What is delivered of them may need
   * to know where their events go, so that one stays while a delivery waits, or may still be made by the fold.
   */
  #removeStartedCalls(recordsBefore: number, rows: number, report: RetentionReport): number {
    const unfolded = this.#oldestUnfolded.get() as { received_at: number } | undefined
    const before = Math.min(recordsBefore, unfolded?.received_at ?? recordsBefore)
    const { at: afterAt, key: afterKey } = this.#startedCall
    const calls = this.#startedCalls.all(before, afterAt, afterKey, rows) as unknown as OldStartedCall[]
    for (const { key, created_at: at, call_key: call, last_event_at: lastAt } of calls) {
      this.#startedCall = { at, key }
      if ((lastAt !== null && lastAt >= before) || (call !== null && this.#waits(call))) continue
      report.records += Number(this.#deleteStartedCall.run(key).changes)
    }
    return rows - calls.length
  }

  /** Whether a delivery of the call is pending, which is made from its record. */
  #waits(call: number): boolean {
    return this.#callWaits.get(call) !== undefined
  }

  /** Goes through the calls whose last event is older; one that takes more rows than are left is come back to. */
  #eachCall(before: number, rows: number, remove: (call: number, left: number) => number): number {
    const calls = this.#calls.all(before, this.#call.at, this.#call.key, rows) as unknown as {
      call_key: number
      first_event_at: number
      last_event_at: number | null
    }[]
    let left = rows
    for (const { call_key: key, first_event_at: at, last_event_at: lastAt } of calls) {
      if (lastAt !== null && lastAt < before) left -= remove(key, left)
      if (left <= 0) return 0
      this.#call = { at, key }
      left -= 1
    }
    return left
  }

  #removeEvents(before: number, keysBefore: number, rows: number, report: RetentionReport): number {
    let left = rows
    let bytes = 0
    const events = this.#events.all(before, this.#event.at, this.#event.seq, rows) as unknown as OldEvent[]
    for (const { seq, call_id: callId, received_at: at, bytes: size } of events) {
      if (left <= 0 || bytes >= bodyBytesMax) return 0
      this.#event = { at, seq }
      left -= 1
      if (this.#isPending.get(seq) !== undefined) continue
      for (const { key } of this.#deliveriesOf.all(seq) as unknown as { key: number }[]) {
        left -= this.#removeDelivery(key, report)
      }
      if (at < keysBefore) report.keys += Number(this.#deleteKeyOf.run(seq).changes)
      const call = this.#callKey.get(callId) as { call_key: number } | undefined
      if (call !== undefined) {
        this.#deleteCallEvent.run(call.call_key, seq)
        this.#deleteEmptyCall.run(call.call_key)
      }
      this.#deleteEvent.run(seq)
      report.events += 1
      bytes += size
    }
    return left
  }

  /** Keys whose event went before them. When they came is known by their place in the log. */
  #removeKeys(before: number, rows: number, report: RetentionReport): number {
    const logTime = this.#seqAt.get(before) as { at: number; seq: number } | undefined
    if (logTime === undefined) return rows
    this.#forgetLogTimes.run(logTime.at)
    const keys = this.#keys.all(...this.#key, before, rows) as unknown as KeyRow[]
    for (const { occurred_at, source, call_id, type, content, seq, has_event } of keys) {
      this.#key = [occurred_at, source, call_id, type, content]
      if (seq <= logTime.seq && has_event === 0)
        report.keys += Number(this.#deleteKey.run(...this.#key).changes)
    }
    return rows - keys.length
  }

  #noteTime(now: number): void {
    const { at } = this.#lastLogTime.get() as { at: number | null }
    if (at === null || at <= now - logTimeEveryMs) this.#noteLogTime.run(now)
  }
}

/** Gives a bounded number of free pages back to the disk; call after the transaction. */
export function giveBackPages(database: DatabaseSync): void {
  const { freelist_count: free } = database.prepare('PRAGMA freelist_count').get() as {
    freelist_count: number
  }
  const pages = Math.min(free - freePagesKept, vacuumPagesMax)
  if (pages > 0) database.exec(`PRAGMA incremental_vacuum(${pages})`)
}

// The places before the first row of each table, in the order in which it is gone through.
const callStart = { at: -Infinity, key: 0 }
const startedCallStart = { at: -Infinity, key: 0 }
const eventStart = { at: -Infinity, seq: 0 }
const keyStart: [number, string, string, string, Uint8Array] = [-Infinity, '', '', '', new Uint8Array()]

interface OldStartedCall {
  key: number
  created_at: number
  call_key: number | null
  last_event_at: number | null
}

interface OldEvent {
  seq: number
  call_id: string
  received_at: number
  bytes: number
}

interface KeyRow {
  occurred_at: number
  source: string
  call_id: string
  type: string
  content: Uint8Array
  seq: number
  has_event: number
}
