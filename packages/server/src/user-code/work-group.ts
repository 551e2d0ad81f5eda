import { inSeconds, overdue, type HostedRun, type RunOwner } from './hosted-run.ts'
import { HostedThread, type HostedThreadOptions } from './hosted-thread.ts'
import type { Judge } from './judge.ts'
import type { UserCodeLimits } from './limits.ts'
import { failure, type Replacement, type UserCodeFailure, type UserCodeLine } from './user-code.ts'

export interface WorkGroupOptions extends Pick<HostedThreadOptions, 'configFile' | 'ownModuleUrl' | 'name'> {
  threadsMax: number
  /** Without work for so long, its thread ends. */
  idleMs: number
  limits: UserCodeLimits
  judge: Judge
  /** Finds the place of a run that could not begin here; since then it may be another group. */
  place(run: HostedRun): void
  log(line: UserCodeLine): void
  onReplaced(replacement: Replacement): void
}

/**
 * One thread that works, and those before it that are shut: they end what they have begun, or are ended. Runs wait
 * here while there is no thread for them.
 */
export class WorkGroup implements RunOwner {
  readonly #options: WorkGroupOptions
  readonly #threads = new Set<HostedThread>()
  readonly #waiting = new Set<HostedRun>()

  constructor(options: WorkGroupOptions) {
    this.#options = options
  }

  /** Nothing is here, and nothing waits. */
  get empty(): boolean {
    return this.#threads.size === 0 && this.#waiting.size === 0
  }

