import { execFileSync, spawnSync } from 'node:child_process'
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { api, post, until } from '@hookswitch/testkit'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { guideSample } from './guide-sample.ts'
import { endPrograms, startProgram } from './program.ts'

const repository = join(import.meta.dirname, '../../..')
const packages = ['events', 'core', 'destinations', 'sender', 'receiver', 'store-sql', 'server', 'cli']

/** A build, eight packs and an installation from the registry; a few seconds each. */
const installMs = 180_000

/** In an app of one's own: what a program sees that receives events, one of them twice, one with a wrong secret. */
const receivingProgram = `
  import { once } from 'node:events'
  import { createServer } from 'node:http'
  import type { AddressInfo } from 'node:net'
  import { createReceiver, memoryDedupe, transcriptText } from '@hookswitch/receiver'
  import { nodeListener } from '@hookswitch/receiver/node'
  import { createSender } from '@hookswitch/sender'

  const handled: unknown[] = []
  const refused: unknown[] = []
  const receiver = createReceiver({
    secrets: ['your_secret_token'],
    dedupe: memoryDedupe(),
    on: {
      'call.ended': ({ event, call, outcome }) => {
        handled.push([event.callId, call.status, transcriptText(event), outcome?.['application_id']])
      },
    },
    log: ({ event, reason }) => {
      if (event === 'rejected') refused.push(reason)
    },
  })
  const server = createServer(nodeListener(receiver)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = \`http://127.0.0.1:\${(server.address() as AddressInfo).port}/webhook\`

  const post = async (authorization: string): Promise<unknown> => {
    const response = await fetch(url, { method: 'POST', headers: { authorization }, body: process.argv[2] ?? '' })
    const { received, duplicate } = (await response.json()) as Record<string, unknown>
    return [response.status, received, duplicate]
  }
  const posted = [
    await post('Bearer your_secret_token'),
    await post('Bearer your_secret_token'),
    await post('Bearer a_wrong_token'),
  ]

  const send = async (authSecret: string): Promise<unknown> => {
    const sender = createSender({ url, allowHttp: true, authKey: 'Bearer', authSecret })
    const params = { application_id: '6789' }
    const data = { transcription: [{ User: 'Hi.' }] }
    const call = { callId: 'sent', agentId: 'agent-123', agentName: 'Recruiter', params }
    const result = await sender.send({ ...call, eventType: 'call.ended', at: Date.now(), data })
    await sender.close()
    return [result.ok, result.status]
  }
  const sent = [await send('your_secret_token'), await send('a_wrong_token')]
  server.close()
  console.log(JSON.stringify({ posted, sent, handled, refused }))
`

interface Packed {
  filename: string
  files: { path: string }[]
}

let folder: string
let user: string
let packed: Packed[]

/** Runs as a user would: npm tells its children much about the repository, and none of that may reach here. */
function run(cwd: string, file: string, ...args: string[]): string {
  const ours = /^(?:npm_|NODE_OPTIONS$|INIT_CWD$)/i
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !ours.test(name)))
  // Where the network has a certificate authority of its own, Node's npm is to believe it as the system's does.
  env['NODE_USE_SYSTEM_CA'] = '1'
  return execFileSync(file, args, {
    cwd,
    env,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: installMs,
  })
}

function readManifest(path: string): { version: string; devDependencies: Record<string, string> } {
  return JSON.parse(readFileSync(join(repository, path, 'package.json'), 'utf8')) as ReturnType<
    typeof readManifest
  >
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'hookswitch-pack-'))
  user = join(folder, 'user')
  const tarballs = join(folder, 'tarballs')
  for (const made of [user, tarballs]) mkdirSync(made)

  run(repository, process.execPath, 'scripts/build.ts')
  const chosen = packages.map((name) => `--workspace=packages/${name}`)
  const output = run(repository, 'npm', 'pack', '--json', `--pack-destination=${tarballs}`, ...chosen)
  // A list from npm 11, and an object by name from npm 12.
  packed = Object.values(JSON.parse(output) as Record<string, Packed>)

  const nodeTypes = readManifest('.').devDependencies['@types/node']
  writeFileSync(join(user, 'package.json'), '{ "name": "user", "private": true, "type": "module" }\n')
  const paths = packed.map(({ filename }) => join(tarballs, filename))
  run(
    user,
    'npm',
    'install',
    '--ignore-scripts',
    '--prefer-offline',
    '--no-audit',
    '--no-fund',
    ...paths,
    `@types/node@${nodeTypes}`,
  )
}, installMs)

