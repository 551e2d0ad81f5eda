/** Waits that all end at once when the run is ended. */
export class Pacer {
  readonly #signal: AbortSignal
  readonly #waiting = new Set<() => void>()
  readonly #startedAt = performance.now()

  constructor(signal: AbortSignal) {
    this.#signal = signal
    signal.addEventListener('abort', () => {
      for (const wake of this.#waiting) wake()
    })
  }

  /** Milliseconds since the beginning. */
  get nowMs(): number {
    return performance.now() - this.#startedAt
  }

  /** Until so long after the beginning; false when the run was ended. */
  async until(dueMs: number): Promise<boolean> {
    return this.pause(dueMs - this.nowMs)
  }

  async pause(ms: number): Promise<boolean> {
    if (ms > 0 && !this.#signal.aborted) {
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          clearTimeout(timer)
          this.#waiting.delete(wake)
          resolve()
        }
        const timer = setTimeout(wake, ms)
        this.#waiting.add(wake)
      })
    }
    return !this.#signal.aborted
  }
}
