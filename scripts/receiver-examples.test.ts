import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { build } from 'esbuild'
import { afterEach, describe, expect, test } from 'vitest'
import { createSender, type SendResult } from '../packages/sender/src/index.ts'
import { endServerProcesses, temporaryFolder } from '../packages/testkit/src/index.ts'
import { redisMissing, startRedis, type RedisServer } from '../packages/testkit/src/redis/index.ts'
import {
  endExamples,
  examplesWithPackages,
  freePort,
  startExample,
  type ExampleProcess,
} from './example-process.ts'
import { fencesOf, readPage } from './page-reader.ts'
import { Replay, stepsOf } from './page-replay.ts'
import { listFiles, repositoryRoot, type Manifest } from './repository.ts'

// The examples of the receiver, each started by the command of its page and sent what a platform sends.

interface Example {
  name: string
  /** What it says when it has handled the end of a call. */
  said: (callId: string) => string
  needsRedis?: true
  /** Next bundles what is built; the others run the sources. */
  needsBuild?: true
  /** BullMQ finds the repeat, after it was answered. */
  repeatsAreQueued?: true
  /** What a GET is answered: by Express itself, where only POST has a route. */
  get: 404 | 405
}

const turns = (callId: string): string => `${callId} of application 12345: 2 turns`

const examples: Example[] = [
  { name: 'express', said: (callId) => `Ended: ${callId} `, get: 404 },
  { name: 'fastify', said: (callId) => `"callId":"${callId}","msg":"call requires attention"`, get: 405 },
  { name: 'hono', said: (callId) => `${callId}: 2 turns, salary is value: 80000`, get: 405 },
  { name: 'nextjs', said: turns, needsBuild: true, get: 405 },
  { name: 'lambda', said: turns, needsRedis: true, get: 405 },
  {
    name: 'bullmq',
    said: (callId) => `saved ${callId} at attempt 1`,
    needsRedis: true,
    repeatsAreQueued: true,
    get: 404,
  },
]

const secret = 'your_secret_token'
const folderOf = (name: string): string => join(repositoryRoot, 'examples', name)
const pageOf = (name: string): string => `examples/${name}/README.md`

/** Why an example cannot be run here; null where it can. */
function missing({ name, needsRedis, needsBuild }: Example): string | null {
  if (!existsSync(join(folderOf(name), 'node_modules'))) return `npm ci was not run in examples/${name}`
  const isBuilt = ['events', 'receiver'].every((folder) =>
    existsSync(join(repositoryRoot, 'packages', folder, 'dist/index.js')),
  )
  if (needsBuild === true && !isBuilt) return 'npm run build was not run'
  return needsRedis === true ? redisMissing() : null
}

let redis: RedisServer | null = null

afterEach(async () => {
  await endExamples()
  await redis?.stop()
  redis = null
  await endServerProcesses()
})

interface Started {
  url: string
  /** What listens. */
  app: ExampleProcess
  /** What handles the events: the app itself, or a worker. */
  handler: ExampleProcess
  /** Where the example keeps what it knows. */
  database: string
  /** Runs the app again. */
  again(): Promise<ExampleProcess>
}

/** Runs the commands of the page. */
async function start(example: Example, folder = folderOf(example.name)): Promise<Started> {
  const [command = [], ...others] = commandsOf(example.name)
  if (example.needsRedis === true) redis = await startRedis()
  const port = await freePort()
  const database = join(await temporaryFolder(), 'calls.db')
  const env = {
    NODE_OPTIONS: '--conditions=hookswitch-source',
    NEXT_TELEMETRY_DISABLED: '1',
    DATABASE: database,
    REDIS_URL: redis?.url ?? '',
    WEBHOOK_SECRET: secret,
  }
  const again = (): Promise<ExampleProcess> => startExample(command, folder, { ...env, PORT: port })
  const app = await again()
  let handler = app
  for (const other of others) handler = await startExample(other, folder, env)
  return { url: `http://127.0.0.1:${port}/webhook`, app, handler, database, again }
}

