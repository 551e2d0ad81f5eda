import { Option, type Command } from 'commander'
import { defaultSource } from '@hookswitch/server'
import type { ApiClient, Page } from '../api/api-client.ts'
import { addConnectionOptions, connect, type ConnectionOptions } from '../api/connection.ts'
import type { Context } from '../context.ts'
import { helpEnding } from '../help.ts'
import { jsonOption } from '../options.ts'
import { printable } from '../terminal/printable.ts'
import { formatTable } from '../terminal/table.ts'
import type { Terminal } from '../terminal/terminal.ts'
import { durationOption } from '../time/duration.ts'
import { futureOption, localTime, zoneName, zonePlace } from '../time/moment.ts'

/** A secret as the API shows it. Times are ISO 8601 UTC. */
interface Secret {
  id: string
  source: string
  label: string | null
  origin: 'environment' | 'config' | 'file' | 'api'
  createdAt: string
  expiresAt: string | null
  lastUsedAt: string | null
  ageDays: number
}

interface AddedSecret extends Secret {
  /** The secret itself, shown this once. */
  secret?: string
  rotated?: { ended: Secret[]; kept: Secret[] }
}

interface SourceOptions extends ConnectionOptions {
  source: string
  json?: true
}
type CreateOptions = SourceOptions & { label?: string; expires?: string }
type RotateOptions = SourceOptions & { label?: string; overlap: number }

const dayMs = 24 * 60 * 60 * 1000

export function addTokensCommand(program: Command, context: Context): void {
  const tokens = program
    .command('tokens')
    .description('make, list and end the secrets that senders must show')
    .addHelpText('after', helpEnding('hookswitch tokens', 'hookswitch tokens rotate --overlap 24h'))
  const command = (name: string, description: string, own: readonly Option[], isDefault = false): Command => {
    const made = tokens.command(name, { isDefault }).description(description)
    for (const option of own) made.addOption(option)
    made.option('--source <name>', 'the source that they are for', defaultSource).addOption(jsonOption())
    return addConnectionOptions(made)
  }
  const label = new Option('--label <text>', 'what it is for')
  const expires = new Option('--expires <time>', 'accepted until then, e.g. 30d or 2026-12-31')
  const overlap = new Option('--overlap <duration>', 'how long the others are still accepted')

  command('list', 'list them, with age and last use; the default', [], true)
    .addHelpText('after', helpEnding('hookswitch tokens list --source hamsa'))
    .action((options: SourceOptions) => list(options, context))

  command('create', 'make another, and print it this once', [label, expires.argParser(futureOption)])
    .addHelpText('after', helpEnding('hookswitch tokens create --label staging --expires 30d'))
    .action((options: CreateOptions) => create(options, context))

  command('rotate', 'make another, and let those end that were made before', [
    label,
    overlap.argParser(durationOption).default(dayMs, '24h'),
  ])
    .addHelpText('after', helpEnding('hookswitch tokens rotate --overlap 24h'))
    .action((options: RotateOptions) => rotate(options, context))

  command('revoke', 'end one at once', [])
    .argument('<id>', 'as the list shows it')
    .addHelpText('after', helpEnding('hookswitch tokens revoke sec_V3x0mB1kq9Zt'))
    .action((id: string, options: SourceOptions) => revoke(id, options, context))
}

async function list(options: SourceOptions, context: Context): Promise<void> {
  const { terminal } = context
  const { value, text } = await (await connect(options, context)).get<Page<Secret>>(pathOf(options))
  if (options.json === true) terminal.print(text)
  else if (value.items.length === 0) terminal.note(`Source ${options.source} has no secrets.`)
  else terminal.print(formatSecrets(value.items, terminal))
}

async function create(options: CreateOptions, context: Context): Promise<void> {
  const { label, expires: expiresAt } = options
  await add(await connect(options, context), { label, expiresAt }, options, context)
}

async function rotate(options: RotateOptions, context: Context): Promise<void> {
  const { label, overlap } = options
  const body = { label, rotate: true, overlapSeconds: Math.round(overlap / 1000) }
  await add(await connect(options, context), body, options, context)
}

async function add(
  api: ApiClient,
  body: Record<string, unknown>,
  options: SourceOptions,
  { terminal }: Context,
): Promise<void> {
  const { value, text } = await api.post<AddedSecret>(pathOf(options), body)
  if (options.json === true) {
    terminal.print(text)
    return
  }
  // Alone on stdout, so that it can be piped to where it belongs.
  terminal.print(value.secret ?? '')
  terminal.note(`${value.id} is valid now${untilText(value)}. It is not shown again.`)
  for (const ended of value.rotated?.ended ?? [])
    terminal.note(`${named(ended)} is valid${untilText(ended)}.`)
  for (const kept of value.rotated?.kept ?? []) {
    terminal.note(`${named(kept)} stays valid: remove it from ${places[kept.origin]}.`)
  }
}

async function revoke(id: string, options: SourceOptions, context: Context): Promise<void> {
  const { terminal } = context
  await (await connect(options, context)).delete(`${pathOf(options)}/${encodeURIComponent(id)}`)
  if (options.json === true) terminal.printJson({ id, revoked: true })
  else terminal.print(`${printable(id)} is not accepted any more.`)
}

function pathOf({ source }: SourceOptions): string {
  return `/sources/${encodeURIComponent(source)}/secrets`
}

/** Where each was given, and where alone it can be taken away. */
const places: Record<Secret['origin'], string> = {
  environment: 'WEBHOOK_SECRET',
  config: 'the config file',
  file: 'the file webhook-secret',
  api: 'hookswitch tokens',
}

function named({ id, label }: Secret): string {
  return label === null ? id : `${id} (${printable(label)})`
}

function untilText({ expiresAt }: Secret): string {
  return expiresAt === null ? '' : ` until ${localTime(expiresAt)} (${zoneName()})`
}

function formatSecrets(secrets: readonly Secret[], terminal: Terminal): string {
  return formatTable(
    [
      { title: 'id', text: ({ id }) => id, whole: true },
      { title: 'label', text: ({ label }) => label ?? '–' },
      { title: 'from', text: ({ origin }) => places[origin] },
      {
        title: 'age',
        text: ({ ageDays }) => (ageDays === 1 ? '1 day' : `${ageDays} days`),
        align: 'right',
        paint: (text, { ageDays }) => (ageDays > 90 ? terminal.paint('yellow', text) : text),
      },
      { title: `last used (${zonePlace()})`, text: ({ lastUsedAt }) => localTime(lastUsedAt), whole: true },
      { title: 'ends', text: ({ expiresAt }) => localTime(expiresAt), whole: true },
    ],
    secrets,
    { columns: terminal.columns, paintTitle: (text) => terminal.paint('bold', text) },
  )
}
