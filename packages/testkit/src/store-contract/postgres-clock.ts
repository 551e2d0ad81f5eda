import { Client } from 'pg'
import type { DestinationFlow } from '@hookswitch/core'

/** The times in the tables of deliveries that are of the store's clock. */
const times: Readonly<Record<string, readonly string[]>> = {
  nodes: ['beat_at'],
  destinations: ['created_at', 'updated_at'],
  destination_versions: ['at'],
  lanes: ['due_at', 'parked_at'],
  deliveries: ['created_at', 'finished_at'],
  attempts: ['started_at'],
  replays: ['created_at', 'finished_at'],
  audit: ['at'],
  agents: ['created_at', 'updated_at'],
  started_calls: ['created_at'],
}

/**
 * Lets time pass for a store in PostgreSQL. The server's clock cannot be set, so all that was written by it is moved
 * into the past instead: to whoever compares it with the present, that is the same.
 */
export async function moveIntoThePast(url: string, ms: number): Promise<void> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    await client.query('BEGIN')
    for (const [table, columns] of Object.entries(times)) {
      const moved = columns.map((column) => `${column} = ${column} - $1`).join(', ')
      await client.query(`UPDATE hookswitch.${table} SET ${moved}`, [ms])
    }
    const { rows } = await client.query<{ key: number; flow: string }>(
      'SELECT key, flow FROM hookswitch.destinations',
    )
    for (const { key, flow } of rows) {
      const moved = JSON.stringify(movedFlow(JSON.parse(flow) as DestinationFlow, ms))
      await client.query('UPDATE hookswitch.destinations SET flow = $2 WHERE key = $1', [key, moved])
    }
    await client.query('COMMIT')
  } finally {
    await client.end()
  }
}

function movedFlow(flow: DestinationFlow, ms: number): DestinationFlow {
  const { hold, rateAt, failingSince = null, lastSuccessAt, lastFailureAt } = flow
  return {
    ...flow,
    hold:
      hold === null
        ? null
        : { ...hold, since: hold.since - ms, until: hold.until === null ? null : hold.until - ms },
    rateAt: rateAt - ms,
    failingSince: failingSince === null ? null : failingSince - ms,
    lastSuccessAt: lastSuccessAt === null ? null : lastSuccessAt - ms,
    lastFailureAt: lastFailureAt === null ? null : lastFailureAt - ms,
  }
}
