import { mkdtempSync, chmodSync, mkdirSync, rmSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { callsOfOneEvent, newCallIdSuffix } from './load/event.ts'
import type { LoadMessage, LoadOptions, LoadResult } from './load/load.ts'
import { freeBytesOf, isInMemory } from './machine.ts'
import type { Options } from './options.ts'
import { Processes } from './processes.ts'
import { cpuOf, memoryOf, type Cpu } from './resources.ts'

export const resultsFolder = join(import.meta.dirname, 'results')

/** An event of 900 bytes takes about 2 KB with its call and indexes; write-ahead logs and server logs come on top. */
const diskBytesPerEvent = 6_000
/** Besides what --events needs: the burst rows, at 20,000/s for 35 s each. */
const diskBytesBase = 6 * 2 ** 30

/** Something that listens and is measured: the server, or one of its peers. */
export interface Target {
  name: string
  port: number
  pid: number
}

/** What one load against one target showed. */
export interface Run {
  row: string
  target: string
  load: LoadResult
  cpuMicrosPerEvent: number
  /** CPU by thread where the system tells, those that matter. */
  threads: { name: string; microsPerEvent: number }[]
  /** The most that the process ever held, 10^6 bytes; null where the system does not tell. */
  peakMB: number | null
}

/**
 * What a row says about its load; by default no warm-up, a closed loop, as many requests as the window takes, and a
 * call for each event.
 */
export type LoadShape = Pick<LoadOptions, 'windowMs'> &
  Partial<Pick<LoadOptions, 'warmUpMs' | 'ratePerSecond' | 'requestsMax' | 'callIdSuffix' | 'calls'>>

/** One run of the bench: its options, its folder on disk, its processes, and what was measured so far. */
export class Bench {
  readonly options: Options
  /** A new folder, removed at the end; every store of the run lies in it. */
  readonly folder: string
  readonly processes = new Processes()
  readonly runs: Run[] = []
  /** The Authorization header of every load. */
  readonly secret = 'bench-secret-0123456789abcdef0123456789abcdef'
  readonly #startedAt = performance.now()

  constructor(options: Options) {
    this.options = options
    this.folder = mkdtempSync(join(this.#chooseFolder(), 'hookswitch-bench-'))
    // PostgreSQL runs as a user of its own, who must be able to pass through.
    chmodSync(this.folder, 0o711)
    const needed = diskBytesBase + options.events * diskBytesPerEvent
    const free = freeBytesOf(this.folder)
    if (free < needed) {
      this.removeFolder()
      const gib = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(1)} GiB`
      throw new Error(`${this.folder} has ${gib(free)} free and ${gib(needed)} may be needed; see --folder.`)
    }
  }

  #chooseFolder(): string {
    const { folder } = this.options
    if (folder !== null) {
      if (isInMemory(folder)) this.say(`warning: ${folder} is memory, not a disk; fsync costs nothing there`)
      return folder
    }
    if (!isInMemory(tmpdir())) return tmpdir()
    this.say(`${tmpdir()} is memory, not a disk: the stores go to ${resultsFolder}`)
    mkdirSync(resultsFolder, { recursive: true })
    return resultsFolder
  }

  removeFolder(): void {
    rmSync(this.folder, { recursive: true, force: true })
  }

  /** One line of progress, on standard error. */
  say(text: string): void {
    const seconds = Math.round((performance.now() - this.#startedAt) / 1000)
    process.stderr.write(`bench [${String(seconds).padStart(4)} s] ${text}\n`)
  }

  /** The length of a measured window: what the row wants, unless the options say otherwise. */
  windowMs(seconds: number): number {
    return (this.options.seconds ?? seconds) * 1000
  }

  /** Load before the window, so that what is measured is compiled and its caches are filled. */
  warmUpMs(windowMs: number): number {
    return Math.min(5_000, Math.max(1_000, windowMs / 6))
  }

  /** A load of its own process, to its end. `onWindow` hears the window open and close. */
  async load(
    target: Target,
    shape: LoadShape,
    onWindow: (open: boolean) => void = () => undefined,
  ): Promise<LoadResult> {
    const options: LoadOptions = {
      port: target.port,
      secret: `Bearer ${this.secret}`,
      callIdSuffix: newCallIdSuffix(),
      calls: callsOfOneEvent,
      connections: this.options.connections,
      warmUpMs: 0,
      ratePerSecond: null,
      requestsMax: Number.MAX_SAFE_INTEGER,
      ...shape,
    }
    const generator = this.processes.startNode('the load', [new URL('load/generator.ts', import.meta.url)], {
      cwd: this.folder,
      env: childEnvironment(),
      output: 2,
      channel: true,
    })
    const result = new Promise<LoadResult>((resolve, reject) => {
      generator.onMessage((raw) => {
        const message = raw as LoadMessage
        if (message.kind === 'window') onWindow(message.open)
        else if (message.kind === 'done') resolve(message.result)
        else reject(new Error(`The load on ${target.name} failed: ${message.reason}.`))
      })
      void generator.ended.then((how) =>
        reject(new Error(`The load on ${target.name} ended early (${how}).`)),
      )
    })
    generator.send(options)
    return result
  }

  /** Notes a load together with what it cost the target since `before`. Call it before anything else is asked of it. */
  note(row: string, target: Target, load: LoadResult, before: Cpu): Run {
    const after = cpuOf(target.pid)
    const perEvent = (seconds: number): number => (seconds * 1e6) / Math.max(load.sent, 1)
    const { peak } = memoryOf(target.pid)
    const run: Run = {
      row,
      target: target.name,
      load,
      cpuMicrosPerEvent: perEvent(after.seconds - before.seconds),
      threads: after.threads
        .map(({ name, seconds }) => ({ name, microsPerEvent: perEvent(seconds) }))
        .filter(({ microsPerEvent }) => microsPerEvent >= 0.5),
      peakMB: peak === null ? null : peak / 1e6,
    }
    this.runs.push(run)
    return run
  }
}

/** What every process that the bench starts needs of the environment, and nothing that would configure it. */
export function childEnvironment(): Record<string, string> {
  return { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '', NODE_ENV: 'production' }
}

/** A port of 127.0.0.1 that nobody listens on at this moment. */
export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
