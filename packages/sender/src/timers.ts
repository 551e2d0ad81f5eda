/** Time as the sender sees it; a test gives it one that only moves when it says so. */
export interface Timers {
  /** Unix milliseconds. */
  nowMs(): number
  /** Runs once after so many milliseconds; returns what cancels it. */
  after(ms: number, run: () => void): () => void
}

export const realTimers: Timers = {
  nowMs: () => Date.now(),
  after: (ms, run) => {
    const timer = setTimeout(run, ms)
    return () => clearTimeout(timer)
  },
}
