import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import type { Entry } from './app.ts'
import { matrixFolder } from './matrix.ts'
import { writeNextApp } from './next-files.ts'
import { until } from './until.ts'

/** A built app of Next that listens, in a process of its own. */
export interface NextServer {
  port: number
  entries(): Entry[]
  forget(): void
  /** Rejects when it wrote a complaint. */
  stop(): Promise<void>
}

/** A build takes some ten seconds where nothing else runs. */
export const buildMsMax = 120_000

const complaint = /⨯|unhandled|Error:|warn/i

export async function startNext(member: string, middleware: string): Promise<NextServer> {
  const folder = join(matrixFolder, member, '.app')
  const entriesFile = join(folder, 'entries.jsonl')
  await writeNextApp(folder, { middleware })
  const forget = (): void => writeFileSync(entriesFile, '')
  forget()
  const bin = createRequire(join(matrixFolder, member, 'package.json')).resolve('next/dist/bin/next')
  const run = (args: string[]): RunningNext => runNext(bin, args, folder, { ENTRIES_FILE: entriesFile })

  const building = run(['build'])
  try {
    const code = await building.ended(buildMsMax)
    if (code !== 0) throw new Error(`next build of ${member} ended with ${code}:\n${building.output()}`)
  } finally {
    await building.end()
  }

  const server = run(['start', '--hostname', '127.0.0.1', '--port', '0'])
  try {
    await until(`${member} to listen`, () => {
      if (server.isOver()) throw new Error(`next start of ${member} ended:\n${server.output()}`)
      return /Ready in/.test(server.output())
    })
  } catch (error) {
    await server.end()
    throw error
  }
  const port = Number(/http:\/\/127\.0\.0\.1:(\d+)/.exec(server.output())?.[1])
  return {
    port,
    forget,
    entries() {
      // The last line may be on its way.
      const lines = readFileSync(entriesFile, 'utf8').split('\n').slice(0, -1)
      return lines.map((line) => JSON.parse(line) as Entry)
    },
    async stop() {
      await server.end()
      if (complaint.test(server.output())) throw new Error(`${member} complained:\n${server.output()}`)
    },
  }
}

interface RunningNext {
  output(): string
  isOver(): boolean
  ended(msMax: number): Promise<number | null>
  /** With all that it started. */
  end(): Promise<void>
}

function runNext(bin: string, args: string[], cwd: string, env: Record<string, string>): RunningNext {
  const child: ChildProcess = spawn(process.execPath, [bin, ...args], {
    cwd,
    env: {
      PATH: process.env['PATH'],
      HOME: process.env['HOME'],
      NEXT_TELEMETRY_DISABLED: '1',
      // Else it asks a registry about packages for other machines.
      NEXT_IGNORE_INCORRECT_LOCKFILE: '1',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
    // A group of its own, which can be ended as a whole.
    detached: true,
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  }
  const exited = once(child, 'exit')
  const isOver = (): boolean => child.exitCode !== null || child.signalCode !== null
  return {
    output: () => output,
    isOver,
    async ended(msMax) {
      const timer = setTimeout(() => endGroup(child), msMax)
      await exited
      clearTimeout(timer)
      return child.exitCode
    },
    async end() {
      endGroup(child)
      await exited
    },
  }
}

function endGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // Nothing of it is left.
  }
}
