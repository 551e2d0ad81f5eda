import { AsyncLocalStorage } from 'node:async_hooks'
import { setImmediate } from 'node:timers'
import { cell, type RunOrder } from './thread-messages.ts'

/** A run in the thread that runs it. */
export class ThreadRun {
  readonly order: RunOrder
  /** Its signal is what a handler sees. */
  readonly abort = new AbortController()
  /** Of its JSONata: steps so far, and when others are to have their turn. */
  steps = 0
  turnEndsAt = 0

  constructor(order: RunOrder) {
    this.order = order
  }
}

const runs = new AsyncLocalStorage<ThreadRun>()

/** Calls `code` so that everything it begins, now or later, is known to be of this run. */
export function within<T>(run: ThreadRun, code: () => T): T {
  return runs.run(run, code)
}

/** The run whose code is being run, or began what is being run; undefined outside of all. */
export function currentRun(): ThreadRun | undefined {
  return runs.getStore()
}

/**
 * Lets everything else have its turn, and marks the run as the one that has control from then on: while the caller
 * goes on, up to where it waits for something outside. Should it never give control back, its number stands there.
 */
export function turn(cells: Int32Array, run: ThreadRun): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(() => {
      Atomics.store(cells, cell.executing, run.order.number)
      resolve()
    })
    // Immediates of one round follow each other directly, with only the promises of the first in between.
    setImmediate(() => Atomics.store(cells, cell.executing, 0))
  })
}
