import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { PassThrough, Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import type { Host } from '../src/host.ts'
import { run } from '../src/run.ts'

export interface Ended {
  code: number | null
  stdout: string
  stderr: string
}

export interface CommandOptions {
  env?: Record<string, string>
  cwd?: string
  stdin?: string
}

// Times are compared as they are printed.
process.env['TZ'] = 'UTC'

/**
 * Runs `hookswitch …` to its end, as a process would but in this one: a test asks dozens of times, and a start of Node
 * takes as long as all the rest.
 */
export async function runCommand(args: string[], options: CommandOptions = {}): Promise<Ended> {
  const stdout = new PassThrough()
  const stderr = new PassThrough()
  const written = Promise.all([text(stdout), text(stderr)])
  const host = {
    stdin: Readable.from([options.stdin ?? '']),
    stdout,
    stderr,
    cwd: () => options.cwd ?? process.cwd(),
    on: () => host,
    off: () => host,
    exit: (code: number) => {
      throw new Error(`hookswitch ${args.join(' ')} wanted to exit with ${code}`)
    },
  }
  const code = await run(args, host as unknown as Host, options.env ?? {})
  stdout.end()
  stderr.end()
  const [out, errors] = await written
  return { code, stdout: out, stderr: errors }
}

export interface Started {
  /** Signals it, as Ctrl-C or a supervisor does. */
  signal(name: NodeJS.Signals): void
  /** What it has written so far. */
  stdout(): string
  stderr(): string
  ended(): Promise<Ended>
}

const program = fileURLToPath(new URL('../bin/hookswitch.js', import.meta.url))

/** Far longer than any command takes that does not wait for something. */
const endMs = 20_000

const running = new Set<ChildProcess>()

/** Starts `hookswitch …` in a process of its own, with nothing of this one's environment. */
export function startCommand(args: string[], options: CommandOptions = {}): Started {
  const child = spawn(process.execPath, ['--conditions=hookswitch-source', program, ...args], {
    cwd: options.cwd,
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], TZ: 'UTC', ...options.env },
    stdio: 'pipe',
  })
  running.add(child)
  child.once('exit', () => running.delete(child))
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    stdout += chunk
  })
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    stderr += chunk
  })
  child.stdin.on('error', () => {
    // It ended before it had read everything, which is its right.
  })
  child.stdin.end(options.stdin ?? '')
  const closed = once(child, 'close')
  return {
    signal: (name) => child.kill(name),
    stdout: () => stdout,
    stderr: () => stderr,
    ended: async () => {
      const timer = setTimeout(() => child.kill('SIGKILL'), endMs)
      await closed
      clearTimeout(timer)
      return { code: child.exitCode, stdout, stderr }
    },
  }
}

/** Ends what a failed test has left: for `afterAll`. */
export function endCommands(): void {
  for (const child of running) child.kill('SIGKILL')
}
