import { once } from 'node:events'
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { createServer as createHttpServer } from 'node:http'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import {
  api,
  endServerProcesses,
  post,
  startServerProcess,
  temporaryFolder,
  until,
  type ServerProcess,
} from '@hookswitch/testkit'
import { postgresMissing, queryPostgres, startPostgres, type Postgres } from '@hookswitch/testkit/postgres'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Check } from '../src/doctor/check.ts'
import { runCommand } from './run-command.ts'

afterAll(endServerProcesses)

const strong = 'k3jN7vQ2mX9pL5wR8tYz4bHc6dFg1sAe'

/** What doctor finds, by name. */
async function doctor(
  env: Record<string, string>,
  cwd?: string,
): Promise<{ code: number | null; checks: Check[] }> {
  const folder = cwd ?? (await temporaryFolder())
  const { code, stdout } = await runCommand(['doctor', '--json'], { cwd: folder, env: { PORT: '0', ...env } })
  const { ok, checks } = JSON.parse(stdout) as { ok: boolean; checks: Check[] }
  expect(ok).toBe(code === 0)
  return { code, checks }
}

function named(checks: readonly Check[], name: string): Check[] {
  return checks.filter((check) => check.name === name)
}

describe('doctor', () => {
  let server: ServerProcess
  let env: Record<string, string>

  beforeAll(async () => {
    server = await startServerProcess({
      env: { WEBHOOK_SECRET: strong, HOOKSWITCH_ADMIN_TOKEN: `admin-${strong}` },
    })
    env = {
      PORT: new URL(server.url).port,
      HOOKSWITCH_DATA_DIR: join(server.folder, 'data'),
      HOOKSWITCH_ADMIN_TOKEN: `admin-${strong}`,
      WEBHOOK_SECRET: strong,
      HOOKSWITCH_PUBLIC_URL: 'https://hooks.example.com',
    }
    await post({ ...server, secret: strong }, '{"eventType":"call.ended","callId":"call_1"}')
  })

  test('finds nothing wrong beside a server that runs, and says of each thing that it is right', async () => {
    const { code, checks } = await doctor(env)
    expect(code).toBe(0)
    expect(checks.filter(({ status, name }) => status !== 'ok' && name !== 'file system')).toEqual([])
    expect(checks.map(({ name }) => name)).toEqual([
      'environment',
      'config',
      'secret strength',
      'secret age',
      'data folder',
      'file system',
      'free disk',
      'store',
      'durability',
      'port',
      'deliveries',
      'public url',
    ])
    expect(named(checks, 'port')[0]?.message).toBe(
      `A Hookswitch server listens at ${server.url}, and is ready.`,
    )
  })

  test('says which destinations are held, and why, and which have lanes that are parked', async () => {
    const receiver = createHttpServer((request, response) => {
      request.resume()
      // One that it does not want.
      response.writeHead(400).end()
    }).listen(0, '127.0.0.1')
    await once(receiver, 'listening')
    const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`
    const own = await startServerProcess({ env: { HOOKSWITCH_EGRESS_ALLOW: '127.0.0.0/8' } })
    const ask = async (path: string, body: object) => {
      const init = {
        method: 'POST',
        body: JSON.stringify(body),
        headers: { 'content-type': 'application/json' },
      }
      expect((await api(own, path, init)).status).toBeLessThan(300)
    }
    for (const name of ['crm', 'strict']) {
      await ask('/destinations', { name, kind: 'webhook', onExhausted: 'park', settings: { url } })
    }
    await ask('/destinations/crm/pause', { reason: 'maintenance' })
    await post(own, '{"eventType":"call.ended","callId":"call_1"}')
    await until('the lane to be parked', async () => {
      return ((await api(own, '/lanes?state=parked')).body['items'] as unknown[]).length === 1
    })
    const { code, checks } = await doctor({
      PORT: new URL(own.url).port,
      HOOKSWITCH_DATA_DIR: join(own.folder, 'data'),
      HOOKSWITCH_ADMIN_TOKEN: own.adminToken,
    })
    expect(code).toBe(0)
    expect(named(checks, 'deliveries')).toMatchObject([
      { status: 'warn', message: 'crm is held (paused: maintenance); 1 lane is parked, of strict.' },
    ])
    receiver.closeAllConnections()
    receiver.close()
  })

  test('prints a line for each, and what to do below', async () => {
    const { stdout } = await runCommand(['doctor'], {
      env: { ...env, HOOKSWITCH_PUBLIC_URL: 'http://a.example.com' },
    })
    expect(stdout).toMatch(/^ok {4}environment +Every variable is understood\.$/m)
    expect(stdout).toMatch(/^warn {2}public url +http:\/\/a\.example\.com is not https.*\n +→ Serve https/m)
  })

  test('before the first start there is nothing to complain of but the missing address', async () => {
    const cwd = await temporaryFolder()
    const { code, checks } = await doctor({}, cwd)
    expect(code).toBe(0)
    const warnings = checks.filter(({ status, name }) => status !== 'ok' && name !== 'file system')
    expect(warnings.map(({ name }) => name)).toEqual(['public url'])
    expect(named(checks, 'store')[0]?.message).toBe(
      `${cwd}/.hookswitch/hookswitch.db has no store yet; the first start makes it.`,
    )
  })

  test('fails for an environment that the server would refuse, with all of it', async () => {
    const { code, checks } = await doctor({ PORT: 'x', LOG_LEVEL: 'loud' })
    expect(code).toBe(1)
    expect(checks.map(({ name, status }) => [name, status])).toEqual([
      ['environment', 'fail'],
      ['environment', 'fail'],
    ])
  })

  test('fails for a config file that the server would refuse, and goes on with the rest', async () => {
    const cwd = await temporaryFolder()
    await writeFile(join(cwd, 'hookswitch.config.ts'), 'export default { sorces: {} }')
    const { code, checks } = await doctor({}, cwd)
    expect(code).toBe(1)
    expect(named(checks, 'config')).toEqual([
      expect.objectContaining({ status: 'fail', message: expect.stringContaining('sorces') }),
    ])
    expect(named(checks, 'store')).toHaveLength(1)
  })

  test('warns of secrets that are easy to guess, without repeating them', async () => {
    const { checks } = await doctor({ WEBHOOK_SECRET: `your_secret_token,${strong},short-one` })
    expect(named(checks, 'secret strength').map(({ status, message }) => [status, message])).toEqual([
      ['warn', 'Secret 1 of WEBHOOK_SECRET is a sample of the documentation, which everyone knows.'],
      ['warn', 'Secret 3 of WEBHOOK_SECRET has 9 characters, fewer than 24.'],
    ])
    expect(JSON.stringify(checks)).not.toContain('short-one')
  })

  test('warns of secrets older than 90 days that are still valid, whoever gave them', async () => {
    const own = await startServerProcess({ env: { WEBHOOK_SECRET: strong } })
    const dataDir = join(own.folder, 'data')
    const ask = { env: { PORT: new URL(own.url).port, HOOKSWITCH_ADMIN_TOKEN: own.adminToken } }
    const made = await runCommand(['tokens', 'create', '--json'], ask)
    const { id } = JSON.parse(made.stdout) as { id: string }
    await own.stop()
    const database = new DatabaseSync(join(dataDir, 'hookswitch.db'))
    database.exec(`UPDATE secrets SET created_at = created_at - ${91 * 86_400_000}`)
    // One that stood in the environment once, and is valid no more.
    database.exec(
      `INSERT INTO secrets SELECT 'gone', source, 'abc', 'environment', label, 0, NULL, NULL FROM secrets LIMIT 1`,
    )
    database.close()
    const { code, checks } = await doctor({ WEBHOOK_SECRET: strong, HOOKSWITCH_DATA_DIR: dataDir })
    expect(code).toBe(0)
    const ages = named(checks, 'secret age')
    expect(ages.map(({ message }) => message)).toEqual([
      'WEBHOOK_SECRET is 91 days old.',
      `Secret ${id} of source hamsa is 91 days old.`,
    ])
    expect(ages.map(({ advice }) => advice)).toEqual([
      expect.stringContaining('Add another to WEBHOOK_SECRET'),
      expect.stringContaining('hookswitch tokens rotate --overlap 24h'),
    ])
  })

  test('warns of a source that asks for no secret', async () => {
    const cwd = await temporaryFolder()
    await writeFile(
      join(cwd, 'hookswitch.config.ts'),
      `export default { sources: { hamsa: { auth: 'none' } } }`,
    )
    const { code, checks } = await doctor({}, cwd)
    expect(code).toBe(0)
    expect(named(checks, 'auth')).toEqual([
      expect.objectContaining({
        status: 'warn',
        message: expect.stringContaining('hamsa asks for no secret'),
      }),
    ])
  })

  test('warns of a data folder and of secret files that others can read', async () => {
    const dataDir = join(await temporaryFolder(), 'data')
    await mkdir(dataDir, { mode: 0o700 })
    await writeFile(join(dataDir, 'webhook-secret'), strong, { mode: 0o600 })
    const closed = await doctor({ HOOKSWITCH_DATA_DIR: dataDir })
    expect(named(closed.checks, 'data folder')[0]).toMatchObject({ status: 'ok' })
    await chmod(dataDir, 0o755)
    await chmod(join(dataDir, 'webhook-secret'), 0o644)
    const open = await doctor({ HOOKSWITCH_DATA_DIR: dataDir })
    expect(named(open.checks, 'data folder')[0]).toMatchObject({
      status: 'warn',
      message: `Others on this machine can read ${dataDir}, ${dataDir}/webhook-secret.`,
    })
  })

  test('fails for a data folder that is a file', async () => {
    const file = join(await temporaryFolder(), 'data')
    await writeFile(file, '')
    const { code, checks } = await doctor({ HOOKSWITCH_DATA_DIR: file })
    expect(code).toBe(1)
    expect(named(checks, 'data folder')[0]).toMatchObject({
      status: 'fail',
      message: `${file} is no folder.`,
    })
  })

  test('fails for a port that another program has', async () => {
    const other = createServer((socket) => socket.end('no http\r\n')).listen(0, '127.0.0.1')
    await once(other, 'listening')
    const { port } = other.address() as AddressInfo
    const { code, checks } = await doctor({ PORT: String(port) })
    other.close()
    expect(code).toBe(1)
    expect(named(checks, 'port')[0]).toMatchObject({
      status: 'fail',
      message: `${port} on 127.0.0.1 is in use by another program.`,
    })
  })

  test('fails for a store that a newer program has written, and warns of one that an older one has', async () => {
    const dataDir = join(await temporaryFolder(), 'data')
    await mkdir(dataDir)
    const database = new DatabaseSync(join(dataDir, 'hookswitch.db'))
    database.exec('PRAGMA journal_mode = WAL; PRAGMA user_version = 99')
    const newer = await doctor({ HOOKSWITCH_DATA_DIR: dataDir })
    expect(newer.code).toBe(1)
    expect(named(newer.checks, 'store')[0]).toMatchObject({ status: 'fail' })
    database.exec('PRAGMA user_version = 0')
    database.close()
    const older = await doctor({ HOOKSWITCH_DATA_DIR: dataDir })
    expect(older.code).toBe(0)
    expect(named(older.checks, 'store')[0]).toMatchObject({
      status: 'warn',
      advice: expect.stringContaining('hookswitch migrate'),
    })
  })

  test('warns when the newest event is from the time to come - a clock was wrong', async () => {
    const own = await startServerProcess()
    await post(own, '{"eventType":"call.ended","callId":"call_1"}')
    await own.stop()
    const dataDir = join(own.folder, 'data')
    const database = new DatabaseSync(join(dataDir, 'hookswitch.db'))
    database.exec(`UPDATE events SET received_at = received_at + ${10 * 86_400_000}`)
    database.close()
    const { checks } = await doctor({ HOOKSWITCH_DATA_DIR: dataDir, WEBHOOK_SECRET: strong })
    expect(named(checks, 'clock')[0]).toMatchObject({
      status: 'warn',
      message: expect.stringContaining('9 days'),
    })
  })
})

const missing = postgresMissing()

describe.skipIf(missing !== null)(
  `doctor on PostgreSQL${missing === null ? '' : ` (skipped: ${missing})`}`,
  () => {
    let postgres: Postgres
    let env: Record<string, string>

    beforeAll(async () => {
      postgres = await startPostgres()
      env = {
        DATABASE_URL: postgres.url,
        WEBHOOK_SECRET: strong,
        HOOKSWITCH_ADMIN_TOKEN: `admin-${strong}`,
        HOOKSWITCH_SECRET_KEY: strong,
      }
    })

    afterAll(async () => {
      await postgres.stop()
    })

    test('looks at schema, settings and clock, and changes nothing', async () => {
      const { code, checks } = await doctor(env)
      expect(code).toBe(0)
      expect(named(checks, 'store')[0]?.message).toMatch(/ has no store yet; the first start makes it\.$/)
      expect(named(checks, 'clock')[0]?.message).toMatch(
        /clocks of this machine and of PostgreSQL are \d+ ms apart/,
      )
      expect(named(checks, 'durability').length).toBeGreaterThan(0)
      expect(
        await queryPostgres(postgres.url, `SELECT FROM pg_namespace WHERE nspname = 'hookswitch'`),
      ).toEqual([])
    })

    test('migrate makes the schema, says from which version to which, and then has nothing to do', async () => {
      const first = await runCommand(['migrate', '--json'], { env })
      const { location, ...versions } = JSON.parse(first.stdout) as {
        location: string
        before: null
        after: number
      }
      expect(versions).toEqual({ before: null, after: expect.any(Number) })
      expect(location).toMatch(/^[\w.-]+:\d+\/\w+$/)
      const second = await runCommand(['migrate'], { env })
      expect(second).toMatchObject({
        code: 0,
        stdout: `${location}: schema version ${versions.after}, nothing to do\n`,
      })
      const { checks } = await doctor(env)
      expect(named(checks, 'store')[0]).toMatchObject({ status: 'ok' })
      expect(named(checks, 'secret age')).toHaveLength(1)
    })

    test('fails where the database does not answer, without its password', async () => {
      const { code, checks } = await doctor({
        ...env,
        DATABASE_URL: 'postgres://somebody:private@127.0.0.1:1/calls',
      })
      expect(code).toBe(1)
      expect(named(checks, 'store')[0]).toMatchObject({
        status: 'fail',
        message: expect.stringContaining('127.0.0.1:1/calls'),
      })
      expect(JSON.stringify(checks)).not.toContain('private')
    })
  },
)
