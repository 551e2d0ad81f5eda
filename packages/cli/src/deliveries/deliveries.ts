import { Option, type Command } from 'commander'
import { actBody, addActOptions, type ActOptions } from '../api/act-options.ts'
import type { Page } from '../api/api-client.ts'
import { addConnectionOptions, connect, type ConnectionOptions } from '../api/connection.ts'
import type { ApiDelivery, ApiDeliveryDetail } from '../api/delivery-shapes.ts'
import { addListOptions, noteNext, type ListOptions } from '../api/list-options.ts'
import type { Context } from '../context.ts'
import { helpEnding } from '../help.ts'
import { jsonOption } from '../options.ts'
import { formatDeliveries, formatDelivery } from './delivery-text.ts'

interface DeliveryListOptions extends ListOptions {
  state?: string
  destination?: string
  call?: string
}

export function addDeliveriesCommand(program: Command, context: Context): void {
  const deliveries = program
    .command('deliveries')
    .description('look at deliveries, try them again, skip them')
    .addHelpText(
      'after',
      helpEnding('hookswitch deliveries --state pending', 'hookswitch deliveries show dlv_1042'),
    )

  const states = ['pending', 'delivered', 'filtered', 'dead', 'skipped']
  addListOptions(
    deliveries
      .command('list', { isDefault: true })
      .description('list them, newest first; the default')
      .addOption(new Option('--state <state>', 'only those in this state').choices(states))
      .option('--destination <id>', 'only those to this destination, by id or name')
      .option('--call <id>', 'only those of the events of this call'),
  )
    .addHelpText('after', helpEnding('hookswitch deliveries --destination crm --state pending'))
    .action((options: DeliveryListOptions) =>
      listDeliveries(options, { state: options.state, callId: options.call }, 'No deliveries.', context),
    )

  const show = deliveries.command('show').argument('<id>', 'as the list shows it')
  addConnectionOptions(show.description('show one with all its tries').addOption(jsonOption()))
    .addHelpText('after', helpEnding('hookswitch deliveries show dlv_1042'))
    .action(async (id: string, options: ConnectionOptions & { json?: true }) => {
      const { terminal } = context
      const { value, text } = await (await connect(options, context)).get<ApiDeliveryDetail>(pathOf(id))
      terminal.print(options.json === true ? text : formatDelivery(value, terminal))
    })

  for (const [act, description] of [
    ['retry', 'try one again, with all its tries; one that was given up joins its lane at the tail'],
    ['skip', 'pass one over that waits'],
  ] as const) {
    addActOptions(deliveries.command(act).argument('<id>', 'as the list shows it').description(description))
      .addHelpText('after', helpEnding(`hookswitch deliveries ${act} dlv_1042`))
      .action(async (id: string, options: ActOptions) => {
        const { terminal } = context
        const api = await connect(options, context)
        const { value, text } = await api.post<ApiDeliveryDetail>(`${pathOf(id)}/${act}`, actBody(options))
        terminal.print(options.json === true ? text : `${value.id} is ${value.state}.`)
      })
  }
}

/** Also what `dead` lists. */
export async function listDeliveries(
  options: ListOptions & { destination?: string },
  filter: { state?: string | undefined; callId?: string | undefined },
  nothing: string,
  context: Context,
): Promise<void> {
  const { terminal } = context
  const { destination, limit, cursor } = options
  const api = await connect(options, context)
  const query = { ...filter, destination, limit, cursor }
  const { value, text } = await api.get<Page<ApiDelivery>>('/deliveries', query)
  if (options.json === true) terminal.print(text)
  else if (value.items.length === 0) terminal.note(nothing)
  else {
    terminal.print(formatDeliveries(value.items, terminal))
    noteNext(value, context)
  }
}

function pathOf(id: string): string {
  return `/deliveries/${encodeURIComponent(id)}`
}
