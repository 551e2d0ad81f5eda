import type { Command } from 'commander'
import type { Context } from '../context.ts'
import { helpEnding } from '../help.ts'
import { jsonOption } from '../options.ts'
import { storeLocation } from '../store-location.ts'

export function addMigrateCommand(program: Command, context: Context): void {
  program
    .command('migrate')
    .description("bring the store to this program's schema, as a start would")
    .addOption(jsonOption())
    .addHelpText('after', helpEnding('hookswitch migrate'))
    .action((options: { json?: true }) => migrate(options, context))
}

/** With SQLite it holds the data folder meanwhile, and so is refused beside a running server. */
async function migrate(options: { json?: true }, { terminal, environment }: Context): Promise<void> {
  // Brings the engines of the stores along, which nothing else here needs.
  const { inspectStore, openStore } = await import('@hookswitch/store-sql')
  const at = storeLocation(environment())
  const before = await inspectStore(at)
  const store = await openStore(at)
  try {
    const { location, schemaVersion } = await store.stats()
    const result = { location, before: before.schemaVersion, after: schemaVersion }
    if (options.json === true) terminal.printJson(result)
    else terminal.print(`${location}: ${describe(result)}`)
  } finally {
    await store.close()
  }
}

function describe({ before, after }: { before: number | null; after: number }): string {
  if (before === null) return `made, with schema version ${after}`
  return before === after ? `schema version ${after}, nothing to do` : `schema version ${before} → ${after}`
}
