import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { EventQuery, LogBounds, StoredEvent } from '@hookswitch/core'
import { storedEvent, type EventRow } from '../rows.ts'

/** Reads of the log. */
export class EventReader {
  readonly #all: StatementSync
  readonly #ofType: StatementSync
  readonly #ofCall: StatementSync
  readonly #tailOfCall: StatementSync
  readonly #byId: StatementSync
  readonly #bySeq: StatementSync
  readonly #bounds: StatementSync
  readonly #callKey: StatementSync

  constructor(database: DatabaseSync) {
    this.#all = database.prepare(`SELECT * FROM events WHERE seq > ? ORDER BY seq LIMIT ?`)
    this.#ofType = database.prepare(`SELECT * FROM events WHERE type = ? AND seq > ? ORDER BY seq LIMIT ?`)
    this.#callKey = database.prepare(`SELECT call_key FROM calls WHERE call_id = ?`)
    this.#ofCall = database.prepare(
      `SELECT e.* FROM call_events c JOIN events e ON e.seq = c.seq
       WHERE c.call_key = ?1 AND c.seq > ?2 AND (?3 IS NULL OR e.type = ?3) ORDER BY c.seq LIMIT ?4`,
    )
    // What is not folded yet is not in call_events; it is the short end of the log.
    this.#tailOfCall = database.prepare(
      `SELECT * FROM events
       WHERE seq > max(?2, (SELECT folded_seq FROM fold_state)) AND call_id = ?1 AND (?3 IS NULL OR type = ?3)
       ORDER BY seq LIMIT ?4`,
    )
    this.#byId = database.prepare(`SELECT * FROM events WHERE id = ?`)
    this.#bySeq = database.prepare(`SELECT * FROM events WHERE seq = ?`)
    this.#bounds = database.prepare(
      `SELECT coalesce((SELECT min(seq) FROM events), 0) AS oldest,
              coalesce((SELECT max(seq) FROM events), 0) AS newest,
              folded_seq AS folded,
              (SELECT received_at FROM events WHERE seq > folded_seq ORDER BY seq LIMIT 1) AS unfolded
       FROM fold_state`,
    )
  }

  /** Call inside a read transaction, so that the folded part and the tail are of one moment. */
  list(query: EventQuery): StoredEvent[] {
    const bytesMax = query.bytesMax ?? Infinity
    const events: StoredEvent[] = []
    let bytes = 0
    for (const row of this.#rows(query)) {
      events.push(storedEvent(row))
      bytes += row.body.byteLength
      if (events.length >= query.limit || bytes >= bytesMax) break
    }
    return events
  }

  get(id: string): StoredEvent | null {
    const row = this.#byId.get(id) as unknown as EventRow | undefined
    return row === undefined ? null : storedEvent(row)
  }

  at(seqs: readonly number[]): StoredEvent[] {
    return seqs.flatMap((seq) => {
      const row = this.#bySeq.get(seq) as unknown as EventRow | undefined
      return row === undefined ? [] : [storedEvent(row)]
    })
  }

  bounds(): LogBounds {
    const row = this.#bounds.get() as {
      oldest: number
      newest: number
      folded: number
      unfolded: number | null
    }
    return {
      oldestSeq: row.oldest,
      newestSeq: row.newest,
      foldedSeq: row.folded,
      oldestUnfoldedAt: row.unfolded,
    }
  }

  *#rows({ callId, type, after, limit }: EventQuery): Iterable<EventRow> {
    if (callId !== undefined) {
      const call = this.#callKey.get(callId) as { call_key: number } | undefined
      if (call !== undefined) yield* rows(this.#ofCall.iterate(call.call_key, after, type ?? null, limit))
      yield* rows(this.#tailOfCall.iterate(callId, after, type ?? null, limit))
    } else if (type !== undefined) {
      yield* rows(this.#ofType.iterate(type, after, limit))
    } else {
      yield* rows(this.#all.iterate(after, limit))
    }
  }
}

function rows(found: Iterable<unknown>): Iterable<EventRow> {
  return found as Iterable<EventRow>
}
