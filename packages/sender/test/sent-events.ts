import { startPeer, type Peer, type PeerAnswer } from '@hookswitch/testkit/destination-contract'
import { onTestFinished } from 'vitest'
import type { EventInput } from '../src/build-event.ts'
import { createSender, type Sender } from '../src/create-sender.ts'
import type { SenderOptions } from '../src/sender-options.ts'
import type { Timers } from '../src/timers.ts'

/** An endpoint that ends with the test. */
export async function peerThat(answer: PeerAnswer): Promise<Peer> {
  const peer = await startPeer(answer)
  onTestFinished(() => peer.close())
  return peer
}

export const statuses =
  (...codes: number[]): PeerAnswer =>
  (_request, response) =>
    response.writeHead(codes.shift() ?? 200).end('{"received":true}')

/** Holds every answer back until it is let go. */
export function heldAnswers(): { answer: PeerAnswer; letGo: (at?: number) => void } {
  const held: (() => void)[] = []
  return {
    answer: (_request, response) => held.push(() => response.writeHead(200).end()),
    letGo: (at = 0) => held.splice(at, 1)[0]?.(),
  }
}

/** Time that moves only when it is told to: a wait ends when the test ends it. */
export function manualTimers(): {
  timers: Timers
  pass: (ms: number) => Promise<void>
  waits: () => number[]
} {
  let nowMs = Date.UTC(2026, 0, 31, 12)
  const pending = new Map<() => void, number>()
  const watchers = new Set<() => void>()
  const dueIn = (ms: number): (() => void) | undefined => [...pending].find(([, wait]) => wait === ms)?.[0]
  return {
    waits: () => [...pending.values()],
    /** Waits until somebody waits for so long, and ends that. */
    pass: (ms) =>
      new Promise((resolve, reject) => {
        const bound = setTimeout(() => {
          watchers.delete(watch)
          reject(new Error(`nobody waited for ${ms} ms, but for ${[...pending.values()].join(', ')}`))
        }, 10_000)
        const watch = (): void => {
          const run = dueIn(ms)
          if (run === undefined) return
          clearTimeout(bound)
          watchers.delete(watch)
          pending.delete(run)
          nowMs += ms
          run()
          resolve()
        }
        watchers.add(watch)
        watch()
      }),
    timers: {
      nowMs: () => nowMs,
      after(ms, run) {
        const due = (): void => run()
        pending.set(due, ms)
        queueMicrotask(() => {
          for (const watcher of watchers) watcher()
        })
        return () => pending.delete(due)
      },
    },
  }
}

export const event = (callId: string, more: Partial<EventInput> = {}): EventInput => ({
  eventType: 'call.answered',
  callId,
  at: Date.UTC(2026, 0, 31, 12),
  agentId: 'agent-123',
  agentName: 'Recruiter',
  ...more,
})
export const numbered = (callId: string, number: number): EventInput => event(callId, { data: { number } })

export function senderTo(peer: Pick<Peer, 'url'>, options: Partial<SenderOptions> = {}): Sender {
  return createSender({ url: peer.url, allowHttp: true, random: () => 0, ...options })
}

/** `call/number` of each request, in the order in which they came. */
export const arrived = (peer: Peer): string[] =>
  peer.requests.map(({ body }) => {
    const { callId, data } = JSON.parse(String(body)) as {
      callId: string
      data: { data: { number: number } }
    }
    return `${callId}/${data.data.number}`
  })
