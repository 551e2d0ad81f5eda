import type { FaultName, SimulatedCall, SimulatedSend } from '@hookswitch/sender/simulator'
import type { Posted } from './event-poster.ts'
import { Histogram } from './histogram.ts'

/** What a receiver has of a call, as far as its answers say. */
export interface CallLedger {
  /** By the places of the events in the call: answered with 2xx at least once. */
  taken: boolean[]
  /** Sent, and without an answer that says what became of it. */
  unsure: boolean[]
}

/** Counts what happens in a run, and keeps per call what has been taken. */
export class Tally {
  readonly ledgers = new Map<number, CallLedger>()
  readonly types = new Map<string, { events: number; requests: number }>()
  /** By status, or by what came instead of one. */
  readonly answers = new Map<string, number>()
  readonly faults = new Map<FaultName, number>()
  /** Of answers that took an event. */
  readonly ackMs = new Histogram()
  /** From when a request was due to when it was sent. */
  readonly lateMs = new Histogram()
  events = 0
  requests = 0
  retries = 0
  taken = 0
  /** Events that were given up. */
  givenUp = 0
  callsEnded = 0

  get callsBegun(): number {
    return this.ledgers.size
  }

  begin(call: SimulatedCall): CallLedger {
    const ledger = { taken: call.events.map(() => false), unsure: call.events.map(() => false) }
    this.ledgers.set(call.number, ledger)
    for (const fault of call.faults) this.#met(fault)
    const sent = new Set(call.sends.filter(({ token }) => token === 'right').map(({ event }) => event))
    call.events.forEach((_, index) => {
      if (!sent.has(index)) this.#met('drop')
    })
    return ledger
  }

  /** The first try of a send; `isFirst` where its event was not sent before. */
  sent(type: string, { faults }: SimulatedSend, isFirst: boolean): void {
    const counts = this.types.get(type) ?? { events: 0, requests: 0 }
    if (isFirst) counts.events += 1
    this.types.set(type, counts)
    if (isFirst) this.events += 1
    for (const fault of faults) this.#met(fault)
  }

  posted(type: string, posted: Posted): void {
    this.requests += 1
    const counts = this.types.get(type)
    if (counts !== undefined) counts.requests += 1
    const name = posted.status === null ? nameOf(posted.error) : String(posted.status)
    this.answers.set(name, (this.answers.get(name) ?? 0) + 1)
    if (posted.status === null || !isTaken(posted.status)) return
    this.taken += 1
    this.ackMs.add(posted.ms)
  }

  #met(fault: FaultName): void {
    this.faults.set(fault, (this.faults.get(fault) ?? 0) + 1)
  }
}

export function isTaken(status: number): boolean {
  return status >= 200 && status < 300
}

function nameOf(error: Error): string {
  if (error.name === 'TimeoutError') return 'timeout'
  return (error as NodeJS.ErrnoException).code ?? 'cut'
}
