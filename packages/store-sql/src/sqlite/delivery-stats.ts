import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { holdAt, type DeliveryStats } from '@hookswitch/core'
import { countedMax } from '../delivery-rows.ts'
import type { DestinationTable } from './destinations.ts'

/** Counts what waits, destination by destination; every count stops at `countedMax`. */
export class DeliveryCounter {
  readonly #destinations: DestinationTable
  readonly #counts: StatementSync

  constructor(database: DatabaseSync, destinations: DestinationTable) {
    this.#destinations = destinations
    const counted = (sql: string): string =>
      `(SELECT count(*) FROM (SELECT 1 FROM ${sql} LIMIT ${countedMax}))`
    const lanes = (retrying: number, isDue: string): string =>
      counted(
        `lanes INDEXED BY lanes_due WHERE state = 'running' AND epoch IS NULL AND destination_key = ?1
           AND retrying = ${retrying} AND due_at ${isDue} ?2`,
      )
    const oldest = (retrying: number): string =>
      `(SELECT min(due_at) FROM lanes INDEXED BY lanes_due WHERE state = 'running' AND epoch IS NULL
          AND destination_key = ?1 AND retrying = ${retrying} AND due_at <= ?2)`
    this.#counts = database.prepare(
      `SELECT
         ${counted(`deliveries INDEXED BY deliveries_state WHERE destination_key = ?1 AND state = 'pending'`)} AS pending,
         ${lanes(0, '<=')} + ${lanes(1, '<=')} AS due,
         ${lanes(0, '>')} + ${lanes(1, '>')} AS waiting,
         ${counted(`lanes INDEXED BY lanes_parked WHERE state = 'parked' AND destination_key = ?1`)} AS parked,
         ${oldest(0)} AS oldest_fresh,
         ${oldest(1)} AS oldest_retrying`,
    )
  }

  count(now: number): DeliveryStats {
    const destinations = this.#destinations.list().map(({ key, id, definition, flow }) => {
      const row = this.#counts.get(key, now) as unknown as CountRow
      const overdue = [row.oldest_fresh, row.oldest_retrying].filter((dueAt) => dueAt !== null)
      return {
        id,
        name: definition.name,
        kind: definition.kind,
        hold: holdAt(flow, now),
        pending: row.pending,
        lanesDue: Math.min(row.due, countedMax),
        lanesWaiting: Math.min(row.waiting, countedMax),
        lanesParked: row.parked,
        oldestDueAt: overdue.length === 0 ? null : Math.min(...overdue),
      }
    })
    return { destinations, countedMax }
  }
}

interface CountRow {
  pending: number
  due: number
  waiting: number
  parked: number
  oldest_fresh: number | null
  oldest_retrying: number | null
}
