import type { SimulatedCall, SimulatedSend, Simulation } from '@hookswitch/sender/simulator'
import { addressOf, unreachable } from '../api/unreachable.ts'
import { CommandFailure } from '../failure.ts'
import { endingOf } from '../send/post-event.ts'
import { EventPoster, type Posted } from './event-poster.ts'
import { Pacer } from './pacer.ts'
import { Slots } from './slots.ts'
import { isTaken, type CallLedger, type Tally } from './tally.ts'

export interface RunOptions {
  simulation: Simulation
  /** The endpoint. */
  to: string
  /** With the right secret; null shows none. */
  authorization: string | null
  /** Waits between the tries of an event. */
  retryDelaysMs: readonly number[]
  tally: Tally
  /** Ends the run: nothing more is sent, and what is on its way is waited for. */
  signal: AbortSignal
}

/** As many as a platform of some size has open; a receiver that is slower than they are is what shows then. */
const requestsMax = 64

/** What a sender of the platform's kind tries again; anything else would be refused again. */
const retriedStatuses = new Set([408, 425, 429])

const wrongAuthorization = 'Bearer wrong-on-purpose'

/**
 * Sends a simulation: every call in order, one event after the other's answer, all calls beside each other, and each
 * event when its time has come, whether the endpoint keeps up or not.
 *
 * As long as the endpoint has taken nothing, the first event that is given up ends the run.
 *
 * @throws CommandFailure that says what became of that event.
 */
export async function runSimulation(options: RunOptions): Promise<void> {
  const run = new Run(options)
  try {
    await run.run()
  } finally {
    run.close()
  }
}

class Run {
  readonly #options: RunOptions
  readonly #poster: EventPoster
  readonly #slots = new Slots(requestsMax)
  readonly #pacer: Pacer
  readonly #ending = new AbortController()
  #failure: CommandFailure | null = null

  constructor(options: RunOptions) {
    this.#options = options
    this.#poster = new EventPoster(options.to, requestsMax)
    this.#pacer = new Pacer(AbortSignal.any([options.signal, this.#ending.signal]))
  }

  async run(): Promise<void> {
    const running = new Set<Promise<void>>()
    for (const call of this.#options.simulation.calls()) {
      if (!(await this.#pacer.until(call.beginsMs))) break
      const sent = this.#sendCall(call).finally(() => running.delete(sent))
      running.add(sent)
    }
    await Promise.all(running)
    if (this.#failure !== null) throw this.#failure
  }

  close(): void {
    this.#poster.close()
  }

  async #sendCall(call: SimulatedCall): Promise<void> {
    const { tally } = this.#options
    const ledger = tally.begin(call)
    const seen = new Set<number>()
    for (const send of call.sends) {
      if (!(await this.#pacer.until(send.dueMs))) return
      const isFirst = !seen.has(send.event)
      seen.add(send.event)
      tally.sent(call.events[send.event]?.type ?? '', send, isFirst)
      await Promise.all(Array.from({ length: send.copies }, () => this.#deliver(call, send, ledger)))
    }
    tally.callsEnded += 1
  }

  /** One request, again as long as that may help. */
  async #deliver(call: SimulatedCall, send: SimulatedSend, ledger: CallLedger): Promise<void> {
    const { authorization, retryDelaysMs, tally } = this.#options
    const event = call.events[send.event]
    if (event === undefined) return
    const posting = {
      body: event.body(),
      bodyMs: send.bodyMs,
      authorization: send.token === 'right' ? authorization : wrongAuthorization,
    }
    for (let tries = 1; ; tries += 1) {
      const posted = await this.#slots.run(async () => {
        if (!(await this.#pacer.pause(0))) return null
        if (tries === 1) tally.lateMs.add(Math.max(0, this.#pacer.nowMs - send.dueMs))
        return this.#poster.post(posting)
      })
      if (posted === null) return
      tally.posted(event.type, posted)
      const { status } = posted
      if (status !== null && isTaken(status)) {
        ledger.taken[send.event] = true
        return
      }
      // What failed on the endpoint's side may have been kept before it did.
      if (status === null || status >= 500) ledger.unsure[send.event] = true
      // The right one follows, whatever became of this.
      if (send.token === 'wrong') return
      const delayMs = mayHelp(status) ? retryDelaysMs[tries - 1] : undefined
      if (delayMs === undefined) {
        this.#giveUp(posted)
        return
      }
      const waitMs = Math.max(delayMs, status === null ? 0 : posted.retryAfterMs)
      if (!(await this.#pacer.pause(waitMs))) return
      tally.retries += 1
    }
  }

  #giveUp(posted: Posted): void {
    const { tally, to } = this.#options
    tally.givenUp += 1
    if (tally.taken > 0) return
    this.#failure ??= failureOf(to, posted)
    this.#ending.abort()
  }
}

function mayHelp(status: number | null): boolean {
  return status === null || status >= 500 || retriedStatuses.has(status)
}

function failureOf(to: string, posted: Posted): CommandFailure {
  if (posted.status === null) {
    return unreachable(
      to,
      posted.error,
      'Start a server with "hookswitch serve", or name another endpoint with --to.',
    )
  }
  const ending = endingOf(posted.status)
  const advice = ending === 'refused' ? ' Give its secret with --secret.' : ''
  return new CommandFailure(
    ending === 'ok' ? 'failed' : ending,
    `${addressOf(to)} takes no event: it answered ${posted.status}.${advice}`,
  )
}
