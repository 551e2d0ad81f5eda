import { Option, type Command } from 'commander'
import { addActOptions, type ActOptions } from '../api/act-options.ts'
import { connect } from '../api/connection.ts'
import type { Context } from '../context.ts'
import { CommandFailure } from '../failure.ts'
import { helpEnding } from '../help.ts'
import { collected } from '../options.ts'
import { pastOption } from '../time/moment.ts'
import { runReplay } from './run-replay.ts'

interface ReplayOptions extends ActOptions {
  destination: string
  event?: string[]
  call?: string
  type?: string
  source?: string
  from?: string
  to?: string
  state?: string
  all?: true
  wait: boolean
}

export function addReplayCommand(program: Command, context: Context): void {
  const states = ['pending', 'delivered', 'filtered', 'dead', 'skipped']
  addActOptions(
    program
      .command('replay')
      .description('send events to a destination once more')
      .requiredOption('--destination <id>', 'where to, by id or name')
      .option('--event <id>', 'this event; may be given several times', collected)
      .option('--call <id>', 'the events of this call')
      .option('--type <type>', 'events of this type')
      .option('--source <name>', 'events of this source')
      .option('--from <time>', 'received at this time or later, e.g. 2026-03-01 or 24h', pastOption)
      .option('--to <time>', 'received before this time', pastOption)
      .addOption(
        new Option('--state <state>', 'whose latest delivery there is in this state').choices(states),
      )
      .option('--all', 'every event that is kept, where nothing else is said')
      .option('--no-wait', 'do not wait until all of them stand in their lanes'),
  )
    .addHelpText(
      'after',
      helpEnding(
        'hookswitch replay --destination crm --from 24h --type call.ended',
        'hookswitch replay --destination crm --event evt_01m812c3npnwhxm7s3kfwmg6x2',
      ),
    )
    .action((options: ReplayOptions) => replay(options, context))
}

async function replay(options: ReplayOptions, context: Context): Promise<void> {
  const { event, call, type, source, from, to, state } = options
  const given = { eventIds: event, callId: call, type, source, from, to, state }
  const filter = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
  if (Object.keys(filter).length === 0 && options.all !== true) {
    throw new CommandFailure(
      'usage',
      'Nothing says which events. Give --event, --call, --from or another, or --all for every event that is kept.',
    )
  }
  await runReplay(await connect(options, context), { ...options, filter }, context)
}
