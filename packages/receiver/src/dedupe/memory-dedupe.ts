import type { Dedupe } from './dedupe.ts'
import { oldestFirst } from './oldest-first.ts'
import { withDefaults } from './with-defaults.ts'

export interface MemoryDedupeOptions {
  /** How many events are remembered at most. Default: 100,000, which take about 40 MB. */
  entriesMax?: number
  /** Milliseconds of a clock that never goes back. Default: `performance.now()`. */
  now?: () => number
}

const defaults: Required<MemoryDedupeOptions> = { entriesMax: 100_000, now: () => performance.now() }

/** Each claim adds one entry at most, so that removing two of the old ones gets ahead of them. */
const removedPerClaim = 2

/**
 * Remembers in this process what has been handled: for one process, and for tests. What several processes receive,
 * or one that is restarted, needs `redisDedupe` or `sqlDedupe`.
 *
 * Where `entriesMax` are remembered, the events that were handled first are forgotten first, before their window is
 * over. A claim that is held is never forgotten: where all entries are such, `claim` rejects, which the receiver
 * answers with 503.
 *
 * @throws TypeError where an option is wrong.
 * @example
 * createReceiver({
 *   secrets: process.env['WEBHOOK_SECRET'],
 *   dedupe: memoryDedupe(),
 *   on: { 'call.ended': ({ event }) => console.log(event.callId) },
 * })
 */
export function memoryDedupe(options: MemoryDedupeOptions = {}): Dedupe {
  const { entriesMax, now } = withDefaults('memoryDedupe', options, defaults)
  if (!Number.isSafeInteger(entriesMax) || entriesMax < 1) {
    throw new TypeError(`memoryDedupe: entriesMax is ${String(entriesMax)}; expected a whole number from 1`)
  }
  // Nobody else sees this memory, so that a number is token enough.
  let made = 0
  const claims = oldestFirst()
  const handled = oldestFirst()

  function makeRoom(at: number): void {
    for (let removed = 0; removed < removedPerClaim && handled.removeFirst(at); removed += 1);
    while (claims.size() + handled.size() >= entriesMax) {
      if (!claims.removeFirst(at) && !handled.removeFirst(Infinity)) {
        throw new Error(
          `memoryDedupe: ${claims.size()} events are being handled, and entriesMax is ${entriesMax}`,
        )
      }
    }
  }

  return {
    async claim(key, leaseMs) {
      const at = now()
      if ((handled.get(key)?.until ?? 0) > at) return { state: 'done' }
      const leaseEnd = claims.get(key)?.until ?? 0
      if (leaseEnd > at) return { state: 'busy', retryAfterMs: Math.ceil(leaseEnd - at) }
      handled.delete(key)
      claims.delete(key)
      makeRoom(at)
      made += 1
      const token = String(made)
      claims.set({ key, token, until: at + leaseMs })
      return { state: 'claimed', token }
    },

    async done(key, token, windowMs) {
      const held = claims.get(key) ?? handled.get(key)
      if (held?.token !== token) return false
      claims.delete(key)
      handled.set({ key, token, until: now() + windowMs })
      return true
    },

    async release(key, token) {
      if (claims.get(key)?.token === token) claims.delete(key)
    },

    async extend(key, token, leaseMs) {
      if (claims.get(key)?.token !== token) return false
      claims.set({ key, token, until: now() + leaseMs })
      return true
    },
  }
}
