import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'
import type { CallHead } from '@hookswitch/events'
import type { ReplayFilter, ReplayMatch, ReplayRead, RoutedDelivery, StoredReplay } from '@hookswitch/core'
import { countedMax, storedReplay, type ReplayRow } from '../delivery-rows.ts'
import { readHead, storedEvent, type EventRow } from '../rows.ts'
import type { LaneTable } from './lanes.ts'
import { keysOf, Statements } from './statements.ts'

/** Places of the log that one read looks through, where few events match. */
const placesMax = 5_000

/** Bodies of one read; at least one event is read. */
const bodyBytesMax = 1024 * 1024

/** Events that are sent again. Call within a transaction. */
export class ReplayTable {
  readonly #lanes: LaneTable
  readonly #lists: Statements
  readonly #insert: StatementSync
  readonly #get: StatementSync
  readonly #list: StatementSync
  readonly #cancel: StatementSync
  readonly #next: StatementSync
  readonly #lookedAt: StatementSync
  readonly #commit: StatementSync
  readonly #event: StatementSync
  readonly #call: StatementSync

  constructor(database: DatabaseSync, lanes: LaneTable) {
    this.#lanes = lanes
    this.#lists = new Statements(database)
    this.#insert = database.prepare(
      `INSERT INTO replays (destination_key, filter, total, made, state, cursor_seq, until_seq, turn, created_at)
       VALUES (?, ?, ?, 0, 'running', ?, ?, 0, ?) RETURNING *`,
    )
    this.#get = database.prepare(`SELECT * FROM replays WHERE key = ?`)
    this.#list = database.prepare(`SELECT * FROM replays WHERE key < ? ORDER BY key DESC LIMIT ?`)
    this.#cancel = database.prepare(
      `UPDATE replays SET state = 'cancelled', finished_at = ? WHERE key = ? AND state = 'running'`,
    )
    this.#next = database.prepare(
      `SELECT * FROM replays INDEXED BY replays_running WHERE state = 'running' ORDER BY turn, key LIMIT 1`,
    )
    this.#lookedAt = database.prepare(`UPDATE replays SET cursor_seq = ? WHERE key = ?`)
    this.#commit = database.prepare(
      `UPDATE replays SET cursor_seq = ?, made = made + ?, state = ?, finished_at = ?,
         turn = 1 + (SELECT max(turn) FROM replays INDEXED BY replays_running WHERE state = 'running')
       WHERE key = ? AND cursor_seq = ? AND state = 'running'`,
    )
    this.#event = database.prepare(`SELECT * FROM events WHERE seq = ?`)
    this.#call = database.prepare(`SELECT head FROM calls WHERE call_id = ? AND head <> ''`)
  }

  match({
    destinationKey,
    filter,
    totalMax,
  }: {
    destinationKey: number
    filter: ReplayFilter
    totalMax: number
  }): ReplayMatch | { tooMany: number } {
    const { sql, values } = matching(filter, destinationKey, null)
    const found = this.#lists
      .of(`SELECT count(*) AS total, min(key) AS first, max(key) AS last FROM (${sql} LIMIT ?)`)
      .get(...values, totalMax + countedMax) as { total: number; first: number | null; last: number | null }
    const { total, first, last } = found
    if (total > totalMax) return { tooMany: total }
    return { total, afterSeq: first === null ? 0 : first - 1, untilSeq: last ?? 0 }
  }

  add(replay: { destinationKey: number; filter: ReplayFilter } & ReplayMatch, now: number): StoredReplay {
    const { destinationKey, filter, total, afterSeq, untilSeq } = replay
    const row = this.#insert.get(destinationKey, JSON.stringify(filter), total, afterSeq, untilSeq, now)
    return storedReplay(row as unknown as ReplayRow)
  }

  get(key: number): StoredReplay | null {
    const row = this.#get.get(key) as unknown as ReplayRow | undefined
    return row === undefined ? null : storedReplay(row)
  }

  list({ before, limit }: { before: number | null; limit: number }): StoredReplay[] {
    const rows = this.#list.all(before ?? Number.MAX_SAFE_INTEGER, limit) as unknown as ReplayRow[]
    return rows.map(storedReplay)
  }

  cancel(key: number, now: number): StoredReplay | null {
    this.#cancel.run(now, key)
    return this.get(key)
  }

  read(eventsMax: number): ReplayRead | null {
    const row = this.#next.get() as unknown as ReplayRow | undefined
    if (row === undefined) return null
    const replay = storedReplay(row)
    const { filter, destinationKey, cursorSeq, untilSeq } = replay
    // Those of a call or a list are few, wherever they are.
    const isList = filter.callId !== undefined || filter.eventIds !== undefined
    const windowEnd = isList ? untilSeq : Math.min(untilSeq, cursorSeq + placesMax)
    const { sql, values } = matching(filter, destinationKey, { after: cursorSeq, last: windowEnd })
    const seqs = keysOf(this.#lists.of(`${sql} ORDER BY e.seq LIMIT ?`).all(...values, eventsMax + 1))
    const { events, heads, isWhole } = this.#events(seqs.slice(0, eventsMax))
    const windowIsDone = isWhole && seqs.length <= eventsMax
    if (windowIsDone && events.length === 0 && windowEnd < untilSeq) {
      // Nothing in so many places: the next read begins after them.
      this.#lookedAt.run(windowEnd, replay.key)
      replay.cursorSeq = windowEnd
    }
    return { replay, events, heads, last: windowIsDone && windowEnd === untilSeq }
  }

  commit(
    commit: {
      replayKey: number
      expectedCursorSeq: number
      cursorSeq: number
      done: boolean
      deliveries: RoutedDelivery[]
    },
    now: number,
  ): boolean {
    const { replayKey, expectedCursorSeq, cursorSeq, done, deliveries } = commit
    const { changes } = this.#commit.run(
      cursorSeq,
      deliveries.length,
      done ? 'done' : 'running',
      done ? now : null,
      replayKey,
      expectedCursorSeq,
    )
    if (changes === 0) return false
    this.#lanes.append(deliveries, now)
    return true
  }

  #events(seqs: readonly number[]): Pick<ReplayRead, 'events' | 'heads'> & { isWhole: boolean } {
    const events: ReplayRead['events'] = []
    const heads = new Map<string, CallHead>()
    let bytes = 0
    for (const seq of seqs) {
      if (bytes >= bodyBytesMax) return { events, heads, isWhole: false }
      const event = storedEvent(this.#event.get(seq) as unknown as EventRow)
      events.push(event)
      bytes += event.body.byteLength
      const call = heads.has(event.callId)
        ? undefined
        : (this.#call.get(event.callId) as { head: string } | undefined)
      if (call !== undefined) heads.set(event.callId, readHead(call.head))
    }
    return { events, heads, isWhole: true }
  }
}

