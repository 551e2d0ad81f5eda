import { Option, type Command } from 'commander'
import { actBody, addActOptions, type ActOptions } from '../api/act-options.ts'
import { connect } from '../api/connection.ts'
import { webhookUrlOption } from '../api/url-option.ts'
import type { Context } from '../context.ts'
import { CommandFailure } from '../failure.ts'
import { helpEnding } from '../help.ts'
import { collected } from '../options.ts'
import { printable } from '../terminal/printable.ts'
import { shellWord } from '../terminal/shell-word.ts'
import type { ApiAgent, ApiAgentWebhook, ApiChangedAgent } from './agent-shapes.ts'
import { formatAgent } from './agent-text.ts'
import { authKeyDefault, readObject, readSecret, requireOneStdin } from './input.ts'

interface SetOptions extends ActOptions {
  name?: string
  project?: string | false
  outcomeSchema?: string | false
  webhook?: string | false
  authKey?: string
  authSecret?: string
  /** False by `--no-auth`. */
  auth: boolean
  event?: string[]
  allEvents?: true
  retry?: string
  sign?: string | false
  undelivered?: 'skip' | 'dead'
}

interface AddOptions extends Omit<SetOptions, 'auth' | 'allEvents' | 'undelivered'> {
  id?: string
  paused?: true
}

export function addSettingCommands(agents: Command, context: Context): void {
  const add = agents.command('add').description('make one')
  addActOptions(
    addSettingOptions(add.requiredOption('--name <name>', 'agentName of its events'))
      .option('--id <id>', 'agentId of its events (default: one that is made)')
      .option('--paused', 'send nothing yet: its events wait until it is resumed'),
  )
    .addHelpText(
      'after',
      helpEnding(
        'hookswitch agents add --name Recruiter --webhook https://example.com/webhook --auth-secret -',
        'hookswitch agents add --name Clinic --id clinic --webhook https://example.com/hook --sign v1',
      ),
    )
    .action((options: AddOptions) => addAgent(options, context))

  const set = agents.command('set').argument('<agent>', 'its id').description('change what is given')
  addActOptions(
    addSettingOptions(set.option('--name <name>', 'agentName of its events'))
      .option('--no-project', 'it belongs to none')
      .option('--no-outcome-schema', 'it has none')
      .option('--no-webhook', 'it has none: its events are kept and go nowhere')
      .addOption(
        new Option('--undelivered <what>', 'what becomes of events that wait for it then').choices([
          'skip',
          'dead',
        ]),
      )
      .addOption(new Option('--no-auth', 'send no Authorization header').conflicts(['authKey', 'authSecret']))
      .addOption(new Option('--all-events', 'send every type').conflicts('event'))
      .option('--no-sign', 'do not sign'),
  )
    .addHelpText(
      'after',
      helpEnding(
        'hookswitch agents set clinic --webhook https://example.com/new --reason "we moved"',
        'hookswitch agents set clinic --event call.ended --retry guide',
      ),
    )
    .action((id: string, options: SetOptions) => setAgent(id, options, context))
}

function addSettingOptions(command: Command): Command {
  return command
    .option('--project <id>', 'projectId of its events')
    .option('--outcome-schema <file>', 'JSON Schema of what its calls collect; - is stdin')
    .option('--webhook <url>', 'where its events go', webhookUrlOption)
    .option('--auth-key <word>', 'what stands before the secret there in the Authorization header')
    .option('--auth-secret <secret>', 'what is shown there; - reads it from stdin')
    .option('--event <type>', 'send only this type; may be given several times', collected)
    .addOption(
      new Option('--retry <preset>', 'how often it is tried').choices(['none', 'quick', 'guide', 'standard']),
    )
    .addOption(
      new Option('--sign <version>', 'sign each request: v1 is HMAC, v1a ed25519').choices(['v1', 'v1a']),
    )
}

async function addAgent(options: AddOptions, context: Context): Promise<void> {
  const { terminal } = context
  const { id, paused, authSecret, outcomeSchema } = options
  requireOneStdin({ '--auth-secret': authSecret, '--outcome-schema': outcomeSchema })
  const webhook = await webhookOf({ ...options, ...bearerFor(options, null), auth: true }, context)
  if (paused === true) webhook['enabled'] = false
  if (options.webhook === undefined && Object.keys(webhook).length > 0) {
    throw new CommandFailure('usage', 'Without --webhook <url> the agent has no webhook that could be set.')
  }
  const body = {
    ...(await agentOf(options, context)),
    ...(id === undefined ? {} : { id }),
    ...(options.webhook === undefined ? {} : { webhook }),
    ...actBody(options),
  }
  const { value, text } = await (await connect(options, context)).post<ApiChangedAgent>('/agents', body)
  printAgent(value, text, options, context)
  if (options.json === true) return
  const named = shellWord(value.id)
  const next = value.webhook === null ? `set ${named} --webhook <url>` : `test ${named}`
  terminal.note(`Next: hookswitch agents ${next}`)
}

