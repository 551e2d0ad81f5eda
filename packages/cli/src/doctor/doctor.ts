import type { Command } from 'commander'
import type { Context } from '../context.ts'
import { CommandFailure } from '../failure.ts'
import { helpEnding } from '../help.ts'
import { jsonOption } from '../options.ts'
import { printable } from '../terminal/printable.ts'
import type { Style, Terminal } from '../terminal/terminal.ts'
import type { Check } from './check.ts'

export function addDoctorCommand(program: Command, context: Context): void {
  program
    .command('doctor')
    .description('check everything that the server needs, and say what to do')
    .addOption(jsonOption())
    .addHelpText('after', helpEnding('hookswitch doctor'))
    .action((options: { json?: true }) => doctor(options, context))
}

async function doctor(options: { json?: true }, context: Context): Promise<void> {
  const { terminal } = context
  // Brings the engines of the stores along, which nothing else here needs.
  const { examine } = await import('./examine.ts')
  const checks = await examine(context)
  const ok = checks.every(({ status }) => status !== 'fail')
  if (options.json === true) terminal.printJson({ ok, checks })
  else terminal.print(formatChecks(checks, terminal))
  if (!ok) throw new CommandFailure('failed', '')
}

const styles: Record<Check['status'], Style> = { ok: 'green', warn: 'yellow', fail: 'red' }

function formatChecks(checks: readonly Check[], terminal: Terminal): string {
  const nameColumns = Math.max(...checks.map(({ name }) => name.length))
  return checks
    .map(({ name, status, message, advice }) => {
      const line = `${terminal.paint(styles[status], status.padEnd(4))}  ${name.padEnd(nameColumns)}  ${printable(message)}`
      // Below the message, however the terminal breaks that.
      return advice === null
        ? line
        : `${line}\n${' '.repeat(nameColumns + 8)}${terminal.paint('bold', '→')} ${printable(advice)}`
    })
    .join('\n')
}
