import { holdAt, type DeliveryStats } from '@hookswitch/core'
import { countedMax, storedDestination, type DestinationRow } from '../delivery-rows.ts'
import type { Query } from './connections.ts'

/** Counts what waits, destination by destination; every count stops at `countedMax`. */
export async function deliveryStats(query: Query): Promise<DeliveryStats> {
  const counted = (sql: string): string =>
    `(SELECT count(*) FROM (SELECT FROM hookswitch.${sql} LIMIT ${countedMax}) counted)`
  // Each kind by itself, as the index has them.
  const free = (retrying: boolean): string =>
    `lanes WHERE destination_key = d.key AND retrying = ${retrying} AND state = 'running' AND epoch IS NULL`
  const oldest = (retrying: boolean): string =>
    `(SELECT due_at FROM hookswitch.${free(retrying)} AND due_at <= now ORDER BY due_at LIMIT 1)`
  const rows = await query<
    DestinationRow &
      Record<'pending' | 'due' | 'waiting' | 'parked', number> & { oldest: number | null; now: number }
  >(
    `SELECT d.*, now,
            ${counted(`deliveries WHERE destination_key = d.key AND state = 'pending'`)} AS pending,
            ${counted(`${free(false)} AND due_at <= now`)} + ${counted(`${free(true)} AND due_at <= now`)} AS due,
            ${counted(`${free(false)} AND due_at > now`)} + ${counted(`${free(true)} AND due_at > now`)} AS waiting,
            ${counted(`lanes WHERE destination_key = d.key AND state = 'parked'`)} AS parked,
            least(${oldest(false)}, ${oldest(true)}) AS oldest
     FROM hookswitch.destinations d, hookswitch.now_ms() AS now ORDER BY d.key`,
  )
  return {
    destinations: rows.map((row) => {
      const { id, definition, flow } = storedDestination(row)
      return {
        id,
        name: definition.name,
        kind: definition.kind,
        hold: holdAt(flow, row.now),
        pending: row.pending,
        lanesDue: Math.min(row.due, countedMax),
        lanesWaiting: Math.min(row.waiting, countedMax),
        lanesParked: row.parked,
        oldestDueAt: row.oldest,
      }
    }),
    countedMax,
  }
}
