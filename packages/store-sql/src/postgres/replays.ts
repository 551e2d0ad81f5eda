import type { ReplayFilter, ReplayMatch, ReplayRead, RoutedDelivery, StoredReplay } from '@hookswitch/core'
import { countedMax, storedReplay, type ReplayRow } from '../delivery-rows.ts'
import type { Query } from './connections.ts'
import { readHeads } from './fold.ts'
import { canBeStored } from './text.ts'

/** Places of the log that one read looks through, where few events match. */
const placesMax = 5_000

/** Bodies of one read; at least one event is read. */
const bodyBytesMax = 1024 * 1024

export async function matchReplay(
  query: Query,
  { destinationKey, filter, totalMax }: { destinationKey: number; filter: ReplayFilter; totalMax: number },
): Promise<ReplayMatch | { tooMany: number }> {
  const { sql, values, bind } = matching(filter, destinationKey)
  const [found] = await query<{ total: number; first: number | null; last: number | null }>(
    `SELECT count(*) AS total, min(seq) AS first, max(seq) AS last
     FROM (SELECT e.seq FROM ${sql} LIMIT ${bind(totalMax + countedMax)}) found`,
    values,
  )
  const { total, first, last } = found ?? { total: 0, first: null, last: null }
  if (total > totalMax) return { tooMany: total }
  return { total, afterSeq: (first ?? 1) - 1, untilSeq: last ?? 0 }
}

export async function addReplay(
  query: Query,
  replay: { destinationKey: number; filter: ReplayFilter } & ReplayMatch,
): Promise<StoredReplay> {
  const { destinationKey, filter, total, afterSeq, untilSeq } = replay
  const [row] = await query<ReplayRow>(
    `INSERT INTO hookswitch.replays
       (destination_key, filter, total, made, state, cursor_seq, until_seq, turn, created_at)
     VALUES ($1, $2, $3, 0, 'running', $4, $5, 0, hookswitch.now_ms())
     RETURNING *`,
    [destinationKey, JSON.stringify(filter), total, afterSeq, untilSeq],
  )
  if (row === undefined) throw new Error('an insert that returns no row')
  return storedReplay(row)
}

export async function getReplay(query: Query, key: number): Promise<StoredReplay | null> {
  const [row] = await query<ReplayRow>(`SELECT * FROM hookswitch.replays WHERE key = $1`, [key])
  return row === undefined ? null : storedReplay(row)
}

export async function listReplays(
  query: Query,
  { before, limit }: { before: number | null; limit: number },
): Promise<StoredReplay[]> {
  const rows = await query<ReplayRow>(
    `SELECT * FROM hookswitch.replays WHERE key < $1 ORDER BY key DESC LIMIT $2`,
    [before ?? Number.MAX_SAFE_INTEGER, limit],
  )
  return rows.map(storedReplay)
}

export async function cancelReplay(query: Query, key: number): Promise<StoredReplay | null> {
  await query(
    `UPDATE hookswitch.replays SET state = 'cancelled', finished_at = hookswitch.now_ms()
     WHERE key = $1 AND state = 'running'`,
    [key],
  )
  return getReplay(query, key)
}

export async function replayRead(query: Query, eventsMax: number): Promise<ReplayRead | null> {
  const [row] = await query<ReplayRow>(
    `SELECT * FROM hookswitch.replays WHERE state = 'running' ORDER BY turn, key LIMIT 1`,
  )
  if (row === undefined) return null
  const replay = storedReplay(row)
  const { key, filter, destinationKey, cursorSeq, untilSeq } = replay
  // Those of a call or a list are few, wherever they are.
  const isList = filter.callId !== undefined || filter.eventIds !== undefined
  const end = isList ? untilSeq : Math.min(untilSeq, cursorSeq + placesMax)
  const { sql, values, bind } = matching(filter, destinationKey, { after: cursorSeq, last: end })
  const limit = bind(eventsMax)
  const rows = await query<ReplayedRow>(
    `SELECT seq, id, source, call_id, type, body, found FROM (
       SELECT matching.*, count(*) OVER () AS found, row_number() OVER by_place AS nth,
              sum(octet_length(body)) OVER by_place - octet_length(body) AS bytes_before
       FROM (SELECT e.* FROM ${sql} ORDER BY e.seq LIMIT ${limit}::bigint + 1) matching
       WINDOW by_place AS (ORDER BY seq)
     ) measured
     WHERE nth <= ${limit} AND bytes_before < ${bind(bodyBytesMax)}
     ORDER BY seq`,
    values,
  )
  const last = end === untilSeq && rows.length === (rows[0]?.found ?? 0)
  if (rows.length === 0 && !last) {
    await query(
      `UPDATE hookswitch.replays SET cursor_seq = $3 WHERE key = $1 AND cursor_seq = $2 AND state = 'running'`,
      [key, cursorSeq, end],
    )
    replay.cursorSeq = end
  }
  const events = rows.map(({ seq, id, source, call_id, type, body }) => ({
    seq,
    id,
    source,
    callId: call_id,
    type,
    body,
  }))
  return { replay, events, heads: await readHeads(query, events), last }
}

