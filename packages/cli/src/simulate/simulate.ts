import { randomInt } from 'node:crypto'
import { InvalidArgumentError, Option, type Command } from 'commander'
import { authorizationHeader } from '@hookswitch/events'
import { retryPresets, type RetryPreset } from '@hookswitch/sender'
import { createSimulation, readFaults, type Faults, type Simulation } from '@hookswitch/sender/simulator'
import type { ApiClient } from '../api/api-client.ts'
import { connect } from '../api/connection.ts'
import { localServerUrl } from '../api/server-address.ts'
import { addressOf } from '../api/unreachable.ts'
import { serverUrlOption, urlOption } from '../api/url-option.ts'
import type { Context } from '../context.ts'
import { CommandFailure } from '../failure.ts'
import { helpEnding } from '../help.ts'
import { untilInterrupted } from '../interrupt.ts'
import { countOption, jsonOption } from '../options.ts'
import { shellWord } from '../terminal/shell-word.ts'
import { formatReport, reportOf } from './report.ts'
import { runSimulation } from './run-simulation.ts'
import { senderSecret } from '../api/sender-secret.ts'
import { showProgress } from './progress.ts'
import { Tally } from './tally.ts'
import { knowsNone, verifyCalls, type Verification } from './verify-calls.ts'

interface SimulateOptions {
  to?: string
  calls: number
  rate: number
  speed: number
  seed?: string
  start?: number
  dialect: 'v1' | 'legacy' | 'mixed'
  transcript: 'delta' | 'cumulative' | 'mixed'
  faults?: string
  secret?: string
  authKey: string
  retry: RetryPreset
  verify?: string | true
  token?: string
  json?: true
}

/** Of each a few hundred bytes are kept, to ask for it afterwards. */
const callsMax = 100_000
const rateMax = 100_000
const speedMax = 1_000_000

export function addSimulateCommand(program: Command, context: Context): void {
  program
    .command('simulate')
    .description('send the events of simulated calls, as a platform would on good days and bad ones')
    .option('--to <url>', 'the endpoint (default: the local server, at /webhook)', urlOption)
    .option('--calls <count>', 'so many calls', countOption(callsMax), 10)
    .option('--rate <events>', 'so many events a second, on average', amountOption(0, rateMax), 5)
    .option('--speed <factor>', 'calls go by so many times faster than life', amountOption(1, speedMax), 1)
    .option('--seed <text>', 'what everything is drawn from (default: a random one)', seedOption)
    .option('--start <time>', 'when it begins, in the times of the events (default: now)', startOption)
    .addOption(
      new Option('--dialect <form>', 'the form of the events')
        .choices(['v1', 'legacy', 'mixed'])
        .default('v1'),
    )
    .addOption(
      new Option('--transcript <form>', 'what updates bring')
        .choices(['delta', 'cumulative', 'mixed'])
        .default('mixed'),
    )
    .option(
      '--faults <list>',
      'what goes wrong: none, some, all, or faults such as drop=0.1,reorder=0.05',
      faultsOption,
    )
    .option(
      '--secret <secret>',
      'what to show there (default: WEBHOOK_SECRET, or the one in the data folder)',
    )
    .option('--auth-key <word>', 'what stands before the secret in the Authorization header', 'Bearer')
    .addOption(
      new Option('--retry <preset>', 'how an event that was not taken is tried again')
        .choices(Object.keys(retryPresets))
        .default('guide'),
    )
    .option(
      '--verify [url]',
      'ask this server afterwards whether every call is as it was sent',
      serverUrlOption,
    )
    .option(
      '--token <token>',
      'its admin token (default: HOOKSWITCH_ADMIN_TOKEN, or the one in the data folder)',
    )
    .addOption(jsonOption('print the report as JSON'))
    .addHelpText(
      'after',
      helpEnding(
        'hookswitch simulate --calls 3',
        'hookswitch simulate --calls 500 --rate 200 --speed 60 --faults all --verify',
      ),
    )
    .action((options: SimulateOptions) => simulate(options, context))
}

