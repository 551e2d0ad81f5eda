import { readFile } from 'node:fs/promises'
import { buffer } from 'node:stream/consumers'
import { InvalidArgumentError, type Command } from 'commander'
import { authorizationHeader, knownEventTypes, readBody, readEnvelope } from '@hookswitch/events'
import { senderSecret } from '../api/sender-secret.ts'
import { localServerUrl } from '../api/server-address.ts'
import { urlOption } from '../api/url-option.ts'
import type { Context } from '../context.ts'
import { CommandFailure } from '../failure.ts'
import { helpEnding } from '../help.ts'
import { countOption, jsonOption } from '../options.ts'
import { shellWord } from '../terminal/shell-word.ts'
import { endingOf, formatDelivered, postEvent } from './post-event.ts'
import { sampleEvent } from './sample-event.ts'

interface SendOptions {
  type: string
  callId?: string
  agentId: string
  agentName: string
  data?: string
  file?: string
  to?: string
  secret?: string
  authKey: string
  repeat: number
  json?: true
}

const repeatMax = 10_000

export function addSendCommand(program: Command, context: Context): void {
  program
    .command('send')
    .description('send an event, as the platform would')
    .option('--type <type>', `${knownEventTypes.join(', ')}, or any other`, 'call.ended')
    .option('--call-id <id>', 'the call that it belongs to (default: a new one)')
    .option('--agent-id <id>', 'the agent', 'agent-123')
    .option('--agent-name <name>', 'its name', 'Recruiter')
    .option('--data <json>', "the event's data, instead of believable ones", jsonObjectOption)
    .option('--file <path>', 'send the bytes of a file as they are; - reads stdin')
    .option('--to <url>', 'the endpoint (default: the local server, at /webhook)', urlOption)
    .option(
      '--secret <secret>',
      'what to show there (default: WEBHOOK_SECRET, or the one in the data folder)',
    )
    .option('--auth-key <word>', 'what stands before the secret in the Authorization header', 'Bearer')
    .option('--repeat <times>', 'send the very same event this often', countOption(repeatMax), 1)
    .addOption(jsonOption('print one JSON object for each answer'))
    .addHelpText(
      'after',
      helpEnding(
        'hookswitch send --type call.started --call-id call_1',
        'hookswitch send --file event.json --repeat 2',
      ),
    )
    .action((options: SendOptions, command: Command) => send(options, command, context))
}

async function send(options: SendOptions, command: Command, context: Context): Promise<void> {
  const { terminal } = context
  const body = options.file === undefined ? composed(options) : await bytesOf(options.file, command, context)
  const target = options.to ?? `${localServerUrl(context.environment())}/webhook`
  const secret = options.secret ?? (await senderSecret(target, context))
  const authorization = secret === null || secret === '' ? null : authorizationHeader(options.authKey, secret)
  for (let sent = 0; sent < options.repeat; sent += 1) {
    const delivered = await postEvent(target, body, authorization)
    if (options.json === true) terminal.printJsonLine(delivered)
    else terminal.print(formatDelivered(delivered))
    const ending = endingOf(delivered.status)
    if (ending === 'refused' && authorization === null) {
      throw new CommandFailure(ending, 'No secret was shown. Give one with --secret.')
    }
    if (ending !== 'ok') throw new CommandFailure(ending, '')
  }
  const callId = options.to === undefined && options.json !== true ? callIdOf(body) : null
  if (callId !== null) terminal.note(terminal.paintNote('dim', `hookswitch calls show ${shellWord(callId)}`))
}

function composed(options: SendOptions): Uint8Array<ArrayBuffer> {
  return Buffer.from(sampleEvent(options, Date.now()))
}

/** The options that a file or stdin takes the place of. */
const composing = ['type', 'callId', 'agentId', 'agentName', 'data']

async function bytesOf(file: string, command: Command, { host }: Context): Promise<Uint8Array<ArrayBuffer>> {
  const given = composing.find((name) => command.getOptionValueSource(name) === 'cli')
  const flag = command.options.find((option) => option.attributeName() === given)?.long
  if (flag !== undefined) {
    throw new CommandFailure('usage', `${flag} cannot go with --file, whose bytes are sent as they are.`)
  }
  if (file === '-') return buffer(host.stdin)
  try {
    return await readFile(file)
  } catch (error) {
    throw new CommandFailure('usage', `${file} cannot be read: ${(error as Error).message}`, { cause: error })
  }
}

/** Null where the bytes are no event, which the server then says better. */
function callIdOf(body: Uint8Array): string | null {
  const reading = readBody(body)
  const envelope = reading.ok ? readEnvelope(reading.value) : reading
  return envelope.ok ? envelope.envelope.callId : null
}

/** The text itself, once it is known to be an object. */
function jsonObjectOption(text: string): string {
  if (!isJsonObject(text)) throw new InvalidArgumentError('Expected a JSON object.')
  return text
}

function isJsonObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
  } catch {
    return false
  }
}
