import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, describe, expect, test } from 'vitest'
import {
  api,
  endServerProcesses,
  post,
  startServerProcess,
  temporaryFolder,
  until,
  type ServerProcess,
} from '../packages/testkit/src/index.ts'
import { startPeer, type Peer, type PeerAnswer } from '../packages/testkit/src/destination-contract/peer.ts'
import { endExamples, examplesWithPackages, freePort, startExample } from './example-process.ts'
import { listFiles, repositoryRoot } from './repository.ts'

// The examples, run as their pages say: the program, the user's own app, and real servers in the place of the others.

const loopback = { HOOKSWITCH_EGRESS_ALLOW: '127.0.0.0/8' }

const folderOf = (example: string): string => join(repositoryRoot, 'examples', example)

const peers: Peer[] = []

afterEach(async () => {
  await endExamples()
  await endServerProcesses()
  for (const peer of peers.splice(0)) await peer.close()
})

async function peerThat(answer: PeerAnswer): Promise<Peer> {
  const peer = await startPeer(answer)
  peers.push(peer)
  return peer
}

/** Sends the end of a call, and gives the id of the event. */
async function sendEnd(
  server: ServerProcess,
  callId: string,
  outcomeResult: Record<string, unknown>,
  more: Record<string, unknown> = {},
): Promise<string> {
  const { status, body } = await post(
    server,
    JSON.stringify({
      eventType: 'call.ended',
      callId,
      timestamp: '2026-01-31T12:02:05.000Z',
      agentId: 'agent-123',
      agentName: 'Support',
      data: { data: { callDuration: 125, outcomeResult, ...more } },
    }),
  )
  expect(status).toBe(200)
  return String(body['id'])
}

interface Finding {
  state: string
  sentence: string
  delivery: { id: string } | null
}

/** What the program says of an event at its only destination. */
async function explained(server: ServerProcess, eventId: string): Promise<Finding> {
  const { body } = await api(server, `/events/${eventId}/explain`)
  const [finding] = body['destinations'] as Finding[]
  if (finding === undefined) throw new Error('there is no destination')
  return finding
}

function becomes(server: ServerProcess, eventId: string, state: string): Promise<Finding> {
  return until(`${eventId} to be ${state}`, async () => {
    const finding = await explained(server, eventId)
    return finding.state === state && finding
  })
}

async function act(server: ServerProcess, path: string, body: unknown = {}): Promise<void> {
  const init = {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  }
  const { status } = await api(server, path, init)
  expect(status, path).toBeLessThan(300)
}

