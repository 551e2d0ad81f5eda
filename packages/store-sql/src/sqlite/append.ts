import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { Appended, NewEvent } from '@hookswitch/core'
import { collisionIssue, keyTime } from '../rows.ts'

/** Writes batches of events into the log; the caller owns the transaction. */
export class Appender {
  readonly #sameKey: StatementSync
  readonly #sameEvent: StatementSync
  readonly #insertKey: StatementSync
  readonly #insertEvent: StatementSync
  #nextSeq: number

  constructor(database: DatabaseSync) {
    this.#sameKey = database.prepare(
      `SELECT content, id, seq FROM event_keys
       WHERE occurred_at = ? AND source = ? AND call_id = ? AND type = ? LIMIT 1`,
    )
    this.#sameEvent = database.prepare(
      `SELECT content, id, seq FROM event_keys
       WHERE occurred_at = ? AND source = ? AND call_id = ? AND type = ? AND content = ?`,
    )
    this.#insertKey = database.prepare(
      `INSERT INTO event_keys (occurred_at, source, call_id, type, content, id, seq) VALUES (?, ?, ?, ?, ?, ?, ?)`,
    )
    this.#insertEvent = database.prepare(
      `INSERT INTO events (seq, id, source, call_id, type, dialect, occurred_at, received_at, issues, body)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    this.#nextSeq = readNextSeq(database)
  }

  /** Call inside a transaction, and `forget()` if that is rolled back. */
  append(batch: readonly NewEvent[]): Appended[] {
    return batch.map((event) => this.appendOne(event))
  }

  /** After a rollback the numbers that were drawn are free again: nobody has seen them. */
  forget(database: DatabaseSync): void {
    this.#nextSeq = readNextSeq(database)
  }

  /** As `append`, for one event. */
  appendOne(event: NewEvent): Appended {
    const time = keyTime(event)
    const key = [time, event.source, event.callId, event.type] as const
    // Within the transaction of the only writer, so looking first and writing then is one step. One row of the key
    // is asked for, not all: a sender without times gives thousands of events one key.
    const first = this.#sameKey.get(...key) as unknown as KeyRow | undefined
    if (first !== undefined) {
      const same = isSame(first, event)
        ? first
        : (this.#sameEvent.get(...key, event.content) as unknown as KeyRow | undefined)
      if (same !== undefined) return { id: same.id, seq: same.seq, duplicate: true, collision: false }
    }
    const seq = this.#nextSeq++
    this.#insertKey.run(...key, event.content, event.id, seq)
    this.#insertEvent.run(
      seq,
      event.id,
      event.source,
      event.callId,
      event.type,
      event.dialect,
      event.occurredAt,
      event.receivedAt,
      first === undefined ? null : JSON.stringify([collisionIssue(first.id)]),
      event.body,
    )
    return { id: event.id, seq, duplicate: false, collision: first !== undefined }
  }
}

interface KeyRow {
  content: Uint8Array
  id: string
  seq: number
}

function isSame(key: KeyRow, event: NewEvent): boolean {
  return Buffer.compare(key.content, event.content) === 0
}

/** Events are removed only once they are folded, so the fold's place keeps numbers from being drawn twice. */
function readNextSeq(database: DatabaseSync): number {
  const row = database
    .prepare(
      `SELECT max(coalesce((SELECT max(seq) FROM events), 0), (SELECT folded_seq FROM fold_state)) + 1 AS next`,
    )
    .get() as { next: number }
  return row.next
}
