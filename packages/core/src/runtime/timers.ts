/** Time as the loops see it; a test gives them one that only moves when it says so. */
export interface Timers {
  /** Monotonic milliseconds. */
  now(): number
  /** Runs once after `ms`; returns what cancels it. */
  after(ms: number, run: () => void): () => void
}

/** A timer of its own never keeps a process alive: whoever loops is stopped by name. */
export const realTimers: Timers = {
  now: () => performance.now(),
  after: (ms, run) => {
    const timer = setTimeout(run, ms)
    return () => clearTimeout(timer)
  },
}
