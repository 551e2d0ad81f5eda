import type { StoreInspection } from '../inspection.ts'
import { Connections } from './connections.ts'
import { durabilitySettings } from './durability.ts'
import { unreachable } from './failure.ts'
import { migrations } from './schema.ts'

/** Looks at the database without changing anything in it. */
export async function inspectPostgres({ url }: { url: string }): Promise<StoreInspection> {
  const connections = new Connections(url)
  const { location, read } = connections
  try {
    const askedAt = Date.now()
    const [server] = await read<{ now_ms: number; there: boolean; durability: Record<string, string> }>(
      `SELECT (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS now_ms,
              EXISTS (SELECT FROM pg_tables WHERE schemaname = 'hookswitch' AND tablename = 'meta') AS there,
              (SELECT jsonb_object_agg(name, setting) FROM pg_settings WHERE name = ANY ($1)) AS durability`,
      [durabilitySettings],
    )
    const middle = (askedAt + Date.now()) / 2
    const [meta] =
      server?.there === true
        ? await read<{ version: number }>('SELECT schema_version AS version FROM hookswitch.meta')
        : []
    return {
      location,
      schemaVersion: meta?.version ?? null,
      schemaKnown: migrations.length,
      durability: server?.durability ?? {},
      clockAheadMs: Math.round((server?.now_ms ?? middle) - middle),
    }
  } catch (error) {
    throw unreachable(error, location, connections.startCommand)
  } finally {
    await connections.close()
  }
}
