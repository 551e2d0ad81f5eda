import { describe, expect, test } from 'vitest'
import { runTrial, type TrialReport } from './trial.ts'

const seeds = 500

/**
 * What must have happened in so many trials, at least so often: a trial in which nothing goes wrong shows nothing.
 * About half of what these seeds give.
 */
const atLeast = {
  accepted: 4_000,
  duplicates: 600,
  collisions: 40,
  folds: 3_000,
  'folds refused': 10,
  tries: 14_000,

  // How tries and deliveries end.
  delivered: 10_000,
  filtered: 600,
  retry: 1_800,
  returned: 400,
  dead: 1_300,
  parked: 800,
  'held auth': 60,
  'held gone': 30,
  repeats: 150,
  'late results': 60,

  // What goes wrong.
  deaths: 120,
  freezes: 110,
  'cut off': 120,
  stops: 60,
  'power losses': 70,
  'deeds lost': 300,
  'lapsed epochs': 40,
  'fault none': 500,
  'fault unknown': 250,
  'fault unknown, done': 250,
  'store silent': 400,

  // What a person does.
  'operator pause': 350,
  'operator pauseAndChange': 150,
  'held while paused': 3,
  'operator resume': 240,
  'operator change': 270,
  'operator add': 90,
  'operator remove': 60,
  'operator leaveOut': 50,
  'operator retry': 250,
  'operator skip': 180,
  'operator resumeLane': 130,
  'operator skipLaneHead': 90,
  'operator cancelReplay': 3,
  replays: 250,

  // Why something is delivered, or not.
  'explained by a delivery': 10_000,
  'explained: type': 1_500,
  'explained: source': 1_000,
  'explained: agent': 500,
  'explained: agent_unknown': 500,
  'explained: made later': 900,
  'explained: removed': 500,
}

describe('the trial', () => {
  test('a seed gives the same run again, and another seed another - a failure can be looked at', async () => {
    const [once, again, other] = [
      await runTrial({ seed: 11 }),
      await runTrial({ seed: 11 }),
      await runTrial({ seed: 12 }),
    ]
    expect(again).toEqual(once)
    expect(once.events).toBeGreaterThan(100)
    expect(other.hash).not.toBe(once.hash)
  })

  test(
    `${seeds} seeds keep every promise - whatever fails, and whoever dies`,
    { timeout: 600_000 },
    async () => {
      const reports: TrialReport[] = []
      for (let seed = 1; seed <= seeds; seed += 1) {
        const report = await runTrial({ seed })
        const { breach, tail } = report
        const told = `npm run trial -- --seed ${seed}\n${tail.slice(-20).join('\n')}`
        expect(breach, told).toBeNull()
        reports.push(report)
      }
      const counts = sumOf(reports)
      const events = reports.reduce((sum, report) => sum + report.events, 0)
      const hours = reports.reduce((sum, report) => sum + report.fakeMs, 0) / 3_600_000
      process.stdout.write(
        `${seeds} seeds: ${events} events in ${hours.toFixed(1)} hours of the trial's clock\n`,
      )
      for (const [what, count] of Object.entries(atLeast)) {
        expect(counts[what] ?? 0, what).toBeGreaterThanOrEqual(count)
      }
    },
  )
})

function sumOf(reports: readonly TrialReport[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const report of reports) {
    for (const [what, count] of Object.entries(report.counts)) counts[what] = (counts[what] ?? 0) + count
  }
  return counts
}