test('every example is run, here or in receiver-examples.test.ts', () => {
  const examples = listFiles(repositoryRoot).flatMap((file) => /^examples\/([^/]+)\//.exec(file)?.[1] ?? [])
  const here = ['in-front-of-express', 'in-front-of-flask', 'typescript-handler', 'urgent-calls-to-slack']
  expect([...new Set(examples)].sort()).toEqual([...here, ...examplesWithPackages].sort())
})

test('their TypeScript is right under the strictest settings', async () => {
  const files = listFiles(repositoryRoot).filter((file) => {
    const [, name = ''] = /^examples\/([^/]+)\/.*\.ts$/.exec(file) ?? []
    return name !== '' && !examplesWithPackages.includes(name)
  })
  expect(files.length).toBeGreaterThan(4)
  const project = join(await temporaryFolder(), 'tsconfig.json')
  const compilerOptions = { noEmit: true, typeRoots: [join(repositoryRoot, 'node_modules/@types')] }
  writeFileSync(
    project,
    JSON.stringify({
      extends: join(repositoryRoot, 'tsconfig.base.json'),
      compilerOptions,
      files: files.map((file) => join(repositoryRoot, file)),
    }),
  )
  const compiler = join(repositoryRoot, 'node_modules/typescript/bin/tsc')
  expect(execFileSync(process.execPath, [compiler, '-p', project], { encoding: 'utf8' })).toBe('')
})

describe('urgent-calls-to-slack', () => {
  /** As incoming webhooks of Slack answer: `ok`, or a word with another status. */
  const slack: PeerAnswer = ({ headers, body }, response) => {
    const message = JSON.parse(String(body)) as { text?: string; blocks?: unknown[] }
    const isRight = /^application\/json\b/.test(headers['content-type'] ?? '')
    const word = !isRight ? 'invalid_payload' : message.text === undefined ? 'no_text' : 'ok'
    response.writeHead(word === 'ok' ? 200 : 400, { 'content-type': 'text/html' }).end(word)
  }

  test('what is urgent or not resolved is posted, what does not say so is not', async () => {
    const peer = await peerThat(slack)
    const server = await startServerProcess({
      cwd: folderOf('urgent-calls-to-slack'),
      env: {
        ...loopback,
        SLACK_URL: `${peer.url}/services/T000/B000/XXXX`,
        HOOKSWITCH_PUBLIC_URL: 'https://hooks.example.com',
      },
    })
    const quiet = [
      await sendEnd(server, 'call_resolved', { priority: 'normal', resolved: true }),
      // An agent without the field, and a caller who did not say: both are true for `!outcome.resolved`.
      await sendEnd(server, 'call_of_another_agent', { priority: 'normal' }),
      await sendEnd(server, 'call_not_said', { priority: null, resolved: null }),
    ]
    const loud = [
      await sendEnd(server, 'call_urgent', { priority: 'urgent', resolved: true }),
      // As agents write it in Arabic; the schema in the example makes a boolean of it.
      await sendEnd(server, 'call_unresolved', { priority: 'normal', resolved: 'لا' }),
    ]
    for (const id of quiet) {
      const { sentence } = await becomes(server, id, 'filtered')
      expect(sentence).toContain('the filter of urgent-calls said no')
    }
    for (const id of loud) await becomes(server, id, 'delivered')

    expect(peer.requests.map(({ url }) => url)).toEqual(Array(2).fill('/services/T000/B000/XXXX'))
    const messages = peer.requests.map(({ body }) => String(body))
    for (const callId of ['call_urgent', 'call_unresolved']) {
      const message = messages.find((text) => text.includes(`*Call ID*\\n${callId}"`)) ?? 'null'
      const text = '🚨 Urgent call requires attention: Support, 2 min 5 s'
      expect(JSON.parse(message), callId).toMatchObject({ text })
      expect(message).toContain(`"url":"https://hooks.example.com/calls/${callId}"`)
    }
    await act(server, '/destinations/urgent-calls/test')
    expect(String(peer.requests.at(-1)?.body)).toContain('Test from Hookswitch')
    expect(await server.stop()).toBe(0)
  })
})

describe('typescript-handler', () => {
  test('calls are written in order for each caller, again where the CRM asks for it, and no row twice', async () => {
    const rows = new Map<string, Record<string, unknown>>()
    let busy = 1
    const peer = await peerThat(({ method, url, headers, body }, response) => {
      if (method !== 'PUT' || headers['authorization'] !== 'Bearer token-of-the-crm') {
        response.writeHead(401).end()
      } else if (!url.startsWith('/api/contacts/known-')) response.writeHead(404).end()
      else if (busy > 0) {
        busy -= 1
        response.writeHead(503, { 'retry-after': '1' }).end()
      } else {
        rows.set(url, JSON.parse(String(body)) as Record<string, unknown>)
        response.writeHead(204).end()
      }
    })
    const server = await startServerProcess({
      cwd: folderOf('typescript-handler'),
      env: { CRM_URL: `${peer.url}/api`, CRM_TOKEN: 'token-of-the-crm' },
    })
    const caller = { userNumber: '+12025550143' }
    const first = await sendEnd(
      server,
      'call_1',
      { application_id: 'known-1', expectedSalary: '80000', noticePeriod: null },
      { ...caller, transcription: [{ Agent: 'Hello!' }, { User: 'Hi.' }] },
    )
    const second = await sendEnd(server, 'call_2', { application_id: 'known-1' }, caller)
    const unknown = await sendEnd(server, 'call_3', { application_id: 'nobody' })
    const without = await sendEnd(server, 'call_4', {})

    expect((await becomes(server, unknown, 'dead')).sentence).toContain('the CRM has no such contact')
    expect((await becomes(server, without, 'dead')).sentence).toContain('the outcome has no application_id')
    // The caller's second call waits behind the first, which the CRM has put off.
    await becomes(server, second, 'behind')
    const { delivery, sentence } = await becomes(server, first, 'retrying')
    expect(sentence).toContain('asked for another try: the CRM answered 503')
    await act(server, `/deliveries/${delivery?.id}/retry`)
    await becomes(server, second, 'delivered')
    expect([...rows.keys()]).toEqual([first, second].map((id) => `/api/contacts/known-1/calls/${id}`))
    expect([...rows.values()]).toEqual([
      {
        endedAt: '2026-01-31T12:02:05.000Z',
        durationSeconds: 125,
        transcript: 'Agent: Hello!\nUser: Hi.',
        expectedSalary: '80000',
        noticePeriod: null,
      },
      { endedAt: '2026-01-31T12:02:05.000Z', durationSeconds: 125, transcript: '' },
    ])

    const before = peer.requests.length
    await act(server, '/replays', { destination: 'crm', filter: { callId: 'call_1' } })
    await peer.reached(before + 1)
    expect(rows.size).toBe(2)
    expect(server.output()).not.toContain('2025550143')
    expect(await server.stop()).toBe(0)
  })
})

interface AppExample {
  name: string
  path: string
  command: string[]
  /** What both sides share. */
  env: Record<string, string>
  wrongEnv: Record<string, string>
}

const pythonWithFlask = '/usr/bin/python3'

function hasFlask(): boolean {
  try {
    execFileSync(pythonWithFlask, ['-c', 'import flask'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

const appExamples: AppExample[] = [
  {
    name: 'in-front-of-express',
    path: '/calls',
    command: [process.execPath, 'app.ts'],
    env: { SIGNING_SECRET: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw' },
    wrongEnv: { SIGNING_SECRET: 'whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA' },
  },
  {
    name: 'in-front-of-flask',
    path: '/webhook',
    command: [pythonWithFlask, 'app.py'],
    env: { APP_SECRET: 'a-secret-of-the-app' },
    wrongEnv: { APP_SECRET: 'another-secret' },
  },
]

const noFlask = hasFlask() ? '' : ` (${pythonWithFlask} has no Flask: install python3-flask)`

describe.each(appExamples)('$name', ({ name, path, command, env, wrongEnv }) => {
  const isAbsent = name === 'in-front-of-flask' && noFlask !== ''
  const why = isAbsent ? noFlask : ''

  test.skipIf(isAbsent)(
    `what comes while the app is away is handled when it is back, once, and only with the right secret${why}`,
    async () => {
      const cwd = folderOf(name)
      const port = await freePort()
      const folder = await temporaryFolder()
      const database = join(folder, 'app.db')
      const appEnv = { ...env, PORT: port, DATABASE: database }
      const server = await startServerProcess({
        folder,
        cwd,
        env: { ...loopback, ...env, APP_URL: `http://127.0.0.1:${port}${path}` },
      })
      const outcome = { application_id: '12345', noticePeriod: null }
      const event = await sendEnd(server, 'call_1', outcome)
      const { delivery } = await becomes(server, event, 'retrying')

      const app = await startExample(command, cwd, appEnv)
      await act(server, `/deliveries/${delivery?.id}/retry`)
      await becomes(server, event, 'delivered')
      expect(callsIn(database)).toEqual([{ call_id: 'call_1', outcome }])

      // Changed by hand, so that a second handling would show.
      changeOutcome(database)
      await act(server, '/replays', { destination: 'app', filter: { eventIds: [event] } })
      await until('the replay to be delivered', async () => {
        const { sentence } = await explained(server, event)
        return sentence.includes('Delivered') && sentence.includes('This was replay rpl_1.')
      })
      expect(callsIn(database)).toEqual([{ call_id: 'call_1', outcome: 'by hand' }])

      await app.stop('SIGKILL')
      await startExample(command, cwd, { ...appEnv, ...wrongEnv })
      const refused = await sendEnd(server, 'call_2', outcome)
      const { sentence } = await becomes(server, refused, 'held')
      expect(sentence).toContain('it refused our credentials')
      expect(callsIn(database)).toHaveLength(1)
      expect(await server.stop()).toBe(0)
    },
  )
})

function callsIn(database: string): unknown[] {
  const opened = new DatabaseSync(database, { readOnly: true })
  const rows = opened.prepare('SELECT call_id, outcome FROM calls ORDER BY call_id').all()
  opened.close()
  return rows.map(({ call_id, outcome }) => ({ call_id, outcome: JSON.parse(String(outcome)) as unknown }))
}

function changeOutcome(database: string): void {
  const opened = new DatabaseSync(database)
  opened.exec(`UPDATE calls SET outcome = '"by hand"'`)
  opened.close()
}
