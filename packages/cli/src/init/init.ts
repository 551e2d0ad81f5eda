import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { relative, resolve } from 'node:path'
import { cancel, intro, isCancel, outro, select, text } from '@clack/prompts'
import { InvalidArgumentError, Option, type Command } from 'commander'
import type { Context } from '../context.ts'
import { CommandFailure } from '../failure.ts'
import { helpEnding } from '../help.ts'
import { configText, type ConfigChoices } from './config-text.ts'

interface InitOptions {
  source?: string
  auth?: 'secret' | 'none'
  agent?: string
  yes?: true
  force?: true
}

const fileName = 'hookswitch.config.ts'

const sourceDefault = 'hamsa'

export function addInitCommand(program: Command, context: Context): void {
  program
    .command('init')
    .description(`write a commented ${fileName}`)
    .option('--source <name>', `where events come in (default: ${sourceDefault}, at /webhook)`, sourceOption)
    .addOption(
      new Option('--auth <form>', 'whether a sender must show a secret (default: secret)').choices([
        'secret',
        'none',
      ]),
    )
    .option('--agent <id>', 'an agent whose outcome schema is begun', agentOption)
    .option('--yes', 'ask nothing, take the defaults')
    .option('--force', 'replace the file if it is there')
    .addHelpText('after', helpEnding('hookswitch init', 'hookswitch init --yes --agent agent-123'))
    .action((options: InitOptions) => init(options, context))
}

async function init(options: InitOptions, context: Context): Promise<void> {
  const { terminal, host } = context
  const path = resolve(host.cwd(), fileName)
  // Before anything is asked; the write below makes sure.
  if (options.force !== true && existsSync(path)) throw isThere(path)
  const asks = terminal.interactive && options.yes !== true
  const choices = asks ? await ask(options) : given(options)
  try {
    await writeFile(path, configText(choices), { flag: options.force === true ? 'w' : 'wx' })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST') throw isThere(path)
    const message = `${path} cannot be written (${code ?? 'unknown error'}).`
    throw new CommandFailure('usage', message, { cause: error })
  }
  const said = `Wrote ${relative(host.cwd(), path)}. "hookswitch serve" reads it, "hookswitch doctor" checks it.`
  if (asks) outro(said)
  else terminal.print(said)
}

function isThere(path: string): CommandFailure {
  return new CommandFailure('usage', `${path} is there already. It is replaced with --force.`)
}

function given({ source, auth, agent }: InitOptions): ConfigChoices {
  return { source: source ?? sourceDefault, auth: auth ?? 'secret', agentId: agent ?? null }
}

/** Asks for what was not given. */
async function ask(options: InitOptions): Promise<ConfigChoices> {
  intro('hookswitch init')
  const source =
    options.source ??
    (await answered(
      text({
        message: 'Name of the source, which is the end of its path?',
        initialValue: sourceDefault,
        validate: (name) => sourceProblem(name ?? ''),
      }),
    ))
  const auth =
    options.auth ??
    (await answered(
      select<'secret' | 'none'>({
        message: 'Must a sender show a secret?',
        options: [
          { value: 'secret', label: 'Yes', hint: '"hookswitch tokens create" makes them' },
          { value: 'none', label: 'No', hint: 'whoever knows the address can send' },
        ],
      }),
    ))
  const agent =
    options.agent ??
    (await answered(
      text({
        message: 'Id of an agent whose outcome is to be described?',
        placeholder: 'none; leave it empty',
        validate: (id) => (id === undefined || id === '' ? undefined : agentProblem(id)),
      }),
    ))
  return { source, auth, agentId: agent === undefined || agent === '' ? null : agent }
}

async function answered<T>(answer: Promise<T>): Promise<Exclude<T, symbol>> {
  const value = await answer
  if (!isCancel(value)) return value as Exclude<T, symbol>
  cancel('Nothing was written.')
  throw new CommandFailure('failed', '')
}

function sourceOption(name: string): string {
  const problem = sourceProblem(name)
  if (problem !== undefined) throw new InvalidArgumentError(problem)
  return name
}

function agentOption(id: string): string {
  const problem = agentProblem(id)
  if (problem !== undefined) throw new InvalidArgumentError(problem)
  return id
}

/** The rules of the config file; what breaks them would be refused there. */
function sourceProblem(name: string): string | undefined {
  if (/^[a-z0-9][a-z0-9_-]{0,63}$/.test(name)) return undefined
  return 'Expected 1 to 64 of lower case a-z, 0-9, _ and -, beginning with a letter or digit.'
}

function agentProblem(id: string): string | undefined {
  return id.length >= 1 && id.length <= 200 ? undefined : 'Expected 1 to 200 characters.'
}