interface ReplayedRow {
  seq: number
  id: string
  source: string
  call_id: string
  type: string
  body: Uint8Array
  /** In the window; one more than is asked for says that there are others. */
  found: number
}

/** In a transaction. */
export async function replayCommit(
  query: Query,
  commit: {
    replayKey: number
    expectedCursorSeq: number
    cursorSeq: number
    done: boolean
    deliveries: readonly RoutedDelivery[]
  },
): Promise<boolean> {
  const { replayKey, expectedCursorSeq, cursorSeq, done, deliveries } = commit
  // Both stay there until the deliveries are: what is removed first is not replayed.
  const destination = await query(
    `SELECT FROM hookswitch.destinations
     WHERE key = (SELECT destination_key FROM hookswitch.replays WHERE key = $1) FOR KEY SHARE`,
    [replayKey],
  )
  if (destination.length === 0) return false
  const there = await query<{ seq: number }>(
    `SELECT seq FROM hookswitch.events WHERE seq = ANY ($1) ORDER BY seq FOR KEY SHARE`,
    [deliveries.map(({ eventSeq }) => eventSeq)],
  )
  const seqs = new Set(there.map(({ seq }) => seq))
  const made = deliveries.filter(({ eventSeq }) => seqs.has(eventSeq))
  const moved = await query(
    `UPDATE hookswitch.replays
     SET cursor_seq = $3, made = made + $4, state = CASE WHEN $5 THEN 'done' ELSE state END,
         finished_at = CASE WHEN $5 THEN hookswitch.now_ms() END,
         turn = 1 + (SELECT max(turn) FROM hookswitch.replays WHERE state = 'running')
     WHERE key = $1 AND cursor_seq = $2 AND state = 'running' RETURNING key`,
    [replayKey, expectedCursorSeq, cursorSeq, made.length, done],
  )
  if (moved.length === 0) return false
  await query(`SELECT hookswitch.add_deliveries($1, $2, $3, $4, hookswitch.now_ms())`, [
    made.map(({ destinationKey }) => destinationKey),
    made.map(({ laneKey }) => laneKey),
    made.map(({ eventSeq }) => eventSeq),
    replayKey,
  ])
  return true
}

/**
 * The folded events `e` that a filter names, as what stands after FROM.
 *
 * @param window the places to look at, after the first and up to the last of them.
 */
function matching(
  filter: ReplayFilter,
  destinationKey: number,
  window?: { after: number; last: number },
): { sql: string; values: unknown[]; bind: (value: unknown) => string } {
  const { eventIds, callId, state, from, to, type, source } = filter
  const values: unknown[] = []
  const bind = (value: unknown): string => `$${values.push(value)}`
  const conditions = [`e.seq <= (SELECT folded_seq FROM hookswitch.fold_state)`]
  if (window !== undefined) {
    conditions.push(`e.seq > ${bind(window.after)} AND e.seq <= ${bind(window.last)}`)
  }
  // What cannot be stored is in no column, and the server would refuse to look for it.
  if (![callId, type, source].every((text) => text === undefined || canBeStored(text)))
    conditions.push('false')
  else {
    if (callId !== undefined) conditions.push(`c.call_id = ${bind(callId)}`)
    if (type !== undefined) conditions.push(`e.type = ${bind(type)}`)
    if (source !== undefined) conditions.push(`e.source = ${bind(source)}`)
  }
  if (eventIds !== undefined) conditions.push(`e.id = ANY (${bind(eventIds.filter(canBeStored))})`)
  if (from !== undefined) conditions.push(`e.received_at >= ${bind(from)}`)
  if (to !== undefined) conditions.push(`e.received_at < ${bind(to)}`)
  if (state !== undefined) {
    const [key, wanted] = [bind(destinationKey), bind(state)]
    conditions.push(
      // The first of these is what an index serves; the second says that it is the latest.
      `e.seq IN (SELECT d.event_seq FROM hookswitch.deliveries d WHERE d.destination_key = ${key} AND d.state = ${wanted})`,
      `(SELECT d.state FROM hookswitch.deliveries d
        WHERE d.event_seq = e.seq AND d.destination_key = ${key} ORDER BY d.key DESC LIMIT 1) = ${wanted}`,
    )
  }
  const tables =
    callId === undefined
      ? 'hookswitch.events e'
      : `hookswitch.calls c JOIN hookswitch.call_events ce USING (call_key) JOIN hookswitch.events e ON e.seq = ce.seq`
  return { sql: `${tables} WHERE ${conditions.join(' AND ')}`, values, bind }
}
