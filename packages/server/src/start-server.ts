import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { getRequestListener } from '@hono/node-server'
import {
  Acceptor,
  StoreError,
  createIngest,
  ingestLimits,
  type Appended,
  type Publication,
  type Source,
} from '@hookswitch/core'
import { createEgress } from '@hookswitch/destinations'
import type { StoreLocation } from '@hookswitch/store-sql'
import { createApi } from './api/create-api.ts'
import { AgentBook } from './agents/agent-book.ts'
import { createCallViews } from './agents/call-views.ts'
import { agentViews } from './config/agent-views.ts'
import { defaultSource, type ResolvedConfig, type ResolvedSource } from './config/resolve-config.ts'
import { startDelivery } from './deliver/start-delivery.ts'
import { destinationSecrets } from './destinations/destination-secrets.ts'
import { checkDestinations } from './destinations/check-destinations.ts'
import type { ResolvedDestination } from './destinations/read-destination.ts'
import { syncDestinations } from './destinations/sync-destinations.ts'
import type { Environment } from './environment.ts'
import { contains, senderAddress } from './listen/address.ts'
import { createListener } from './listen/listener.ts'
import { drain, listen } from './listen/listening.ts'
import { FailingWatch } from './observe/failing-watch.ts'
import { createLog } from './observe/log.ts'
import { createMetrics, type Metrics } from './observe/metrics.ts'
import { Publisher } from './publish/publisher.ts'
import { adminTokenCheck } from './secrets/admin-token.ts'
import { givenSecrets } from './secrets/given-secrets.ts'
import { Keyring } from './secrets/keyring.ts'
import { createSealer } from './secrets/sealer.ts'
import { ensureSecretFiles, type StartSecrets } from './secrets/secret-files.ts'
import { signatureVerifier } from './secrets/signature.ts'
import { EventStream } from './stream/event-stream.ts'
import { startStoreThreads } from './threads/start-threads.ts'
import { within } from './within.ts'

export interface ServerOptions {
  environment: Environment
  config: ResolvedConfig
  /** The URL of the module that `import … from 'hookswitch'` means in the config file; its functions need it. */
  ownModuleUrl: string
  /** Limits of the SQLite file; the defaults are right for all but tests of a full disk. */
  sqlite?: { pagesMax?: number; freeBytesMin?: number }
  /** Where log lines go; standard output by default. */
  writeLog?: (line: string) => void
}

export interface RunningServer {
  /** Where it listens, e.g. `http://127.0.0.1:4000`. */
  url: string
  /** The secrets that it started with, and which of their files were made just now. */
  secrets: StartSecrets
  /** Stops accepting, answers what was read, drains at most `drainMs`, and closes the store. One promise for all calls. */
  stop(): Promise<void>
  /** Resolves with the cause if the server can serve no longer; the process should then end with an error. */
  died: Promise<unknown>
}

/** What the requests that it sends say of themselves. */
const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string
}

/** How long a stop waits for requests that are under way. */
const drainMs = 25_000

/** How long readiness and metrics wait for the store; a scrape gives up after ten seconds. */
const answerMs = 2_000

/** How soon a node notices that a newer one has migrated the store. */
const schemaCheckMs = 5_000

/** How soon people are told of a destination that fails for long; the first warning comes after hours of it. */
const failingCheckMs = 60_000

/** A store that has just refused a write is not ready, even while it answers questions. */
const refusalKeptMs = 5_000

