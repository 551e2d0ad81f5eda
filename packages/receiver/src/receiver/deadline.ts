/** What a race gives that the deadline has won. */
export const late = /* @__PURE__ */ Symbol('late')

/** The end of the time in which an event must be answered. */
export class Deadline {
  readonly #timer: ReturnType<typeof setTimeout>
  /** Resolves when it is over. */
  readonly over: Promise<typeof late>
  /** Made when it is asked for: most handlers do not. */
  #controller: AbortController | null = null
  #reason: DOMException | null = null

  constructor(deadlineMs: number) {
    let over: (late_: typeof late) => void
    this.over = new Promise((resolve) => {
      over = resolve
    })
    this.#timer = setTimeout(() => {
      this.#reason = new DOMException(`not done within ${deadlineMs} ms`, 'TimeoutError')
      this.#controller?.abort(this.#reason)
      over(late)
    }, deadlineMs)
  }

  /** Aborted when it is over. */
  get signal(): AbortSignal {
    if (this.#controller === null) {
      this.#controller = new AbortController()
      if (this.#reason !== null) this.#controller.abort(this.#reason)
    }
    return this.#controller.signal
  }

  /** What the signal is aborted with; null until it is over. */
  get reason(): DOMException | null {
    return this.#reason
  }

  /** What the promise resolves with, or `late`. Its rejection counts only until then; a later one goes nowhere. */
  race<T>(promise: Promise<T>): Promise<T | typeof late> {
    return Promise.race([promise, this.over])
  }

  /** A process that has nothing else to do need not wait for it. */
  unref(): this {
    const timer = this.#timer as { unref?: () => void }
    timer.unref?.()
    return this
  }

  clear(): void {
    clearTimeout(this.#timer)
  }
}
