import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

/** The program as a user starts it, in a process of its own, so that a test can kill it. */
export interface ServerProcess {
  url: string
  secret: string
  adminToken: string
  folder: string
  process: ChildProcess
  /** What it has written so far, both outputs. */
  output(): string
  /** SIGTERM, and the exit code. */
  stop(): Promise<number | null>
  /** SIGKILL, and the end of the process. */
  kill(): Promise<void>
}

export interface ServerProcessOptions {
  /** The data folder; a temporary one by default, which `removeFolders` removes. */
  folder?: string
  env?: Record<string, string>
  /** Arguments after `serve`. */
  args?: string[]
  /** The folder that the process runs in; it looks for a config file there. */
  cwd?: string
}

export const testSecret = 'test-secret-4f0c2a9b7d1e'
export const testAdminToken = 'test-admin-9c3b1f0e2d4a'

const program = fileURLToPath(new URL('../../../cli/bin/hookswitch.js', import.meta.url))

/** Long enough for a cold start on a busy machine; a start takes half a second. */
const startMs = 30_000

const folders: string[] = []
const running = new Set<ChildProcess>()

export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'hookswitch-test-'))
  folders.push(folder)
  return folder
}

/** Ends every process that is still running and removes the temporary folders: for `afterAll`. */
export async function endServerProcesses(): Promise<void> {
  for (const child of running) {
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true })
}

/** Starts the server on a free port and resolves when it listens; rejects with its output if it ends before. */
export async function startServerProcess(options: ServerProcessOptions = {}): Promise<ServerProcess> {
  const folder = options.folder ?? (await temporaryFolder())
  const child = spawn(
    process.execPath,
    ['--conditions=hookswitch-source', program, 'serve', ...(options.args ?? [])],
    {
      cwd: options.cwd ?? folder,
      env: {
        PATH: process.env['PATH'] ?? '',
        HOME: process.env['HOME'] ?? '',
        PORT: '0',
        HOOKSWITCH_DATA_DIR: path.join(folder, 'data'),
        WEBHOOK_SECRET: testSecret,
        HOOKSWITCH_ADMIN_TOKEN: testAdminToken,
        HOOKSWITCH_SECRET_KEY: 'test-key-0123456789abcdef0123456789abcdef',
        ...options.env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  )
  running.add(child)
  child.once('exit', () => running.delete(child))
  let output = ''
  child.stdout.setEncoding('utf8')
  child.stderr.setEncoding('utf8')
  const url = await new Promise<string>((resolve, reject) => {
    const timer = setTimeout(() => {
      child.kill('SIGKILL')
      reject(new Error(`the server did not listen within ${startMs} ms:\n${output}`))
    }, startMs)
    const read = (text: string): void => {
      output += text
      const listening = /"url":"([^"]+)"[^\n]*"msg":"listening"/.exec(output)
      if (listening?.[1] !== undefined) {
        clearTimeout(timer)
        resolve(listening[1])
      }
    }
    child.stdout.on('data', read)
    child.stderr.on('data', read)
    child.once('exit', (code) => {
      clearTimeout(timer)
      reject(new Error(`the server ended with code ${code}:\n${output}`))
    })
  })
  const exited = (): Promise<unknown> =>
    child.exitCode !== null || child.signalCode !== null ? Promise.resolve() : once(child, 'exit')
  return {
    url,
    secret: testSecret,
    adminToken: testAdminToken,
    folder,
    process: child,
    output: () => output,
    stop: async () => {
      child.kill('SIGTERM')
      await exited()
      return child.exitCode
    },
    kill: async () => {
      child.kill('SIGKILL')
      await exited()
    },
  }
}