/**
 * Finds the folded events that a filter names, as `key`.
 *
 * @param window the places to look at, after the first and up to the last of them; null is the whole log.
 */
function matching(
  filter: ReplayFilter,
  destinationKey: number,
  window: { after: number; last: number } | null,
): { sql: string; values: SQLInputValue[] } {
  const { eventIds, callId, state, from, to, type, source } = filter
  const conditions: string[] = []
  const values: SQLInputValue[] = []
  const where = (sql: string, ...bound: SQLInputValue[]): void => {
    conditions.push(sql)
    values.push(...bound)
  }
  // One condition leads, by its index; a plus sign keeps the indexes of the others from competing with it.
  const lead = leadOf(filter, window !== null)
  const column = (name: string): string => (lead === name ? `e.${name}` : `+e.${name}`)

  if (callId !== undefined) where(`c.call_key = (SELECT call_key FROM calls WHERE call_id = ?)`, callId)
  if (window !== null) {
    const place = lead === 'call' ? 'c.seq' : column('seq')
    where(`${place} > ? AND ${place} <= ?`, window.after, window.last)
  }
  where(`+e.seq <= (SELECT folded_seq FROM fold_state)`)
  if (eventIds !== undefined) {
    where(`${column('id')} IN (SELECT value FROM json_each(?))`, JSON.stringify(eventIds))
  }
  if (from !== undefined) where(`${column('received_at')} >= ?`, from)
  if (to !== undefined) where(`${column('received_at')} < ?`, to)
  if (type !== undefined) where(`${column('type')} = ?`, type)
  if (source !== undefined) where(`e.source = ?`, source)
  if (state !== undefined) {
    if (lead === 'state') {
      where(
        `e.seq IN (SELECT event_seq FROM deliveries WHERE destination_key = ? AND state = ?)`,
        destinationKey,
        state,
      )
    }
    where(
      `(SELECT state FROM deliveries INDEXED BY deliveries_event
        WHERE event_seq = e.seq AND destination_key = ? ORDER BY key DESC LIMIT 1) = ?`,
      destinationKey,
      state,
    )
  }
  const tables = lead === 'call' ? `call_events c CROSS JOIN events e ON e.seq = c.seq` : `events e`
  return { sql: `SELECT e.seq AS key FROM ${tables} WHERE ${conditions.join(' AND ')}`, values }
}

/** What is found by an index, and tested for the rest. */
function leadOf({ eventIds, callId, state, from, to, type }: ReplayFilter, hasWindow: boolean): string {
  if (callId !== undefined) return 'call'
  if (eventIds !== undefined) return 'id'
  if (hasWindow) return 'seq'
  if (state !== undefined) return 'state'
  if (from !== undefined || to !== undefined) return 'received_at'
  return type === undefined ? 'seq' : 'type'
}
