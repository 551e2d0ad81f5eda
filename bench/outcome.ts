import type { Run } from './bench.ts'
import type { Percentiles } from './load/histogram.ts'
import type { RowName } from './options.ts'

/** What one row of the budgets came to. */
export type Outcome =
  | {
      row: RowName
      state: 'measured'
      budget: string
      measured: string
      met: boolean
      details: string[]
      figures: object
    }
  | { row: RowName; state: 'skipped'; reason: string }
  | { row: RowName; state: 'failed'; reason: string }

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

export function perSecond(rate: number): string {
  return `${Math.round(rate).toLocaleString('en-US')}/s`
}

export function percentilesText({ p50, p95, p99, max }: Percentiles): string {
  const ms = (value: number): string => value.toPrecision(3)
  return `p50 ${ms(p50)}, p95 ${ms(p95)}, p99 ${ms(p99)}, max ${ms(max)} ms`
}

/** Rate, CPU, memory and odd answers of a run, for the lines below its row. */
export function runText(run: Run): string {
  const { load } = run
  const others = Object.entries(load.answers).filter(([answer]) => answer !== '200')
  const first = load.refusals[0]
  return [
    `${run.target}: ${perSecond(load.window.perSecond)}`,
    `${run.cpuMicrosPerEvent.toFixed(1)} µs CPU an event`,
    ...(run.peakMB === null ? [] : [`at most ${run.peakMB.toFixed(0)} MB`]),
    `answers ${percentilesText(load.latency)}`,
    ...(others.length === 0
      ? []
      : [`NOT 200: ${others.map(([answer, count]) => `${count} × ${answer}`).join(', ')}`]),
    ...(first === undefined ? [] : [`the first: ${first.status} ${first.body}`]),
  ].join('; ')
}

/** CPU by thread, busiest first. */
export function threadsText(run: Run): string[] {
  if (run.threads.length === 0) return []
  const threads = run.threads
    .slice(0, 8)
    .map(({ name, microsPerEvent }) => `${name} ${microsPerEvent.toFixed(1)}`)
  return [`µs CPU an event by thread, since its start: ${threads.join(', ')}`]
}
