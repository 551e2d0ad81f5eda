import { InvalidArgumentError, Option, type Command } from 'commander'
import { actBody, addActOptions, type ActOptions } from '../api/act-options.ts'
import { addConnectionOptions, connect, type ConnectionOptions } from '../api/connection.ts'
import { webhookUrlOption } from '../api/url-option.ts'
import type { Context } from '../context.ts'
import { CommandFailure } from '../failure.ts'
import { helpEnding } from '../help.ts'
import { collected, jsonOption } from '../options.ts'
import { printable } from '../terminal/printable.ts'
import { shellWord } from '../terminal/shell-word.ts'
import type { ApiPublished } from './agent-shapes.ts'
import { authKeyDefault, jsonObject, readObject, readSecret, requireOneStdin } from './input.ts'

interface CallOptions extends ActOptions {
  param?: string[]
  params?: string
  to?: string
  from?: string
  direction?: string
  webhook?: string
  authKey?: string
  authSecret?: string
  event?: string[]
}

interface PublishOptions extends ConnectionOptions {
  data?: Record<string, unknown>
  file?: string
  idempotencyKey?: string
  json?: true
}

export function addCallCommands(agents: Command, context: Context): void {
  const call = agents
    .command('call')
    .argument('<agent>', 'its id')
    .description('start a call, and print its id')
  addActOptions(
    call
      .option(
        '--param <name=value>',
        'a text that comes back in the outcome; may be given several times',
        paramOption,
      )
      .option('--params <file>', 'JSON object of such; - is stdin')
      .option('--to <number>', 'who is called')
      .option('--from <number>', 'who calls')
      .addOption(
        new Option('--direction <direction>', 'of the call (default: outbound)').choices([
          'outbound',
          'inbound',
        ]),
      )
      .option('--webhook <url>', "where this call's events go instead", webhookUrlOption)
      .option('--auth-key <word>', 'what stands before the secret there (default: Bearer)')
      .option('--auth-secret <secret>', 'what is shown there; - reads it from stdin')
      .option('--event <type>', 'send only this type there; may be given several times', collected),
  )
    .addHelpText(
      'after',
      helpEnding('hookswitch agents call clinic --to +12025550143 --param application_id=12345'),
    )
    .action((id: string, options: CallOptions) => startCall(id, options, context))

  const publish = agents
    .command('publish')
    .argument('<call>', 'its id')
    .argument('<type>', 'call.started, call.ended, or any other')
    .description('publish an event of a call that was started')
  addConnectionOptions(
    publish
      .option('--data <json>', "the event's inner data", objectOption)
      .option('--file <path>', 'the same from a file; - is stdin')
      .option('--idempotency-key <key>', 'the same key again publishes nothing twice', keyOption)
      .addOption(jsonOption()),
  )
    .addHelpText(
      'after',
      helpEnding(
        'hookswitch agents publish call_1 call.started',
        `hookswitch agents publish call_1 call.ended --data '{"outcomeResult":{"resolved":true}}'`,
      ),
    )
    .action((callId: string, type: string, options: PublishOptions) =>
      publishEvent(callId, type, options, context),
    )
}

async function startCall(id: string, options: CallOptions, context: Context): Promise<void> {
  const { terminal } = context
  const { param = [], params, to, from, direction, authSecret } = options
  requireOneStdin({ '--params': params, '--auth-secret': authSecret })
  const named = param.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)])
  const body = {
    params: {
      ...(params === undefined ? {} : await readObject(params, context)),
      ...(Object.fromEntries(named) as Record<string, string>),
    },
    ...(to === undefined ? {} : { to }),
    ...(from === undefined ? {} : { from }),
    ...(direction === undefined ? {} : { direction }),
    ...(await overrideOf(options, context)),
    ...actBody(options),
  }
  const api = await connect(options, context)
  const { value, text } = await api.post<{ callId: string }>(`/agents/${encodeURIComponent(id)}/calls`, body)
  if (options.json === true) {
    terminal.print(text)
    return
  }
  // Alone on stdout, for a script that goes on with it.
  terminal.print(printable(value.callId))
  terminal.note(
    `Nothing is published yet. Next: hookswitch agents publish ${shellWord(value.callId)} call.started`,
  )
}

async function overrideOf(
  { webhook: url, authKey, authSecret, event }: CallOptions,
  context: Context,
): Promise<{ webhook?: Record<string, unknown> }> {
  if (url === undefined) {
    if (authKey === undefined && authSecret === undefined && event === undefined) return {}
    throw new CommandFailure(
      'usage',
      'Without --webhook <url> the events of the call go where those of its agent go.',
    )
  }
  if (authKey !== undefined && authSecret === undefined) {
    throw new CommandFailure('usage', '--auth-key stands before a secret: give that with --auth-secret.')
  }
  const secret = authSecret === undefined ? null : await readSecret(authSecret, context)
  return {
    webhook: {
      url,
      ...(secret === null ? {} : { authKey: authKey ?? authKeyDefault, authSecret: secret }),
      ...(event === undefined ? {} : { events: event }),
    },
  }
}

async function publishEvent(
  callId: string,
  eventType: string,
  options: PublishOptions,
  context: Context,
): Promise<void> {
  const { terminal } = context
  const { data: given, file, idempotencyKey } = options
  if (given !== undefined && file !== undefined) {
    throw new CommandFailure('usage', '--data cannot go with --file: both are the data of the event.')
  }
  const data = file === undefined ? given : await readObject(file, context)
  const api = await connect(options, context)
  const { value, text } = await api.post<ApiPublished>(
    `/calls/${encodeURIComponent(callId)}/events`,
    { eventType, ...(data === undefined ? {} : { data }) },
    idempotencyKey === undefined ? {} : { headers: { 'idempotency-key': idempotencyKey } },
  )
  if (options.json === true) {
    terminal.print(text)
    return
  }
  const was = value.duplicate === true ? 'was published before, with the same key, as' : 'is published as'
  terminal.print(`${printable(value.eventType)} ${was} ${printable(value.id)}.`)
  for (const name of value.collisions) {
    terminal.note(`${printable(name)} is a param and was collected, too: the outcome has what was collected.`)
  }
}

function paramOption(text: string, before: string[] | undefined): string[] {
  if (!/^[^=]+=/.test(text)) throw new InvalidArgumentError('Expected name=value.')
  return collected(text, before)
}

/** As a header carries it. */
function keyOption(text: string): string {
  if (/^[\x20-\x7e]{1,200}$/.test(text)) return text
  throw new InvalidArgumentError('Expected 1 to 200 printable ASCII characters.')
}

function objectOption(text: string): Record<string, unknown> {
  const value = jsonObject(text)
  if (value === null) throw new InvalidArgumentError('Expected a JSON object.')
  return value
}
