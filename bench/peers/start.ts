import { accessSync, constants, existsSync, openSync } from 'node:fs'
import { connect } from 'node:net'
import { delimiter, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { childEnvironment, freePort, type Bench, type Target } from '../bench.ts'
import { withLimit } from '../processes.ts'

const startMs = 30_000
const installMs = 180_000
/** How long a peer may take to end; PostgreSQL writes a checkpoint. */
const endMs = 15_000

/** A peer that runs. */
export interface Peer extends Target {
  stop(): Promise<void>
}

/** A peer cannot run here; the message says why. The row is skipped. */
export class PeerAbsent extends Error {
  override readonly name = 'PeerAbsent'
}

export async function startBare(bench: Bench): Promise<Peer> {
  const name = 'bare node:http'
  const running = bench.processes.startNode(name, [new URL('bare.ts', import.meta.url)], {
    cwd: bench.folder,
    env: childEnvironment(),
    output: 2,
    channel: true,
  })
  const { port } = (await running.firstMessage(startMs)) as { port: number }
  return { name, port, pid: running.pid, stop: async () => void (await running.end(endMs)) }
}

/** The guide's worker: how many jobs it works on at once, and where it sends them. */
export interface GuideWorker {
  concurrency: number
  url: string
}

/** The guide's recipe with a Redis of its own, which keeps everything in memory: the recipe at its fastest. */
export async function startGuide(bench: Bench, worker: GuideWorker | null = null): Promise<Peer> {
  const name = "the guide's recipe"
  if (!isOnPath('redis-server')) throw new PeerAbsent('redis-server is not on PATH')
  await installGuide(bench)
  const redisPort = await freePort()
  const redisArgs = ['--port', String(redisPort), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no']
  const output = openSync(join(bench.folder, 'guide.log'), 'a')
  const redis = bench.processes.start('redis-server', 'redis-server', redisArgs, {
    cwd: bench.folder,
    env: childEnvironment(),
    output,
    channel: false,
  })
  await withLimit(accepts(redisPort), startMs, 'redis-server to listen')
  const running = bench.processes.startNode(name, [new URL('guide/server.js', import.meta.url)], {
    cwd: bench.folder,
    env: {
      ...childEnvironment(),
      WEBHOOK_SECRET: `Bearer ${bench.secret}`,
      REDIS_PORT: String(redisPort),
      ...(worker === null ? {} : { WORKER_CONCURRENCY: String(worker.concurrency), FORWARD_URL: worker.url }),
    },
    output,
    channel: true,
  })
  const { port } = (await running.firstMessage(startMs)) as { port: number }
  const stop = async (): Promise<void> => {
    await running.end(endMs)
    await redis.end(endMs)
  }
  return { name, port, pid: running.pid, stop }
}

async function installGuide(bench: Bench): Promise<void> {
  const folder = join(import.meta.dirname, 'guide')
  if (existsSync(join(folder, 'node_modules/bull')) && existsSync(join(folder, 'node_modules/express')))
    return
  bench.say('guide: npm ci in bench/peers/guide')
  const environment = Object.entries(process.env).flatMap(([key, value]) =>
    value === undefined ? [] : [[key, value]],
  )
  const npm = bench.processes.start('npm ci', 'npm', ['ci', '--ignore-scripts', '--prefix', folder], {
    cwd: folder,
    env: Object.fromEntries(environment) as Record<string, string>,
    output: openSync(join(bench.folder, 'npm.log'), 'a'),
    channel: false,
  })
  const how = await withLimit(npm.ended, installMs, 'npm ci in bench/peers/guide')
  if (how !== '0') throw new PeerAbsent(`npm ci in bench/peers/guide did not succeed (${how})`)
}

/** An app of Express in `peers/express/`. */
export interface ExpressApp {
  name: string
  program: URL
  args: readonly string[]
  /** Where a CPU profile goes; null for none. */
  profileFolder: string | null
}

export async function startExpress(
  bench: Bench,
  { name, program, args, profileFolder }: ExpressApp,
): Promise<Peer> {
  const profileArgs = profileFolder === null ? [] : ['--cpu-prof', `--cpu-prof-dir=${profileFolder}`]
  const running = bench.processes.startNode(
    name,
    [...profileArgs, '--conditions=hookswitch-source', program, ...args],
    {
      cwd: bench.folder,
      env: { ...childEnvironment(), WEBHOOK_SECRET: `Bearer ${bench.secret}` },
      // What they write for each event goes where the output of a server goes.
      output: openSync(join(bench.folder, 'express.log'), 'a'),
      channel: true,
    },
  )
  const { port } = (await running.firstMessage(startMs)) as { port: number }
  return { name, port, pid: running.pid, stop: async () => void (await running.end(endMs)) }
}

/** A PostgreSQL with fsync on. */
export async function startPostgres(bench: Bench): Promise<Peer & { url: string }> {
  const port = await freePort()
  const running = bench.processes.startNode(
    'PostgreSQL',
    [new URL('postgres.ts', import.meta.url), join(bench.folder, 'postgres'), String(port)],
    { cwd: bench.folder, env: childEnvironment(), output: 2, channel: true },
  )
  const message = (await running.firstMessage(startMs)) as { port: number } | { error: string }
  const stop = async (): Promise<void> => void (await running.end(endMs))
  if ('error' in message) {
    await stop()
    throw new PeerAbsent(`PostgreSQL did not start: ${message.error}`)
  }
  const url = `postgres://hookswitch:hookswitch@127.0.0.1:${port}/hookswitch`
  return { name: 'PostgreSQL', port, pid: running.pid, url, stop }
}

function isOnPath(program: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

/** Resolves when something listens on the port. */
async function accepts(port: number): Promise<void> {
  const tryOnce = (): Promise<boolean> =>
    new Promise((resolve) => {
      const socket = connect(port, '127.0.0.1')
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
      socket.once('connect', () => socket.destroy())
    })
  while (!(await tryOnce())) await delay(50)
}
