import type { EraseReport, EraseSelection } from '@hookswitch/core'
import type { CallHead } from '@hookswitch/events'
import { phoneDigits, saysParam } from '../delivery-rows.ts'
import { hasDigits, userNumber } from '../publish-rows.ts'
import type { Query, Transaction } from './connections.ts'
import { countRouting, lockRouting } from './destinations.ts'
import { endDeliveries, hasPending } from './lanes.ts'
import { removeEvents, removeParts } from './retention.ts'
import { canBeStored } from './text.ts'

/** Calls that one chunk looks through. */
const callsLookedAtMax = 5_000

/** Events, and parts of the record, that one transaction removes; a longer call takes several. */
const rowsMax = 1_000

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
 * Erases calls: their events, records, deliveries and attempts, and what they were started with.
 *
 * What is found is found by the record of the call and by what it was started with: by its id, by its user's number
 * or either end's, or by what its params or its outcome say. An event that is not folded yet is in no record; erase
 * again once it is. Where the record was removed before its events, they are found by the id of the call alone. The
 * keys of the events stay until they are too old, with the id of the call and a hash of the content, so that a late
 * repeat brings nothing back.
 */
export class Eraser {
  readonly #query: Query
  readonly #transaction: Transaction
  /** The searches that are under way, by what they look for. */
  readonly #places = new Map<string, Place>()

  constructor(query: Query, transaction: Transaction) {
    this.#query = query
    this.#transaction = transaction
  }

  async erase(selection: EraseSelection, callsMax: number): Promise<EraseReport & { more: boolean }> {
    const search = JSON.stringify(selection)
    const report: EraseReport = { calls: 0, events: 0, deliveries: 0, attempts: 0 }
    let place: Place | null = this.#places.get(search) ?? { table: 'started_calls', after: 0 }
    while (place !== null) {
      const { table }: Place = place
      const { calls, next } = await this.#find(selection, place)
      for (const { key, call_id: callId } of calls) {
        const isGone =
          report.calls < callsMax && (await this.#transaction((query) => eraseCall(query, callId, report)))
        if (isGone) continue
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

  /** The calls that are meant in the next stretch of a table, and where the search goes on; null at its end. */
  async #find(
    selection: EraseSelection,
    { table, after }: Place,
  ): Promise<{ calls: LookedAt[]; next: Place | null }> {
    if ('callId' in selection) return { calls: await this.#withId(selection.callId), next: null }
    const digits = 'phone' in selection ? phoneDigits(selection.phone) : ''
    if (digits === null) return { calls: [], next: null }
    const calls =
      'phone' in selection
        ? await this.#withNumber(digits, table, after)
        : await this.#withParam(selection.param, table, after)
    const [looked] = await this.#query<{ count: number; last: number | null }>(
      `SELECT count(*), max(key) AS last FROM (${stretches[table]}) looked`,
      [after],
    )
    if (looked !== undefined && looked.last !== null && looked.count === callsLookedAtMax) {
      return { calls, next: { table, after: looked.last } }
    }
    return { calls, next: table === 'calls' ? null : { table: 'calls', after: 0 } }
  }

  #withId(callId: string): Promise<LookedAt[]> {
    if (!canBeStored(callId)) return Promise.resolve([])
    return this.#query<LookedAt>(
      `SELECT 0 AS key, call_id FROM hookswitch.calls WHERE call_id = $1
       UNION SELECT 0, call_id FROM hookswitch.started_calls WHERE call_id = $1`,
      [callId],
    )
  }

  async #withNumber(digits: string, table: Table, after: number): Promise<LookedAt[]> {
    if (table === 'started_calls') {
      const rows = await this.#query<LookedAt & { number: string | null }>(
        `SELECT key, call_id, number FROM (${stretches[table]}) looked ORDER BY key`,
        [after],
      )
      return rows.filter(({ number }) => hasDigits(number, digits))
    }
    const rows = await this.#query<LookedAt & { head: string }>(
      `SELECT key, call_id, head FROM (${stretches[table]}) looked
       WHERE strpos(head, '"userNumber":{') > 0 ORDER BY key`,
      [after],
    )
    return rows.filter(({ head }) =>
      hasDigits((JSON.parse(head) as CallHead).userNumber?.value ?? null, digits),
    )
  }

  async #withParam(param: { name: string; value: string }, table: Table, after: number): Promise<LookedAt[]> {
    const data =
      table === 'started_calls'
        ? `SELECT key, call_id, params AS data FROM (${stretches[table]}) looked`
        : `SELECT key, call_id, p.data FROM (${stretches[table]}) looked
           JOIN hookswitch.call_parts p ON p.call_key = key AND p.kind IN ('params', 'outcome')`
    const rows = await this.#query<LookedAt & { data: string }>(
      `SELECT * FROM (${data}) said WHERE strpos(data, $2) > 0 ORDER BY key`,
      // As it stands in the JSON, if it is there.
      [after, `${JSON.stringify(param.name)}:`],
    )
    const meant = rows.filter((row) => saysParam(row.data, param))
    // A call of which several parts say it is one call.
    return meant.filter(({ key }, index) => key !== meant[index - 1]?.key)
  }
}

