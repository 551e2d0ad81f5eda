import { randomInt } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { post } from '../server-process/client.ts'
import type { ServerProcess } from '../server-process/server-process.ts'
import { callEvent, type GivenEvent } from './program.ts'

export interface TrafficOptions {
  /** Stands before the ids of its calls: `<name><sender>-<number>`. */
  name: string
  /** Those that listen at this moment; each event goes to any of them. */
  nodes: () => readonly ServerProcess[]
  /** Events of each call. */
  eventsPerCall: number
  /** What its events say besides. */
  given?: (callId: string) => GivenEvent
}

/** Calls that come one after the other from several senders until they are stopped. */
export interface Traffic {
  /** The ids of all events that were answered with 200. */
  acknowledged: ReadonlySet<string>
  /** Answers that were not 200, or none. */
  failures(): number
  stop(): Promise<void>
}

const senders = 8

/** An answer comes within 4 s or not at all. */
const answerMs = 6_000

/** What fails is sent again, as a platform does; the events of a call are sent in their order. */
export function startTraffic({ name, nodes, eventsPerCall, given = () => ({}) }: TrafficOptions): Traffic {
  const acknowledged = new Set<string>()
  const traffic = { stopped: false }
  let failures = 0

  async function sendCalls(sender: number): Promise<void> {
    for (let number = 0; !traffic.stopped; number += 1) {
      const callId = `${name}${sender}-${number}`
      for (let place = 0; place < eventsPerCall;) {
        const up = nodes()
        const node = up[randomInt(up.length)] as ServerProcess
        const body = callEvent(callId, place, given(callId))
        const answer = await post(node, body, { signal: AbortSignal.timeout(answerMs) }).catch(() => null)
        if (answer?.status === 200) {
          acknowledged.add(String(answer.body['id']))
          place += 1
        } else {
          failures += 1
          if (traffic.stopped) return
          await delay(20)
        }
      }
    }
  }

  const sending = Array.from({ length: senders }, (_, sender) => sendCalls(sender))
  return {
    acknowledged,
    failures: () => failures,
    stop: async () => {
      traffic.stopped = true
      await Promise.all(sending)
    },
  }
}
