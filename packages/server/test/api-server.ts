import { hash } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { getRequestListener } from '@hono/node-server'
import { eventId, FoldLoop, StoreError, type NewEvent, type Store } from '@hookswitch/core'
import { readBody, readEnvelope } from '@hookswitch/events'
import { openSqlite } from '@hookswitch/store-sql'
import { createApi } from '../src/api/create-api.ts'
import { agentViews } from '../src/config/agent-views.ts'
import type { HookswitchConfig } from '../src/config/config.ts'
import { resolveConfig } from '../src/config/resolve-config.ts'
import { adminTokenCheck } from '../src/secrets/admin-token.ts'
import { givenSecrets } from '../src/secrets/given-secrets.ts'
import { Keyring } from '../src/secrets/keyring.ts'
import { EventStream, type EventStreamOptions } from '../src/stream/event-stream.ts'

/** The API and the stream on a real store and a real socket, without the rest of the server. */
export interface ApiServer {
  url: string
  /** Where the file of the store lies. */
  folder: string
  store: Store
  keyring: Keyring
  stream: EventStream
  /** What was logged. */
  logged: unknown[]
  /** The store's next answers are this error, or its own again. */
  breakStore(error: Error | null): void
  /** Asks `/api/v1` with the admin token. */
  ask(path: string, init?: RequestInit): Promise<Answer>
  /** Stores bodies as the ingest does, in one batch, and gives the ids. */
  append(...bodies: (string | object)[]): Promise<string[]>
  fold(): Promise<void>
  /** Connections that are open, those that are kept alive among them. */
  connections(): Promise<number>
  close(): Promise<void>
}

export interface Answer {
  status: number
  headers: Headers
  text: string
  body: Record<string, unknown>
}

export const adminToken = 'adm_test'

/** The clock of the server, which stands still. */
export const now = Date.UTC(2026, 5, 1)

export async function startApiServer(
  options: { config?: HookswitchConfig; limits?: EventStreamOptions['limits'] } = {},
): Promise<ApiServer> {
  const folder = await mkdtemp(join(tmpdir(), 'hookswitch-api-'))
  const store = await openSqlite({ folder, freeBytesMin: 0 })
  let failure: Error | null = null
  const breakable = new Proxy(store, {
    get: (target, name) => {
      const method = (target[name as keyof Store] as (...args: unknown[]) => unknown).bind(target)
      return (...args: unknown[]) =>
        failure === null || name === 'watch' ? method(...args) : Promise.reject(failure)
    },
  })
  const logged: unknown[] = []
  const log = { info: note, warn: note, error: note }
  function note(...values: unknown[]): void {
    logged.push(values)
  }
  const clock = (): number => now
  const config = resolveConfig(options.config ?? {})
  const given = givenSecrets({ webhookSecrets: ['environment-secret'] }, config, { webhookSecret: null })
  const keyring = new Keyring({ store: breakable, sources: config.sources, given, clock, log })
  await keyring.start()
  const limits = options.limits === undefined ? {} : { limits: options.limits }
  const stream = new EventStream({ store: breakable, log, ...limits })
  const api = createApi({
    store: breakable,
    keyring,
    sources: config.sources,
    isAdmin: adminTokenCheck(adminToken),
    agentViews: agentViews(config),
    clock,
    stream,
    log,
  })
  const listener = getRequestListener(api.fetch, { overrideGlobalObjects: false })
  const server = createServer((request, response) => void listener(request, response))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    url,
    folder,
    store,
    keyring,
    stream,
    logged,
    breakStore: (error) => {
      failure = error
    },
    ask: async (path, init = {}) => {
      const headers = { authorization: `Bearer ${adminToken}`, ...(init.headers as Record<string, string>) }
      const response = await fetch(`${url}/api/v1${path}`, { ...init, headers })
      const text = await response.text()
      const isJson = response.headers.get('content-type')?.includes('json') === true && text !== ''
      return {
        status: response.status,
        headers: response.headers,
        text,
        body: isJson ? (JSON.parse(text) as Record<string, unknown>) : {},
      }
    },
    append: async (...bodies) => {
      const appended = await store.append(bodies.map(newEvent))
      return appended.map(({ id }) => id)
    },
    fold: async () => {
      const loop = new FoldLoop({ store, node: 'test' })
      while ((await loop.step()) === 'folded');
    },
    connections: () =>
      new Promise((resolve, reject) => {
        server.getConnections((error, count) => (error === null ? resolve(count) : reject(error)))
      }),
    close: async () => {
      failure = null
      stream.close()
      server.closeAllConnections()
      server.close()
      await keyring.stop()
      await store.close()
      await rm(folder, { recursive: true })
    },
  }
}

export const unreachable = new StoreError('unavailable', 'db.example:5432 refuses connections')

function newEvent(given: string | object): NewEvent {
  const body = Buffer.from(typeof given === 'string' ? given : JSON.stringify(given))
  const read = readBody(body)
  if (!read.ok) throw new Error('a test appended what the ingest refuses')
  const found = readEnvelope(read.value)
  if (!found.ok) throw new Error('a test appended what the ingest refuses')
  const { dialect, type, callId, occurredAt } = found.envelope
  return {
    id: eventId(now),
    source: 'hamsa',
    callId,
    type,
    dialect,
    occurredAt,
    receivedAt: now,
    content: hash('sha256', body, 'buffer').subarray(0, 16),
    body,
  }
}
