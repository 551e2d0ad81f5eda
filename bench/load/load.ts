import type { CallShape } from './event.ts'
import type { Percentiles } from './histogram.ts'

export interface LoadOptions {
  port: number
  /** The whole Authorization header. */
  secret: string
  callIdSuffix: string
  calls: CallShape
  connections: number
  /** Requests before the window opens; they count for nothing but the check of what was stored. */
  warmUpMs: number
  windowMs: number
  /** Requests offered per second, whatever the answers; null sends as fast as answers come (a closed loop). */
  ratePerSecond: number | null
  /** Ends after this many requests, if that is before the window closes. */
  requestsMax: number
}

export interface LoadResult {
  callIdSuffix: string
  calls: CallShape
  /** When event 0 was sent, or scheduled; by `machineMs`. */
  startedMs: number
  /** Events 0 to sent - 1 went out. */
  sent: number
  acknowledged: number
  /** Numbers of the events that were sent and not answered with 200: they may or may not be stored. */
  unacknowledged: number[]
  /** Answers by status; "broken" counts connections that ended with a request under way. */
  answers: Record<string, number>
  /** The first answers that were not 200. */
  refusals: { number: number; status: number; body: string }[]
  /** From the opening of the window to its close. */
  window: {
    seconds: number
    acknowledged: number
    perSecond: number
    eachSecond: number[]
    /** The events that were sent while it was open: from the first up to, not with, the end. */
    firstNumber: number
    endNumber: number
  }
  /** Milliseconds; an open loop counts from the time for which the request was scheduled. */
  latency: Percentiles
  /** Milliseconds from the scheduled time to the sending: the generator's own share of the latency. */
  lateness: Percentiles | null
  /** What the generator itself took. */
  generatorMicrosPerRequest: number
}

/** What the load process tells the bench. */
export type LoadMessage =
  | { kind: 'window'; open: boolean }
  | { kind: 'done'; result: LoadResult }
  | { kind: 'failed'; reason: string }
