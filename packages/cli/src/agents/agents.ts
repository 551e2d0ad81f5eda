import { Option, type Command } from 'commander'
import { actBody, addActOptions, type ActOptions } from '../api/act-options.ts'
import type { Page } from '../api/api-client.ts'
import { addConnectionOptions, connect, type ConnectionOptions } from '../api/connection.ts'
import { addListOptions, noteNext, type ListOptions } from '../api/list-options.ts'
import type { Context } from '../context.ts'
import { CommandFailure } from '../failure.ts'
import { helpEnding } from '../help.ts'
import { collected, jsonOption } from '../options.ts'
import { printable } from '../terminal/printable.ts'
import { shellWord } from '../terminal/shell-word.ts'
import { durationOption } from '../time/duration.ts'
import { localTime, zoneName } from '../time/moment.ts'
import { addCallCommands } from './agent-calls.ts'
import type { ApiAgent, ApiAgentTest, ApiRotation } from './agent-shapes.ts'
import { formatAgent, formatAgents, formatTestResults } from './agent-text.ts'
import { readSecret } from './input.ts'
import { addSettingCommands } from './set-agent.ts'

type ShowOptions = ConnectionOptions & { json?: true }
type TestOptions = ActOptions & { event?: string[] }
type RotateOptions = ActOptions & { overlap: number; sign?: string; secret?: string }
type RemoveOptions = ActOptions & { undelivered?: 'skip' | 'dead' }

const hourMs = 60 * 60 * 1000

/** Ten types, one after the other, at an endpoint that lets each wait for as long as can be set. */
const testMs = 10 * 30_000

/** The commands of whoever is the platform: agents of one's own, their calls, and what is published of them. */
export function addAgentsCommand(program: Command, context: Context): void {
  const agents = program
    .command('agents')
    .description('be the platform: agents with webhooks, their calls, what is published')
    .addHelpText(
      'after',
      helpEnding(
        'hookswitch agents',
        'hookswitch agents add --name Recruiter --webhook https://example.com/webhook',
        'hookswitch agents test agt_2m5qhx7c3vkzr4tw',
      ),
    )

  addListOptions(
    agents.command('list', { isDefault: true }).description('list them, with their state; the default'),
  )
    .addHelpText('after', helpEnding('hookswitch agents list --json'))
    .action((options: ListOptions) => list(options, context))

  const show = agents.command('show').argument('<agent>', 'its id')
  addConnectionOptions(
    show.description('show how one is set, and how its endpoint does').addOption(jsonOption()),
  )
    .addHelpText('after', helpEnding('hookswitch agents show clinic'))
    .action((id: string, options: ShowOptions) => showOne(id, options, context))

  addSettingCommands(agents, context)

  for (const [act, description, done] of [
    ['pause', 'send nothing to its webhook; its events wait', 'is paused. Its events wait.'],
    ['resume', 'end whatever holds its webhook', 'is active.'],
  ] as const) {
    addActOptions(agents.command(act).argument('<agent>', 'its id').description(description))
      .addHelpText('after', helpEnding(`hookswitch agents ${act} clinic --reason maintenance`))
      .action((id: string, options: ActOptions) => holdOrResume(id, act, done, options, context))
  }

  const test = agents.command('test').argument('<agent>', 'its id')
  addActOptions(
    test
      .description('send a marked sample of each type, and say what came back')
      .option('--event <type>', 'only this type; may be given several times', collected),
  )
    .addHelpText('after', helpEnding('hookswitch agents test clinic --event call.ended'))
    .action((id: string, options: TestOptions) => testOne(id, options, context))

  const rotate = agents.command('rotate').argument('<agent>', 'its id')
  addActOptions(
    rotate
      .description('make another key to sign with, and print it this once')
      .addOption(
        new Option('--overlap <duration>', 'how long the one before signs beside it')
          .argParser(durationOption)
          .default(24 * hourMs, '24h'),
      )
      .addOption(
        new Option('--sign <version>', 'v1 is HMAC, v1a ed25519 (default: as before)').choices(['v1', 'v1a']),
      )
      .option('--secret <key>', 'one of your own, whsec_… or whsk_…; - reads it from stdin'),
  )
    .addHelpText('after', helpEnding('hookswitch agents rotate clinic --overlap 48h'))
    .action((id: string, options: RotateOptions) => rotateKey(id, options, context))

  addCallCommands(agents, context)

  const undelivered = new Option('--undelivered <what>', 'what becomes of events that wait for it')
  const remove = agents.command('remove').argument('<agent>', 'its id')
  addActOptions(remove.description('remove one').addOption(undelivered.choices(['skip', 'dead'])))
    .addHelpText('after', helpEnding('hookswitch agents remove clinic --undelivered skip'))
    .action((id: string, options: RemoveOptions) => removeOne(id, options, context))
}

