/**
 * How the fold shares its thread with accepting.
 *
 * While events come no faster than both can be done, the fold keeps up. When there is more than that, accepting goes
 * first: what is not accepted is lost to a timeout, what is not folded is folded later. Which of the two it is cannot
 * be read off one rate, because senders that wait for their answers slow down with us. So the fold stops for a moment
 * now and then and looks whether more is accepted without it: if so, senders were waiting because of it.
 */
export class FoldPace {
  readonly #now: () => number
  readonly #accepted: () => number
  #mode: 'keepUp' | 'giveWay' = 'keepUp'
  #lastAccepted = 0
  #lastAcceptedAt = -Infinity
  /** When the present phase began, and how many events had been accepted then. */
  #phase: { kind: 'work' | 'look'; since: number; accepted: number } | null = null
  #workRate = 0
  #modeSince = 0

  /**
   * @param accepted how many events this thread has accepted so far.
   * @param now monotonic milliseconds.
   */
  constructor(accepted: () => number, now: () => number = () => performance.now()) {
    this.#accepted = accepted
    this.#now = now
  }

  /** True while events are being accepted; stretches are then kept short. */
  get accepting(): boolean {
    const accepted = this.#accepted()
    if (accepted !== this.#lastAccepted) {
      this.#lastAccepted = accepted
      this.#lastAcceptedAt = this.#now()
    }
    return this.#now() - this.#lastAcceptedAt < quietMs
  }

  /** How long to rest, in milliseconds, after a stretch that took `stretchMs`. */
  restMs(stretchMs: number): number {
    if (!this.accepting) {
      this.#phase = null
      this.#mode = 'keepUp'
      return 0
    }
    const now = this.#now()
    const accepted = this.#accepted()
    this.#phase ??= { kind: 'work', since: now, accepted }
    const lasted = now - this.#phase.since
    const rate = lasted > 0 ? (accepted - this.#phase.accepted) / lasted : 0
    if (this.#phase.kind === 'look') {
      this.#judge(rate, now)
      this.#phase = { kind: 'work', since: now, accepted }
    } else if (lasted >= workMs) {
      this.#workRate = rate
      this.#phase = { kind: 'look', since: now, accepted }
      return lookMs
    }
    return stretchMs * restOf[this.#mode]
  }

  #judge(lookRate: number, now: number): void {
    if (this.#mode === 'keepUp') {
      if (lookRate <= this.#workRate * moreIsWaiting) return
      this.#mode = 'giveWay'
      this.#modeSince = now
    } else if (now - this.#modeSince >= giveWayMs) this.#mode = 'keepUp'
  }
}

/** Events are being accepted if the last one was no longer ago than this. */
const quietMs = 20

const workMs = 300
const lookMs = 50

/** The rate without the fold over the rate with it from which on senders are taken to be waiting for it. */
const moreIsWaiting = 1.3

/** Then the fold gives way for this long before it tries to keep up again. */
const giveWayMs = 4_000

/** Rest after a stretch, in times of the stretch: two thirds of the thread to keep up, a tenth when giving way. */
const restOf = { keepUp: 0.5, giveWay: 9 }