afterEach(endPrograms)
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('the packed packages, installed elsewhere', () => {
  test('hold what was built and nothing else - no sources and no tests go out', () => {
    const paths = packed.flatMap(({ files }) => files.map(({ path }) => path))
    const expected =
      /^(?:package\.json|README\.md|LICENSE|bin\/hookswitch\.js|dist\/.*\.(?:js|js\.map|d\.ts))$/
    expect(paths.filter((path) => !expected.test(path) || path.includes('.test.'))).toEqual([])
    expect(paths.filter((path) => path === 'LICENSE')).toHaveLength(packages.length)
    const declarations = globSync('node_modules/{hookswitch,@hookswitch/*}/dist/**/*.d.ts', { cwd: user })
    const nameSources = declarations.filter((path) => {
      return /(?:from |import\()['"]\.[^'"]*\.ts['"]/.test(readFileSync(join(user, path), 'utf8'))
    })
    expect(declarations.length).toBeGreaterThan(packages.length)
    expect(nameSources).toEqual([])
  })

  test('need no install script, and nothing that they bring needs one - many machines refuse them', () => {
    const lock = JSON.parse(readFileSync(join(user, 'package-lock.json'), 'utf8')) as {
      packages: Record<string, { hasInstallScript?: boolean }>
    }
    const installed = Object.entries(lock.packages)
    expect(installed.length).toBeGreaterThan(packages.length)
    expect(installed.filter(([, { hasInstallScript }]) => hasInstallScript === true)).toEqual([])
  })

  test('run the command', () => {
    const { version } = readManifest('packages/cli')
    expect(run(user, 'node_modules/.bin/hookswitch', '--version').trim()).toBe(version)
  })

  test('receive the guide’s cURL sample, show the call, and stop on SIGTERM', async () => {
    const command = [process.execPath, 'node_modules/hookswitch/bin/hookswitch.js', 'serve']
    const program = await startProgram(command, user, join(folder, 'data'))
    expect(await post(program, guideSample)).toMatchObject({ status: 200, body: { received: true } })

    const call = await until('the call to be folded', async () => {
      const { status, body } = await api(program, '/calls/test-123')
      return status === 200 && body
    })
    expect(call).toMatchObject({
      callId: 'test-123',
      status: 'ended',
      conversationId: 'conv-test',
      outcome: { application_id: { state: 'value', value: '12345' } },
    })

    program.signal('SIGTERM')
    expect(await program.ended()).toBe(0)
    expect(program.isRunning()).toBe(false)
  })

  test('deliver to a handler and through a filter of a config file - every thread starts from what was built', async () => {
    const place = join(user, 'with-config')
    mkdirSync(place)
    const arrived = join(place, 'arrived.json')
    const config = `
      import { writeFileSync } from 'node:fs'
      import { defineConfig, handler } from 'hookswitch'
      export default defineConfig({
        destinations: [
          handler({
            name: 'mine',
            filter: ({ outcome }) => outcome.application_id === '12345',
            run: ({ event, outcome }) => writeFileSync(${JSON.stringify(arrived)}, JSON.stringify({ id: event.id, outcome })),
          }),
        ],
      })
    `
    writeFileSync(join(place, 'hookswitch.config.ts'), config)
    const bin = join(user, 'node_modules/hookswitch/bin/hookswitch.js')
    const program = await startProgram([process.execPath, bin, 'serve'], place, join(folder, 'data-2'))
    const { body } = await post(program, guideSample)
    const delivered = await until('the event to be delivered', async () => {
      const page = (await api(program, '/deliveries?state=delivered')).body as { items?: unknown[] }
      return page.items?.[0]
    })
    expect(delivered).toMatchObject({ eventId: body['id'], destination: { name: 'mine' } })
    expect(JSON.parse(readFileSync(arrived, 'utf8'))).toEqual({
      id: body['id'],
      outcome: { application_id: '12345' },
    })
    program.signal('SIGTERM')
    expect(await program.ended()).toBe(0)
  })

  test('receive in an app of one’s own what the packed sender sends, once each, and refuse a wrong token', () => {
    writeFileSync(join(user, 'receiving.ts'), receivingProgram)
    expect(JSON.parse(run(user, process.execPath, 'receiving.ts', guideSample))).toEqual({
      posted: [
        [200, true, null],
        [200, true, true],
        [401, null, null],
      ],
      sent: [
        [true, 200],
        [false, 401],
      ],
      handled: [
        ['test-123', 'ended', '', '12345'],
        ['sent', 'ended', 'User: Hi.', '6789'],
      ],
      refused: ['secret_mismatch', 'secret_mismatch'],
    })
  })

  test('carry their types - the programs of their READMEs, and of this file, compile under the strictest settings', () => {
    const strictest = { strict: true, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true }
    const settings = { ...strictest, module: 'nodenext', target: 'es2024', noEmit: true }
    const anywhere = { lib: ['es2024', 'dom'], types: [] }
    const inNode = { types: ['node'] }
    const programOf = (readme: string): string =>
      /```ts\n([\s\S]*?)```/.exec(readFileSync(join(repository, readme), 'utf8'))?.[1] ?? ''
    const programs = [
      { file: 'events.ts', text: programOf('packages/events/README.md'), runtime: anywhere },
      { file: 'receiver.ts', text: programOf('packages/receiver/README.md'), runtime: anywhere },
      { file: 'sender.ts', text: programOf('packages/sender/README.md'), runtime: inNode },
      { file: 'hookswitch.config.ts', text: programOf('packages/cli/README.md'), runtime: inNode },
      { file: 'receiving.ts', text: receivingProgram, runtime: inNode },
    ]
    for (const { file, text, runtime } of programs) {
      expect(text, file).not.toBe('')
      writeFileSync(join(user, file), text)
      const compilerOptions = { ...settings, ...runtime }
      writeFileSync(join(user, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: [file] }))
      const compiler = join(repository, 'node_modules/typescript/bin/tsc')
      const { status, stdout } = spawnSync(process.execPath, [compiler, '-p', user], { encoding: 'utf8' })
      expect(stdout, file).toBe('')
      expect(status, file).toBe(0)
    }
  })
})
