import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

export interface Ended {
  code: number | null
  stdout: string
  stderr: string
}

export interface Started {
  /** Signals it, as Ctrl-C or a supervisor does. */
  signal(name: NodeJS.Signals): void
  /** What it has written to stdout so far. */
  stdout(): string
  stderr(): string
  ended(): Promise<Ended>
}

export interface CommandOptions {
  env?: Record<string, string>
  cwd?: string
  stdin?: string | Uint8Array
}

const program = fileURLToPath(new URL('../bin/hookswitch.js', import.meta.url))

/** Far longer than any command takes that does not wait for something. */
const endMs = 20_000

const running = new Set<ReturnType<typeof spawn>>()

/** Starts `hookswitch …` as a user does, with an environment of its own. */
export function startCommand(args: string[], options: CommandOptions = {}): Started {
  const child = spawn(process.execPath, ['--conditions=hookswitch-source', program, ...args], {
    cwd: options.cwd,
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], TZ: 'UTC', ...options.env },
    stdio: 'pipe',
  })
  running.add(child)
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  child.stdin.on('error', () => {
    // It ended before it had read everything, which is its right.
  })
  child.stdin.end(options.stdin ?? '')
  const closed = once(child, 'close', { signal: AbortSignal.timeout(endMs) })
  // Whoever waits for the end hears of it; nobody else has to.
  closed.catch(() => undefined)
  return {
    signal: (name) => child.kill(name),
    stdout: () => stdout,
    stderr: () => stderr,
    ended: async () => {
      await closed.catch(() => {
        throw new Error(`hookswitch ${args.join(' ')} did not end within ${endMs} ms:\n${stdout}\n${stderr}`)
      })
      running.delete(child)
      return { code: child.exitCode, stdout, stderr }
    },
  }
}

/** Runs `hookswitch …` to its end. */
export function runCommand(args: string[], options: CommandOptions = {}): Promise<Ended> {
  return startCommand(args, options).ended()
}

/** Ends what a failed test has left: for `afterAll`. */
export function endCommands(): void {
  for (const child of running) child.kill('SIGKILL')
  running.clear()
}
