import { mkdirSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { childEnvironment, freePort, resultsFolder, type Bench, type Target } from './bench.ts'
import type { Running } from './processes.ts'
import { summarizeProfiles } from './profile.ts'

const program = new URL('../packages/cli/bin/hookswitch.js', import.meta.url)
const startMs = 30_000
/** The server drains for 25 s at most when it is asked to stop. */
const stopMs = 30_000
const gaugePollMs = 100
const adminToken = 'bench-admin-token-0123456789abcdef0123456789abcdef'

export interface ServerOptions {
  /** SQLite in the server's own folder where there is none. */
  databaseUrl?: string
  /** A module that is loaded before the server, in each of its threads. */
  preload?: URL
}

/** The server under measure: `hookswitch serve` with its production settings, in a process and a folder of its own. */
export class Server implements Target {
  readonly name: string
  readonly port: number
  /** Where its data lies. */
  readonly dataFolder: string
  readonly #bench: Bench
  readonly #running: Running
  readonly #profileFolder: string | null

  private constructor(
    bench: Bench,
    { name, port, dataFolder }: Pick<Server, 'name' | 'port' | 'dataFolder'>,
    running: Running,
    profileFolder: string | null,
  ) {
    this.#bench = bench
    this.name = name
    this.port = port
    this.dataFolder = dataFolder
    this.#running = running
    this.#profileFolder = profileFolder
  }

  get pid(): number {
    return this.#running.pid
  }

  /** Resolves when the server is ready. `label` is unique within the run. */
  static async start(
    bench: Bench,
    label: string,
    { databaseUrl, preload }: ServerOptions = {},
  ): Promise<Server> {
    const folder = join(bench.folder, `server-${label}`)
    mkdirSync(folder)
    const dataFolder = join(folder, 'data')
    const port = await freePort()
    const logPath = join(folder, 'server.log')
    const profileFolder = bench.options.profile
      ? join(resultsFolder, 'profiles', `${stamp()}-${label}`)
      : null
    const profileArgs = profileFolder === null ? [] : ['--cpu-prof', `--cpu-prof-dir=${profileFolder}`]
    const preloadArgs = preload === undefined ? [] : [`--import=${preload.href}`]
    const name = databaseUrl === undefined ? 'Hookswitch on SQLite' : 'Hookswitch on PostgreSQL'
    const running = bench.processes.startNode(
      name,
      [...profileArgs, ...preloadArgs, '--conditions=hookswitch-source', program, 'serve'],
      {
        // An empty folder, so that no configuration file is found.
        cwd: folder,
        env: {
          ...childEnvironment(),
          PORT: String(port),
          HOOKSWITCH_DATA_DIR: dataFolder,
          WEBHOOK_SECRET: bench.secret,
          HOOKSWITCH_ADMIN_TOKEN: adminToken,
          HOOKSWITCH_SECRET_KEY: Buffer.alloc(32, 7).toString('base64'),
          LOG_LEVEL: bench.options.logLevel,
          // The receiver of deliveries is on this machine.
          HOOKSWITCH_EGRESS_ALLOW: '127.0.0.0/8',
          ...(databaseUrl === undefined ? {} : { DATABASE_URL: databaseUrl }),
        },
        output: openSync(logPath, 'a'),
        channel: false,
      },
    )
    const server = new Server(bench, { name, port, dataFolder }, running, profileFolder)
    await server.#ready(logPath)
    return server
  }

  async #ready(logPath: string): Promise<void> {
    const deadline = performance.now() + startMs
    for (;;) {
      const isReady = await fetch(`http://127.0.0.1:${this.port}/readyz`).then(
        async (response) => (await response.arrayBuffer(), response.ok),
        () => false,
      )
      if (isReady) return
      if (!this.#running.isRunning || performance.now() > deadline) {
        const reason = this.#running.isRunning ? 'is not ready' : `ended (${await this.#running.ended})`
        throw new Error(
          `${this.name} ${reason}; its last words: ${readFileSync(logPath, 'utf8').slice(-2000)}`,
        )
      }
      await delay(50)
    }
  }

  /** Asks the API: GETs the path, or POSTs the body to it. */
  async api(path: string, body?: object): Promise<unknown> {
    const method = body === undefined ? 'GET' : 'POST'
    const response = await fetch(`http://127.0.0.1:${this.port}/api/v1${path}`, {
      method,
      headers: { Authorization: `Bearer ${adminToken}`, 'Content-Type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    if (!response.ok)
      throw new Error(`${method} /api/v1${path} answered ${response.status}: ${await response.text()}`)
    return response.json()
  }

  /** Makes a webhook to the URL, which gets every event, with what else is said of it. */
  async addWebhook(name: string, url: string, rest: object = {}): Promise<void> {
    await this.api('/destinations', { name, kind: 'webhook', settings: { url }, ...rest })
  }

  /** Seconds since the oldest event that is not folded yet was received; 0 when all are folded. */
  foldLagSeconds(): Promise<number> {
    return this.#gauge('hookswitch_fold_lag_seconds')
  }

  /** A gauge of the store; infinite where the store has not answered, since the value is then an old one. */
  async #gauge(name: string): Promise<number> {
    const response = await fetch(`http://127.0.0.1:${this.port}/metrics`)
    const page = await response.text()
    if (/^hookswitch_store_up 0$/m.test(page)) return Number.POSITIVE_INFINITY
    const value = new RegExp(String.raw`^${name} (\S+)$`, 'm').exec(page)?.[1]
    if (value === undefined) throw new Error(`GET /metrics shows no ${name}.`)
    return Number(value)
  }

  /** Waits until every event is folded, at most `limitMs`; resolves with how many seconds that took. */
  folded(limitMs: number): Promise<number> {
    return this.#zero('hookswitch_fold_lag_seconds', limitMs, 'The fold was not done')
  }

  /** Waits until no delivery is pending any more, at most `limitMs`. */
  async delivered(limitMs: number): Promise<void> {
    await this.#zero('hookswitch_deliveries_pending', limitMs, 'Something was still to be delivered')
  }

  async #zero(gauge: string, limitMs: number, complaint: string): Promise<number> {
    const started = performance.now()
    while ((await this.#gauge(gauge)) > 0) {
      if (performance.now() - started > limitMs) throw new Error(`${complaint} after ${limitMs / 1000} s.`)
      await delay(gaugePollMs)
    }
    return (performance.now() - started) / 1000
  }

  /** Ends the server as an operator would, and tells when it does not end well. */
  async stop(): Promise<void> {
    const how = await this.#running.end(stopMs)
    if (how !== '0') this.#bench.say(`warning: ${this.name} ended with ${how} after SIGTERM, not with 0`)
    if (this.#profileFolder !== null) process.stderr.write(summarizeProfiles(this.#profileFolder))
  }
}

/** A time that sorts and may stand in a file name. */
export function stamp(): string {
  return new Date().toISOString().replaceAll(/[:.]/g, '-')
}