async function simulate(options: SimulateOptions, context: Context): Promise<void> {
  const { terminal, host } = context
  const simulation = createSimulation({
    seed: options.seed ?? String(randomInt(1_000_000)),
    startAt: options.start ?? Date.now(),
    calls: options.calls,
    rate: options.rate,
    speed: options.speed,
    dialect: options.dialect,
    transcript: options.transcript,
    faults: faultsOf(options.faults),
  })
  const to = options.to ?? `${localServerUrl(context.environment())}/webhook`
  const secret = options.secret ?? (await senderSecret(to, context))
  const api = options.verify === undefined ? null : await verifierOf(options, context)
  const tally = new Tally()
  const startedAt = performance.now()
  const seconds = (): number => (performance.now() - startedAt) / 1_000
  let interrupted = false
  terminal.note(terminal.paintNote('dim', `Calling ${addressOf(to)}; Ctrl-C ends it.`))
  const stopProgress = showProgress(terminal, tally, simulation)
  try {
    await untilInterrupted(host, async (signal) => {
      await runSimulation({
        simulation,
        to,
        authorization: secret === null || secret === '' ? null : authorizationHeader(options.authKey, secret),
        retryDelaysMs: retryPresets[options.retry],
        tally,
        signal,
      })
      interrupted = signal.aborted
    })
  } finally {
    stopProgress()
  }
  const took = { seconds: seconds(), interrupted }
  const print = (verification: Verification | null): void => {
    const report = reportOf(tally, simulation.options, { ...took, verification })
    if (options.json === true) terminal.printJson(report)
    else terminal.print(formatReport(report, terminal))
    terminal.note(terminal.paintNote('dim', `The same again: ${commandOf(options, simulation)}`))
  }
  // Whoever has had enough of the calls has no wish to wait for their records.
  if (interrupted) {
    print(null)
    return
  }
  if (api === null) {
    print(null)
    if (tally.givenUp > 0) throw new CommandFailure('failed', '')
    return
  }
  const verification = await verifyCalls(api, { simulation, tally }, (right) => {
    terminal.progress(`Asking ${addressOf(api.url)}: ${right} of ${tally.callsBegun} calls are right`)
  }).catch((error: unknown) => {
    terminal.progress(null)
    print(null)
    throw error
  })
  terminal.progress(null)
  print(verification)
  if (verification.differing.length > 0 || tally.givenUp > 0) {
    throw new CommandFailure('failed', otherServerWords(to, api.url, verification))
  }
}

/** The server to ask afterwards, which has answered once: a run of an hour should not end with one that does not. */
async function verifierOf({ verify, token }: SimulateOptions, context: Context): Promise<ApiClient> {
  const named = {
    ...(typeof verify === 'string' ? { url: verify } : {}),
    ...(token === undefined ? {} : { token }),
  }
  const api = await connect(named, context, '--verify <url>')
  await api.get('/calls', { limit: 1 }).catch((error: unknown) => {
    if (!(error instanceof CommandFailure)) throw error
    const message = `Nothing was sent, since --verify could not ask afterwards: ${error.message}`
    throw new CommandFailure(error.ending, message, { cause: error })
  })
  return api
}

/** Said where the events arrived, and the server that was asked knows none of them; empty otherwise. */
function otherServerWords(to: string, asked: string, verification: Verification): string {
  if (!knowsNone(verification) || new URL(to).origin === new URL(asked).origin) return ''
  return (
    `${addressOf(asked)}, which was asked, seems to be another server than the one that the events went to ` +
    `(${addressOf(to)}). Name that one with --verify <url>.`
  )
}

/** The command that sends the same bytes at the same moments again. */
function commandOf(options: SimulateOptions, { options: resolved }: Simulation): string {
  const { seed, startAt, calls, rate, speed, dialect, transcript } = resolved
  const given = {
    '--seed': seed,
    '--start': new Date(startAt).toISOString(),
    '--calls': calls,
    '--rate': rate,
    '--speed': speed,
    '--dialect': dialect,
    '--transcript': transcript,
    ...(options.faults === undefined ? {} : { '--faults': options.faults }),
    ...(options.to === undefined ? {} : { '--to': addressOf(options.to) }),
  }
  const words = Object.entries(given).map(([name, value]) => `${name} ${shellWord(String(value))}`)
  return ['hookswitch simulate', ...words].join(' ')
}

function faultsOf(text: string | undefined): Faults {
  return readFaults(text ?? 'none')
}

/** The text itself, once it is understood: the command that repeats the run has it again. */
function faultsOption(text: string): string {
  try {
    readFaults(text)
    return text
  } catch (error) {
    throw new InvalidArgumentError(`${(error as Error).message}.`)
  }
}

function amountOption(min: number, max: number): (text: string) => number {
  return (text) => {
    const amount = /^\d{1,9}(?:\.\d{1,6})?$/.test(text) ? Number(text) : NaN
    const isInside = min === 0 ? amount > 0 : amount >= min
    if (isInside && amount <= max) return amount
    throw new InvalidArgumentError(`Expected a number ${min === 0 ? 'above 0' : `from ${min}`} to ${max}.`)
  }
}

function seedOption(text: string): string {
  if (/^[\w.-]{1,64}$/.test(text)) return text
  throw new InvalidArgumentError('Expected up to 64 letters, digits, dots, dashes and underscores.')
}

function startOption(text: string): number {
  const isMoment = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?(?:Z|[+-]\d\d:\d\d)$/.test(text)
  const ms = isMoment ? Date.parse(text) : NaN
  if (ms >= Date.UTC(2000, 0, 1) && ms < Date.UTC(2099, 0, 1)) return ms
  throw new InvalidArgumentError('Expected a time such as 2026-03-01T09:30:00.000Z.')
}
