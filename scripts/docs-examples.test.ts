import { execFile, execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, delimiter, dirname, join } from 'node:path'
import { setImmediate as turnOfTheLoop } from 'node:timers/promises'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { ownModule } from '../packages/cli/src/own-module.ts'
import { foldCall, readEnvelope, readFacts, showCall, type CallRecord } from '../packages/events/src/index.ts'
import { loadConfig } from '../packages/server/src/index.ts'
import {
  allEvents,
  api,
  endServerProcesses,
  post,
  startServerProcess,
  until,
  type ServerProcess,
} from '../packages/testkit/src/index.ts'
import { startPeer } from '../packages/testkit/src/destination-contract/peer.ts'
import { Replay, stepsOf, type Answer } from './page-replay.ts'
import { fencesOf, firstCodes, readPage, rowsUnder, sectionOf } from './page-reader.ts'
import { repositoryRoot } from './repository.ts'

const run = promisify(execFile)

// The examples of the pages, run as they stand there.

const configuration = 'docs/configuration.md'
const operations = 'docs/operations.md'
const http = 'docs/http.md'
const destinations = 'docs/destinations.md'
const platform = 'docs/be-the-platform.md'

/** Receivers of the tests are on this machine. */
const loopback = { HOOKSWITCH_EGRESS_ALLOW: '127.0.0.0/8' }

/** What the config files of the pages ask the environment for. */
const variables = {
  HAMSA_SECRET: 'secret-of-hamsa-5b1f0c7d',
  STAGING_SECRET: 'secret-of-staging-9e2a4c6b',
  STAGING_SECRET_NEXT: 'next-secret-of-staging-1d3f5a7c',
  SIGNING_SECRET: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
  CRM_SECRET: 'secret-of-the-crm-7c1e9a3b',
  SLACK_URL: 'https://hooks.slack.com/services/T000/B000/XXXX',
}

/** A shell that finds the Node of the tests, as a user's finds Node 24. */
const shellPath = [dirname(process.execPath), process.env['PATH']].join(delimiter)

/** A project with hookswitch among its packages, and the config file of the page. */
let project: string

beforeAll(() => {
  project = mkdtempSync(join(tmpdir(), 'hookswitch-docs-'))
  mkdirSync(join(project, 'node_modules/@types'), { recursive: true })
  symlinkSync(join(repositoryRoot, 'packages/cli'), join(project, 'node_modules/hookswitch'))
  symlinkSync(join(repositoryRoot, 'node_modules/@types/node'), join(project, 'node_modules/@types/node'))
  writeFileSync(join(project, 'package.json'), '{ "type": "module" }')
  const [example] = fencesOf(sectionOf(configuration, 'The config file'), 'ts')
  writeFileSync(join(project, 'hookswitch.config.ts'), example?.text ?? '')
})

afterAll(async () => {
  await endServerProcesses()
  rmSync(project, { recursive: true, force: true })
})

