import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { temporaryFolder, endServerProcesses, until } from '@hookswitch/testkit'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { endCommands, runCommand, startCommand, type Ended, type Started } from './run-command.ts'

afterEach(endCommands)
afterAll(endServerProcesses)

interface Serving extends Started {
  url: string
  folder: string
}

/** Starts it on a free port, and resolves when it listens and has said so. */
async function serve(args: string[] = [], env: Record<string, string> = {}): Promise<Serving> {
  const cwd = await temporaryFolder()
  const folder = env['HOOKSWITCH_DATA_DIR'] ?? join(cwd, 'data')
  const started = startCommand(['serve', ...args], {
    cwd,
    env: { PORT: '0', HOOKSWITCH_DATA_DIR: folder, ...env },
  })
  const url = await until(
    `the server to listen, after ${started.stderr()}`,
    () => {
      const said = /"url":"([^"]+)"[^\n]*"msg":"listening"/.exec(started.stdout())?.[1]
      return Promise.resolve(started.stderr().includes('Then see') && said)
    },
    30_000,
  )
  return { ...started, url, folder }
}

/** Runs it to an end that is an error. */
async function refused(args: string[], env: Record<string, string>, cwd?: string): Promise<Ended> {
  const folder = cwd ?? (await temporaryFolder())
  return runCommand(['serve', ...args], { cwd: folder, env: { PORT: '0', ...env } })
}

/** What a shell makes of the command of the banner: its arguments, one by one. */
function curlArguments(banner: string, env: Record<string, string> = {}): string[] {
  const command = /curl [^]*?'\{.*\}'/.exec(banner)?.[0] ?? ''
  const script = `curl() { for one; do printf '%s\\n' "$one"; done; }\n${command}`
  return execFileSync('sh', ['-c', script], { encoding: 'utf8', env: { PATH: process.env['PATH'], ...env } })
    .trim()
    .split('\n')
}

/** Does what curl would. */
async function tryCurl(args: string[]): Promise<number> {
  const [, method = '', url = '', ...rest] = args
  const headers = rest.filter((_, index) => rest[index - 1] === '-H').map((header) => header.split(/: (.*)/))
  const response = await fetch(url, {
    method,
    headers: headers.map(([name = '', value = '']): [string, string] => [name, value]),
    body: rest[rest.indexOf('-d') + 1] ?? '',
  })
  return response.status
}