/** The commands of the page that start a program, without what they set in the environment. */
function commandsOf(name: string): string[][] {
  const { scripts } = JSON.parse(readFileSync(join(folderOf(name), 'package.json'), 'utf8')) as {
    scripts: Record<string, string>
  }
  return fencesOf(readPage(pageOf(name)), 'sh').flatMap(({ text }) => {
    const [, given] = /^WEBHOOK_SECRET=your_secret_token (.+)$/m.exec(text) ?? []
    if (given === undefined) return []
    const [file = '', ...args] = given
      .replace(/^npm run (\w+)$/, (_, script: string) => scripts[script] ?? '')
      .split(' ')
    return [[file === 'node' ? process.execPath : join(folderOf(name), 'node_modules/.bin', file), ...args]]
  })
}

/** The request of the page, to where the example listens now. */
function replayOf({ url }: Started): Replay {
  const path = [dirname(process.execPath), process.env['PATH']].join(delimiter)
  return new Replay({ PATH: path }, { 'http://127.0.0.1:3000/webhook': url })
}

interface Sent {
  callId: string
  authSecret?: string
  outcomeResult?: Record<string, unknown>
  /** How often the same event is sent. */
  times?: number
}

const outcomeOfAll = { application_id: '12345', expectedSalary: '80000', priority: 'urgent', resolved: true }

/** A call from its start to its end, as the platform tells it; what became of its last event. */
async function sendCall(
  { url }: Started,
  { callId, authSecret = secret, outcomeResult = outcomeOfAll, times = 1 }: Sent,
): Promise<SendResult | undefined> {
  const sender = createSender({ url, allowHttp: true, authKey: 'Bearer', authSecret, retry: 'none' })
  const transcription = [{ Agent: 'Hello!' }, { User: 'Hi.' }]
  const call = { callId, agentId: 'agent-123', agentName: 'Recruiter' }
  const at = Date.UTC(2026, 0, 31, 12)
  let result: SendResult | undefined
  for (const [index, event] of [
    { eventType: 'call.started' },
    { eventType: 'transcription.update', data: { transcription } },
    { eventType: 'call.ended', data: { transcription, outcomeResult } },
  ].entries()) {
    for (let time = 0; time < times; time += 1) {
      result = await sender.send({ ...call, ...event, at: at + index * 1_000 })
    }
  }
  await sender.close()
  return result
}

async function answerTo(url: string, init: RequestInit): Promise<{ status: number; body: unknown }> {
  const response = await fetch(url, init)
  return { status: response.status, body: await response.json() }
}

const post = (body: string, authorization = `Bearer ${secret}`): RequestInit => ({
  method: 'POST',
  headers: { 'content-type': 'application/json', authorization },
  body,
})

const countOf = (text: string, part: string): number => text.split(part).length - 1

test('every example of the receiver is among them', () => {
  expect(examples.map(({ name }) => name).sort()).toEqual(examplesWithPackages)
})

describe.each(examples)('$name', (example) => {
  const { name, said, repeatsAreQueued, get } = example
  const why = missing(example)

  test.skipIf(why !== null)(
    `does what its page says, refuses what is wrong, and handles nothing twice${why === null ? '' : ` (${why})`}`,
    async () => {
      const started = await start(example)
      const { url, handler } = started

      const [step] = stepsOf(readPage(pageOf(name)))
      if (step === undefined) throw new Error('the page shows no request')
      const replay = replayOf(started)
      expect(await replay.run(step)).toEqual(step.answer)
      await handler.wrote(said('test-123'))
      const { body } = step.answer as { body: { id: string } }
      const repeated = repeatsAreQueued === true ? body : { ...body, duplicate: true }
      const repeat = { ...step, answer: { status: 200, body: repeated } }
      expect(await replay.run(repeat)).toEqual(repeat.answer)

      expect(await sendCall(started, { callId: 'call_wrong', authSecret: 'another' })).toMatchObject({
        status: 401,
      })
      expect(await answerTo(url, post('{"eventType":"call.ended"'))).toMatchObject({
        status: 400,
        body: { code: 'invalid_payload' },
      })
      expect(await answerTo(url, post('{"eventType":"call.ended"}'))).toMatchObject({
        status: 400,
        body: { code: 'invalid_payload', issues: [{ path: 'callId' }] },
      })
      expect((await fetch(url)).status).toBe(get)

      // Whatever came before, what is right is handled.
      expect(await sendCall(started, { callId: 'call_1', times: 2 })).toMatchObject({ ok: true, status: 200 })
      expect(await sendCall(started, { callId: 'call_2' })).toMatchObject({ ok: true, status: 200 })
      for (const callId of ['call_1', 'call_2']) await handler.wrote(said(callId))
      for (const callId of ['test-123', 'call_1', 'call_2']) {
        expect(countOf(handler.output(), said(callId)), callId).toBe(1)
      }
      expect(handler.output()).not.toContain('call_wrong')
    },
  )
})

