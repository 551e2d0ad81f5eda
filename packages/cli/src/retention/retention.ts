import type { Command } from 'commander'
import { addConnectionOptions, connect, type ConnectionOptions } from '../api/connection.ts'
import type { ApiRetention } from '../api/delivery-shapes.ts'
import type { Context } from '../context.ts'
import { helpEnding } from '../help.ts'
import { jsonOption } from '../options.ts'
import { formatTable } from '../terminal/table.ts'
import { localTime, zonePlace } from '../time/moment.ts'

const contents: readonly [name: keyof ApiRetention, what: string][] = [
  ['attempts', 'deliveries that have ended, with their tries'],
  ['transcripts', 'transcripts and tools of calls'],
  ['records', 'whole records of calls'],
  ['events', 'events, with their bytes'],
]

export function addRetentionCommand(program: Command, context: Context): void {
  const command = program.command('retention').description('show how long what is kept')
  addConnectionOptions(command.addOption(jsonOption()))
    .addHelpText('after', helpEnding('hookswitch retention'))
    .action((options: ConnectionOptions & { json?: true }) => retention(options, context))
}

async function retention(options: ConnectionOptions & { json?: true }, context: Context): Promise<void> {
  const { terminal } = context
  const { value, text } = await (await connect(options, context)).get<ApiRetention>('/retention')
  if (options.json === true) {
    terminal.print(text)
    return
  }
  const rows = contents.map(([name, what]) => ({ name, what, ...value[name] }))
  terminal.print(
    formatTable(
      [
        { title: 'class', text: ({ name }) => name, whole: true },
        { title: 'what it is', text: ({ what }) => what },
        { title: 'kept', text: ({ days }) => keptText(days), whole: true },
        {
          title: `removed before (${zonePlace()})`,
          text: ({ removedBefore }) => localTime(removedBefore),
          whole: true,
        },
      ],
      rows,
      { columns: terminal.columns, paintTitle: (title) => terminal.paint('bold', title) },
    ),
  )
}

function keptText(days: number | null): string {
  if (days === null) return 'for good'
  return days === 1 ? '1 day' : `${days} days`
}
