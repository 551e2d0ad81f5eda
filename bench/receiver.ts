import { setTimeout as delay } from 'node:timers/promises'
import { childEnvironment, type Bench } from './bench.ts'
import type { LoadResult } from './load/load.ts'
import type { Running } from './processes.ts'
import { withLimit } from './processes.ts'

const startMs = 30_000
const endMs = 5_000
const answerMs = 30_000
/** Often enough for the end of a load, which is taken from the arrivals themselves, and seldom enough to cost nothing. */
const countPollMs = 50

/** Sends at once that a destination at the receiver is allowed: as many as the recipe of the guide has with its worker. */
export const receiverLimits = { concurrency: 20 }

/** How the receiver answers, as the path of a destination's URL. */
export type Manner =
  /** 200 at once. */
  | '/ok'
  /** 500 at once. */
  | '/fails'
  /** 200 after a second. */
  | '/slow'
  /** Never. */
  | '/hangs'
  /** 200 at once, but for half of the calls of a load that `fail` names: those get 503, from the second try on after a second. */
  | '/pile'

/** What came, in the order in which it came: one entry of each list a request. */
export interface Arrivals {
  callIds: string[]
  types: string[]
  /** Of the header `webhook-id`; empty where there was none. */
  ids: string[]
  /** When the whole request was there, by `machineMs`. */
  atMs: number[]
}

/** A load is named by the end of its callIds. */
type ReceiverKey = `${Manner} ${string}`

export type ReceiverRequest = { count: ReceiverKey } | { take: ReceiverKey } | { failing: string | null }
export type ReceiverMessage =
  { port: number } | { count: number } | { arrivals: Arrivals; microsPerRequest: number }

/** Where deliveries go, in a process of its own. */
export class Receiver {
  readonly #running: Running
  readonly #port: number

  private constructor(running: Running, port: number) {
    this.#running = running
    this.#port = port
  }

  static async start(bench: Bench): Promise<Receiver> {
    const name = 'the receiver'
    const running = bench.processes.startNode(name, [new URL('peers/receiver.ts', import.meta.url)], {
      cwd: bench.folder,
      env: childEnvironment(),
      output: 2,
      channel: true,
    })
    const { port } = (await running.firstMessage(startMs)) as { port: number }
    return new Receiver(running, port)
  }

  url(manner: Manner): string {
    return `http://127.0.0.1:${this.#port}${manner}`
  }

  /** Waits until as many different events of the load were there as were acknowledged, at most `limitMs`. */
  async received(manner: Manner, load: LoadResult, limitMs: number): Promise<void> {
    const deadline = performance.now() + limitMs
    for (;;) {
      const { count } = await this.#ask<{ count: number }>({ count: `${manner} ${load.callIdSuffix}` })
      if (count >= load.acknowledged) return
      if (performance.now() > deadline) {
        throw new Error(
          `${count} of ${load.acknowledged} events were delivered ${limitMs / 1000} s after the load.`,
        )
      }
      await delay(countPollMs)
    }
  }

  /** What came of a load so far, and what the receiver itself took for a request. */
  arrivals(
    manner: Manner,
    { callIdSuffix }: Pick<LoadResult, 'callIdSuffix'>,
  ): Promise<{ arrivals: Arrivals; microsPerRequest: number }> {
    return this.#ask({ take: `${manner} ${callIdSuffix}` })
  }

  /** From now on half of the calls of this load fail at `/pile`; null ends that. */
  fail(callIdSuffix: string | null): void {
    this.#running.send({ failing: callIdSuffix } satisfies ReceiverRequest)
  }

  async stop(): Promise<void> {
    await this.#running.end(endMs)
  }

  /** One question at a time. */
  #ask<Answer>(request: ReceiverRequest): Promise<Answer> {
    this.#running.send(request)
    return withLimit(this.#running.nextMessage(), answerMs, 'the receiver to answer') as Promise<Answer>
  }
}
