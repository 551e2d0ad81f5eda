import type { Timers } from './timers.ts'

/** Cuts short what is under way when the sender gives up. */
export interface Stopper {
  isStopped(): boolean
  stop(): void
  /** Runs `cut` at the stop, at once where that has been; returns what takes it back. */
  onStop(cut: () => void): () => void
  /** Ends early at the stop. */
  pause(ms: number): Promise<void>
}

export function createStopper(timers: Timers): Stopper {
  const cuts = new Set<() => void>()
  let isStopped = false

  function onStop(cut: () => void): () => void {
    if (isStopped) cut()
    else cuts.add(cut)
    return () => cuts.delete(cut)
  }

  return {
    isStopped: () => isStopped,
    stop() {
      isStopped = true
      for (const cut of cuts) cut()
      cuts.clear()
    },
    onStop,
    pause: (ms) =>
      new Promise((resolve) => {
        const cancel = timers.after(ms, () => {
          release()
          resolve()
        })
        const release = onStop(() => {
          cancel()
          resolve()
        })
      }),
  }
}
