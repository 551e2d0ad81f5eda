import { InvalidArgumentError, type Command } from 'commander'
import type { ApiEvent } from '../api/api-event.ts'
import { addConnectionOptions, connect, type ConnectionOptions } from '../api/connection.ts'
import { addressOf } from '../api/unreachable.ts'
import type { Context } from '../context.ts'
import { helpEnding } from '../help.ts'
import { untilInterrupted } from '../interrupt.ts'
import { jsonOption } from '../options.ts'
import { printable } from '../terminal/printable.ts'
import type { Terminal } from '../terminal/terminal.ts'
import { columnsOf, fitColumns } from '../terminal/width.ts'
import { localClock, zoneName } from '../time/moment.ts'
import { eventHint } from './event-hint.ts'
import { followStream } from './follow-stream.ts'

interface TailOptions extends ConnectionOptions {
  after?: number
  type?: string
  call?: string
  json?: true
}

export function addTailCommand(program: Command, context: Context): void {
  addConnectionOptions(
    program.command('tail').description('follow events as they are stored; Ctrl-C ends it'),
  )
    .option(
      '--after <seq>',
      'begin after this place in the log; 0 is its beginning (default: now)',
      seqOption,
    )
    .option('--type <type>', 'only this type')
    .option('--call <id>', 'only this call')
    .addOption(jsonOption('print one JSON object an event, as the API shows it'))
    .addHelpText('after', helpEnding('hookswitch tail --type call.ended', 'hookswitch tail --after 0 --json'))
    .action((options: TailOptions) => tail(options, context))
}

async function tail(options: TailOptions, context: Context): Promise<void> {
  const { terminal, host } = context
  const api = await connect(options, context)
  const note = (text: string): void => terminal.note(terminal.paintNote('dim', text))
  await untilInterrupted(host, async (signal) => {
    const { after, type, call: callId } = options
    for await (const followed of followStream(api, { after, type, callId, signal })) {
      switch (followed.kind) {
        case 'event':
          terminal.print(options.json === true ? followed.text : formatLine(followed.event, terminal))
          break
        case 'gap':
          terminal.note(terminal.paintNote('yellow', gapText(followed)))
          break
        case 'cut':
          note(`The connection is lost (${printable(followed.reason)}); trying again.`)
          break
        case 'open':
          note(
            followed.again
              ? 'Connected again; it goes on where it was.'
              : `Following ${addressOf(api.url)}, times in ${zoneName()}. Ctrl-C ends it.`,
          )
      }
    }
  })
}

function gapText({ after, oldest }: { after: number; oldest: number }): string {
  return oldest > after
    ? `Gap: the events after ${after} and before ${oldest} are not kept any more.`
    : `Gap: the log of the server ends before ${after}; what follows is new.`
}

/** As wide as the longest of the five types. */
const typeColumns = 'transcription.update'.length

function formatLine(event: ApiEvent, terminal: Terminal): string {
  const { agent, what } = eventHint(event)
  const time = localClock(event.receivedAt)
  const type = printable(event.type).padEnd(typeColumns)
  const rest = [event.callId, agent, what]
    .map(printable)
    .filter((text) => text !== '')
    .join('  ')
  const room = terminal.columns - columnsOf(time) - columnsOf(type) - 4
  return [terminal.paint('dim', time), terminal.paint('cyan', type), fitColumns(rest, room)].join('  ')
}

function seqOption(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('Expected a place in the log: 0 or more.')
  return Number(text)
}
