import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { findBinaries, othersMayEnter, usableBinaries } from './binaries.ts'

/** A running PostgreSQL server of our own, on a free port of the loopback address. */
export interface PostgresServer {
  /** URL of the server's own database; others are made from it. */
  readonly url: string
  /** Ends the server and keeps its data. `crash` ends it at once, as if it had been killed. */
  down(how?: 'orderly' | 'crash'): Promise<void>
  /** Starts it again on the same port and data. */
  up(): Promise<void>
  /** Ends the server and removes its data. */
  stop(): Promise<void>
}

/** PostgreSQL refuses to run as root, so that root runs it as this user, which every system has. */
const unprivilegedUser = 'nobody'

/** Far longer than a start takes, also after a crash; it is only there so that a broken start is reported. */
const startMs = 30_000

/**
 * Runs the server and waits on its own standard input, which closes when the test process ends, however that ends:
 * no server and no data stay behind. A line on it means that the data is still needed.
 */
const guard = `
  folder=$1; shift
  "$@" </dev/null &
  server=$!
  echo "$server"
  read -r keep
  kill -INT "$server" 2>/dev/null
  wait "$server"
  [ "$keep" = keep ] || rm -rf "$folder"
`

/** Starts a server with default durability settings (`fsync` and `synchronous_commit` on). */
export async function startServer(): Promise<PostgresServer> {
  const found = findBinaries()
  if (found.folder === null) throw new Error(found.missing)
  const root = process.getuid?.() === 0
  const owner = root ? { uid: idOf('-u'), gid: idOf('-g') } : {}
  // A folder in which the other user can find what it owns.
  const base = root && !othersMayEnter(tmpdir()) ? '/tmp' : tmpdir()
  const folder = mkdtempSync(path.join(base, 'hookswitch-postgres-'))
  if (owner.uid !== undefined) {
    chmodSync(folder, 0o711)
    chownSync(folder, owner.uid, owner.gid)
  }
  const programs = path.join(usableBinaries(found.folder, folder, root), 'bin')
  // Copies of the programs are root's; the guard that removes the folder is not root.
  if (owner.uid !== undefined) execFileSync('chown', ['-R', `${owner.uid}:${owner.gid}`, folder])
  const data = path.join(folder, 'data')
  try {
    mkdirSync(data, { mode: 0o700 })
    if (owner.uid !== undefined) chownSync(data, owner.uid, owner.gid)
    initialise(path.join(programs, 'initdb'), data, owner)
  } catch (error) {
    rmSync(folder, { recursive: true, force: true })
    throw error
  }
  const port = await freePort()
  const command = [path.join(programs, 'postgres'), '-D', data, '-p', String(port), ...settings]

  let running: Running | null = null
  const up = async (): Promise<void> => {
    running ??= await run([folder, ...command], owner)
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
  await up()
  return {
    url: `postgres://postgres:password-of-the-tests@127.0.0.1:${port}/postgres`,
    up,
    down: (how = 'orderly') => end(true, how === 'crash' ? 'SIGQUIT' : undefined),
    stop: () => end(false),
  }
}

const settings = [
  '--listen_addresses=127.0.0.1',
  '--unix_socket_directories=',
  // One test opens twenty nodes and more at once.
  '--max_connections=200',
]

interface Owner {
  uid?: number
  gid?: number
}

interface Running {
  guard: ChildProcess
  /** Of the server itself. */
  pid: number
  ended: Promise<void>
}

function initialise(initdb: string, data: string, owner: Owner): void {
  execFileSync(
    initdb,
    [
      `--pgdata=${data}`,
      '--username=postgres',
      '--auth=trust',
      '--encoding=UTF8',
      // Unlike C, this sorts and compares as people do, which is what a shared database is likely to have.
      '--locale=C',
      '--locale-provider=icu',
      '--icu-locale=en-US',
      // The data of a test need not outlive a power cut; the server itself keeps fsync on.
      '--no-sync',
    ],
    { ...owner, cwd: data, stdio: ['ignore', 'ignore', 'pipe'], timeout: startMs },
  )
}

function run(command: string[], owner: Owner): Promise<Running> {
  const child = spawn('/bin/sh', ['-c', guard, 'guard', ...command], {
    ...owner,
    cwd: '/',
    stdio: ['pipe', 'pipe', 'pipe'],
    // A group of its own: Ctrl-C reaches the tests, and the guard then ends the server.
    detached: true,
  })
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  return new Promise((resolve, reject) => {
    let pid = NaN
    let log = ''
    const fail = (reason: string): void => {
      child.stdin.end()
      reject(new Error(`PostgreSQL did not start: ${reason}\n${log.slice(-2_000)}`))
    }
    const timer = setTimeout(() => fail(`not ready after ${startMs} ms`), startMs)
    child.stdout.once('data', (line: Buffer) => {
      pid = Number.parseInt(line.toString('utf8'), 10)
    })
    child.stderr.on('data', (chunk: Buffer) => {
      if (log === 'ready') return
      log += chunk.toString('utf8')
      // What clients are told that come before it is ready is no refusal of its own.
      if (/FATAL:(?!\s+the database system is)|PANIC/.test(log)) {
        clearTimeout(timer)
        fail('it refused')
      } else if (log.includes('ready to accept connections')) {
        clearTimeout(timer)
        log = 'ready'
        resolve({ guard: child, pid, ended })
      }
    })
  })
}

function idOf(which: '-u' | '-g'): number {
  return Number(execFileSync('id', [which, unprivilegedUser], { encoding: 'utf8' }))
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
