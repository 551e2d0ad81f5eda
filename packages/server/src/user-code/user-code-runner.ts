import { hash } from 'node:crypto'
import { HostedRun } from './hosted-run.ts'
import type { HostedThreadOptions } from './hosted-thread.ts'
import { Judge } from './judge.ts'
import { userCodeLimits, type UserCodeLimits } from './limits.ts'
import { WorkGroup } from './work-group.ts'
import {
  failure,
  type Replacement,
  type UserCodeLine,
  type UserCodeRequest,
  type UserCodeResult,
  type UserCodeRunner,
} from './user-code.ts'

export type {
  Replacement,
  UserCodeLine,
  UserCodeRequest,
  UserCodeResult,
  UserCodeRunner,
} from './user-code.ts'

export interface UserCodeRunnerOptions extends Pick<HostedThreadOptions, 'configFile' | 'ownModuleUrl'> {
  log(line: UserCodeLine): void
  onReplaced?: (replacement: Replacement) => void
  /** Starts the first thread at once instead of at first use. Default false. */
  warm?: boolean
  /** For tests. */
  limits?: Partial<UserCodeLimits>
}

/**
 * All destinations share one work thread, until the code of one keeps it from working: that one has a thread of its
 * own from then on. A thread that does not answer is not waited for: within a second or so a new one takes its place
 * for whatever has not begun, and what keeps it busy is ended.
 *
 * Each thread imports the config file anew: what the file does when it is imported is done in each of them, and an
 * edited file is read when a thread is replaced. `console.log` in user code is the user's own: it goes to standard
 * output, whatever it prints.
 */
export function createUserCodeRunner(options: UserCodeRunnerOptions): UserCodeRunner {
  const { configFile, ownModuleUrl, log, onReplaced, warm = false } = options
  const limits = { ...userCodeLimits, ...options.limits }
  const judge = new Judge((destination) => {
    const message = 'the code of this destination runs in a thread of its own from now on'
    log({ level: 'warn', fields: { destination }, message })
  })
  const common = group('hookswitch-work', limits.commonThreadsMax, Infinity)
  const quarantine = new Map<string, WorkGroup>()
  const runs = new Set<HostedRun>()
  let closed = false
  let lookedAt = performance.now()
  const timer = setInterval(look, limits.lookMs)
  if (warm) common.start()
  return { run, close }

  async function run(request: UserCodeRequest, signal: AbortSignal): Promise<UserCodeResult> {
    if (closed || signal.aborted) return failure('interrupted', 'was interrupted before it began')
    const hosted = new HostedRun(request, signal, limits.graceMs)
    runs.add(hosted)
    place(hosted)
    const result = await hosted.result
    runs.delete(hosted)
    return result
  }

  async function close(): Promise<void> {
    closed = true
    for (const hosted of runs) hosted.cut('stopped')
    await Promise.all([...runs].map(({ result }) => result))
    clearInterval(timer)
    let bound: NodeJS.Timeout | undefined
    await Promise.race([
      Promise.all([common, ...quarantine.values()].map((each) => each.close())),
      new Promise<void>((resolve) => {
        bound = setTimeout(resolve, limits.closeMs)
      }),
    ])
    clearTimeout(bound)
  }

  function place(hosted: HostedRun): void {
    const { destination } = hosted.request
    if (judge.isQuarantined(destination)) quarantineOf(destination).take(hosted)
    else common.take(hosted)
  }

  function quarantineOf(destination: string): WorkGroup {
    const own = quarantine.get(destination)
    if (own !== undefined) return own
    if (quarantine.size >= limits.quarantineMax) {
      const groups = [...quarantine.values()]
      const shared = groups[hash('sha256', destination, 'buffer').readUInt32BE() % groups.length]
      if (shared !== undefined) return shared
    }
    const made = group(`hookswitch-work-${destination}`, limits.ownThreadsMax, limits.idleMs)
    quarantine.set(destination, made)
    return made
  }

  function group(name: string, threadsMax: number, idleMs: number): WorkGroup {
    return new WorkGroup({
      name,
      threadsMax,
      idleMs,
      configFile,
      ownModuleUrl,
      limits,
      judge,
      place,
      log,
      onReplaced: (replacement) => onReplaced?.(replacement),
    })
  }

  function look(): void {
    const now = performance.now()
    const groups = [common, ...quarantine.values()]
    // Where this thread itself was held up, or the whole process, the silence of the others says nothing.
    if (now - lookedAt > limits.lookMs + limits.silentMs / 2) for (const each of groups) each.forgive(now)
    lookedAt = now
    for (const each of groups) each.look(now)
    for (const [destination, each] of quarantine) if (each.empty) quarantine.delete(destination)
  }
}
