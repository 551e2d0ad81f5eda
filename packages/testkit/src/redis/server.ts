import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'

/** A running Redis server, on a free port of the loopback address. */
export interface RedisServer {
  readonly url: string
  readonly port: number
  /** Where it talks to other nodes of its cluster; null where it is alone. */
  readonly clusterPort: number | null
  /** Ends the server and keeps its data. `crash` ends it at once, as if it had been killed. */
  down(how?: 'orderly' | 'crash'): Promise<void>
  /** Starts it again on the same port and data. */
  up(): Promise<void>
  /** Ends the server and removes its data. */
  stop(): Promise<void>
}

/** Far longer than a start takes; it is only there so that a broken start is reported. */
const startMs = 30_000

/**
 * Runs the server and waits on its own standard input, which closes when the test process ends, however that ends:
 * no server and no data stay behind. A line on it means that the data is still needed.
 */
const guard = `
  folder=$1; shift
  "$@" </dev/null 2>&1 &
  server=$!
  echo "$server"
  read -r keep
  kill -TERM "$server" 2>/dev/null
  wait "$server"
  [ "$keep" = keep ] || rm -rf "$folder"
`

/** Why no Redis can be started here; null when one can. Say it in the name of what is skipped. */
export function redisMissing(): string | null {
  const { error } = spawnSync('redis-server', ['--version'], { stdio: 'ignore', timeout: startMs })
  return error === undefined ? null : `no redis-server in PATH (${error.message})`
}

/**
 * Starts the `redis-server` that PATH has. What it was told is on disk when it answers. As a node of a cluster it has
 * no slots yet.
 */
export async function startRedis({ cluster = false } = {}): Promise<RedisServer> {
  const folder = mkdtempSync(path.join(tmpdir(), 'hookswitch-redis-'))
  const port = await freePort()
  const command = ['redis-server', '--port', String(port), '--dir', folder, ...settings]
  // By default the nodes talk on a port that is 10,000 higher, which is not there for each free port.
  const clusterPort = cluster ? await freePort() : null
  if (cluster) command.push('--cluster-enabled', 'yes', '--cluster-port', String(clusterPort))

  let running: Running | null = null
  const up = async (): Promise<void> => {
    running ??= await run([folder, ...command])
  }
  const end = async (keep: boolean, signal?: NodeJS.Signals): Promise<void> => {
    const ending = running
    running = null
    if (ending === null) {
      if (!keep) rmSync(folder, { recursive: true, force: true })
      return
    }
    if (signal !== undefined) process.kill(ending.pid, signal)
    ending.guard.stdin?.end(keep ? 'keep\n' : '')
    await ending.ended
  }
  try {
    await up()
  } catch (error) {
    rmSync(folder, { recursive: true, force: true })
    throw error
  }
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    clusterPort,
    up,
    down: (how = 'orderly') => end(true, how === 'crash' ? 'SIGKILL' : undefined),
    stop: () => end(false),
  }
}

const settings = [
  '--bind 127.0.0.1',
  // Each write is on disk before it is answered, and there is nothing else to keep.
  '--save ',
  '--appendonly yes',
  '--appendfsync always',
  // As BullMQ asks for.
  '--maxmemory-policy noeviction',
].flatMap((setting) => setting.split(' '))

interface Running {
  guard: ChildProcess
  /** Of the server itself. */
  pid: number
  ended: Promise<void>
}

function run(command: string[]): Promise<Running> {
  const child = spawn('/bin/sh', ['-c', guard, 'guard', ...command], {
    cwd: '/',
    // The shell says so when a server is killed, and the server's own errors come with its log.
    stdio: ['pipe', 'pipe', 'ignore'],
    // A group of its own: Ctrl-C reaches the tests, and the guard then ends the server.
    detached: true,
  })
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  return new Promise((resolve, reject) => {
    let log = ''
    const fail = (reason: string): void => {
      clearTimeout(timer)
      child.stdin.end()
      reject(new Error(`Redis did not start: ${reason}\n${log.slice(-2_000)}`))
    }
    const timer = setTimeout(() => fail(`not ready after ${startMs} ms`), startMs)
    child.stdout.on('data', (chunk: Buffer) => {
      if (log === 'ready') return
      log += chunk.toString('utf8')
      if (log.includes('Ready to accept connections')) {
        clearTimeout(timer)
        const pid = Number.parseInt(log, 10)
        log = 'ready'
        resolve({ guard: child, pid, ended })
      } else if (/Failed listening|Fatal|FATAL/.test(log)) {
        fail('it refused')
      }
    })
  })
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
}