describe('serve', () => {
  test('shows the secret that it has made, once, with a curl that works as it is pasted', async () => {
    const first = await serve()
    const secret = (await readFile(join(first.folder, 'webhook-secret'), 'utf8')).trim()
    expect(first.stderr()).toContain(
      `Bearer ${secret}  (made just now; it lies in ${first.folder}/webhook-secret)`,
    )
    expect(first.stderr()).toContain(`Point the agent at  ${first.url}/webhook`)
    expect(await tryCurl(curlArguments(first.stderr()))).toBe(200)
    first.signal('SIGTERM')
    expect(await first.ended()).toMatchObject({ code: 0 })

    const second = await serve([], { HOOKSWITCH_DATA_DIR: first.folder })
    expect(second.stderr()).toContain(`the secret in ${first.folder}/webhook-secret`)
    expect(second.stderr()).not.toContain(secret)
    expect(await tryCurl(curlArguments(second.stderr()))).toBe(200)
    const token = (await readFile(join(first.folder, 'admin-token'), 'utf8')).trim()
    expect(first.stderr() + first.stdout() + second.stderr()).not.toContain(token)
  })

  test('quotes for the shell whatever the folder is called', async () => {
    const folder = join(await temporaryFolder(), "it's $HOME of `calls`")
    await mkdir(folder)
    const first = await serve([], { HOOKSWITCH_DATA_DIR: folder })
    first.signal('SIGTERM')
    await first.ended()
    const second = await serve([], { HOOKSWITCH_DATA_DIR: folder })
    expect(await tryCurl(curlArguments(second.stderr()))).toBe(200)
  })

  test('takes the first of several secrets from the variable, as the shell has it', async () => {
    const env = { WEBHOOK_SECRET: 'the-new-secret,the-old-secret' }
    const { stderr } = await serve([], env)
    expect(stderr()).not.toContain('the-new-secret')
    expect(await tryCurl(curlArguments(stderr(), env))).toBe(200)
  })

  test('writes nothing but JSON lines to stdout - whoever collects logs parses them', async () => {
    const server = await serve()
    await tryCurl(curlArguments(server.stderr()))
    server.signal('SIGINT')
    const { code, stdout } = await server.ended()
    expect(code).toBe(0)
    const messages = stdout
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { msg: string }).msg)
    expect(messages).toEqual(['listening', 'accepted', 'stopping'])
  })

  test('options stand above the environment', async () => {
    const folder = await temporaryFolder()
    const config = join(folder, 'other.ts')
    await writeFile(
      config,
      `import { defineConfig } from 'hookswitch'\nexport default defineConfig({ sources: { other: {} } })\n`,
    )
    const env = { PORT: '1', HOST: '203.0.113.1', HOOKSWITCH_CONFIG: '/nowhere.ts' }
    const server = await serve(['--port', '0', '--host', 'localhost', '--config', config], env)
    expect(server.url).toMatch(/^http:\/\/localhost:\d{4,5}$/)
    expect(server.stderr()).toContain(`${server.url}/webhook/other`)
  })

  test('says which port is in use and how to take another', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const { port } = other.address() as AddressInfo
    const { code, stderr } = await refused([], { PORT: String(port) })
    other.close()
    expect(code).toBe(1)
    const next = port < 65_535 ? port + 1 : 4000
    expect(stderr).toBe(
      `Port ${port} on 127.0.0.1 is in use. Take another: hookswitch serve --port ${next}, or PORT=${next}.\n`,
    )
  })

  test('says which address is not of this machine', async () => {
    const { code, stderr } = await refused(['--host', '203.0.113.1'], {})
    expect(code).toBe(1)
    expect(stderr).toMatch(/^203\.0\.113\.1 is no address of this machine\. .*--host.*\n$/)
  })

  test('leaves a data folder alone that another process has', async () => {
    const first = await serve()
    const { code, stderr } = await refused([], { HOOKSWITCH_DATA_DIR: first.folder })
    expect(code).toBe(1)
    expect(stderr).toMatch(/^Another process uses this data folder: .*HOOKSWITCH_DATA_DIR\n$/)
  })

  test('names everything that is wrong with its settings at once, each on a line', async () => {
    const { code, stderr } = await refused(['--port', 'many'], { WEBHOOK_SECRET: '', LOG_LEVEL: 'loud' })
    expect(code).toBe(2)
    expect(stderr.trim().split('\n')).toEqual([
      expect.stringMatching(/^PORT is "many", expected/),
      expect.stringMatching(/^WEBHOOK_SECRET is set but empty/),
      expect.stringMatching(/^LOG_LEVEL is "loud", expected/),
    ])
  })

  test('names everything that is wrong with the config file, by key', async () => {
    const cwd = await temporaryFolder()
    const config = `export default { sources: { hamsa: { secrets: [''], ipAlow: [] } } }`
    await writeFile(join(cwd, 'hookswitch.config.ts'), config)
    const { code, stderr } = await refused([], {}, cwd)
    expect(code).toBe(2)
    expect(stderr).toContain('hookswitch.config.ts: sources.hamsa.secrets[0] is empty')
    expect(stderr).toMatch(/ipAlow .*ipAllow\?/)
    expect(stderr).not.toMatch(/^ +at /m)
  })

  test('names the PostgreSQL that is not there, and a command that starts one', async () => {
    const { code, stderr } = await refused([], {
      DATABASE_URL: 'postgres://somebody:private@127.0.0.1:1/calls',
      WEBHOOK_SECRET: 'a-secret-of-the-sender',
      HOOKSWITCH_ADMIN_TOKEN: 'an-admin-token-of-ours',
      HOOKSWITCH_SECRET_KEY: '0123456789abcdef0123456789abcdef',
    })
    expect(code).toBe(1)
    expect(stderr).toContain('127.0.0.1:1/calls')
    expect(stderr).toContain('docker run')
    expect(stderr).not.toContain('private')
  })
})
