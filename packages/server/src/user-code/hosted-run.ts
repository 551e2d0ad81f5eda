import type { HostedThread } from './hosted-thread.ts'
import type { ThreadResult } from './thread-messages.ts'
import { failure, type UserCodeFailure, type UserCodeRequest, type UserCodeResult } from './user-code.ts'

/** Where a run is, and who says whose fault it is that it has not ended in its time, or not begun. */
export interface RunOwner {
  judgeOverdue(run: HostedRun): UserCodeFailure
}

/** One request on its way through a thread, as the host sees it. It is settled once, whatever its code does later. */
export class HostedRun {
  readonly request: UserCodeRequest
  readonly result: Promise<UserCodeResult>
  /** JSON text of the context; gone when it is settled. */
  context: string
  owner: RunOwner | null = null
  /** The thread that has it, and its number there. */
  thread: HostedThread | null = null
  number = 0
  settled = false
  /** It was told to end: its time is over, or the server stops. */
  cutShort: 'overdue' | 'stopped' | null = null
  /** How long it had when it was told. */
  hadMs = 0

  readonly #signal: AbortSignal
  readonly #graceMs: number
  readonly #onAbort: () => void
  #startedAt = performance.now()
  #deadline: NodeJS.Timeout | undefined
  #grace: NodeJS.Timeout | undefined
  #resolve: (result: UserCodeResult) => void = () => {}

  /** @param signal of the caller; not aborted yet. */
  constructor(request: UserCodeRequest, signal: AbortSignal, graceMs: number) {
    this.request = request
    this.#signal = signal
    this.#graceMs = graceMs
    this.context = JSON.stringify(request.context)
    this.result = new Promise((resolve) => {
      this.#resolve = resolve
    })
    this.#onAbort = () => {
      const { reason } = signal as { reason: unknown }
      this.cut(reason instanceof Error && reason.name === 'TimeoutError' ? 'overdue' : 'stopped')
    }
    signal.addEventListener('abort', this.#onAbort)
  }

  /** A thread has it now, and its time begins. */
  handTo(thread: HostedThread, number: number): void {
    this.thread = thread
    this.number = number
    this.#startedAt = performance.now()
    clearTimeout(this.#deadline)
    this.#deadline = setTimeout(() => this.cut('overdue'), this.request.deadlineMs)
  }

  /** Tells it to end; if it does not, it is settled when the grace is over. */
  cut(why: 'overdue' | 'stopped'): void {
    if (this.settled || this.cutShort !== null) return
    this.cutShort = why
    this.hadMs = performance.now() - this.#startedAt
    this.thread?.abort(this)
    if (this.thread?.hasBegun(this) === true) {
      this.#grace = setTimeout(() => this.giveUp(), this.#graceMs)
    } else this.giveUp()
  }

  /** Its code has ended, in its time or in the grace. */
  end(result: ThreadResult): void {
    if (result.ok) this.settle({ ok: true, value: JSON.parse(result.value) as unknown })
    else if (this.cutShort === 'stopped') this.settle(stopped())
    else if (this.cutShort === 'overdue' && result.verdict === 'retry') {
      // What it says now follows from having been told to end.
      this.settle({ ...overdue(this), retryAfterMs: result.retryAfterMs })
    } else this.settle(result)
  }

  settle(result: UserCodeResult): void {
    if (this.settled) return
    this.settled = true
    this.context = ''
    clearTimeout(this.#deadline)
    clearTimeout(this.#grace)
    this.#signal.removeEventListener('abort', this.#onAbort)
    this.#resolve(result)
  }

  /** It was cut short, and nothing more is to be expected of it. */
  giveUp(): void {
    this.settle(this.cutShort === 'stopped' ? stopped() : (this.owner?.judgeOverdue(this) ?? overdue(this)))
  }
}

function stopped(): UserCodeFailure {
  return failure('interrupted', 'was interrupted: the server stops')
}

export function overdue(run: HostedRun): UserCodeFailure {
  const hint = run.request.jsonata === null ? '' : ': is there a recursion or a loop without end?'
  return failure('retry', `did not end within ${inSeconds(run.hadMs)}${hint}`)
}

export function inSeconds(ms: number): string {
  return `${Math.round(ms / 100) / 10} s`
}
