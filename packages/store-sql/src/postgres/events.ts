import type { EventQuery, LogBounds, StoredEvent } from '@hookswitch/core'
import { storedEvent, type EventRow } from '../rows.ts'
import type { Query } from './connections.ts'
import { canBeStored } from './text.ts'

export const eventColumns = 'seq, id, source, call_id, type, dialect, occurred_at, received_at, issues, body'

/** A page of the log, ascending. */
export async function listEvents(query: Query, wanted: EventQuery): Promise<StoredEvent[]> {
  const { callId, type, after, limit, bytesMax } = wanted
  if (![callId, type].every((text) => text === undefined || canBeStored(text))) return []
  const values: unknown[] = [after, limit]
  const bind = (value: unknown): string => `$${values.push(value)}`
  const ofType = type === undefined ? '' : `AND e.type = ${bind(type)}`
  const log =
    callId === undefined
      ? `SELECT ${eventColumns} FROM hookswitch.events e WHERE e.seq > $1 ${ofType} ORDER BY e.seq LIMIT $2`
      : ofCall(bind(callId), bind(await foldedSeq(query)), ofType)
  // Sizes are known without reading the bodies, so that none beyond the bound leaves the disk.
  const rows = await query<EventRow>(
    bytesMax === undefined
      ? log
      : `SELECT ${eventColumns} FROM (
           SELECT page.*, sum(octet_length(body)) OVER (ORDER BY seq) - octet_length(body) AS bytes_before
           FROM (${log}) page
         ) measured
         WHERE bytes_before < ${bind(bytesMax)} OR bytes_before = 0
         ORDER BY seq`,
    values,
  )
  return rows.map(storedEvent)
}

/**
 * The events of a call up to a place that is folded, from the index; and those after it, from the end of the log.
 * The fold may go on meanwhile: up to that place the index is complete and does not change. The place is a value
 * and not a subquery, so that the planner can see how short that end is.
 */
function ofCall(callId: string, folded: string, ofType: string): string {
  return `
    SELECT * FROM (
      (SELECT ${prefixed} FROM hookswitch.calls c
         JOIN hookswitch.call_events ce USING (call_key)
         JOIN hookswitch.events e ON e.seq = ce.seq
       WHERE c.call_id = ${callId} AND ce.seq > $1 AND ce.seq <= ${folded} ${ofType} ORDER BY ce.seq LIMIT $2)
      UNION ALL
      (SELECT ${prefixed} FROM hookswitch.events e
       WHERE e.seq > greatest($1, ${folded}) AND e.call_id = ${callId} ${ofType} ORDER BY e.seq LIMIT $2)
    ) both_parts ORDER BY seq LIMIT $2`
}

const prefixed = eventColumns.replaceAll(/\w+/g, 'e.$&')

async function foldedSeq(query: Query): Promise<number> {
  const [row] = await query<{ folded_seq: number }>(`SELECT folded_seq FROM hookswitch.fold_state`)
  return row?.folded_seq ?? 0
}

export async function getEvent(query: Query, id: string): Promise<StoredEvent | null> {
  if (!canBeStored(id)) return null
  const [row] = await query<EventRow>(`SELECT ${eventColumns} FROM hookswitch.events WHERE id = $1`, [id])
  return row === undefined ? null : storedEvent(row)
}

export async function logBounds(query: Query): Promise<LogBounds> {
  const [row] = await query<{ oldest: number; newest: number; folded: number; unfolded: number | null }>(
    `SELECT coalesce((SELECT min(seq) FROM hookswitch.events), 0) AS oldest,
            coalesce((SELECT max(seq) FROM hookswitch.events), 0) AS newest,
            folded_seq AS folded,
            (SELECT received_at FROM hookswitch.events WHERE seq > folded_seq ORDER BY seq LIMIT 1) AS unfolded
     FROM hookswitch.fold_state`,
  )
  return {
    oldestSeq: row?.oldest ?? 0,
    newestSeq: row?.newest ?? 0,
    foldedSeq: row?.folded ?? 0,
    oldestUnfoldedAt: row?.unfolded ?? null,
  }
}
