import type { Command } from 'commander'
import { addConnectionOptions, connect, type ConnectionOptions } from '../api/connection.ts'
import type { ApiExplanation } from '../api/delivery-shapes.ts'
import type { Context } from '../context.ts'
import { helpEnding } from '../help.ts'
import { jsonOption } from '../options.ts'
import { printable } from '../terminal/printable.ts'
import type { Style, Terminal } from '../terminal/terminal.ts'
import { columnsOf } from '../terminal/width.ts'
import { wrapText } from '../terminal/wrap.ts'

export function addExplainCommand(program: Command, context: Context): void {
  const explain = program
    .command('explain')
    .description('say of an event what became of it at each destination, and why')
    .argument('<id>', 'of the event, evt_…')
    .option('--destination <id>', "only this one, by id or name, such as another agent's webhook")
  addConnectionOptions(explain.addOption(jsonOption()))
    .addHelpText('after', helpEnding('hookswitch explain evt_01m812c3npnwhxm7s3kfwmg6x2'))
    .action(async (id: string, options: ConnectionOptions & { destination?: string; json?: true }) => {
      const { terminal } = context
      const api = await connect(options, context)
      const { value, text } = await api.get<ApiExplanation>(`/events/${encodeURIComponent(id)}/explain`, {
        destination: options.destination,
      })
      terminal.print(options.json === true ? text : formatExplanation(value, terminal))
    })
}

const good: ReadonlySet<string> = new Set(['delivered'])
const bad: ReadonlySet<string> = new Set(['dead', 'parked', 'held'])

/** A line of prose longer than this is hard to read, however wide the terminal is. */
const proseColumnsMax = 100

function formatExplanation(
  { eventId, callId, type, folded, destinations }: ApiExplanation,
  terminal: Terminal,
): string {
  const title = `${terminal.paint('bold', printable(eventId))}  ${printable(type)} of ${printable(callId)}`
  const labelColumns = Math.max(0, ...destinations.map(({ destination }) => columnsOf(destination.name)))
  const lines = destinations.flatMap(({ destination, state, sentence }) => {
    const style: Style = good.has(state) ? 'green' : bad.has(state) ? 'red' : 'cyan'
    const label = printable(destination.name)
    const padded = label + ' '.repeat(Math.max(0, labelColumns - columnsOf(label)))
    const textColumns = Math.max(20, Math.min(terminal.columns, proseColumnsMax) - labelColumns - 4)
    return wrapText(printable(sentence), textColumns).map((line, number) =>
      number === 0 ? `  ${terminal.paint(style, padded)}  ${line}` : `  ${' '.repeat(labelColumns)}  ${line}`,
    )
  })
  if (!folded) lines.unshift('  It is stored; its turn to be routed has not come yet.')
  else if (lines.length === 0) lines.push('  No destination takes such events, and none did then.')
  return [title, ...lines].join('\n')
}
