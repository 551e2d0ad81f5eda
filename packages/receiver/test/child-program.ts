import { spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { createInterface } from 'node:readline'

/** A program of this folder in a process of its own. */
export interface ChildProgram {
  /** The next line that it prints; rejects where it ends before, or is silent for long. */
  line(): Promise<string>
  say(line: string): void
  /** Ends it at once, as a crash would; resolves when it is gone. */
  kill(): Promise<void>
}

/** Far longer than a process takes to start, also where others start beside it. */
const lineMs = 20_000

const running = new Set<ChildProgram>()

export function startProgram(file: string, args: string[]): ChildProgram {
  const child = spawn(
    process.execPath,
    ['--conditions=hookswitch-source', path.join(import.meta.dirname, file), ...args],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  )
  const ended = once(child, 'close')
  // What it no longer reads is lost with it.
  child.stdin.on('error', () => {})
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
  const program: ChildProgram = {
    async line() {
      const timeout = AbortSignal.timeout(lineMs)
      const silent = once(timeout, 'abort').then(() => {
        throw new Error(`${file} said nothing for ${lineMs} ms`)
      })
      const { value, done } = await Promise.race([lines.next(), silent])
      if (done === true) throw new Error(`${file} ended`)
      return value
    },
    say(line) {
      child.stdin.write(`${line}\n`)
    },
    async kill() {
      running.delete(program)
      child.kill('SIGKILL')
      await ended
    },
  }
  running.add(program)
  return program
}

/** Ends those that a test has left. */
export async function endPrograms(): Promise<void> {
  await Promise.all([...running].map((program) => program.kill()))
}
