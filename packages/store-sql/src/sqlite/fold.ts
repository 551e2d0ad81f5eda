import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { CallChange, CallHead, Issue } from '@hookswitch/events'
import type { FoldCommit, FoldRead } from '@hookswitch/core'
import {
  callColumns,
  readHead,
  sameColumns,
  storedEvent,
  writeHead,
  type CallColumns,
  type EventRow,
} from '../rows.ts'
import type { DestinationTable } from './destinations.ts'
import type { LaneTable } from './lanes.ts'

/** The fold's side of the store: the next stretch of the log, and writing what came of it. */
export class Folder {
  readonly #destinations: DestinationTable
  readonly #lanes: LaneTable
  readonly #state: StatementSync
  readonly #advance: StatementSync
  readonly #next: StatementSync
  readonly #call: StatementSync
  readonly #insertCall: StatementSync
  readonly #updateHead: StatementSync
  readonly #updateCall: StatementSync
  readonly #updateOutcome: StatementSync
  readonly #putPart: StatementSync
  readonly #dropPart: StatementSync
  readonly #insertCallEvent: StatementSync
  readonly #issues: StatementSync
  readonly #mark: StatementSync
  /** The rows of the calls of the last read, so that its commit need not look them up again. */
  readonly #read = new Map<string, { key: number; columns: CallColumns | null }>()

  constructor(database: DatabaseSync, destinations: DestinationTable, lanes: LaneTable) {
    this.#destinations = destinations
    this.#lanes = lanes
    this.#state = database.prepare(`SELECT folded_seq FROM fold_state`)
    this.#advance = database.prepare(`UPDATE fold_state SET folded_seq = ? WHERE folded_seq = ?`)
    this.#next = database.prepare(`SELECT * FROM events WHERE seq > ? ORDER BY seq LIMIT ?`)
    this.#call = database.prepare(`SELECT call_key, head FROM calls WHERE call_id = ?`)
    this.#insertCall = database.prepare(
      `INSERT INTO calls (call_id, head, first_event_at, status, agent_id, agent_name, conversation_id, outcome)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    this.#updateHead = database.prepare(`UPDATE calls SET head = ? WHERE call_key = ?`)
    this.#updateCall = database.prepare(
      `UPDATE calls SET head = ?, first_event_at = ?, status = ?, agent_id = ?, agent_name = ?, conversation_id = ?
       WHERE call_key = ?`,
    )
    this.#updateOutcome = database.prepare(`UPDATE calls SET outcome = ? WHERE call_key = ?`)
    this.#putPart = database.prepare(
      `INSERT INTO call_parts (call_key, kind, seq, at, data) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (call_key, kind, seq) DO UPDATE SET at = excluded.at, data = excluded.data`,
    )
    this.#dropPart = database.prepare(`DELETE FROM call_parts WHERE call_key = ? AND kind = ? AND seq = ?`)
    this.#insertCallEvent = database.prepare(
      `INSERT OR IGNORE INTO call_events (call_key, seq) VALUES (?, ?)`,
    )
    this.#issues = database.prepare(`SELECT issues FROM events WHERE seq = ?`)
    this.#mark = database.prepare(`UPDATE events SET issues = ? WHERE seq = ?`)
  }

  read(eventsMax: number, bytesMax: number): FoldRead {
    const { folded_seq: foldedSeq } = this.#state.get() as { folded_seq: number }
    const events = []
    const heads = new Map<string, CallHead>()
    this.#read.clear()
    let bytes = 0
    for (const row of this.#next.iterate(foldedSeq, eventsMax) as unknown as Iterable<EventRow>) {
      events.push(storedEvent(row))
      bytes += row.body.byteLength
      if (bytes >= bytesMax) break
    }
    for (const { callId } of events) {
      if (heads.has(callId)) continue
      const row = this.#call.get(callId) as CallRow | undefined
      if (row === undefined) continue
      const head = row.head === '' ? null : readHead(row.head)
      if (head !== null) heads.set(callId, head)
      this.#read.set(callId, { key: row.call_key, columns: head === null ? null : callColumns(head) })
    }
    return { foldedSeq, events, heads, ...this.#destinations.routed() }
  }

  /** Call inside a transaction; false means that nothing was written, because the fold or the routing has moved on. */
  commit(commit: FoldCommit, now: number): boolean {
    if (this.#destinations.routing() !== commit.expectedRouting) return false
    if (this.#advance.run(commit.foldedSeq, commit.expectedFoldedSeq).changes === 0) return false
    const keys = new Map<string, number>()
    for (const change of commit.calls) keys.set(change.head.callId, this.#write(change))
    for (const { seq, callId } of commit.events) {
      const key = keys.get(callId) ?? (this.#call.get(callId) as CallRow | undefined)?.call_key
      if (key !== undefined) this.#insertCallEvent.run(key, seq)
    }
    for (const { seq, issue } of commit.marked) this.#addIssue(seq, issue)
    this.#lanes.append(commit.deliveries, now)
    return true
  }

  #write(change: CallChange): number {
    const { callId } = change.head
    // SQLite's text is UTF-8: half a surrogate pair is replaced here as it is in what a search asks for.
    const outcome = change.outcomeText === undefined ? null : wellFormedJson(change.outcomeText)
    const key = this.#update(change, outcome) ?? this.#insert(change, outcome)
    for (const part of change.drop) this.#dropPart.run(key, part.kind, part.seq)
    for (const part of change.put) {
      this.#putPart.run(key, part.kind, part.seq, part.at, JSON.stringify(part.data))
    }
    this.#read.delete(callId)
    return key
  }

  #insert({ head }: CallChange, outcome: string | null): number {
    const { firstEventAt, status, agentId, agentName, conversationId } = callColumns(head)
    return Number(
      this.#insertCall.run(
        head.callId,
        writeHead(head),
        firstEventAt,
        status,
        agentId,
        agentName,
        conversationId,
        outcome,
      ).lastInsertRowid,
    )
  }

  /** Null when the call has no row, or has it no longer. */
  #update({ head }: CallChange, outcome: string | null): number | null {
    const row = this.#read.get(head.callId)
    if (row === undefined) return null
    const columns = callColumns(head)
    const { firstEventAt, status, agentId, agentName, conversationId } = columns
    // Naming an indexed column in an UPDATE rewrites its index entry, also where the value stays the same.
    const { changes } =
      row.columns !== null && sameColumns(columns, row.columns)
        ? this.#updateHead.run(writeHead(head), row.key)
        : this.#updateCall.run(
            writeHead(head),
            firstEventAt,
            status,
            agentId,
            agentName,
            conversationId,
            row.key,
          )
    if (changes === 0) return null
    if (outcome !== null) this.#updateOutcome.run(outcome, row.key)
    return row.key
  }

  #addIssue(seq: number, issue: Issue): void {
    const row = this.#issues.get(seq) as { issues: string | null } | undefined
    if (row === undefined) return
    const issues = row.issues === null ? [] : (JSON.parse(row.issues) as Issue[])
    this.#mark.run(JSON.stringify([...issues, issue]), seq)
  }
}

interface CallRow {
  call_key: number
  head: string
}

function wellFormedJson(texts: Record<string, string>): string {
  return JSON.stringify(
    Object.fromEntries(
      Object.entries(texts).map(([field, text]) => [field.toWellFormed(), text.toWellFormed()]),
    ),
  )
}
