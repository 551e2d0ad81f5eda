import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { until } from '@hookswitch/testkit'
import { afterEach, beforeEach, expect, test } from 'vitest'

const repository = join(import.meta.dirname, '../../..')

/** A cold start on a busy machine, and the first things that are said: a call rings for nine seconds at most. */
const showMs = 60_000

/** Whatever is on its way is answered or given up by then. */
const endMs = 15_000

let folder: string
let demo: ChildProcess | null = null

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hookswitch-demo-test-'))
})

afterEach(() => {
  if (demo !== null && isRunning(demo)) process.kill(-(demo.pid ?? 0), 'SIGKILL')
  demo = null
  rmSync(folder, { recursive: true, force: true })
})

/** Signal 0 reaches a group as long as one of its processes is there. */
function isRunning({ pid }: ChildProcess): boolean {
  try {
    return pid !== undefined && process.kill(-pid, 0)
  } catch {
    return false
  }
}

// Windows has no process groups and no signals that a program could answer.
test.skipIf(process.platform === 'win32')(
  'npm run demo shows calls as they come, and Ctrl-C leaves neither a process nor a file',
  async () => {
    const child = spawn('npm', ['run', 'demo'], {
      cwd: repository,
      // At the head of a group of its own, as a terminal starts it.
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env['PATH'], HOME: process.env['HOME'], TMPDIR: folder },
    })
    demo = child
    let output = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text
      })
    }
    const shown = (pattern: RegExp): Promise<RegExpExecArray> =>
      until(
        `the demo to show ${String(pattern)}`,
        () => {
          if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}:\n${output}`)
          return Promise.resolve(pattern.exec(output))
        },
        showMs,
      )

    const [, url = ''] = await shown(/listens on (http:\/\/127\.0\.0\.1:\d+)\./)
    await shown(/#1 +☎ calling outbound · Recruiter\n/)
    await shown(/#1 +✓ answered after \d s\n/)
    await shown(/#1 +Agent: Hello!/)
    expect((await fetch(`${url}/readyz`)).status).toBe(200)
    expect(readdirSync(folder).filter((name) => name.startsWith('hookswitch-demo-'))).toHaveLength(1)

    process.kill(-(child.pid ?? 0), 'SIGINT')
    if (child.exitCode === null) await once(child, 'exit', { signal: AbortSignal.timeout(endMs) })
    expect({ code: child.exitCode, signal: child.signalCode }).toEqual({ code: 0, signal: null })
    await until('the last process of the demo to end', () => Promise.resolve(!isRunning(child)))
    expect(existsSync(folder)).toBe(true)
    expect(readdirSync(folder).filter((name) => name.startsWith('hookswitch-demo-'))).toEqual([])
  },
  showMs * 2,
)
