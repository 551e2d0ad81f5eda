import { InvalidArgumentError, Option, type Command } from 'commander'
import type { CallRecord, CallSummary } from '@hookswitch/events'
import type { Page } from '../api/api-client.ts'
import type { ApiEvent } from '../api/api-event.ts'
import { addConnectionOptions, connect, type ConnectionOptions } from '../api/connection.ts'
import type { Context } from '../context.ts'
import { CommandFailure } from '../failure.ts'
import { helpEnding } from '../help.ts'
import { collected, countOption, jsonOption } from '../options.ts'
import { printable } from '../terminal/printable.ts'
import { pastOption } from '../time/moment.ts'
import { formatCalls } from './call-list.ts'
import { formatCall } from './call-record.ts'
import { formatEvents } from './event-list.ts'

interface ListOptions extends ConnectionOptions {
  agent?: string
  status?: string
  from?: string
  to?: string
  q?: string
  outcome?: string[]
  limit: number
  cursor?: string
  json?: true
}

type ShowOptions = ConnectionOptions & { json?: true }
type EventsOptions = ShowOptions & { limit: number; cursor?: string }

/** Those of a page of the API. */
const limitMax = 200
const limitDefault = 50

export function addCallsCommand(program: Command, context: Context): void {
  const calls = program
    .command('calls')
    .description('look at calls')
    .addHelpText('after', helpEnding('hookswitch calls --from 24h', 'hookswitch calls show call_1'))

  addConnectionOptions(
    calls
      .command('list', { isDefault: true })
      .description('list calls, newest first; the default')
      .option('--agent <id>', 'only those of this agent')
      .addOption(
        new Option('--status <status>', 'only those in this state').choices(['started', 'answered', 'ended']),
      )
      .option('--from <time>', 'first event at this time or later, e.g. 2026-03-01 or 24h', pastOption)
      .option('--to <time>', 'first event before this time', pastOption)
      .option('--q <prefix>', 'call id, conversation id or agent name begins so')
      .option('--outcome <field=text>', 'the outcome says this; may be given several times', outcomeOption)
      .option('--limit <count>', 'at most so many', countOption(limitMax), limitDefault)
      .option('--cursor <cursor>', 'the next ones, after a page that said so')
      .addOption(jsonOption()),
  )
    .addHelpText(
      'after',
      helpEnding(
        'hookswitch calls --agent agent-123 --status ended --from 24h',
        'hookswitch calls --outcome application_id=12345 --json',
      ),
    )
    .action((options: ListOptions) => listCalls(options, context))

  addConnectionOptions(
    calls
      .command('show')
      .argument('<id>', 'as the list shows it')
      .description('show the record of one call')
      .addOption(jsonOption()),
  )
    .addHelpText('after', helpEnding('hookswitch calls show call_1'))
    .action((id: string, options: ShowOptions) => showCall(id, options, context))

  addConnectionOptions(
    calls
      .command('events')
      .argument('<id>', 'as the list shows it')
      .description('list the events of one call, oldest first')
      .option('--limit <count>', 'at most so many', countOption(limitMax), limitDefault)
      .option('--cursor <cursor>', 'the next ones, after a page that said so')
      .addOption(jsonOption()),
  )
    .addHelpText('after', helpEnding('hookswitch calls events call_1 --json'))
    .action((id: string, options: EventsOptions) => listEvents(id, options, context))
}

async function listCalls(options: ListOptions, context: Context): Promise<void> {
  const { terminal } = context
  const { agent, status, from, to, q, outcome, limit, cursor } = options
  const query: Record<string, string | number | undefined> = {
    agentId: agent,
    status,
    from,
    to,
    q,
    limit,
    cursor,
  }
  for (const pair of outcome ?? []) {
    const at = pair.indexOf('=')
    query[`outcome.${pair.slice(0, at)}`] = pair.slice(at + 1)
  }
  const api = await connect(options, context)
  const { value, text } = await api.get<Page<CallSummary>>('/calls', query)
  if (options.json === true) terminal.print(text)
  else if (value.items.length === 0) terminal.note('No calls.')
  else {
    terminal.print(formatCalls(value.items, terminal))
    noteNext(value, context)
  }
}

async function showCall(id: string, options: ShowOptions, context: Context): Promise<void> {
  const { terminal } = context
  const api = await connect(options, context)
  const { value, text } = await orNoCall(id, api.get<CallRecord>(`/calls/${encodeURIComponent(id)}`))
  terminal.print(options.json === true ? text : formatCall(value, terminal))
}

async function listEvents(id: string, options: EventsOptions, context: Context): Promise<void> {
  const { terminal } = context
  const { limit, cursor } = options
  const api = await connect(options, context)
  const path = `/calls/${encodeURIComponent(id)}/events`
  const { value, text } = await orNoCall(id, api.get<Page<ApiEvent>>(path, { limit, cursor }))
  if (options.json === true) terminal.print(text)
  else {
    terminal.print(formatEvents(value.items, terminal))
    noteNext(value, context)
  }
}

/** The API can only say that something was not found. */
async function orNoCall<T>(id: string, answer: Promise<T>): Promise<T> {
  try {
    return await answer
  } catch (error) {
    if (!(error instanceof CommandFailure) || error.ending !== 'notFound') throw error
    throw new CommandFailure(
      'notFound',
      `There is no call "${printable(id)}". A call appears within about a second after its first event.`,
      { cause: error },
    )
  }
}

function noteNext({ nextCursor }: Page<unknown>, { terminal }: Context): void {
  if (nextCursor === null) return
  terminal.note(terminal.paintNote('dim', `There are more: add --cursor ${printable(nextCursor)}`))
}

function outcomeOption(text: string, before: string[] | undefined): string[] {
  if (!/^[^=]+=/.test(text)) throw new InvalidArgumentError('Expected field=text.')
  return collected(text, before)
}
