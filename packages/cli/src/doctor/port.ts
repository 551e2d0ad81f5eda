import { once } from 'node:events'
import { createServer } from 'node:net'
import type { Environment } from '@hookswitch/server'
import { localServerUrl } from '../api/server-address.ts'
import { failed, passed, type Check } from './check.ts'

const name = 'port'

/** A server on this machine answers in milliseconds, if it answers. */
const answerMs = 3_000

/** Whether the port is free for a server, or has one of ours. */
export async function checkPort(environment: Environment): Promise<Check> {
  const { port, host } = environment
  if (port === 0) return passed(name, 'PORT is 0, so any free port is taken.')
  const code = await tryListening(port, host)
  if (code === null) return passed(name, `${port} on ${host} is free.`)
  if (code !== 'EADDRINUSE') {
    return failed(
      name,
      `${port} on ${host} cannot be listened on (${code}).`,
      'Take others with PORT and HOST.',
    )
  }
  const url = localServerUrl(environment)
  if (!(await isOurs(url))) {
    return failed(
      name,
      `${port} on ${host} is in use by another program.`,
      'Take another with PORT or --port.',
    )
  }
  return (await isReady(url))
    ? passed(name, `A Hookswitch server listens at ${url}, and is ready.`)
    : failed(
        name,
        `A Hookswitch server listens at ${url}, but its store takes no events.`,
        'See what the other checks say, and its log.',
      )
}

/** The code of the error; null when it worked. */
async function tryListening(port: number, host: string): Promise<string | null> {
  const server = createServer()
  try {
    server.listen({ port, host, exclusive: true })
    await once(server, 'listening')
    return null
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'unknown error'
  } finally {
    server.close()
  }
}

async function isOurs(url: string): Promise<boolean> {
  try {
    const response = await fetch(`${url}/`, { redirect: 'manual', signal: AbortSignal.timeout(answerMs) })
    return ((await response.json()) as { name?: unknown } | null)?.name === 'hookswitch'
  } catch {
    return false
  }
}

async function isReady(url: string): Promise<boolean> {
  try {
    const response = await fetch(`${url}/readyz`, {
      redirect: 'manual',
      signal: AbortSignal.timeout(answerMs),
    })
    await response.body?.cancel()
    return response.ok
  } catch {
    return false
  }
}