  take(run: HostedRun): void {
    run.owner = this
    const open = this.#find('open')
    if (open !== null) open.give(run)
    else {
      this.#waiting.add(run)
      void run.result.then(() => this.#waiting.delete(run))
      this.start()
    }
  }

  /** Starts a thread where there is none that takes work. */
  start(): void {
    const { threadsMax, name, configFile, ownModuleUrl } = this.#options
    if (this.#find('open') !== null || this.#find('starting') !== null) return
    if (this.#threads.size >= threadsMax) return
    const thread: HostedThread = new HostedThread({
      name,
      configFile,
      ownModuleUrl,
      onReady: () => this.#hasStarted(thread),
      onEnded: (run) => this.#hasEnded(run),
      onDropped: (run) => (run.cutShort === null ? this.#options.place(run) : run.giveUp()),
      onLine: (line) => this.#options.log(line),
      onDied: (cause) => this.#hasDied(thread, cause),
    })
    this.#threads.add(thread)
  }

  judgeOverdue(run: HostedRun): UserCodeFailure {
    const { judge, limits } = this.#options
    const { thread } = run
    if (thread === null && ![...this.#threads].some(({ state }) => state !== 'starting')) {
      return failure('retry', `did not begin within ${inSeconds(run.hadMs)}: no work thread has started`)
    }
    if (thread === null || !thread.hasBegun(run)) {
      const had = inSeconds(run.hadMs)
      return failure('interrupted', `was interrupted: it could not begin within ${had} beside other code`)
    }
    const silentMs = thread.silentMs(performance.now())
    this.#keepApart(run)
    if (silentMs < limits.silentMs) return overdue(run)
    return judge.judge(run, judge.accuse(thread), silence(silentMs))
  }

  /** Looks at all threads, and gives up those that keep their runs from going on. */
  look(now: number): void {
    for (const thread of this.#threads) this.#lookAt(thread, now)
    if (this.#waiting.size > 0) this.start()
  }

  forgive(now: number): void {
    for (const thread of this.#threads) thread.forgive(now)
  }

  async close(): Promise<void> {
    await Promise.all([...this.#threads].map((thread) => thread.end()))
  }

  #lookAt(thread: HostedThread, now: number): void {
    const { limits } = this.#options
    if (thread.state === 'starting') {
      if (now - thread.startedAt >= limits.startMs) {
        this.#hasNotStarted(thread, `it was not ready after ${inSeconds(limits.startMs)}`)
      }
      return
    }
    thread.measure()
    const silentMs = thread.silentMs(now)
    if (this.#isHopeless(thread, silentMs)) {
      this.#giveUp(thread, 'silent', silence(silentMs))
    } else if (thread.memoryTaken > 2 * limits.memoryBytesMax) {
      this.#giveUp(
        thread,
        'memory',
        `took ${Math.round(thread.memoryTaken / 1024 / 1024)} MiB of memory, ${wasReplaced}`,
      )
    } else if (thread.state === 'open') this.#lookAtOpen(thread, silentMs, now)
    else if (live(thread).length === 0 && silentMs < limits.silentMs) {
      this.#threads.delete(thread)
      void thread.end()
    }
  }

  #lookAtOpen(thread: HostedThread, silentMs: number, now: number): void {
    const { limits, judge, idleMs } = this.#options
    const silent = silentMs >= limits.silentMs
    if (silent) judge.accuse(thread)
    if (
      silent ||
      thread.wornOut ||
      thread.memoryTaken > limits.memoryBytesMax ||
      thread.runs.size - live(thread).length > limits.overdueMax ||
      (thread.runs.size === 0 && now - thread.busyAt > idleMs)
    ) {
      for (const run of thread.shut()) if (!run.settled) this.#options.place(run)
    }
  }

  /** It has been silent for too long, or long enough when nobody waits for it, or when others wait for its place. */
  #isHopeless(thread: HostedThread, silentMs: number): boolean {
    const { limits, threadsMax } = this.#options
    if (silentMs >= limits.replaceMs) return true
    if (silentMs < limits.replaceOverdueMs) return false
    const isWaitedFor = live(thread).some((run) => run.cutShort === null)
    return !isWaitedFor || (this.#waiting.size > 0 && this.#threads.size >= threadsMax)
  }

  #giveUp(thread: HostedThread, cause: Replacement['cause'], deed: string): void {
    const { judge, log, onReplaced, place } = this.#options
    thread.hear()
    const culprit = judge.accuse(thread)
    const destination = culprit?.request.destination ?? null
    const unbegun = thread.shut()
    const begun = live(thread)
    this.#threads.delete(thread)
    void thread.end()
    log({ level: 'warn', fields: { cause, destination }, message: 'a work thread was replaced' })
    onReplaced({ cause, destination })
    for (const run of begun) run.settle(judge.judge(run, culprit, deed))
    for (const run of unbegun) if (!run.settled) place(run)
  }

  #hasStarted(thread: HostedThread): void {
    for (const run of this.#waiting) {
      this.#waiting.delete(run)
      thread.give(run)
    }
  }

  #hasDied(thread: HostedThread, cause: string): void {
    if (thread.state === 'starting') this.#hasNotStarted(thread, cause)
    else this.#giveUp(thread, 'died', `ended the work thread (${cause})`)
  }

  #hasNotStarted(thread: HostedThread, cause: string): void {
    this.#threads.delete(thread)
    void thread.end()
    this.#options.log({ level: 'error', fields: { cause }, message: 'a work thread did not start' })
    for (const run of this.#waiting) {
      run.settle(failure('retry', `cannot be run: the work thread did not start: ${cause}`))
    }
  }

  #hasEnded(run: HostedRun): void {
    this.#keepApart(run)
    if (!run.settled) return
    const { destination, deliveryId, part } = run.request
    const fields = { destination, delivery: deliveryId, part }
    this.#options.log({ level: 'debug', fields, message: 'user code ended after it was given up' })
  }

  /** An expression that needs all its time needs the thread all that time, if only in turns with others. */
  #keepApart(run: HostedRun): void {
    if (run.request.jsonata !== null && run.cutShort === 'overdue') this.#options.judge.quarantine(run)
  }

  #find(state: HostedThread['state']): HostedThread | null {
    for (const thread of this.#threads) if (thread.state === state) return thread
    return null
  }
}

const wasReplaced = 'the work thread was replaced'

function silence(ms: number): string {
  const reasons = 'a loop without end, or a regular expression that backtracks'
  return `did not give control back for ${inSeconds(ms)}, ${wasReplaced} (${reasons})`
}

/** Runs that somebody waits for. */
function live(thread: HostedThread): HostedRun[] {
  return [...thread.runs.values()].filter((run) => !run.settled)
}
