import { failingWarning, holdAt, type FailingWarning, type StoredDestination } from '@hookswitch/core'
import type { Logger } from './log.ts'

/** What was said last of a destination that fails. */
interface Said {
  /** What it was said of: since when it fails, or since when it is held for that. */
  since: number
  stage: FailingWarning['stage'] | 'held'
}

const hourMs = 60 * 60_000

/**
 * Warns in the log of destinations that are on their way to be held as `failing`, and says when they are: once for
 * each stage, with the name and the times. Each node says it, and says the present stage again after a start.
 */
export class FailingWatch {
  readonly #logger: Pick<Logger, 'warn'>
  readonly #said = new Map<number, Said>()

  constructor(logger: Pick<Logger, 'warn'>) {
    this.#logger = logger
  }

  /**
   * Called now and then, such as once a minute.
   *
   * @param destinations all that there are.
   * @param now Unix milliseconds by the store's clock.
   */
  check(destinations: readonly StoredDestination[], now: number): void {
    const keys = new Set(destinations.map(({ key }) => key))
    for (const key of this.#said.keys()) if (!keys.has(key)) this.#said.delete(key)
    for (const destination of destinations) this.#checkOne(destination, now)
  }

  #checkOne({ key, definition, flow }: StoredDestination, now: number): void {
    const { name, limits } = definition
    const hold = holdAt(flow, now)
    if (hold?.reason === 'failing') {
      if (this.#isNew(key, { since: hold.since, stage: 'held' })) {
        const fields = { destination: name, limitHours: limits.failingHours ?? null }
        this.#logger.warn(fields, 'held as failing: its events are kept until somebody resumes it')
      }
      return
    }
    const warning = failingWarning(limits, flow, now)
    const since = flow.failingSince ?? null
    if (warning === null || since === null) {
      // While something else holds it, nothing is tried; it may go on to fail afterwards.
      if (since === null) this.#said.delete(key)
      return
    }
    if (!this.#isNew(key, { since, stage: warning.stage })) return
    const fields = {
      destination: name,
      failingHours: Math.round(((now - since) / hourMs) * 10) / 10,
      limitHours: limits.failingHours ?? null,
      holdsAt: new Date(warning.holdsAt).toISOString(),
    }
    this.#logger.warn(fields, 'nothing succeeds: it is held as failing if that goes on')
  }

  #isNew(key: number, said: Said): boolean {
    const last = this.#said.get(key)
    if (last?.since === said.since && last.stage === said.stage) return false
    this.#said.set(key, said)
    return true
  }
}