function exampleNamed(name: string): Example & { why: string | null; title: string } {
  const example = examples.find((known) => known.name === name)
  if (example === undefined) throw new Error(`there is no example ${name}`)
  const why = missing(example)
  return { ...example, why, title: why === null ? '' : ` (${why})` }
}

describe('express', () => {
  const express = exampleNamed('express')

  test.skipIf(express.why !== null)(
    `the row has what the guide writes, null for what was not said, and survives a restart as the repeats do${express.title}`,
    async () => {
      const started = await start(express)
      const outcomeResult = {
        application_id: '7',
        user_id: 'user-789',
        expectedSalary: '80000',
        noticePeriod: null,
      }
      await sendCall(started, { callId: 'call_1', outcomeResult })
      await sendCall(started, {
        callId: 'call_2',
        outcomeResult: { application_id: '7', number_of_speakers: 2 },
      })
      // No other try would find the row, so none is asked for.
      expect(await sendCall(started, { callId: 'call_3', outcomeResult: {} })).toMatchObject({ status: 200 })
      await started.app.wrote('application_id, user_id, session_id did not come back')
      const [step] = stepsOf(readPage(pageOf('express')))
      if (step === undefined) throw new Error('the page shows no request')
      const replay = replayOf(started)
      await replay.run(step)

      await started.app.stop()
      const restarted = await started.again()
      const { body } = step.answer as { body: object }
      const repeat = { ...step, answer: { status: 200, body: { ...body, duplicate: true } } }
      expect(await replay.run(repeat)).toEqual(repeat.answer)
      await restarted.stop()

      const database = new DatabaseSync(started.database, { readOnly: true })
      const rows = database.prepare('SELECT * FROM calls ORDER BY application_id DESC').all()
      database.close()
      expect(
        rows.map(({ application_id, call }) => [application_id, JSON.parse(String(call)) as unknown]),
      ).toEqual([
        [
          '7',
          {
            conversationId: null,
            recordingUrl: null,
            transcript: 'Agent: Hello!\nUser: Hi.',
            expectedSalary: '80000',
            noticePeriod: null,
            numberOfSpeakers: 2,
            completedAt: '2026-01-31T12:00:02.000Z',
          },
        ],
        [
          '12345',
          expect.objectContaining({ conversationId: 'conv-test', transcript: 'Agent: Hello!\nUser: Hi.' }),
        ],
      ])
    },
  )
})

describe('bullmq', () => {
  const bullmq = exampleNamed('bullmq')

  test.skipIf(bullmq.why !== null)(
    `what fails is tried again, and what comes while Redis is away is answered 503 and handled when it is sent again${bullmq.title}`,
    async () => {
      const started = await start(bullmq)
      await sendCall(started, { callId: 'flaky_1' })
      await started.handler.wrote('failed at attempt 1: the database is away')
      await started.handler.wrote('saved flaky_1 at attempt 2')

      await redis?.down()
      expect(await sendCall(started, { callId: 'call_1' })).toMatchObject({ status: 503 })
      await redis?.up()
      await expect
        .poll(() => sendCall(started, { callId: 'call_1' }), { timeout: 20_000, interval: 200 })
        .toMatchObject({ status: 200 })
      await started.handler.wrote('saved call_1 at attempt 1')
      expect(await started.handler.stop()).toBe(0)
    },
  )
})

