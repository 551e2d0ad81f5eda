import { parseArgs } from 'node:util'
import { breaks, breakSource, isBreak } from './breaks.ts'
import type { TrialReport } from './trial.ts'

/**
 * The command: runs the trial for one seed and prints what happens, or for many.
 *
 *     npm run trial -- --seed 17
 *     npm run trial -- --seeds 5000 --from 1
 *     npm run trial -- --break lane-lock --seeds 200
 */
const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    seeds: { type: 'string', default: '500' },
    from: { type: 'string', default: '1' },
    break: { type: 'string' },
  },
})

const numberOf = (name: 'seed' | 'seeds' | 'from', text: string): number => {
  const number = Number(text)
  if (Number.isSafeInteger(number) && number >= 0) return number
  return refuse(`--${name} is "${text}"; a whole number is expected`)
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

function refuse(message: string): never {
  process.stderr.write(`${message}\n`)
  process.exit(2)
}

const broken = values.break
if (broken !== undefined) {
  if (!isBreak(broken)) refuse(`--break is "${broken}"; there are ${Object.keys(breaks).join(', ')}`)
  breakSource(broken)
  say(`Broken on purpose: ${breaks[broken].says}.`)
}
// After the source is broken, if it is to be.
const { runTrial } = await import('./trial.ts')

if (values.seed === undefined) await runMany(numberOf('from', values.from), numberOf('seeds', values.seeds))
else await runOne(numberOf('seed', values.seed))

async function runOne(seed: number): Promise<void> {
  const report = await runTrial({ seed, print: say })
  if (report.breach !== null) return fail(report)
  say(`\nSeed ${seed} kept every promise. ${summary([report])}\ntrace ${report.hash}`)
}

async function runMany(from: number, seeds: number): Promise<void> {
  const began = performance.now()
  const reports: TrialReport[] = []
  for (let seed = from; seed < from + seeds; seed += 1) {
    const report = await runTrial({ seed })
    reports.push(report)
    if (report.breach !== null) {
      say(report.tail.join('\n'))
      say(`\nafter ${reports.length} seeds:`)
      return fail(report)
    }
    if (reports.length % 100 === 0) say(`${reports.length} of ${seeds} seeds`)
  }
  const seconds = (performance.now() - began) / 1_000
  say(`\n${seeds} seeds kept every promise. ${summary(reports)}`)
  say(`${seconds.toFixed(0)} s, ${(seeds / seconds).toFixed(1)} seeds a second`)
}

function fail({ seed, breach }: TrialReport): void {
  say(`seed ${seed}: ${breach?.promise} is broken: ${breach?.message}`)
  const option = broken === undefined ? '' : ` --break ${broken}`
  say(`npm run trial --${option} --seed ${seed}`)
  process.exitCode = 1
}

/** How much was looked at, and how often what happened. */
function summary(reports: readonly TrialReport[]): string {
  const sum = (of: (report: TrialReport) => number): number =>
    reports.reduce((total, report) => total + of(report), 0)
  const counts: Record<string, number> = {}
  for (const report of reports) {
    for (const [what, count] of Object.entries(report.counts)) counts[what] = (counts[what] ?? 0) + count
  }
  const table = Object.entries(counts)
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([what, count]) => `  ${String(count).padStart(9)} ${what}`)
  const hours = sum(({ fakeMs }) => fakeMs) / 3_600_000
  const longest = Math.max(...reports.map(({ healthyDelayMs }) => healthyDelayMs))
  const text = `${sum(({ events }) => events)} events in ${hours.toFixed(1)} hours of the trial's clock`
  return `${text}; a healthy destination waited ${longest} ms at most.\n${table.join('\n')}`
}