describe('the config files of the pages', () => {
  /** Each in a file of its own beside the first. */
  const files = ['README.md', configuration, destinations, platform].flatMap((page) =>
    fencesOf(readPage(page), 'ts').map(({ text }, number) => ({
      name: `${basename(page, '.md')}-${number + 1}.ts`,
      text,
    })),
  )

  test('type-check under the strictest settings', () => {
    expect(files).toHaveLength(6)
    for (const { name, text } of files) writeFileSync(join(project, name), text)
    writeFileSync(
      join(project, 'tsconfig.json'),
      JSON.stringify({
        extends: join(repositoryRoot, 'tsconfig.base.json'),
        compilerOptions: { noEmit: true },
        files: files.map(({ name }) => name),
      }),
    )
    const compiler = join(repositoryRoot, 'node_modules/typescript/bin/tsc')
    expect(execFileSync(process.execPath, [compiler, '-p', project], { encoding: 'utf8' })).toBe('')
  })

  test('load, and the first says every key that its page lists', async () => {
    for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value)
    try {
      for (const { name } of files) await loadConfig(join(project, name), ownModule)
      const { sources, agents } = await loadConfig(join(project, 'hookswitch.config.ts'), ownModule)
      expect(sources.get('hamsa')).toMatchObject({ secrets: [variables.HAMSA_SECRET], auth: 'secret' })
      expect(sources.get('staging')).toMatchObject({ bodyBytesMax: 1024 * 1024 })
      expect(sources.get('staging')?.ipAllow?.check('203.0.113.7')).toBe(true)
      expect(sources.get('signed')).toMatchObject({
        auth: 'none',
        signatureSecrets: [variables.SIGNING_SECRET],
      })
      expect(agents.get('agent-123')).toMatchObject({ echo: ['application_id'] })
      expect(agents.get('agent-123')?.outcome?.schema).toMatchObject({ type: 'object' })
    } finally {
      vi.unstubAllEnvs()
    }
  })
})

describe.each([configuration, http, platform])('%s', (page) => {
  test('every request is answered as the page says', async () => {
    const received = new Set<string>()
    const receiver = await startPeer(({ headers }, response) => {
      for (const name of Object.keys(headers)) received.add(name)
      response.end('thank you')
    })
    const env = { ...variables, ...loopback }
    const server = await startServerProcess({ cwd: project, env })
    const crmUrl = `${receiver.url}/hook`
    const replay = new Replay(
      {
        PATH: shellPath,
        URL: server.url,
        SECRET: variables.HAMSA_SECRET,
        SIGNING_SECRET: variables.SIGNING_SECRET,
        TOKEN: server.adminToken,
        CRM_URL: crmUrl,
        ENDPOINT_URL: crmUrl,
      },
      { 'http://127.0.0.1:9000/hook': crmUrl },
    )
    const steps = stepsOf(readPage(page))
    expect(steps.length).toBeGreaterThan(2)
    for (const step of steps) {
      // What is asked for follows from events a moment later; what is sent is sent once.
      const sent = step.sends ? replay.run(step) : null
      const answer = (): Promise<Answer> => sent ?? replay.run(step)
      const options = { timeout: 10_000, message: step.command }
      if (step.inPart) await expect.poll(answer, options).toMatchObject(step.answer)
      else await expect.poll(answer, options).toEqual(step.answer)
    }
    if (page === platform) {
      const listed = firstCodes(rowsUnder(page, 'What the endpoint gets')).map((name) => name.toLowerCase())
      await until('every header that the page lists', () =>
        Promise.resolve(listed.every((name) => received.has(name))),
      )
    }
    expect(await server.stop()).toBe(0)
    await receiver.close()
  })
})

describe('events.md', () => {
  const section = (heading: string): string[] =>
    fencesOf(sectionOf('docs/events.md', heading), 'json').map(({ text }) => text)

  test('the documented form is read without an issue', () => {
    const [body = ''] = section('The documented form')
    const { issues, record } = folded(body)
    expect(issues).toEqual([])
    expect(record).toMatchObject({ status: 'ended', agentName: 'Recruiter', transcriptSource: 'final' })
  })

  test('the legacy form gives the record that stands beside it', () => {
    const [body = '', shown = ''] = section('The legacy form')
    expect(folded(body).record).toMatchObject(JSON.parse(shown) as object)
  })
})

function folded(text: string): { issues: unknown[]; record: CallRecord } {
  const body = JSON.parse(text) as Record<string, unknown>
  const reading = readEnvelope(body)
  if (!reading.ok) throw new Error(JSON.stringify(reading.issues))
  const { envelope } = reading
  const facts = readFacts(envelope, body)
  const { head, put } = foldCall(null, [{ seq: 1, receivedAt: 0, source: 'hamsa', envelope, facts }])
  return { issues: [...envelope.issues, ...facts.issues], record: showCall(head, put) }
}

