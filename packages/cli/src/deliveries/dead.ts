import type { Command } from 'commander'
import { addActOptions, type ActOptions } from '../api/act-options.ts'
import { connect } from '../api/connection.ts'
import { addListOptions, type ListOptions } from '../api/list-options.ts'
import type { Context } from '../context.ts'
import { helpEnding } from '../help.ts'
import { runReplay } from '../replay/run-replay.ts'
import { listDeliveries } from './deliveries.ts'

type DeadListOptions = ListOptions & { destination?: string }
type DeadRetryOptions = ActOptions & { destination: string; wait: boolean }

export function addDeadCommand(program: Command, context: Context): void {
  const dead = program
    .command('dead')
    .description('look at the dead letters: deliveries that were given up')
    .addHelpText(
      'after',
      helpEnding('hookswitch dead', 'hookswitch dead retry --destination crm --reason "the CRM is back"'),
    )

  addListOptions(
    dead
      .command('list', { isDefault: true })
      .description('list them, newest first; the default')
      .option('--destination <id>', 'only those to this destination, by id or name'),
  )
    .addHelpText('after', helpEnding('hookswitch dead --destination crm'))
    .action((options: DeadListOptions) =>
      listDeliveries(options, { state: 'dead' }, 'No dead letters.', context),
    )

  addActOptions(
    dead
      .command('retry')
      .description('send again all that a destination has given up, by a replay')
      .requiredOption('--destination <id>', 'the destination, by id or name')
      .option('--no-wait', 'do not wait until all of them stand in their lanes'),
  )
    .addHelpText('after', helpEnding('hookswitch dead retry --destination crm'))
    .action(async (options: DeadRetryOptions) => {
      const api = await connect(options, context)
      await runReplay(api, { ...options, filter: { state: 'dead' } }, context)
    })
}