/**
 * Starts the whole server: store threads, secrets, listener. What was started before an error is stopped again.
 *
 * @throws ConfigurationError for secret files that cannot be used, StoreError for a store that cannot be opened, and
 *   the error of `listen` (`EADDRINUSE`) as it is.
 */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const { environment, config } = options
  const clock = Date.now
  /** In order of start; a stop runs them in reverse. */
  const releasers: (() => Promise<unknown> | void)[] = []
  const release = async (): Promise<void> => {
    for (const releaser of releasers.splice(0).toReversed()) await releaser()
  }
  try {
    const secrets = await ensureSecretFiles(environment, config)
    const log = createLog({
      level: environment.logLevel,
      ...(options.writeLog === undefined ? {} : { write: options.writeLog }),
    })
    releasers.push(() => log.close())
    const { logger } = log

    let die: (cause: unknown) => void = () => {}
    const died = new Promise<unknown>((resolve) => {
      die = resolve
    })
    // Assigned before the first signal of the store can come: the threads are awaited first.
    let metrics: Metrics | null = null
    const location = storeLocation(options)
    const node = randomUUID()
    const { retention } = config
    const store = await startStoreThreads(
      { location, node, retention },
      {
        onFolded: (folded) => metrics?.folded(folded),
        onFoldFailed: (error) => {
          metrics?.foldFailed()
          logger.error({ code: error.code, detail: error.detail }, 'the fold failed and will try again')
        },
        onUpkeepFailed: (error) => {
          logger.error({ code: error.code, detail: error.detail }, 'the upkeep failed and will try again')
        },
        onDied: (cause) => {
          logger.fatal({ cause: messageOf(cause) }, 'a store thread died')
          die(cause)
        },
      },
    )
    releasers.push(() => store.close())

    const keyring = new Keyring({
      store,
      sources: config.sources,
      given: givenSecrets(environment, config, secrets),
      clock,
      log: logger,
    })
    await keyring.start()
    releasers.push(() => keyring.stop())

    let refusedAt = -Infinity
    const acceptor = new Acceptor({
      append: (batch) => store.append(batch),
      commitMs: ingestLimits.commitMs,
      // PostgreSQL is a network away: the next batch travels while the last one is written.
      commitsMax: environment.databaseUrl === null ? 1 : 2,
      onCommit: (commit) => {
        metrics?.commit(commit)
        refusedAt = commit.ok ? -Infinity : performance.now()
      },
    })
    releasers.push(() => acceptor.close())

    const sources = new Map(
      [...config.sources.values()].map((source) => [source.name, ingestSource(source, keyring, clock)]),
    )
    const address = senderAddress(environment.trustProxy)
    const ingest = createIngest({
      acceptor,
      limits: ingestLimits,
      source: (name) => sources.get(name),
      defaultSource,
      address,
      clock,
      observe: (arrival) => {
        metrics?.arrival(arrival)
        log.arrival(arrival)
      },
    })
    releasers.push(() => ingest.close())

    // A newer program may migrate the store below a running node, which must then make way for it.
    const guard = setInterval(() => {
      store.ping().catch((error: unknown) => {
        if (!(error instanceof StoreError) || error.code !== 'schema_newer') return
        logger.fatal({ detail: error.detail }, 'the store is newer than this program')
        clearInterval(guard)
        die(error)
      })
    }, schemaCheckMs).unref()
    releasers.push(() => clearInterval(guard))

    const file = path.basename(environment.configPath ?? 'hookswitch.config.ts')
    const egress = createEgress({ allow: environment.egressAllow, version })
    releasers.push(() => egress.close())
    const kindContext = {
      egress,
      publicUrl: environment.publicUrl,
      version,
      runHandler: notHere,
      overrideOf: notHere,
    }
    const configured = [...config.destinations, ...endpointsOf(config)]
    await checkDestinations(configured, kindContext, file)
    await syncDestinations(store, configured, file)
    const delivery = await startDelivery(
      {
        location,
        node,
        secretKey: secrets.secretKey,
        configured: configured.map(({ definition, secrets: own }) => ({ definition, secrets: own })),
        agents: [...config.agents].map(([id, { echo, outcome }]) => [
          id,
          { echo, outcome: outcome?.schema ?? null },
        ]),
        egressAllow: environment.egressAllow,
        publicUrl: environment.publicUrl,
        version,
        configFile: environment.configPath,
        ownModuleUrl: options.ownModuleUrl,
      },
      (port) => store.serve(port),
      {
        onResult: (line) => {
          log.delivery(line)
          metrics?.delivery(line)
        },
        onFailed: (failure) => logger.error(failure, 'delivering failed and will try again'),
        onSaid: ({ level, fields, message }) => logger[level](fields, message),
        onDied: (cause) => {
          logger.fatal({ cause: messageOf(cause) }, 'the thread that delivers died')
          die(cause)
        },
      },
    )
    releasers.push(() => delivery.stop(0))

    const failing = new FailingWatch(logger)
    const watch = setInterval(() => {
      // A store that does not answer says so elsewhere, and is asked again soon.
      store.listDestinations().then(
        (destinations) => failing.check(destinations, clock()),
        () => {},
      )
    }, failingCheckMs).unref()
    releasers.push(() => clearInterval(watch))

    const stream = new EventStream({ store, log: logger })
    const page = createMetrics({
      bounds: () => within(answerMs, store.logBounds()),
      stats: () => within(answerMs, store.stats()),
      deliveries: () => within(answerMs, store.deliveryStats()),
      inFlightBytes: () => ingest.inFlightBytes,
      streams: () => stream.open,
      clock,
    })
    metrics = page
    const sealer = createSealer(secrets.secretKey)
    const agents = new AgentBook(config.agents, store)
    const publications = new Acceptor<Publication, Appended | 'changed'>({
      append: (batch) => store.publish(batch),
      commitMs: ingestLimits.commitMs,
    })
    releasers.push(() => publications.close())
    const publisher = new Publisher({
      store,
      commit: publications,
      agents,
      clock,
      onPublished: (published) => {
        log.published(published)
        page.published(published)
      },
    })
    const api = createApi({
      store,
      keyring,
      sources: config.sources,
      isAdmin: adminTokenCheck(secrets.adminToken),
      callViews: createCallViews(agentViews(config.agents), store),
      agents,
      publisher,
      clock,
      stream,
      log: logger,
      sealer,
      secretsOf: destinationSecrets(configured, sealer),
      kindContext,
      retention,
      testDestination: (destination, sample) => delivery.test(destination, sample),
    })
    const apiListener = getRequestListener(api.fetch, { overrideGlobalObjects: false })
    let stopping = false
    const server = createListener({
      ingest,
      api: (request, response) => void apiListener(request, response),
      stopping: () => stopping,
      ready: async () => {
        if (stopping) throw new Error('stopping')
        if (performance.now() - refusedAt < refusalKeptMs) throw new Error('the store has refused a write')
        await within(answerMs, store.ping())
      },
      metrics: () => page.page(),
      tls: environment.tls,
      onMalformed: (peer, status) => {
        const reason = 'malformed_http' as const
        const arrival = {
          result: 'rejected',
          source: null,
          address: peer,
          bytes: 0,
          ms: 0,
          status,
          reason,
          detail: null,
        } as const
        log.arrival(arrival)
        page.arrival(arrival)
      },
    })
    const url = await listen(server, environment)
    logger.info({ url, store: environment.databaseUrl === null ? 'sqlite' : 'postgres' }, 'listening')

    let stopped: Promise<void> | null = null
    const stop = async (): Promise<void> => {
      logger.info('stopping')
      stopping = true
      ingest.stop()
      stream.close()
      // What waits in a lane is delivered after the next start; only what is on its way is waited for.
      await Promise.all([drain(server, () => acceptor.drained(), drainMs), delivery.stop(drainMs)])
      await release()
    }
    return { url, secrets, stop: () => (stopped ??= stop()), died }
  } catch (error) {
    await release()
    throw error
  }
}

/** The webhooks of the agents of the config file. */
function endpointsOf({ agents }: ResolvedConfig): ResolvedDestination[] {
  return [...agents.values()].flatMap(({ endpoint }) => (endpoint === null ? [] : [endpoint]))
}

/** Functions of the config file are called in a thread of their own, never here. */
function notHere(): Promise<never> {
  return Promise.reject(new Error('a handler is not called in this thread'))
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause)
}

function storeLocation({ environment, sqlite }: ServerOptions): StoreLocation {
  return environment.databaseUrl === null
    ? { engine: 'sqlite', folder: environment.dataDir, ...sqlite }
    : { engine: 'postgres', url: environment.databaseUrl }
}

function ingestSource(source: ResolvedSource, keyring: Keyring, clock: () => number): Source {
  const { ipAllow } = source
  return {
    name: source.name,
    bodyBytesMax: source.bodyBytesMax,
    allows: ipAllow === null ? () => true : (address) => contains(ipAllow, address),
    refusesSecret: (authorization) => {
      const check = keyring.check(source.name, authorization, clock())
      return check.ok ? null : `secret_${check.reason}`
    },
    verify: signatureVerifier(source, clock),
  }
}
