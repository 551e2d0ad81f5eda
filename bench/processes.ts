import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export interface ProcessOptions {
  cwd: string
  env: Record<string, string>
  /** Where output goes: a file descriptor, or nowhere. */
  output: number | 'ignore'
  /** Opens a channel for messages. */
  channel: boolean
}

/** A process that the bench started and must end. */
export class Running {
  readonly name: string
  readonly pid: number
  /** Resolves when the process has ended, with its exit code or the signal that ended it. */
  readonly ended: Promise<string>
  readonly #child: ChildProcess
  #isRunning = true

  constructor(name: string, child: ChildProcess) {
    this.name = name
    this.pid = child.pid ?? -1
    this.#child = child
    this.ended = new Promise((resolve) => {
      const end = (how: string): void => {
        this.#isRunning = false
        resolve(how)
      }
      child.once('exit', (code, signal) => end(signal ?? String(code)))
      child.once('error', (error) => end(error.message))
    })
  }

  get isRunning(): boolean {
    return this.#isRunning
  }

  send(message: object): void {
    this.#child.send(message)
  }

  onMessage(listener: (message: unknown) => void): void {
    this.#child.on('message', listener)
  }

  /** The first message that the process sends. Rejects when it ends before, or after `waitMs`. */
  async firstMessage(waitMs: number): Promise<unknown> {
    return withLimit(this.nextMessage(), waitMs, `${this.name} to start`)
  }

  /** The next message that the process sends. Rejects when it ends before. */
  nextMessage(): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#child.once('message', resolve)
      void this.ended.then((how) => reject(new Error(`${this.name} ended (${how}).`)))
    })
  }

  /** Asks the process to end, and after `graceMs` makes it. Resolves with how it ended. */
  async end(graceMs: number): Promise<string> {
    if (!this.#isRunning) return this.ended
    if (this.#child.connected) this.#child.disconnect()
    this.#child.kill('SIGTERM')
    const force = setTimeout(() => this.kill(), graceMs)
    const how = await this.ended
    clearTimeout(force)
    return how
  }

  kill(): void {
    if (this.#isRunning) this.#child.kill('SIGKILL')
  }

  /** It ends by itself when the bench does, since its channel closes then. */
  get hasChannel(): boolean {
    return this.#child.connected
  }
}

/** All processes that the bench has started, so that none is left when it ends, however it ends. */
export class Processes {
  readonly #running = new Set<Running>()
  #isEnding = false

  start(name: string, command: string, args: readonly string[], options: ProcessOptions): Running {
    if (this.#isEnding) throw new Error(`${name} was not started: the bench is ending.`)
    const { output } = options
    const stdio: StdioOptions = ['ignore', output, output, ...(options.channel ? (['ipc'] as const) : [])]
    const child = spawn(command, args, { cwd: options.cwd, env: options.env, stdio })
    const running = new Running(name, child)
    this.#running.add(running)
    void running.ended.then(() => this.#running.delete(running))
    return running
  }

  /** Starts a file of this repository under the same Node. */
  startNode(name: string, args: readonly (string | URL)[], options: ProcessOptions): Running {
    const texts = args.map((arg) => (arg instanceof URL ? fileURLToPath(arg) : arg))
    return this.start(name, process.execPath, texts, options)
  }

  /** Ends all, and starts none from now on. */
  async endAll(graceMs: number): Promise<void> {
    this.#isEnding = true
    await Promise.all([...this.#running].map((running) => running.end(graceMs)))
  }

  /** For the very end, when nothing can be waited for. */
  killAll(): void {
    for (const running of this.#running) {
      // PostgreSQL's host must end by itself, or PostgreSQL would stay.
      if (!running.hasChannel) running.kill()
    }
  }
}

/** Rejects when the promise takes longer; the message says what was waited for. */
export async function withLimit<T>(promise: Promise<T>, limitMs: number, waitedFor: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const limit = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`Waited ${limitMs / 1000} s for ${waitedFor}.`)), limitMs)
  })
  try {
    return await Promise.race([promise, limit])
  } finally {
    clearTimeout(timer)
  }
}
