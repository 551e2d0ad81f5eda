import type { Host } from './host.ts'

/** Runs until it is done, or the user has had enough: Ctrl-C and SIGTERM abort the signal that it is given. */
export async function untilInterrupted(
  host: Host,
  run: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const interruption = new AbortController()
  const interrupt = (): void => interruption.abort()
  host.on('SIGINT', interrupt)
  host.on('SIGTERM', interrupt)
  try {
    await run(interruption.signal)
  } finally {
    host.off('SIGINT', interrupt)
    host.off('SIGTERM', interrupt)
  }
}
