import type { HostedRun } from './hosted-run.ts'
import type { HostedThread } from './hosted-thread.ts'
import { failure, type UserCodeFailure } from './user-code.ts'

/** Deliveries that are remembered as having been there when a thread was given up. */
const suspectsMax = 10_000

/** Finds out whose code kept a thread from working, and what that means for those whose code was there too. */
export class Judge {
  readonly #onQuarantined: (destination: string) => void
  /** Destinations whose code runs in threads of their own, as long as the process lives. */
  readonly #quarantined = new Set<string>()
  readonly #suspects = new Set<string>()

  constructor(onQuarantined: (destination: string) => void) {
    this.#onQuarantined = onQuarantined
  }

  isQuarantined(destination: string): boolean {
    return this.#quarantined.has(destination)
  }

  quarantine({ request: { destination } }: HostedRun): void {
    if (this.#quarantined.has(destination)) return
    this.#quarantined.add(destination)
    this.#onQuarantined(destination)
  }

  /**
   * Finds whose code keeps a thread busy: the one that has control, or the only one that can have it. Whoever may
   * have done it is kept apart from now on, before more of theirs is begun elsewhere.
   */
  accuse(thread: HostedThread): HostedRun | null {
    const begun = [...thread.runs.values()].filter((run) => thread.hasBegun(run))
    const [only] = begun
    const culprit = thread.executing() ?? (begun.length === 1 ? only : undefined) ?? null
    for (const run of culprit === null ? begun : [culprit]) this.quarantine(run)
    return culprit
  }

  /**
   * What becomes of a run whose thread is given up. That of the culprit counts. Where nobody knows who it was (code
   * that went on after having waited for something), nothing counts, but a delivery that is there a second time is
   * not believed again: it may be the one, and must come to an end some day.
   *
   * @param deed what happened, as the end of "the filter …".
   */
  judge(run: HostedRun, culprit: HostedRun | null, deed: string): UserCodeFailure {
    if (culprit === run) return failure('retry', deed)
    const { deliveryId } = run.request
    if (culprit === null) {
      if (this.#suspects.delete(deliveryId))
        return failure('retry', `was running again when something ${deed}`)
      this.#suspects.add(deliveryId)
      const [oldest] = this.#suspects
      if (this.#suspects.size > suspectsMax && oldest !== undefined) this.#suspects.delete(oldest)
    }
    return failure('interrupted', `was interrupted: something that ran beside it ${deed}`)
  }
}
