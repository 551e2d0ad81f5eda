import { Option, type Command } from 'commander'
import { actBody, addActOptions, type ActOptions } from '../api/act-options.ts'
import type { Page } from '../api/api-client.ts'
import { connect } from '../api/connection.ts'
import type { ApiLane } from '../api/delivery-shapes.ts'
import { addListOptions, noteNext, type ListOptions } from '../api/list-options.ts'
import type { Context } from '../context.ts'
import { helpEnding } from '../help.ts'
import { printable } from '../terminal/printable.ts'
import { formatTable, type Column } from '../terminal/table.ts'
import type { Terminal } from '../terminal/terminal.ts'
import { localTime, zonePlace } from '../time/moment.ts'

type LaneListOptions = ListOptions & { state?: string; destination?: string }

export function addLanesCommand(program: Command, context: Context): void {
  const lanes = program
    .command('lanes')
    .description('look at lanes that have something to deliver, and free those that are parked')
    .addHelpText('after', helpEnding('hookswitch lanes --state parked', 'hookswitch lanes resume lane_7'))

  addListOptions(
    lanes
      .command('list', { isDefault: true })
      .description('list them; the default')
      .addOption(new Option('--state <state>', 'only those in this state').choices(['running', 'parked']))
      .option('--destination <id>', 'only those of this destination, by id or name'),
  )
    .addHelpText('after', helpEnding('hookswitch lanes --state parked'))
    .action((options: LaneListOptions) => list(options, context))

  for (const [act, description] of [
    ['resume', 'let a parked lane run: its head is tried again, with all its tries'],
    ['skip', 'pass the head of a lane over; a parked lane runs on with the next'],
  ] as const) {
    addActOptions(lanes.command(act).argument('<id>', 'as the list shows it').description(description))
      .addHelpText('after', helpEnding(`hookswitch lanes ${act} lane_7`))
      .action(async (id: string, options: ActOptions) => {
        const { terminal } = context
        const api = await connect(options, context)
        const path = `/lanes/${encodeURIComponent(id)}/${act}`
        const { value, text } = await api.post<{ lane: ApiLane | null }>(path, actBody(options))
        if (options.json === true) terminal.print(text)
        else terminal.print(outcomeText(id, value.lane))
      })
  }
}

function outcomeText(id: string, lane: ApiLane | null): string {
  if (lane === null) return `${printable(id)} has nothing to deliver any more.`
  return `${lane.id} is ${lane.state}; ${lane.head} is next.`
}

async function list(options: LaneListOptions, context: Context): Promise<void> {
  const { terminal } = context
  const { state, destination, limit, cursor } = options
  const api = await connect(options, context)
  const { value, text } = await api.get<Page<ApiLane>>('/lanes', { state, destination, limit, cursor })
  if (options.json === true) terminal.print(text)
  else if (value.items.length === 0) terminal.note('No such lanes: nothing waits.')
  else {
    terminal.print(formatLanes(value.items, terminal))
    noteNext(value, context)
  }
}

function formatLanes(lanes: readonly ApiLane[], terminal: Terminal): string {
  const columns: Column<ApiLane>[] = [
    { title: 'lane', text: ({ id }) => id, whole: true },
    { title: 'to', text: ({ destination }) => destination.name },
    { title: 'of', text: ({ key }) => key },
    {
      title: 'state',
      text: ({ state }) => state,
      paint: (text, { state }) => (state === 'parked' ? terminal.paint('red', text) : text),
    },
    { title: 'waiting', text: ({ pending }) => String(pending), align: 'right' },
    { title: 'head', text: ({ head }) => head, whole: true },
    { title: 'tries', text: ({ headAttempts }) => String(headAttempts), align: 'right' },
    {
      title: `next try (${zonePlace()})`,
      text: ({ nextAttemptAt }) => localTime(nextAttemptAt),
      whole: true,
    },
    { title: 'why parked', text: ({ parkedReason }) => parkedReason ?? '' },
  ]
  return formatTable(columns, lanes, {
    columns: terminal.columns,
    paintTitle: (text) => terminal.paint('bold', text),
  })
}
