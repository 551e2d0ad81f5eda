/** What a race gives that the deadline has won. */
export const late = /* @__PURE__ */ Symbol('late')

/** The end of the time in which an event must be answered. */
export interface Deadline {
  /** Aborted when it is over. */
  signal: AbortSignal
  /** What the promise resolves with, or `late`. Its rejection counts only until then; a later one goes nowhere. */
  race<T>(promise: Promise<T>): Promise<T | typeof late>
  clear(): void
}

export function startDeadline(deadlineMs: number): Deadline {
  const controller = new AbortController()
  let over: (late_: typeof late) => void
  const isOver = new Promise<typeof late>((resolve) => {
    over = resolve
  })
  const timer = setTimeout(() => {
    controller.abort(new DOMException(`not done within ${deadlineMs} ms`, 'TimeoutError'))
    over(late)
  }, deadlineMs)
  return {
    signal: controller.signal,
    race: (promise) => Promise.race([promise, isOver]),
    clear: () => clearTimeout(timer),
  }
}
