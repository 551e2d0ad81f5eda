import { eventNumber } from './load/event.ts'
import { Histogram, type Percentiles } from './load/histogram.ts'
import type { LoadResult } from './load/load.ts'
import type { Arrivals } from './receiver.ts'

/** What a load came to at its destination. */
export interface Delivered {
  /** Milliseconds from the time for which an event was scheduled to its arrival: of those sent in the window. */
  latency: Percentiles
  /** When the last event came that had not come before, by `machineMs`. */
  lastMs: number
  /** A line that says what was checked. */
  text: string
}

/**
 * Compares what came with what was sent: each acknowledged event came, nothing else did, and the first arrivals of
 * each call's events came in the order of the log. Throws when it does not hold.
 *
 * @param seqs the place in the log by event id; null leaves the order unchecked.
 * @param ratePerSecond at which the load was offered; a closed loop schedules nothing, and has no latency.
 */
export function checkDelivered(
  load: LoadResult,
  arrivals: Arrivals,
  seqs: ReadonlyMap<string, number> | null,
  ratePerSecond: number | null,
): Delivered {
  const { firstNumber, endNumber } = load.window
  const came = new Uint8Array(load.sent)
  const lastOfCall = new Map<string, number>()
  const latency = new Histogram()
  let repeats = 0
  let lastMs = 0
  for (const [at, callId] of arrivals.callIds.entries()) {
    const type = arrivals.types[at] ?? ''
    const atMs = arrivals.atMs[at] ?? Number.NaN
    const number = eventNumber({ callId, type }, load)
    if (number === null || number >= load.sent)
      throw new Error(`${type} of ${callId} was delivered and never sent.`)
    if (came[number] === 1) {
      repeats++
      continue
    }
    came[number] = 1
    lastMs = atMs
    if (ratePerSecond !== null && number >= firstNumber && number < endNumber)
      latency.record((atMs - load.startedMs - (number * 1000) / ratePerSecond) * 1000)
    if (seqs === null) continue
    const seq = seqs.get(arrivals.ids[at] ?? '')
    if (seq === undefined) throw new Error(`${type} of ${callId} was delivered and is not in the log.`)
    const before = lastOfCall.get(callId) ?? 0
    if (seq < before) throw new Error(`Of ${callId}, event ${seq} was delivered after event ${before}.`)
    lastOfCall.set(callId, seq)
  }
  const uncertain = new Set(load.unacknowledged)
  const lost = came.findIndex((isThere, number) => isThere === 0 && !uncertain.has(number))
  if (lost !== -1) throw new Error(`Event ${lost} was acknowledged and is not delivered.`)
  const order = seqs === null ? 'the order was not checked' : 'each call in the order of the log'
  return {
    latency: latency.summary(),
    lastMs,
    text: `${arrivals.atMs.length - repeats} events delivered, all that were acknowledged, ${order}, ${repeats} repeats`,
  }
}
