import type { Simulation } from '@hookswitch/sender/simulator'
import type { Terminal } from '../terminal/terminal.ts'
import type { Tally } from './tally.ts'

/** As often as a reader sees a difference. */
const refreshMs = 250

/** Shows how far a run is, on a line that replaces itself; returns what takes it away. */
export function showProgress(terminal: Terminal, tally: Tally, { options }: Simulation): () => void {
  let requestsBefore = 0
  let perSecond = 0
  const timer = setInterval(() => {
    // Smoothed, so that the figure can be read.
    perSecond += ((tally.requests - requestsBefore) * (1_000 / refreshMs) - perSecond) / 4
    requestsBefore = tally.requests
    const { callsBegun, callsEnded, taken, retries, givenUp } = tally
    const parts = [
      `${callsBegun - callsEnded} calls live`,
      `${callsBegun}${options.calls === Infinity ? '' : ` of ${options.calls}`} begun`,
      `${Math.round(perSecond)} events/s`,
      `${taken} taken`,
      ...(retries > 0 ? [`${retries} tried again`] : []),
      ...(givenUp > 0 ? [terminal.paintNote('red', `${givenUp} given up`)] : []),
    ]
    terminal.progress(parts.join(' · '))
  }, refreshMs)
  return () => {
    clearInterval(timer)
    terminal.progress(null)
  }
}