const stretches: Readonly<Record<Table, string>> = {
  started_calls: `SELECT key, call_id, ${userNumber} AS number, params FROM hookswitch.started_calls
    WHERE key > $1 ORDER BY key LIMIT ${callsLookedAtMax}`,
  calls: `SELECT call_key AS key, call_id, head FROM hookswitch.calls
    WHERE call_key > $1 ORDER BY call_key LIMIT ${callsLookedAtMax}`,
}

/** In a transaction; false where the call has more than one of them removes. */
async function eraseCall(query: Query, callId: string, report: EraseReport): Promise<boolean> {
  // Not while retention goes through the same rows.
  await query(`SELECT pg_advisory_xact_lock(hashtext('hookswitch'), 3)`)
  // A fold that has read the record must not write it again.
  await lockRouting(query)
  await countRouting(query)
  const [call] = await query<{ key: number; recorded: boolean }>(
    `SELECT call_key AS key, recorded FROM hookswitch.calls WHERE call_id = $1 FOR UPDATE`,
    [callId],
  )
  if (call !== undefined && !(await eraseRecord(query, call.key, report))) return false
  const started = await query(`DELETE FROM hookswitch.started_calls WHERE call_id = $1 RETURNING 1`, [callId])
  if (call?.recorded === true || started.length > 0) report.calls += 1
  return true
}

/** The record, the events and what was delivered of them; false where that is more than one transaction removes. */
async function eraseRecord(query: Query, key: number, report: EraseReport): Promise<boolean> {
  const listed = await query<{ seq: number }>(
    `SELECT seq FROM hookswitch.call_events WHERE call_key = $1 ORDER BY seq LIMIT $2`,
    [key, rowsMax],
  )
  const seqs = listed.map(({ seq }) => seq)
  await query(`SELECT FROM hookswitch.events WHERE seq = ANY ($1) ORDER BY seq FOR UPDATE`, [seqs])
  const waiting = await query<{ key: number }>(
    `SELECT key FROM hookswitch.deliveries WHERE event_seq = ANY ($1) AND state = 'pending'`,
    [seqs],
  )
  const keys = waiting.map((delivery) => delivery.key)
  await endDeliveries(query, keys, { state: 'skipped', reason: 'erased', claimed: true })
  // A lane may be named by a number: an empty one goes now, also while it is worked on.
  await query(
    `DELETE FROM hookswitch.lanes l USING hookswitch.deliveries d
     WHERE d.key = ANY ($1) AND l.destination_key = d.destination_key AND l.lane_key = d.lane_key AND NOT ${hasPending}`,
    [keys],
  )
  const { events, deliveries, attempts } = await removeEvents(query, seqs, 0)
  report.events += events
  report.deliveries += deliveries
  report.attempts += attempts
  if (seqs.length === rowsMax || (await removeParts(query, [key], rowsMax)) === rowsMax) return false
  // What is left in it are events that were gone before.
  await query(`DELETE FROM hookswitch.call_events WHERE call_key = $1`, [key])
  await query(`DELETE FROM hookswitch.calls WHERE call_key = $1`, [key])
  return true
}