async function setAgent(id: string, options: SetOptions, context: Context): Promise<void> {
  const { undelivered, authSecret, outcomeSchema } = options
  requireOneStdin({ '--auth-secret': authSecret, '--outcome-schema': outcomeSchema })
  const given = await webhookOf(options, context)
  const isChanged = Object.keys(given).length > 0
  if (options.webhook === false && isChanged) {
    throw new CommandFailure('usage', '--no-webhook cannot go with what is set of the webhook.')
  }
  if (undelivered !== undefined && options.webhook !== false) {
    throw new CommandFailure('usage', '--undelivered is of --no-webhook: otherwise what waits is sent.')
  }
  const body: Record<string, unknown> = {
    ...(await agentOf(options, context)),
    ...(isChanged ? { webhook: given } : options.webhook === false ? { webhook: null } : {}),
  }
  if (Object.keys(body).length === 0) {
    throw new CommandFailure('usage', 'Nothing says what to change: give --name, --webhook or another.')
  }
  const api = await connect(options, context)
  const path = `/agents/${encodeURIComponent(id)}`
  if (authSecret !== undefined && options.authKey === undefined) {
    const { webhook: before } = (await api.get<ApiAgent>(path)).value
    body['webhook'] = { ...given, ...bearerFor(options, before) }
  }
  const { value, text } = await api.patch<ApiChangedAgent>(
    path,
    { ...body, ...actBody(options) },
    { undelivered },
  )
  printAgent(value, text, options, context)
}

/**
 * The word before a first secret, where nobody says which. A secret that replaces another stands behind the same word,
 * or alone.
 */
function bearerFor(
  { authKey, authSecret }: Pick<SetOptions, 'authKey' | 'authSecret'>,
  before: ApiAgentWebhook | null,
): { authKey?: string } {
  if (authSecret === undefined || authKey !== undefined) return {}
  const isFirst =
    before === null || (before.authKey === null && before.secrets?.includes('authSecret') === false)
  return isFirst ? { authKey: authKeyDefault } : {}
}

function printAgent(
  agent: ApiChangedAgent,
  text: string,
  { json }: { json?: true },
  { terminal }: Context,
): void {
  if (json === true) {
    terminal.print(text)
    return
  }
  terminal.print(formatAgent(agent, terminal))
  if (agent.signingSecret !== undefined) {
    terminal.print(`${terminal.paint('bold', 'signing secret')}  ${printable(agent.signingSecret)}`)
    terminal.note('The signing secret is not shown again: the endpoint verifies with it.')
  }
}

/** The fields of the body that are not the webhook's. */
async function agentOf(
  { name, project, outcomeSchema }: Pick<SetOptions, 'name' | 'project' | 'outcomeSchema'>,
  context: Context,
): Promise<Record<string, unknown>> {
  return {
    ...(name === undefined ? {} : { name }),
    ...(project === undefined ? {} : { project: project === false ? null : project }),
    ...(outcomeSchema === undefined
      ? {}
      : { outcomeSchema: outcomeSchema === false ? null : await readObject(outcomeSchema, context) }),
  }
}

/** Those of the webhook, as far as they are given. */
async function webhookOf(
  { webhook: url, authKey, authSecret, auth, event, allEvents, retry, sign }: SetOptions,
  context: Context,
): Promise<Record<string, unknown>> {
  return {
    ...(typeof url === 'string' ? { url } : {}),
    ...(auth ? {} : { authKey: null, authSecret: null }),
    ...(authKey === undefined ? {} : { authKey }),
    ...(authSecret === undefined ? {} : { authSecret: await readSecret(authSecret, context) }),
    ...(event === undefined ? {} : { events: event }),
    ...(allEvents === true ? { events: null } : {}),
    ...(retry === undefined ? {} : { retry: { preset: retry } }),
    ...(sign === undefined ? {} : { signing: sign === false ? null : sign }),
  }
}
