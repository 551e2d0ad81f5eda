import { hash, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { BlockList, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { getRequestListener } from '@hono/node-server'
import {
  Acceptor,
  eventId,
  FoldLoop,
  StoreError,
  type Appended,
  type NewEvent,
  type Publication,
  type Store,
  type TurnOutcome,
  type WorkResult,
} from '@hookswitch/core'
import { createEgress, destinationKinds } from '@hookswitch/destinations'
import { readBody, readEnvelope } from '@hookswitch/events'
import { openSqlite } from '@hookswitch/store-sql'
import { AgentBook } from '../src/agents/agent-book.ts'
import { createCallViews } from '../src/agents/call-views.ts'
import { createApi } from '../src/api/create-api.ts'
import { agentViews } from '../src/config/agent-views.ts'
import type { HookswitchConfig } from '../src/config/config.ts'
import { resolveConfig } from '../src/config/resolve-config.ts'
import { createTest } from '../src/deliver/attempt.ts'
import { CallReads } from '../src/deliver/call-reads.ts'
import { EventReads } from '../src/deliver/event-reads.ts'
import { OpenDestinations } from '../src/deliver/open-destinations.ts'
import { destinationSecrets } from '../src/destinations/destination-secrets.ts'
import { syncDestinations } from '../src/destinations/sync-destinations.ts'
import { callTarget } from '../src/publish/call-target.ts'
import { Publisher } from '../src/publish/publisher.ts'
import { adminTokenCheck } from '../src/secrets/admin-token.ts'
import { givenSecrets } from '../src/secrets/given-secrets.ts'
import { Keyring } from '../src/secrets/keyring.ts'
import { createSealer } from '../src/secrets/sealer.ts'
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
  /** Takes what is due and gives each delivery this outcome, by its type of event; returns how many there were. */
  deliver(outcomeOf: (eventType: string) => Outcome): Promise<number>
  /** Moves the clock of server and store on. */
  advance(ms: number): void
  /** Connections that are open, those that are kept alive among them. */
  connections(): Promise<number>
  close(): Promise<void>
}

/** What came of a try, and of the delivery by it. */
export interface Outcome {
  attempt: WorkResult['attempt']
  outcome: TurnOutcome
}

export interface Answer {
  status: number
  headers: Headers
  text: string
  body: Record<string, unknown>
}

export const adminToken = 'adm_test'

/** Where the clock of the server begins; it stands still. */
export const now = Date.UTC(2026, 5, 1)

export async function startApiServer(
  options: {
    config?: HookswitchConfig
    limits?: EventStreamOptions['limits']
    secretKey?: string
    /** An earlier one's, which was not removed at its end. */
    folder?: string
    /** Where its clock begins and stands still; `now` by default. */
    startsAt?: number
  } = {},
): Promise<ApiServer> {
  const folder = options.folder ?? (await mkdtemp(join(tmpdir(), 'hookswitch-api-')))
  let time = options.startsAt ?? now
  const clock = (): number => time
  const store = await openSqlite({ folder, freeBytesMin: 0, clock })
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
  const config = resolveConfig(options.config ?? {})
  const given = givenSecrets({ webhookSecrets: ['environment-secret'] }, config, { webhookSecret: null })
  const keyring = new Keyring({ store: breakable, sources: config.sources, given, clock, log })
  await keyring.start()
  const limits = options.limits === undefined ? {} : { limits: options.limits }
  const stream = new EventStream({ store: breakable, log, ...limits })
  const allow = new BlockList()
  allow.addSubnet('127.0.0.0', 8)
  const egress = createEgress({ allow, version: 'test' })
  const sealer = createSealer(options.secretKey ?? 'the key of the test')
  const kindContext = {
    egress,
    publicUrl: null,
    version: 'test',
    runHandler: () => Promise.reject(new Error('no handler runs here')),
    overrideOf: (callId: string) => callTarget(store, sealer, callId),
  }
  const endpoints = [...config.agents.values()].flatMap(({ endpoint }) => endpoint ?? [])
  const configured = [...config.destinations, ...endpoints]
  const secretsOf = destinationSecrets(configured, sealer)
  await syncDestinations(store, configured, 'hookswitch.config.ts')
  const agents = new AgentBook(config.agents, breakable)
  const publications = new Acceptor<Publication, Appended | 'changed'>({
    append: (batch) => breakable.publish(batch),
    commitMs: 4_000,
  })
  const publisher = new Publisher({
    store: breakable,
    commit: publications,
    agents,
    clock,
    onPublished: note,
  })
  const callViews = createCallViews(agentViews(config.agents), breakable)
  /** As the server does it, in this thread. */
  const test = createTest({
    events: new EventReads({ store }),
    calls: new CallReads(store, callViews),
    destinations: new OpenDestinations({ kinds: destinationKinds, secrets: secretsOf, context: kindContext }),
    userCode: { run: () => Promise.reject(new Error('no code runs here')), close: () => Promise.resolve() },
    isHeld: () => Promise.resolve(false),
  })
  const api = createApi({
    store: breakable,
    keyring,
    sources: config.sources,
    isAdmin: adminTokenCheck(adminToken),
    callViews,
    agents,
    publisher,
    clock,
    stream,
    log,
    sealer,
    secretsOf,
    kindContext,
    retention: config.retention,
    testDestination: async (destination, sample) => ({
      ...(await test(destination, sample ?? null, AbortSignal.timeout(10_000))),
      startedAt: clock(),
      durationMs: 1,
    }),
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
      const appended = await store.append(bodies.map((body) => newEvent(body, time)))
      return appended.map(({ id }) => id)
    },
    fold: async () => {
      const loop = new FoldLoop({ store, node: 'test' })
      while ((await loop.step()) === 'folded');
    },
    deliver: async (outcomeOf) => {
      const epoch = randomUUID()
      await store.beat(epoch)
      const request = { epoch, lanesMax: 100, lanesPerDestinationMax: 100 }
      const { claims } = await store.work({ ...request, results: [] })
      const results = await Promise.all(
        claims.map(async ({ laneKey, claim, delivery }): Promise<WorkResult> => {
          const [event] = await store.eventsAt([delivery.eventSeq])
          const { attempt, outcome } = outcomeOf(event?.type ?? '')
          return { laneKey, claim, deliveryKey: delivery.key, attempt, outcome, wantsNext: false }
        }),
      )
      await store.work({ ...request, results, lanesMax: 0 })
      await store.endEpoch(epoch)
      return claims.length
    },
    advance: (ms) => {
      time += ms
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
      publications.close()
      await egress.close()
      await store.close()
      if (options.folder === undefined) await rm(folder, { recursive: true })
    },
  }
}

export const unreachable = new StoreError('unavailable', 'db.example:5432 refuses connections')

function newEvent(given: string | object, receivedAt: number): NewEvent {
  const body = Buffer.from(typeof given === 'string' ? given : JSON.stringify(given))
  const read = readBody(body)
  if (!read.ok) throw new Error('a test appended what the ingest refuses')
  const found = readEnvelope(read.value)
  if (!found.ok) throw new Error('a test appended what the ingest refuses')
  const { dialect, type, callId, occurredAt } = found.envelope
  return {
    id: eventId(receivedAt),
    source: 'hamsa',
    callId,
    type,
    dialect,
    occurredAt,
    receivedAt,
    content: hash('sha256', body, 'buffer').subarray(0, 16),
    body,
  }
}
