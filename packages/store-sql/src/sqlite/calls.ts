import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'
import type { CallHead, CallPart } from '@hookswitch/events'
import type { CallCursor, CallQuery } from '@hookswitch/core'
import { prefixEnd, readHead } from '../rows.ts'
import { Statements } from './statements.ts'

/** Reads of the call records. */
export class CallReader {
  readonly #call: StatementSync
  readonly #parts: StatementSync
  readonly #lists: Statements

  constructor(database: DatabaseSync) {
    this.#lists = new Statements(database)
    this.#call = database.prepare(`SELECT call_key, head FROM calls WHERE call_id = ? AND head <> ''`)
    this.#parts = database.prepare(`SELECT kind, seq, at, data FROM call_parts WHERE call_key = ?`)
  }

  get(callId: string): { head: CallHead; parts: CallPart[] } | null {
    const row = this.#call.get(callId) as { call_key: number; head: string } | undefined
    if (row === undefined) return null
    const parts = this.#parts.all(row.call_key) as unknown as {
      kind: string
      seq: number
      at: number
      data: string
    }[]
    return {
      head: readHead(row.head),
      parts: parts.map((part) => ({ ...part, data: JSON.parse(part.data) as unknown }) as CallPart),
    }
  }

  list(query: CallQuery): { items: CallHead[]; next: CallCursor | null } {
    const conditions: string[] = [`head <> ''`]
    const values: SQLInputValue[] = []
    const where = (sql: string, ...bound: SQLInputValue[]): void => {
      conditions.push(sql)
      values.push(...bound)
    }
    if (query.after !== undefined) {
      where(`(first_event_at, call_key) < (?, ?)`, query.after.firstEventAt, query.after.key)
    }
    if (query.agentId !== undefined) where(`agent_id = ?`, query.agentId)
    // Said twice so that the partial index of calls that have not ended can serve.
    if (query.status !== undefined) {
      where(query.status === 'ended' ? `status = ?` : `status <> 'ended' AND status = ?`, query.status)
    }
    if (query.from !== undefined) where(`first_event_at >= ?`, query.from)
    if (query.to !== undefined) where(`first_event_at < ?`, query.to)
    if (query.prefix !== undefined) {
      const range = [query.prefix, prefixEnd(query.prefix)] as const
      where(
        `(call_id >= ? COLLATE NOCASE AND call_id < ? COLLATE NOCASE
          OR conversation_id >= ? COLLATE NOCASE AND conversation_id < ? COLLATE NOCASE
          OR agent_name >= ? COLLATE NOCASE AND agent_name < ? COLLATE NOCASE)`,
        ...range,
        ...range,
        ...range,
      )
    }
    for (const { field, text } of query.outcome ?? []) {
      // json_each and not a JSON path, so that no field name needs quoting.
      where(
        `outcome IS NOT NULL AND EXISTS (SELECT 1 FROM json_each(outcome) WHERE key = ? AND value = ?)`,
        field.toWellFormed(),
        text.toWellFormed(),
      )
    }
    const sql = `SELECT call_key, first_event_at, head FROM calls
      WHERE ${conditions.join(' AND ')}
      ORDER BY first_event_at DESC, call_key DESC LIMIT ?`
    const found = this.#lists.of(sql).all(...values, query.limit + 1) as unknown as {
      call_key: number
      first_event_at: number
      head: string
    }[]
    const page = found.slice(0, query.limit)
    const last = page.at(-1)
    return {
      items: page.map((row) => readHead(row.head)),
      next:
        found.length > query.limit && last !== undefined
          ? { firstEventAt: last.first_event_at, key: last.call_key }
          : null,
    }
  }
}
