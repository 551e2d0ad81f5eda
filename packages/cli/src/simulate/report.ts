import type { ResolvedSimulation } from '@hookswitch/sender/simulator'
import { printable, printableValue } from '../terminal/printable.ts'
import { formatTable, type Column } from '../terminal/table.ts'
import type { Terminal } from '../terminal/terminal.ts'
import type { Tally } from './tally.ts'
import { knowsNone, type Verification } from './verify-calls.ts'

/** What a run was, in numbers; as `--json` prints it. */
export interface Report {
  seed: string
  startAt: string
  /** Whether it was ended before its time. */
  interrupted: boolean
  calls: number
  /** Different ones; what was sent again counts under `requests`. */
  events: number
  requests: number
  retries: number
  /** Events that were given up. */
  givenUp: number
  seconds: number
  requestsPerSecond: number
  types: Record<string, { events: number; requests: number }>
  /** By status, or what came instead of an answer. */
  answers: Record<string, number>
  /** From the request to the whole answer, of those that took an event. */
  ackMs: Percentiles
  /** How much later than planned requests were sent. */
  lateMs: Percentiles
  faults: Record<string, number>
  verification: Verification | null
}

interface Percentiles {
  p50: number | null
  p95: number | null
  p99: number | null
}

/** Of a difference, as much as tells two values apart. */
const valueCharactersMax = 200

/** As many calls as fit a screen; `--json` has all. */
const callsShownMax = 20

export function reportOf(
  tally: Tally,
  { seed, startAt }: ResolvedSimulation,
  { seconds, interrupted, verification }: Pick<Report, 'seconds' | 'interrupted' | 'verification'>,
): Report {
  const percentiles = (times: Tally['ackMs']): Percentiles => {
    const at = (share: number): number | null => rounded(times.percentile(share))
    return { p50: at(0.5), p95: at(0.95), p99: at(0.99) }
  }
  return {
    seed,
    startAt: new Date(startAt).toISOString(),
    interrupted,
    calls: tally.callsBegun,
    events: tally.events,
    requests: tally.requests,
    retries: tally.retries,
    givenUp: tally.givenUp,
    seconds: rounded(seconds) ?? 0,
    requestsPerSecond: rounded(tally.requests / seconds) ?? 0,
    types: Object.fromEntries(tally.types),
    answers: sorted(tally.answers),
    ackMs: percentiles(tally.ackMs),
    lateMs: percentiles(tally.lateMs),
    faults: sorted(tally.faults),
    verification:
      verification === null
        ? null
        : {
            calls: verification.calls,
            differing: verification.differing.map(({ callId, differences }) => ({
              callId,
              differences: differences.map(({ field, expected, found }) => ({
                field,
                expected: shortened(expected),
                found: shortened(found),
              })),
            })),
          },
  }
}

/** The report for a person: what was sent, what came back, what went wrong on purpose. */
export function formatReport(report: Report, terminal: Terminal): string {
  const { calls, events, requests, retries, givenUp, seconds, requestsPerSecond, ackMs, lateMs } = report
  const ms = (value: number | null): string => (value === null ? '–' : String(value))
  const head = [
    `${counted(calls, 'call')}, ${counted(events, 'event')}, ${counted(requests, 'request')} in ${seconds} s (${requestsPerSecond}/s)`,
    `retries ${retries}, given up ${givenUp === 0 ? '0' : terminal.paint('red', String(givenUp))}`,
  ]
  return [
    `${terminal.paint('bold', report.interrupted ? 'So far' : 'Done')}: ${head.join(', ')}`,
    table(terminal, Object.entries(report.types), [
      { title: 'sent', text: ([type]) => type },
      { title: 'events', text: ([, count]) => String(count.events), align: 'right' },
      { title: 'requests', text: ([, count]) => String(count.requests), align: 'right' },
    ]),
    countTable(terminal, 'answer', report.answers),
    table(
      terminal,
      [
        ['request to answer', ackMs],
        ['later than planned', lateMs],
      ] as const,
      [
        { title: 'milliseconds', text: ([name]) => name },
        { title: 'p50', text: ([, times]) => ms(times.p50), align: 'right' },
        { title: 'p95', text: ([, times]) => ms(times.p95), align: 'right' },
        { title: 'p99', text: ([, times]) => ms(times.p99), align: 'right' },
      ],
    ),
    ...(Object.keys(report.faults).length === 0 ? [] : [countTable(terminal, 'fault', report.faults)]),
    ...(report.verification === null ? [] : [formatVerification(report.verification, terminal)]),
  ].join('\n\n')
}

function formatVerification(verification: Verification, terminal: Terminal): string {
  const { calls, differing } = verification
  if (differing.length === 0) return terminal.paint('green', `All ${calls} calls are as they were sent.`)
  if (knowsNone(verification)) return terminal.paint('red', `Of ${counted(calls, 'call')} none is there.`)
  const lines = differing.slice(0, callsShownMax).flatMap(({ callId, differences }) => {
    return differences.map(({ field, expected, found }) => {
      if (field === '') {
        const what = found === null ? 'is not there' : 'is there, though none of its events was taken'
        return `${callId} ${what}`
      }
      return `${callId} ${printable(field)}: ${inWords(found)}, expected ${inWords(expected)}`
    })
  })
  const rest = differing.length - callsShownMax
  return [
    terminal.paint('red', `${differing.length} of ${calls} calls are not as they were sent:`),
    ...lines,
    ...(rest > 0 ? [`… and ${rest} more; --json has all`] : []),
  ].join('\n')
}

function inWords(value: unknown): string {
  return value === undefined ? 'absent' : printableValue(value === '' ? '""' : value)
}

function shortened(value: unknown): unknown {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? '')
  return text.length > valueCharactersMax ? `${text.slice(0, valueCharactersMax)}…` : value
}

function countTable(terminal: Terminal, title: string, counts: Record<string, number>): string {
  return table(terminal, Object.entries(counts), [
    { title, text: ([name]) => name },
    { title: 'times', text: ([, count]) => String(count), align: 'right' },
  ])
}

function table<Row>(terminal: Terminal, rows: readonly Row[], columns: readonly Column<Row>[]): string {
  return formatTable(columns, rows, {
    columns: terminal.columns,
    paintTitle: (text) => terminal.paint('dim', text),
  })
}

function sorted(counts: ReadonlyMap<string, number>): Record<string, number> {
  return Object.fromEntries([...counts].sort(([one], [other]) => (one < other ? -1 : 1)))
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}

/** To a tenth: the rest is noise. */
function rounded(value: number | null): number | null {
  return value === null ? null : Math.round(value * 10) / 10
}
