import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import { addAgentsCommand } from './agents/agents.ts'
import { addAuditCommand } from './audit/audit.ts'
import { addCallsCommand } from './calls/calls.ts'
import type { Context } from './context.ts'
import { addDeadCommand } from './deliveries/dead.ts'
import { addDeliveriesCommand } from './deliveries/deliveries.ts'
import { addDestinationsCommand } from './destinations/destinations.ts'
import { addEraseCommand } from './erase/erase.ts'
import { addExplainCommand } from './explain/explain.ts'
import { helpEnding } from './help.ts'
import { addLanesCommand } from './lanes/lanes.ts'
import { addReplayCommand } from './replay/replay.ts'
import { addRetentionCommand } from './retention/retention.ts'
import { addDoctorCommand } from './doctor/doctor.ts'
import { addInitCommand } from './init/init.ts'
import { addMigrateCommand } from './migrate/migrate.ts'
import { addSendCommand } from './send/send.ts'
import { addServeCommand } from './serve/serve.ts'
import { addSimulateCommand } from './simulate/simulate.ts'
import { addTailCommand } from './tail/tail.ts'
import { addTokensCommand } from './tokens/tokens.ts'

/** The `hookswitch` command with all that it can do, in the order in which a new user meets it. */
export function createProgram(context: Context): Command {
  const { stdout, stderr } = context.host
  const program = new Command('hookswitch')
    .description('Turns the webhooks of voice agents into things that happen, in order, with nothing lost.')
    .version(ownVersion(), '--version')
    // An option that stands behind a subcommand is the subcommand's.
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => stdout.write(text),
      writeErr: (text) => stderr.write(text),
      outputError: (text, write) => write(text.replace(/^error: /, '')),
    })
    .showHelpAfterError('(--help shows how it is used)')
    .addHelpText('after', helpEnding('hookswitch serve', 'hookswitch send', 'hookswitch calls'))
  addInitCommand(program, context)
  addServeCommand(program, context)
  addSendCommand(program, context)
  addSimulateCommand(program, context)
  addCallsCommand(program, context)
  addTailCommand(program, context)
  addDestinationsCommand(program, context)
  addDeliveriesCommand(program, context)
  addExplainCommand(program, context)
  addDeadCommand(program, context)
  addLanesCommand(program, context)
  addReplayCommand(program, context)
  addAgentsCommand(program, context)
  addTokensCommand(program, context)
  addRetentionCommand(program, context)
  addEraseCommand(program, context)
  addAuditCommand(program, context)
  addDoctorCommand(program, context)
  addMigrateCommand(program, context)
  return program
}

/** The file lies beside `src` as well as beside `dist`. */
function ownVersion(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}
