import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { text as textOf } from 'node:stream/consumers'
import { Option, type Command } from 'commander'
import { actBody, addActOptions, type ActOptions } from '../api/act-options.ts'
import type { ApiClient, Page } from '../api/api-client.ts'
import { addConnectionOptions, connect, type ConnectionOptions } from '../api/connection.ts'
import type { ApiAttempt, ApiDestination } from '../api/delivery-shapes.ts'
import { addListOptions, noteNext, type ListOptions } from '../api/list-options.ts'
import type { Context } from '../context.ts'
import { CommandFailure } from '../failure.ts'
import { helpEnding } from '../help.ts'
import { jsonOption } from '../options.ts'
import { printable } from '../terminal/printable.ts'
import { attemptText, formatDestination, formatDestinations } from './destination-text.ts'

type ShowOptions = ConnectionOptions & { json?: true }
type RemoveOptions = ActOptions & { undelivered?: 'skip' | 'dead' }

interface Kind {
  name: string
  title: string
  help: string
}

export function addDestinationsCommand(program: Command, context: Context): void {
  const destinations = program
    .command('destinations')
    .description('list, test, pause and resume where events go')
    .addHelpText('after', helpEnding('hookswitch destinations', 'hookswitch destinations test crm'))

  addListOptions(
    destinations.command('list', { isDefault: true }).description('list them, with their state; the default'),
  )
    .addHelpText('after', helpEnding('hookswitch destinations list --json'))
    .action((options: ListOptions) => list(options, context))

  const show = destinations.command('show').argument('<id>', 'id or name')
  addConnectionOptions(show.description('show how one is set').addOption(jsonOption()))
    .addHelpText('after', helpEnding('hookswitch destinations show crm'))
    .action((id: string, options: ShowOptions) => showOne(id, options, context))

  const kinds = destinations.command('kinds').description('list the kinds, and how to get what each needs')
  addConnectionOptions(kinds.addOption(jsonOption()))
    .addHelpText('after', helpEnding('hookswitch destinations kinds'))
    .action((options: ShowOptions) => listKinds(options, context))

  const add = destinations
    .command('add')
    .argument('<file>', 'JSON as POST /destinations takes it; - is stdin')
  addConnectionOptions(add.description('make one').addOption(jsonOption()))
    .addHelpText('after', helpEnding('hookswitch destinations add crm.json'))
    .action((file: string, options: ShowOptions) => addOne(file, options, context))

  for (const [act, description, done] of [
    ['pause', 'send nothing to one; its events wait', 'is paused. Its events wait.'],
    ['resume', 'end whatever holds one', 'is active.'],
  ] as const) {
    addActOptions(destinations.command(act).argument('<id>', 'id or name').description(description))
      .addHelpText('after', helpEnding(`hookswitch destinations ${act} crm --reason maintenance`))
      .action(async (id: string, options: ActOptions) => {
        const api = await connect(options, context)
        const { value, text } = await api.post<ApiDestination>(`${pathOf(id)}/${act}`, actBody(options))
        context.terminal.print(options.json === true ? text : `${printable(value.name)} ${done}`)
      })
  }

  const test = destinations.command('test').argument('<id>', 'id or name')
  addActOptions(test.description('send a sample that says that it is one'))
    .addHelpText('after', helpEnding('hookswitch destinations test crm'))
    .action((id: string, options: ActOptions) => testOne(id, options, context))

  const undelivered = new Option('--undelivered <what>', 'what becomes of events that wait for it')
  const remove = destinations.command('remove').argument('<id>', 'id or name')
  addActOptions(remove.description('remove one').addOption(undelivered.choices(['skip', 'dead'])))
    .addHelpText('after', helpEnding('hookswitch destinations remove crm --undelivered skip'))
    .action((id: string, options: RemoveOptions) => removeOne(id, options, context))
}

async function list(options: ListOptions, context: Context): Promise<void> {
  const { terminal } = context
  const { limit, cursor } = options
  const api = await connect(options, context)
  const { value, text } = await api.get<Page<ApiDestination>>('/destinations', { limit, cursor })
  if (options.json === true) terminal.print(text)
  else if (value.items.length === 0) {
    terminal.note('No destinations. They stand in hookswitch.config.ts, or are made with "destinations add".')
  } else {
    terminal.print(formatDestinations(value.items, terminal))
    noteNext(value, context)
  }
}

async function showOne(id: string, options: ShowOptions, context: Context): Promise<void> {
  const { terminal } = context
  const { value, text } = await (await connect(options, context)).get<ApiDestination>(pathOf(id))
  terminal.print(options.json === true ? text : formatDestination(value, terminal))
}

async function listKinds(options: ShowOptions, context: Context): Promise<void> {
  const { terminal } = context
  const api = await connect(options, context)
  const { value, text } = await api.get<Page<Kind>>('/destination-kinds')
  if (options.json === true) terminal.print(text)
  else {
    const sections = value.items.map(({ name, title, help }) => {
      const lines = help.split('\n').map((line) => `  ${printable(line)}`)
      return [`${terminal.paint('bold', printable(name))}  ${printable(title)}`, ...lines].join('\n')
    })
    terminal.print(sections.join('\n\n'))
  }
}

async function addOne(file: string, options: ShowOptions, context: Context): Promise<void> {
  const { terminal } = context
  const body = await readJson(file, context)
  const { value, text } = await (await connect(options, context)).post<ApiDestination>('/destinations', body)
  if (options.json === true) terminal.print(text)
  else {
    terminal.print(formatDestination(value, terminal))
    terminal.note(`Try it: hookswitch destinations test ${printable(value.name)}`)
  }
}

async function readJson(file: string, { host }: Context): Promise<unknown> {
  try {
    const text =
      file === '-' ? await textOf(host.stdin) : await readFile(path.resolve(host.cwd(), file), 'utf8')
    return JSON.parse(text)
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error)
    throw new CommandFailure('usage', `${printable(file)} is no JSON that can be read: ${printable(problem)}`)
  }
}

async function testOne(id: string, options: ActOptions, context: Context): Promise<void> {
  const { terminal } = context
  const api: ApiClient = await connect(options, context)
  const { value, text } = await api.post<{ ok: boolean; attempt: ApiAttempt }>(
    `${pathOf(id)}/test`,
    actBody(options),
  )
  if (options.json === true) terminal.print(text)
  else terminal.print(attemptText(value.attempt))
  if (!value.ok) throw new CommandFailure('failed', '')
}

async function removeOne(id: string, options: RemoveOptions, context: Context): Promise<void> {
  const { terminal } = context
  const { undelivered, reason } = options
  await (await connect(options, context)).delete(pathOf(id), { undelivered, reason })
  if (options.json === true) terminal.printJson({ id, removed: true })
  else terminal.print(`${printable(id)} is removed.`)
}

function pathOf(id: string): string {
  return `/destinations/${encodeURIComponent(id)}`
}
