import type { EraseReport, EraseSelection } from '@hookswitch/core'
import type { CallHead } from '@hookswitch/events'
import { phoneDigits, saysParam } from '../delivery-rows.ts'
import type { Query, Transaction } from './connections.ts'
import { countRouting, lockRouting } from './destinations.ts'
import { endDeliveries, hasPending } from './lanes.ts'
import { removeEvents, removeParts } from './retention.ts'
import { canBeStored } from './text.ts'

/** Calls that one chunk looks through. */
const callsLookedAtMax = 5_000

/** Events, and parts of the record, that one transaction removes; a longer call takes several. */
const rowsMax = 1_000

/**
 * Erases calls: their events, records, deliveries and attempts.
 *
 * What is found is found by the record of the call: by its id, by its user's number, or by what its params or its
 * outcome say. An event that is not folded yet is in no record; erase again once it is. Where the record was removed
 * before its events, they are found by the id of the call alone. The keys of the events stay until they are too old,
 * with the id of the call and a hash of the content, so that a late repeat brings nothing back.
 */
export class Eraser {
  readonly #query: Query
  readonly #transaction: Transaction
  /** How far each search has come that is under way, by what it looks for. */
  readonly #lookedAt = new Map<string, number>()

  constructor(query: Query, transaction: Transaction) {
    this.#query = query
    this.#transaction = transaction
  }

  async erase(selection: EraseSelection, callsMax: number): Promise<EraseReport & { more: boolean }> {
    const search = JSON.stringify(selection)
    const report: EraseReport = { calls: 0, events: 0, deliveries: 0, attempts: 0 }
    const found = await this.#find(selection, this.#lookedAt.get(search) ?? 0)
    for (const key of found.calls) {
      const isGone =
        report.calls < callsMax && (await this.#transaction((query) => eraseCall(query, key, report)))
      if (isGone) continue
      this.#lookedAt.set(search, key - 1)
      return { ...report, more: true }
    }
    if (found.lookedAt === null) this.#lookedAt.delete(search)
    else this.#lookedAt.set(search, found.lookedAt)
    return { ...report, more: found.lookedAt !== null }
  }

  /** The calls that are meant, by key, and the last one looked at; null where there are no more. */
  async #find(
    selection: EraseSelection,
    after: number,
  ): Promise<{ calls: number[]; lookedAt: number | null }> {
    if ('callId' in selection) {
      const { callId } = selection
      if (!canBeStored(callId)) return { calls: [], lookedAt: null }
      const rows = await this.#query<{ call_key: number }>(
        `SELECT call_key FROM hookswitch.calls WHERE call_id = $1`,
        [callId],
      )
      return { calls: rows.map(({ call_key }) => call_key), lookedAt: null }
    }
    const calls =
      'phone' in selection
        ? await this.#withNumber(selection.phone, after)
        : await this.#withParam(selection.param, after)
    if (calls === null) return { calls: [], lookedAt: null }
    const [looked] = await this.#query<{ count: number; last: number | null }>(
      `SELECT count(*), max(call_key) AS last FROM (${stretch}) looked`,
      [after],
    )
    const isLast = looked === undefined || looked.count < callsLookedAtMax
    return { calls, lookedAt: isLast ? null : looked.last }
  }

  /** Null where the number is none. */
  async #withNumber(phone: string, after: number): Promise<number[] | null> {
    const digits = phoneDigits(phone)
    if (digits === null) return null
    const rows = await this.#query<{ call_key: number; head: string }>(
      `SELECT call_key, head FROM (${stretch}) looked WHERE strpos(head, '"userNumber":{') > 0 ORDER BY call_key`,
      [after],
    )
    return rows
      .filter(({ head }) => {
        const number = (JSON.parse(head) as CallHead).userNumber?.value
        return number !== undefined && phoneDigits(number) === digits
      })
      .map(({ call_key }) => call_key)
  }

  async #withParam(param: { name: string; value: string }, after: number): Promise<number[]> {
    const rows = await this.#query<{ call_key: number; data: string }>(
      `SELECT p.call_key, p.data FROM (${stretch}) looked JOIN hookswitch.call_parts p USING (call_key)
       WHERE p.kind IN ('params', 'outcome') AND strpos(p.data, $2) > 0 ORDER BY p.call_key`,
      // As it stands in the JSON, if it is there.
      [after, `${JSON.stringify(param.name)}:`],
    )
    return [...new Set(rows.filter(({ data }) => saysParam(data, param)).map(({ call_key }) => call_key))]
  }
}

const stretch = `SELECT call_key, head FROM hookswitch.calls WHERE call_key > $1 ORDER BY call_key LIMIT ${callsLookedAtMax}`

/** In a transaction; false where the call has more than one of them removes. */
async function eraseCall(query: Query, key: number, report: EraseReport): Promise<boolean> {
  // Not while retention goes through the same rows.
  await query(`SELECT pg_advisory_xact_lock(hashtext('hookswitch'), 3)`)
  // A fold that has read the record must not write it again.
  await lockRouting(query)
  await countRouting(query)
  await query(`SELECT FROM hookswitch.calls WHERE call_key = $1 FOR UPDATE`, [key])
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
  const [call] = await query<{ recorded: boolean }>(
    `DELETE FROM hookswitch.calls WHERE call_key = $1 RETURNING recorded`,
    [key],
  )
  if (call?.recorded === true) report.calls += 1
  return true
}
