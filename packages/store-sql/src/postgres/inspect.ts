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
    const [server] = await read<{ now_ms: number; there: boolean } & Record<string, unknown>>(
      `SELECT extract(epoch FROM clock_timestamp()) * 1000 AS now_ms,
              EXISTS (SELECT FROM pg_tables WHERE schemaname = 'hookswitch' AND tablename = 'meta') AS there,
              ${durabilitySettings.map((name) => `current_setting('${name}') AS ${name}`).join(', ')}`,
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
      durability: Object.fromEntries(durabilitySettings.map((name) => [name, String(server?.[name] ?? '')])),
      clockAheadMs: Math.round(Number(server?.now_ms ?? middle) - middle),
    }
  } catch (error) {
    throw unreachable(error, location, connections.startCommand)
  } finally {
    await connections.close()
  }
}