describe('lambda', () => {
  const lambda = exampleNamed('lambda')
  const template = readFileSync(join(folderOf('lambda'), 'template.yaml'), 'utf8')

  test.skipIf(lambda.why !== null)(
    `runs bundled as the template says, and answers 503 while Redis is away${lambda.title}`,
    async () => {
      const folder = await temporaryFolder()
      const [, banner = ''] = /js=(.*?)'\]/.exec(template) ?? []
      const [, target = ''] = /Target: (\w+)/.exec(template) ?? []
      expect(template).toContain('Handler: handler.handler')
      expect(template).toContain('OutExtension: [.js=.mjs]')
      await build({
        entryPoints: [join(folderOf('lambda'), 'handler.ts')],
        outfile: join(folder, 'handler.mjs'),
        bundle: true,
        minify: true,
        platform: 'node',
        format: 'esm',
        target,
        banner: { js: banner },
        conditions: ['hookswitch-source'],
      })
      const gateway = readFileSync(join(folderOf('lambda'), 'gateway.ts'), 'utf8')
      writeFileSync(join(folder, 'gateway.ts'), gateway.replace('./handler.ts', './handler.mjs'))
      writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
      const started = await start(lambda, folder)
      expect(await sendCall(started, { callId: 'call_1' })).toMatchObject({ status: 200 })
      await redis?.down()
      expect(await sendCall(started, { callId: 'call_2' })).toMatchObject({ status: 503 })
      await redis?.up()
      await expect
        .poll(() => sendCall(started, { callId: 'call_2' }), { timeout: 20_000, interval: 200 })
        .toMatchObject({ status: 200 })
      expect(countOf(started.app.output(), lambda.said('call_2'))).toBe(1)
    },
  )
})

describe('what people copy', () => {
  const notInstalled = examples.flatMap(({ name }) => {
    return existsSync(join(folderOf(name), 'node_modules')) ? [] : [`npm ci was not run in examples/${name}`]
  })
  const title = notInstalled.length === 0 ? '' : ` (${notInstalled.join(', ')})`

  test.skipIf(notInstalled.length > 0)(`is right under the strictest settings${title}`, async () => {
    const files = listFiles(repositoryRoot).filter((file) => {
      const [, name] = /^examples\/([^/]+)\/.*\.ts$/.exec(file) ?? []
      return examples.some((example) => example.name === name)
    })
    expect(files.length).toBeGreaterThan(8)
    const project = join(await temporaryFolder(), 'tsconfig.json')
    writeFileSync(
      project,
      JSON.stringify({
        extends: join(repositoryRoot, 'tsconfig.base.json'),
        compilerOptions: { noEmit: true, typeRoots: [join(repositoryRoot, 'node_modules/@types')] },
        files: files.map((file) => join(repositoryRoot, file)),
      }),
    )
    const compiler = join(repositoryRoot, 'node_modules/typescript/bin/tsc')
    expect(execFileSync(process.execPath, [compiler, '-p', project], { encoding: 'utf8' })).toBe('')
  })

  test.each(examples)(
    '$name names exact versions, and says what to put in the place of the folder',
    ({ name }) => {
      const manifest = JSON.parse(readFileSync(join(folderOf(name), 'package.json'), 'utf8')) as Manifest
      const { '@hookswitch/receiver': receiver, ...others } = manifest.dependencies ?? {}
      expect(receiver).toBe('file:../../packages/receiver')
      for (const [dependency, version] of Object.entries({ ...others, ...manifest.devDependencies })) {
        expect(version, dependency).toMatch(/^\d+\.\d+\.\d+$/)
      }
      const { version } = JSON.parse(
        readFileSync(join(repositoryRoot, 'packages/receiver/package.json'), 'utf8'),
      ) as Manifest
      expect(readPage(pageOf(name))).toContain(`\`"@hookswitch/receiver": "${version}"\``)
    },
  )
})
