import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { Bench, resultsFolder } from './bench.ts'
import { describeMachine } from './machine.ts'
import { help, OptionError, readOptions, type Options, type RowName } from './options.ts'
import type { Outcome } from './outcome.ts'
import { reportText } from './report.ts'
import { ack, sustained } from './rows/offered.ts'
import { burst, guide, postgres } from './rows/burst.ts'
import { claims } from './rows/claims.ts'
import { delivery, flatOut } from './rows/delivery.ts'
import { growthAndMemory } from './rows/growth.ts'
import { retries, skew } from './rows/isolation.ts'
import { receiver } from './rows/receiver.ts'
import { stamp } from './server.ts'

/** How long processes may take to end when the bench is interrupted; their data is thrown away. */
const interruptMs = 5_000

function optionsOrExit(): Options {
  try {
    const options = readOptions(process.argv.slice(2))
    if (options !== null) return options
  } catch (error) {
    if (!(error instanceof OptionError)) throw error
    process.stderr.write(`${error.message}\nnpm run bench -- --help shows the options.\n`)
    return process.exit(2)
  }
  process.stdout.write(help)
  return process.exit(0)
}

/** The rows in their order; a row that fails does not stop the others. */
async function measure(bench: Bench): Promise<Outcome[]> {
  const { rows } = bench.options
  const outcomes: Outcome[] = []
  const attempt = async (names: RowName[], row: () => Promise<Outcome[]>): Promise<void> => {
    const wanted = names.filter((name) => rows.includes(name))
    if (wanted.length === 0) return
    try {
      outcomes.push(...(await row()))
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      bench.say(`${wanted.join(' and ')} failed: ${reason}`)
      outcomes.push(...wanted.map((name) => ({ row: name, state: 'failed' as const, reason })))
    }
  }
  const single: [RowName, (bench: Bench) => Promise<Outcome>][] = [
    ['burst', burst],
    ['guide', guide],
    ['postgres', postgres],
    ['sustained', sustained],
    ['ack', ack],
    ['delivery', delivery],
    ['flat-out', flatOut],
    ['skew', skew],
    ['retries', retries],
    ['claims', claims],
    ['receiver', receiver],
  ]
  for (const [name, row] of single) await attempt([name], async () => [await row(bench)])
  await attempt(['growth', 'memory'], () =>
    growthAndMemory(bench, { growth: rows.includes('growth'), memory: rows.includes('memory') }),
  )
  return outcomes
}

const options = optionsOrExit()
const bench = new Bench(options)
const machine = describeMachine(bench.folder)

let interrupted = false
const interrupt = (): void => {
  // A second one does not wait.
  if (interrupted) process.exit(130)
  interrupted = true
  bench.say('interrupted: ending what was started')
  // What is being measured fails now, and the program goes on to its end.
  void bench.processes.endAll(interruptMs)
}
process.on('SIGINT', interrupt)
process.on('SIGTERM', interrupt)
// However the bench ends, nothing of it stays.
process.on('exit', () => {
  bench.processes.killAll()
  bench.removeFolder()
})

if (machine.loadBefore > machine.cores / 2)
  bench.say(`warning: the machine is busy (load ${machine.loadBefore.toFixed(2)})`)
const outcomes = await measure(bench)
await bench.processes.endAll(interruptMs)
if (interrupted) process.exit(130)

const json = `${JSON.stringify({ machine, options, outcomes, runs: bench.runs }, null, 2)}\n`
const text = reportText(machine, outcomes)
if (options.json === '-') {
  process.stderr.write(text)
  process.stdout.write(json)
} else {
  const path = options.json ?? join(resultsFolder, `${stamp()}.json`)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, json)
  process.stdout.write(`${text}\nJSON: ${path}\n`)
}
const failed = outcomes.some(({ state }) => state === 'failed')
const missed = outcomes.some((outcome) => outcome.state === 'measured' && !outcome.met)
process.exitCode = failed || (options.strict && missed) ? 1 : 0
