import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { until } from '@hookswitch/testkit'

/** What serves, started by whatever command, at the head of a process group of its own as a terminal starts it. */
export interface Program {
  url: string
  /** What it made at its first start. */
  secret: string
  adminToken: string
  /** Signals the process that was started, and nothing that it has started itself; false when it is gone. */
  signal(name: NodeJS.Signals): boolean
  /** Signals all of them, as Ctrl-C does. */
  signalGroup(name: NodeJS.Signals): void
  /** Resolves with the exit code, null for an end by signal; rejects if the program is still there after a while. */
  ended(): Promise<number | null>
  /** Whether any process of the group is left. */
  isRunning(): boolean
}

/** Far longer than a start takes, on a machine that is busy with other tests. */
const startMs = 30_000

/** The drain is at most 25 s by contract; here there is nothing to drain. */
const endMs = 15_000

const started = new Set<ChildProcess>()

/** Starts the command on a free port and resolves when it listens. */
export async function startProgram(command: string[], cwd: string, dataFolder: string): Promise<Program> {
  const [file = '', ...args] = command
  const child = spawn(file, args, {
    cwd,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env['PATH'],
      HOME: process.env['HOME'],
      PORT: '0',
      HOOKSWITCH_DATA_DIR: dataFolder,
    },
  })
  started.add(child)
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  }
  const isOver = (): boolean => child.exitCode !== null || child.signalCode !== null
  const isRunning = (): boolean => groupIsThere(child)
  const url = await until(
    `${command.join(' ')} to listen`,
    () => {
      if (isOver())
        throw new Error(`ended with ${child.exitCode ?? child.signalCode} before it listened:\n${output}`)
      return Promise.resolve(/"url":"([^"]+)"[^\n]*"msg":"listening"/.exec(output)?.[1])
    },
    startMs,
  )
  return {
    url,
    secret: readFileSync(join(dataFolder, 'webhook-secret'), 'utf8').trim(),
    adminToken: readFileSync(join(dataFolder, 'admin-token'), 'utf8').trim(),
    signal: (name) => child.kill(name),
    signalGroup: (name) => process.kill(-groupOf(child), name),
    ended: async () => {
      if (!isOver()) await once(child, 'exit', { signal: AbortSignal.timeout(endMs) })
      return child.exitCode
    },
    isRunning,
  }
}

/** Ends whatever a failed test has left: for `afterEach`. */
export function endPrograms(): void {
  for (const child of started) {
    if (groupIsThere(child)) process.kill(-groupOf(child), 'SIGKILL')
  }
  started.clear()
}

function groupOf({ pid }: ChildProcess): number {
  if (pid === undefined) throw new Error('the command could not be started')
  return pid
}

/** Signal 0 reaches a group as long as one of its processes is there, also when its leader has ended. */
function groupIsThere(child: ChildProcess): boolean {
  try {
    return process.kill(-groupOf(child), 0)
  } catch {
    return false
  }
}
