import { createServer, type IncomingHttpHeaders } from 'node:http'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import {
  endServerProcesses,
  startServerProcess,
  temporaryFolder,
  until,
  type ServerProcess,
} from '@hookswitch/testkit'
import { expect } from 'vitest'
import { runCommand, type Ended } from './run-command.ts'

interface Received {
  path: string
  headers: IncomingHttpHeaders
  event: {
    eventType: string
    callId: string
    agentId: string
    agentName: string
    data: { data: Record<string, unknown> }
  }
}

/** A server with agents, and one endpoint for the webhooks of all of them. */
export interface AgentsServer {
  server: ServerProcess
  /** Of the endpoint. */
  url: string
  env: Record<string, string>
  /** Where the commands run. */
  folder: string
  received: Received[]
  /** What the endpoint answers at a path; 200 where nothing is said. */
  answers: Map<string, number>
  /** Runs `hookswitch agents …`. */
  run(...args: string[]): Promise<Ended>
  json<T>(...args: string[]): Promise<T>
  /** Makes an agent whose webhook is at the path of its own name. */
  made(id: string, ...args: string[]): Promise<void>
  /** Starts a call; its id. */
  started(agent: string, ...args: string[]): Promise<string>
  /** What came at a path, in its order, once there is so much of it. */
  arrived(at: string, count: number): Promise<Received[]>
  close(): Promise<void>
}

/** One agent, `depot`, stands in the config file. */
export async function startAgentsServer(): Promise<AgentsServer> {
  const received: Received[] = []
  const answers = new Map<string, number>()
  const receiver = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8').on('data', (chunk: string) => {
      body += chunk
    })
    request.on('end', () => {
      const event = JSON.parse(body) as Received['event']
      received.push({ path: request.url ?? '', headers: request.headers, event })
      response.writeHead(answers.get(request.url ?? '') ?? 200).end('{"received":true}')
    })
  }).listen(0, '127.0.0.1')
  await once(receiver, 'listening')
  const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`
  const folder = await temporaryFolder()
  const config = `
import { defineConfig } from 'hookswitch'

export default defineConfig({ agents: { depot: { name: 'Depot', webhook: { url: '${url}/depot' } } } })
`
  await writeFile(path.join(folder, 'hookswitch.config.ts'), config)
  const server = await startServerProcess({ folder, env: { HOOKSWITCH_EGRESS_ALLOW: '127.0.0.0/8' } })
  const env = { PORT: new URL(server.url).port, HOOKSWITCH_ADMIN_TOKEN: server.adminToken }

  const run: AgentsServer['run'] = (...args) => runCommand(['agents', ...args], { env, cwd: folder })
  return {
    server,
    url,
    env,
    folder,
    received,
    answers,
    run,
    async json<T>(...args: string[]) {
      const { code, stdout, stderr } = await run(...args, '--json')
      expect(code, stderr).toBe(0)
      return JSON.parse(stdout) as T
    },
    async made(id, ...args) {
      const { code, stderr } = await run(
        'add',
        '--name',
        id,
        '--id',
        id,
        '--webhook',
        `${url}/${id}`,
        ...args,
      )
      expect(code, stderr).toBe(0)
    },
    started: async (agent, ...args) => (await run('call', agent, ...args)).stdout.trim(),
    arrived: (at, count) =>
      until(`${count} events at ${at}`, () => {
        const found = received.filter((each) => each.path === at)
        return Promise.resolve(found.length >= count && found)
      }),
    async close() {
      receiver.closeAllConnections()
      receiver.close()
      await endServerProcesses()
    },
  }
}