async function list(options: ListOptions, context: Context): Promise<void> {
  const { terminal } = context
  const { limit, cursor } = options
  const api = await connect(options, context)
  const { value, text } = await api.get<Page<ApiAgent>>('/agents', { limit, cursor })
  if (options.json === true) terminal.print(text)
  else if (value.items.length === 0) {
    terminal.note('No agents. They stand in hookswitch.config.ts, or are made with "agents add".')
  } else {
    terminal.print(formatAgents(value.items, terminal))
    noteNext(value, context)
  }
}

async function showOne(id: string, options: ShowOptions, context: Context): Promise<void> {
  const { terminal } = context
  const { value, text } = await (await connect(options, context)).get<ApiAgent>(pathOf(id))
  if (options.json === true) {
    terminal.print(text)
    return
  }
  terminal.print(formatAgent(value, terminal))
  const hints = [
    `Its calls: hookswitch calls --agent ${shellWord(value.id)}`,
    ...(value.webhook === null
      ? []
      : [`Its deliveries: hookswitch deliveries --destination ${shellWord(value.webhook.destination.name)}`]),
  ]
  for (const hint of hints) terminal.note(terminal.paintNote('dim', hint))
}

async function holdOrResume(
  id: string,
  act: 'pause' | 'resume',
  done: string,
  options: ActOptions,
  context: Context,
): Promise<void> {
  const api = await connect(options, context)
  const { name, webhook } = (await api.get<ApiAgent>(pathOf(id))).value
  if (webhook === null) {
    throw new CommandFailure('failed', `${printable(name)} has no webhook that anything is sent to.`)
  }
  const path = `/destinations/${encodeURIComponent(webhook.destination.id)}/${act}`
  const { text } = await api.post(path, actBody(options))
  context.terminal.print(options.json === true ? text : `The webhook of ${printable(name)} ${done}`)
}

async function testOne(id: string, options: TestOptions, context: Context): Promise<void> {
  const { terminal } = context
  const { event } = options
  const api = await connect(options, context)
  const body = { ...(event === undefined ? {} : { events: event }), ...actBody(options) }
  const { value, text } = await api.post<ApiAgentTest>(`${pathOf(id)}/test`, body, { answerMs: testMs })
  terminal.print(options.json === true ? text : formatTestResults(value.results, terminal))
  if (!value.ok) throw new CommandFailure('failed', '')
}

async function rotateKey(id: string, options: RotateOptions, context: Context): Promise<void> {
  const { terminal } = context
  const { overlap, sign, secret } = options
  const body = {
    overlapHours: overlap / hourMs,
    ...(sign === undefined ? {} : { version: sign }),
    ...(secret === undefined ? {} : { secret: await readSecret(secret, context) }),
    ...actBody(options),
  }
  const api = await connect(options, context)
  const { value, text } = await api.post<ApiRotation>(`${pathOf(id)}/signing-secret`, body)
  if (options.json === true) {
    terminal.print(text)
    return
  }
  const { signingSecret, publicKey, previousUntil } = value
  // Alone on stdout, so that it can be piped to whoever verifies.
  const shown = signingSecret ?? publicKey
  if (shown !== null) terminal.print(printable(shown))
  if (signingSecret !== null) terminal.note('It signs from now on, and is not shown again.')
  else if (publicKey === null) terminal.note('The key that was given signs from now on.')
  else terminal.note('Its other half signs from now on.')
  if (previousUntil !== null) {
    terminal.note(`The one before signs beside it until ${localTime(previousUntil)} (${zoneName()}).`)
  }
}

async function removeOne(id: string, options: RemoveOptions, context: Context): Promise<void> {
  const { terminal } = context
  const { undelivered, reason } = options
  await (await connect(options, context)).delete(pathOf(id), { undelivered, reason })
  if (options.json === true) terminal.printJson({ id, removed: true })
  else terminal.print(`${printable(id)} is removed. Its calls and their events are kept.`)
}

function pathOf(id: string): string {
  return `/agents/${encodeURIComponent(id)}`
}
