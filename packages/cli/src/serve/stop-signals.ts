import { constants } from 'node:os'
import type { Host } from '../host.ts'

/** npm passes a signal on that the process group has had already: one so soon after the first is the same one. */
const sameSignalMs = 2_000

const signals = ['SIGINT', 'SIGTERM'] as const

/**
 * Resolves at the first SIGINT or SIGTERM. One that comes later, when the stop takes too long for somebody, ends the
 * process at once, with 128 and the number of the signal as shells have it.
 *
 * @param now milliseconds of a clock that only goes forwards.
 */
export function firstStopSignal(
  host: Pick<Host, 'on' | 'exit'>,
  now: () => number = () => performance.now(),
): Promise<void> {
  let firstAt: number | null = null
  return new Promise((resolve) => {
    for (const signal of signals) {
      host.on(signal, () => {
        if (firstAt === null) {
          firstAt = now()
          resolve()
        } else if (now() - firstAt >= sameSignalMs) host.exit(128 + constants.signals[signal])
      })
    }
  })
}
