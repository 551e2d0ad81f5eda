import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { until } from '../packages/testkit/src/index.ts'

/** Those with packages of their own, which `.ci/run` installs. */
export const examplesWithPackages = ['bullmq', 'express', 'fastify', 'hono', 'lambda', 'nextjs']

/** A program of an example, in a process of its own. */
export interface ExampleProcess {
  /** What it has written so far, both outputs. */
  output(): string
  /** Resolves when it has written this. */
  wrote(text: string): Promise<void>
  /** Ends it. SIGTERM by default, which Next hands on to the process that it has started. */
  stop(signal?: NodeJS.Signals): Promise<number | null>
}

/** Longer than any of them takes to stop; one that waits for what is gone would stay for ever. */
const stopMs = 10_000

const running = new Set<ExampleProcess>()

/** Starts a program; where `env` has a `PORT`, resolves when it takes connections there. */
export async function startExample(
  [file = '', ...args]: readonly string[],
  cwd: string,
  env: Record<string, string>,
): Promise<ExampleProcess> {
  const child = spawn(file, args, {
    cwd,
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const isOver = (): boolean => child.exitCode !== null || child.signalCode !== null
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  }
  const becomes = async (what: string, check: () => Promise<boolean> | boolean): Promise<void> => {
    const found = until(what, async () => {
      if (await check()) return true
      if (isOver()) throw new Error(`${file} ended before ${what}`)
      return false
    })
    await found.catch((error: unknown) => {
      throw new Error(`${String(error)}\n${output}`, { cause: error })
    })
  }
  const started: ExampleProcess = {
    output: () => output,
    wrote: (text) => becomes(`it wrote ${JSON.stringify(text)}`, () => output.includes(text)),
    async stop(signal = 'SIGTERM') {
      running.delete(started)
      if (!isOver()) {
        child.kill(signal)
        const timer = setTimeout(() => child.kill('SIGKILL'), stopMs)
        await once(child, 'exit')
        clearTimeout(timer)
      }
      return child.exitCode
    },
  }
  running.add(started)
  await once(child, 'spawn')
  const port = env['PORT']
  if (port !== undefined) await becomes(`it listened on ${port}`, () => isListening(port))
  return started
}

/** Ends those that are still running. */
export async function endExamples(): Promise<void> {
  await Promise.all([...running].map((example) => example.stop()))
}

function isListening(port: string): Promise<boolean> {
  return fetch(`http://127.0.0.1:${port}/`).then(
    () => true,
    () => false,
  )
}

/** One that is free at this moment. */
export async function freePort(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return String(port)
}
