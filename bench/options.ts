import { parseArgs } from 'node:util'

const rowNames = [
  'burst',
  'guide',
  'postgres',
  'sustained',
  'ack',
  'delivery',
  'flat-out',
  'skew',
  'retries',
  'claims',
  'receiver',
  'growth',
  'memory',
] as const
export type RowName = (typeof rowNames)[number]

export interface Options {
  rows: readonly RowName[]
  /** Length of every measured window; null leaves each row its own. */
  seconds: number | null
  /** How many events are stored before `growth` and `memory` measure, and deliveries before `claims` does. */
  events: number
  /** How many events `flat-out` delivers. */
  deliveries: number
  connections: number
  /** A file, "-" for standard output, or null for bench/results/. */
  json: string | null
  /** Where the stores of the run lie; null chooses. */
  folder: string | null
  logLevel: string
  profile: boolean
  strict: boolean
}

export const help = `npm run bench -- [options]

Measures the budgets of ARCHITECTURE.md, wherever it can as ratios to peers that run on the same machine in the same
run. bench/README.md says what each row means.

  --rows LIST        comma-separated, of: ${rowNames.join(', ')} (default: all)
  --seconds N        length of every measured window (default: 30; sustained 60; delivery 15; growth, skew 10; retries 8; receiver 3)
  --events N         events stored before growth and memory measure, and deliveries before claims does (default: 1e6)
  --deliveries N     events that flat-out delivers (default: 50000)
  --connections N    connections of the load (default: 64)
  --json FILE|-      where the JSON goes (default: a new file in bench/results/)
  --folder FOLDER    where the stores of the run lie (default: the temporary folder, if it is on a disk)
  --log-level LEVEL  LOG_LEVEL of the server (default: info, which is the server's own)
  --profile          CPU profiles of the server in bench/results/; slows it down, so the ratios are not to be quoted
  --strict           exit code 1 when a budget is missed
  --help

Example: npm run bench -- --rows burst,ack --seconds 5

Exit codes: 0 measured, also when a budget is missed; 1 a row failed, or a budget was missed under --strict;
2 an option was wrong; 130 interrupted.
`

/** The command line was wrong; the message says how. */
export class OptionError extends Error {
  override readonly name = 'OptionError'
}

/** Null asks for the help text. */
export function readOptions(args: readonly string[]): Options | null {
  const { values } = parse(args)
  if (values.help) return null
  return {
    rows: rowsOf(values.rows),
    seconds: values.seconds === undefined ? null : numberOf('--seconds', values.seconds, 1, 3600),
    events: numberOf('--events', values.events, 10_000, 100_000_000),
    deliveries: numberOf('--deliveries', values.deliveries, 1_000, 10_000_000),
    connections: numberOf('--connections', values.connections, 1, 1000),
    json: values.json ?? null,
    folder: values.folder ?? null,
    logLevel: values['log-level'],
    profile: values.profile,
    strict: values.strict,
  }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        rows: { type: 'string', default: rowNames.join(',') },
        seconds: { type: 'string' },
        events: { type: 'string', default: '1e6' },
        deliveries: { type: 'string', default: '50000' },
        connections: { type: 'string', default: '64' },
        json: { type: 'string' },
        folder: { type: 'string' },
        'log-level': { type: 'string', default: 'info' },
        profile: { type: 'boolean', default: false },
        strict: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    })
  } catch (error) {
    throw new OptionError(error instanceof Error ? error.message : String(error))
  }
}

function rowsOf(text: string): RowName[] {
  const wanted = text.split(',').map((name) => name.trim())
  const unknown = wanted.filter((name) => !rowNames.some((row) => row === name))
  if (unknown.length > 0) {
    throw new OptionError(
      `--rows knows ${rowNames.join(', ')}, and got ${unknown.map((name) => `"${name}"`).join(', ')}.`,
    )
  }
  return rowNames.filter((row) => wanted.includes(row))
}

function numberOf(option: string, text: string, min: number, max: number): number {
  const value = Number(text)
  if (text.trim() === '' || !Number.isInteger(value) || value < min || value > max) {
    throw new OptionError(`${option} takes a whole number from ${min} to ${max}, and got "${text}".`)
  }
  return value
}
