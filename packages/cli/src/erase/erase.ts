import { confirm, isCancel } from '@clack/prompts'
import { InvalidArgumentError, type Command } from 'commander'
import { actBody, addActOptions, type ActOptions } from '../api/act-options.ts'
import { connect } from '../api/connection.ts'
import type { ApiEraseReport } from '../api/delivery-shapes.ts'
import type { Context } from '../context.ts'
import { CommandFailure } from '../failure.ts'
import { helpEnding } from '../help.ts'

interface EraseOptions extends ActOptions {
  call?: string
  phone?: string
  param?: { name: string; value: string }
  yes?: true
}

export function addEraseCommand(program: Command, context: Context): void {
  addActOptions(
    program
      .command('erase')
      .description('erase what is known of a call or a person; it cannot be undone')
      .option('--call <id>', 'one call')
      .option('--phone <number>', 'all calls with this number')
      .option('--param <name=value>', 'all calls with this param', paramOption)
      .option('--yes', 'do not ask'),
  )
    .addHelpText(
      'after',
      helpEnding(
        'hookswitch erase --call call_1 --yes',
        'hookswitch erase --phone +15550100 --reason "asked by the caller"',
      ),
    )
    .action((options: EraseOptions) => erase(options, context))
}

function paramOption(text: string): { name: string; value: string } {
  const at = text.indexOf('=')
  if (at < 1) throw new InvalidArgumentError('Expected name=value.')
  return { name: text.slice(0, at), value: text.slice(at + 1) }
}

async function erase(options: EraseOptions, context: Context): Promise<void> {
  const { terminal } = context
  const { call: callId, phone, param } = options
  const given = Object.entries({ callId, phone, param }).filter(([, value]) => value !== undefined)
  if (given.length !== 1) {
    throw new CommandFailure('usage', 'Expected one of --call, --phone and --param.')
  }
  if (options.yes !== true) await askFirst(context)
  const api = await connect(options, context)
  const body = { ...Object.fromEntries(given), ...actBody(options) }
  const { value, text } = await api.post<ApiEraseReport>('/erase', body)
  if (options.json === true) terminal.print(text)
  else if (Object.values(value).every((count) => count === 0)) terminal.print('Nothing was there to erase.')
  else {
    const { calls, events, deliveries, attempts } = value
    terminal.print(
      `Erased ${counted(calls, 'call')}, ${counted(events, 'event')}, ${counted(deliveries, 'delivery', 'deliveries')} and ${counted(attempts, 'try', 'tries')}.`,
    )
  }
}

async function askFirst({ terminal, host }: Context): Promise<void> {
  if (!terminal.interactive) {
    throw new CommandFailure('usage', 'It cannot be undone: add --yes where nobody can be asked.')
  }
  const answer = await confirm({
    message: 'Records, events and deliveries are erased for good. Go on?',
    initialValue: false,
    input: host.stdin,
    output: host.stdout,
  })
  if (isCancel(answer) || !answer) throw new CommandFailure('failed', 'Nothing was erased.')
}

function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`
}
