import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'

/** A receiver that is not ours, in a process of its own. */
export interface ReceiverProgram {
  /** `http://127.0.0.1:<port>` */
  url: string
  /** Resolves with what it reported under this name, once there are so many. */
  reported(what: string, count: number): Promise<unknown[]>
  /** Resolves when it has written this. */
  wrote(text: string): Promise<void>
  output(): string
  end(): Promise<void>
}

/** Debian's own Python, which is the one that Debian's Flask is for. */
export const python = '/usr/bin/python3'

/** Whether it can import a module; without Python it can import none. */
export function pythonHas(module: string): boolean {
  try {
    execFileSync(python, ['-c', `import ${module}`], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** For all that a receiver does here: far longer than it takes, and shorter than the time of a test. */
const waitMsMax = 20_000

/**
 * Starts a program; resolves when it says where it listens: `LISTENING <port>`, or as Flask does on its own. What it
 * has to tell the test it writes as `REPORT {"what":"…","value":…}`, one a line.
 *
 * @param command what runs the file, such as `python`.
 */
export async function startReceiverProgram(
  command: string,
  file: string,
  env: Record<string, string> = {},
): Promise<ReceiverProgram> {
  const child = spawn(command, [file], {
    env: { PATH: process.env['PATH'], PYTHONUNBUFFERED: '1', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  const watchers = new Set<() => void>()
  const changed = (): void => {
    for (const watcher of watchers) watcher()
  }
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
      changed()
    })
  }
  child.on('exit', changed)
  const isOver = (): boolean => child.exitCode !== null || child.signalCode !== null

  const until = <T>(what: string, look: () => T | null): Promise<T> =>
    new Promise((resolve, reject) => {
      const over = (settle: () => void): void => {
        clearTimeout(timer)
        watchers.delete(watch)
        settle()
      }
      const fail = (why: string): void =>
        over(() =>
          reject(new Error(`${path.basename(file)} ${why}, waiting for ${what}; it wrote:\n${output}`)),
        )
      const timer = setTimeout(() => fail(`took over ${waitMsMax} ms`), waitMsMax)
      const watch = (): void => {
        const found = look()
        if (found !== null) over(() => resolve(found))
        else if (isOver()) fail('ended')
      }
      watchers.add(watch)
      watch()
    })

  const listens = /(?:LISTENING |Running on http:\/\/127\.0\.0\.1:)(\d+)\s/
  const port = await until('it to listen', () => listens.exec(output)?.[1] ?? null)
  return {
    url: `http://127.0.0.1:${port}`,
    reported: (what, count) =>
      until(`${count} reports of ${what}`, () => {
        const reports = output.split('\n').slice(0, -1).flatMap(readReport)
        const found = reports.filter((report) => report.what === what)
        return found.length >= count ? found.map(({ value }) => value) : null
      }),
    async wrote(text) {
      await until(`it to write ${text}`, () => output.includes(text) || null)
    },
    output: () => output,
    async end() {
      if (isOver()) return
      child.kill('SIGKILL')
      await once(child, 'exit')
    },
  }
}

function readReport(line: string): { what: string; value: unknown }[] {
  if (!line.startsWith('REPORT ')) return []
  return [JSON.parse(line.slice('REPORT '.length)) as { what: string; value: unknown }]
}
