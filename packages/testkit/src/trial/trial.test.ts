import { describe, expect, test } from 'vitest'
import { runTrial, type TrialReport } from './trial.ts'

const seeds = 500

/**
 * What must have happened in so many trials, at least so often: a trial in which nothing goes wrong shows nothing.
 * About half of what these seeds give.
 */
const atLeast: Record<string, number> = {}

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

  test(`${seeds} seeds keep every promise - whatever fails, and whoever dies`, { timeout: 600_000 }, async () => {
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
    process.stdout.write(`${seeds} seeds: ${events} events in ${hours.toFixed(1)} hours of the trial's clock\n`)
    for (const [what, count] of Object.entries(atLeast)) {
      expect(counts[what] ?? 0, what).toBeGreaterThanOrEqual(count)
    }
  })
})

function sumOf(reports: readonly TrialReport[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const report of reports) {
    for (const [what, count] of Object.entries(report.counts)) counts[what] = (counts[what] ?? 0) + count
  }
  return counts
}