describe('operations.md', () => {
  const shell = (command: string): string =>
    execFileSync('sh', ['-ec', command], { cwd: project, env: { PATH: shellPath }, encoding: 'utf8' })

  test('the lines of the log have these fields', async () => {
    const receiver = await startPeer(({ url }, response) =>
      response.writeHead(url === '/crm' ? 200 : 503).end(),
    )
    const server = await startServerProcess({ env: loopback })
    for (const name of ['crm', 'down']) {
      const body = JSON.stringify({ name, kind: 'webhook', settings: { url: `${receiver.url}/${name}` } })
      const headers = { 'content-type': 'application/json' }
      expect((await api(server, '/destinations', { method: 'POST', headers, body })).status).toBe(201)
    }
    await post(server, '{"eventType":"call.ended","callId":"call_1"}')
    await post(server, '{"eventType":"call.ended"}')
    await until('both deliveries to be tried', () => {
      const said = ['delivered', 'will be tried again'].map((msg) => `"msg":"${msg}"`)
      return Promise.resolve(said.every((line) => server.output().includes(line)))
    })
    await server.stop()
    await receiver.close()
    const written = server.output().split('\n')
    const examples = fencesOf(sectionOf(operations, 'The log'), 'json')
    const lines = examples.flatMap(({ text }) => text.trim().split('\n'))
    expect(lines).toHaveLength(4)
    for (const line of lines) {
      const shown = JSON.parse(line) as { msg: string }
      const real = written.find((text) => text.includes(`"msg":"${shown.msg}"`)) ?? '{}'
      expect(Object.keys(shown)).toEqual(Object.keys(JSON.parse(real) as object))
    }
  })

  test('a backup that is made while events come in is whole, and is restored as the page says', async () => {
    const [backUp = '', check = '', restore = ''] = fencesOf(sectionOf(operations, 'SQLite'), 'sh').map(
      ({ text }) => text,
    )
    const env = { ...variables, HOOKSWITCH_DATA_DIR: join(project, '.hookswitch') }
    const server = await startServerProcess({ cwd: project, env })
    const sender = startSender(server)
    const before = new Set<string>()
    try {
      await until('events to be acknowledged', () => Promise.resolve(sender.acknowledged.size > 20))
      for (const id of sender.acknowledged) before.add(id)
      // Not waited for by this thread, so that the sender goes on meanwhile.
      await run('sh', ['-ec', backUp], { cwd: project, env: { PATH: shellPath } })
    } finally {
      await sender.stop()
    }
    expect(sender.acknowledged.size).toBeGreaterThan(before.size)
    expect(shell(check)).toContain("integrity_check: 'ok'")
    expect(await server.stop()).toBe(0)

    shell(restore)
    const restored = await startServerProcess({ cwd: project, env })
    const found = new Set((await allEvents(restored)).map(({ id }) => String(id)))
    expect([...before].filter((id) => !found.has(id))).toEqual([])
    expect([...found].filter((id) => !sender.acknowledged.has(id))).toEqual([])
    expect((await post(restored, '{"eventType":"call.ended","callId":"after"}')).status).toBe(200)
    expect(await restored.stop()).toBe(0)
  })
})

/** Sends one event after the other until it is stopped, and remembers which were acknowledged. */
function startSender(server: ServerProcess): { acknowledged: Set<string>; stop(): Promise<void> } {
  const acknowledged = new Set<string>()
  const stopped = new AbortController()
  const send = async (): Promise<void> => {
    for (let count = 0; !stopped.signal.aborted; count += 1) {
      const { status, body } = await post(server, `{"eventType":"call.ended","callId":"call_${count}"}`)
      if (status === 200) acknowledged.add(String(body['id']))
      await turnOfTheLoop()
    }
  }
  const running = send()
  return {
    acknowledged,
    stop: async () => {
      stopped.abort()
      await running
    },
  }
}
