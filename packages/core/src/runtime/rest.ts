import type { Timers } from './timers.ts'

/** How a loop waits between two looks: for a time, until it is woken, or not at all once it is to end. */
export class Rest {
  readonly #timers: Timers
  #woken = false
  #over = false
  #interrupt: (() => void) | null = null

  constructor(timers: Timers) {
    this.#timers = timers
  }

  /** A signal has come since the last look. */
  get woken(): boolean {
    return this.#woken
  }

  /** Whoever looks now sees what it was woken for. */
  look(): void {
    this.#woken = false
  }

  wake(): void {
    this.#woken = true
    this.#interrupt?.()
  }

  /** From now on nothing waits. */
  end(): void {
    this.#over = true
    this.#interrupt?.()
  }

  /** Waits whatever comes, but for the end. */
  for(ms: number): Promise<void> {
    return this.#wait(ms, () => this.#over)
  }

  /** Waits at most so long; a signal that has come since the last look ends it at once. */
  untilWoken(ms: number): Promise<void> {
    return this.#wait(ms, () => this.#over || this.#woken)
  }

  #wait(ms: number, isOver: () => boolean): Promise<void> {
    if (isOver()) return Promise.resolve()
    return new Promise((resolve) => {
      const end = (): void => {
        cancel()
        this.#interrupt = null
        resolve()
      }
      const cancel = this.#timers.after(ms, end)
      this.#interrupt = () => {
        if (isOver()) end()
      }
    })
  }
}
