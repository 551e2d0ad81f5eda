import { createServer, type Server } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import {
  api,
  endServerProcesses,
  post,
  startServerProcess,
  temporaryFolder,
  until,
  type ServerProcess,
} from '@hookswitch/testkit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runCommand, type Ended } from './run-command.ts'

let server: ServerProcess
let env: Record<string, string>

/** Keys and digits that a careless reader of JSON changes. */
const delicateData = '{"10":1,"2":12345678901234567890,"data":{"conversationId":"conv-2"}}'

beforeAll(async () => {
  server = await startServerProcess()
  env = { PORT: new URL(server.url).port, HOOKSWITCH_ADMIN_TOKEN: server.adminToken }
  const event = (eventType: string, callId: string, minute: number, rest: object): string =>
    JSON.stringify({ eventType, callId, timestamp: `2026-03-01T09:${minute}:00.000Z`, ...rest })
  const outcomeResult = { application_id: '12345', expectedSalary: '80000', noticePeriod: null }
  const transcription = [{ Agent: 'Hello!' }, { User: 'Hi,\u001b[31m I am\nhere.' }]
  const bodies = [
    event('call.started', 'call_1', 10, { agentId: 'agent-1', agentName: 'Recruiter', data: { data: {} } }),
    event('tool.executed', 'call_1', 11, {
      data: {
        data: { toolName: 'lookup', input: { id: 1 }, output: null, success: false, error: 'no such row' },
      },
    }),
    event('call.ended', 'call_1', 12, { data: { data: { transcription, outcomeResult } } }),
    `{"eventType":"call.started","callId":"call_2","timestamp":"2026-03-01T09:20:00.000Z","data":${delicateData}}`,
    event('call.started', 'call/../3 %2F', 30, { agentId: 'agent-2' }),
  ]
  for (const body of bodies) expect((await post(server, body)).status).toBe(200)
  await until('the last call to be folded', async () => {
    return ((await api(server, '/calls')).body['items'] as unknown[]).length === 3
  })
})

afterAll(endServerProcesses)

function calls(...args: string[]): Promise<Ended> {
  return runCommand(['calls', ...args], { env })
}

describe('calls', () => {
  test('lists calls, newest first', async () => {
    const { code, stdout } = await calls()
    expect(code).toBe(0)
    expect(stdout.split('\n')).toEqual(
      [
        'call           status   agent      first event (UTC)    duration  events',
        'call/../3 %2F  started  agent-2    2026-03-01 09:30:00         –       1',
        'call_2         started  –          2026-03-01 09:20:00         –       1',
        'call_1         ended    Recruiter  2026-03-01 09:10:00   2 min 0 s       3',
        '',
      ].map(
        (line) =>
          expect.stringMatching(new RegExp(`^${escaped(line).replaceAll(/ {2,}/g, ' +')}$`)) as string,
      ),
    )
  })

  test.each([
    [['--agent', 'agent-1'], ['call_1']],
    [['--status', 'started', '--limit', '1'], ['call/../3 %2F']],
    [['--from', '2026-03-01T09:20Z', '--to', '2026-03-01T09:30Z'], ['call_2']],
    [['--q', 'conv-'], ['call_2']],
    [['--outcome', 'expectedSalary=80000', '--outcome', 'application_id=12345'], ['call_1']],
    [['--outcome', 'expectedSalary=1'], []],
    [['--from', '1h'], []],
  ])('narrows the list by %j', async (args, callIds) => {
    const { code, stdout } = await calls(...args, '--json')
    const { items } = JSON.parse(stdout) as { items: { callId: string }[] }
    expect(items.map(({ callId }) => callId)).toEqual(callIds)
    expect(code).toBe(0)
  })

  test('goes on where a page ended - nothing is left out and nothing comes twice', async () => {
    const first = await calls('--limit', '2')
    const cursor = /--cursor (\S+)/.exec(first.stderr)?.[1] ?? ''
    const second = await calls('list', '--limit', '2', '--cursor', cursor)
    expect(second.stdout).toContain('call_1')
    expect(second.stdout).not.toContain('call_2')
    expect(second.stderr).toBe('')
  })

  test('shows the record of a call, outcome in its three states and what was said as a conversation', async () => {
    const { code, stdout } = await calls('show', 'call_1')
    expect(code).toBe(0)
    expect(stdout).toMatch(/^call_1 {2}ended\nagent +Recruiter \(agent-1\)\n/)
    expect(stdout).toMatch(/^duration +2 min 0 s \(measured\)$/m)
    expect(stdout).toMatch(/^expectedSalary +"80000" +unknown$/m)
    expect(stdout).toMatch(/^noticePeriod +null – the caller did not say +unknown$/m)
    expect(stdout).toMatch(
      /^ {2}lookup {2}failed {2}09:11:00\n {4}input +\{"id":1\}\n {4}output +null\n {4}error +no such row$/m,
    )
    expect(stdout).toMatch(
      /^transcript \(final, 2 turns\)\n {2}Agent {2}Hello!\n {2}User {3}Hi,\\u\{1b\}\[31m I am here\.$/m,
    )
    expect(stdout).not.toContain('\u001b')
  })

  test('finds a call whatever its id is made of', async () => {
    expect(await calls('show', 'call/../3 %2F')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('agent-2'),
    })
  })

  test('lists the events of a call in the order of the log', async () => {
    const { stdout } = await calls('events', 'call_1')
    const types = [...stdout.matchAll(/(call\.\w+|tool\.executed) +evt_/g)].map(([, type]) => type)
    expect(types).toEqual(['call.started', 'tool.executed', 'call.ended'])
    expect(stdout).toContain('lookup failed')
  })

  test('--json is what the API answers, to the byte - keys keep their order and numbers their digits', async () => {
    const events = await calls('events', 'call_2', '--json')
    expect(events.stdout).toContain(delicateData)
    const show = await calls('show', 'call_1', '--json')
    expect(JSON.parse(show.stdout)).toEqual((await api(server, '/calls/call_1')).body)
  })

  test('ends with 5 for a call that is not there', async () => {
    for (const command of ['show', 'events']) {
      const { code, stdout, stderr } = await calls(command, 'nobody')
      expect({ code, stdout }).toEqual({ code: 5, stdout: '' })
      expect(stderr).toMatch(/^There is no call "nobody"\..*\n$/)
    }
  })

  test.each([
    [['--status', 'over'], 'Allowed choices are started, answered, ended'],
    [['--limit', '201'], 'Expected a whole number from 1 to 200.'],
    [['--from', 'yesterday'], 'Expected a time such as 2026-03-01'],
    [['--outcome', 'resolved'], 'Expected field=text.'],
    [['--cursor', 'nonsense'], 'cursor is "nonsense", expected a nextCursor of this list'],
    [['--url', 'http://127.0.0.1:4000/?a=b'], 'Expected a URL without query or fragment.'],
    [['shwo', 'call_1'], 'too many arguments'],
    [['show'], "missing required argument 'id'"],
  ])('ends with 2 for %j', async (args, message) => {
    const { code, stdout, stderr } = await calls(...args)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain(message)
  })
})

describe('a command that asks the server', () => {
  let stranger: Server
  let strangerUrl: string

  beforeAll(async () => {
    stranger = createServer((request, response) => {
      if (request.url?.startsWith('/moved') === true) response.writeHead(302, { location: server.url }).end()
      else if (request.url?.startsWith('/down') === true) {
        response.writeHead(503).end('{"error":"The store is not available","code":"unavailable"}')
      } else response.end('<html>Welcome to another program</html>')
    }).listen(0, '127.0.0.1')
    await once(stranger, 'listening')
    strangerUrl = `http://127.0.0.1:${(stranger.address() as AddressInfo).port}`
  })

  afterAll(() => {
    stranger.close()
  })

  test('ends with 3 where nobody listens, naming the address and what to do', async () => {
    const { code, stdout, stderr } = await calls('--url', 'http://127.0.0.1:1')
    expect({ code, stdout }).toEqual({ code: 3, stdout: '' })
    expect(stderr).toMatch(/^http:\/\/127\.0\.0\.1:1 cannot be reached: .*"hookswitch serve".*--url\.\n$/)
  })

  test('ends with 4 where the token is refused, and shows it nowhere', async () => {
    const { code, stderr } = await calls('--token', 'a-wrong-token')
    expect(code).toBe(4)
    expect(stderr).toMatch(/^http:\/\/127\.0\.0\.1:\d+ refused the admin token \(401\)\. .*--token/)
    expect(stderr).not.toContain('a-wrong-token')
  })

  test('ends with 2 where no token is known, naming the folder that was looked in', async () => {
    const folder = await temporaryFolder()
    const { code, stderr } = await runCommand(['calls'], { cwd: folder })
    expect(code).toBe(2)
    expect(stderr).toContain(`There is no admin token in ${folder}/.hookswitch.`)
  })

  test('does not show the token of the data folder to another machine', async () => {
    const { code, stderr } = await runCommand(['calls', '--url', 'https://hooks.example.com'], {
      env: { HOOKSWITCH_DATA_DIR: `${server.folder}/data` },
    })
    expect(code).toBe(2)
    expect(stderr).toBe(
      'The admin token of https://hooks.example.com is not known. Give it with --token or HOOKSWITCH_ADMIN_TOKEN.\n',
    )
  })

  test('says when something else answers, and does not follow it elsewhere', async () => {
    const other = await calls('--url', strangerUrl)
    expect(other.code).toBe(1)
    expect(other.stderr).toContain('is no Hookswitch server: it answered 200 with "<html>Welcome')
    const moved = await calls('--url', `${strangerUrl}/moved`)
    expect(moved.code).toBe(1)
    expect(moved.stderr).toContain('is no Hookswitch server: it answered 302.')
  })

  test('ends with 1 while the store is away, and says to try again', async () => {
    const { code, stderr } = await calls('--url', `${strangerUrl}/down`)
    expect(code).toBe(1)
    expect(stderr).toContain('answered 503: The store is not available. Try again')
  })

  test('needs no environment where server and token are named - settings of another program are no obstacle', async () => {
    const { code } = await runCommand(['calls', '--url', server.url, '--token', server.adminToken], {
      env: { PORT: 'tcp://10.0.0.1', DATABASE_URL: 'mysql://localhost' },
    })
    expect(code).toBe(0)
  })

  test('names every variable that it cannot understand, each on a line', async () => {
    const { code, stderr } = await runCommand(['calls'], { env: { PORT: 'x', LOG_LEVEL: 'loud' } })
    expect(code).toBe(2)
    expect(stderr.split('\n')).toEqual([
      expect.stringMatching(/^PORT /),
      expect.stringMatching(/^LOG_LEVEL /),
      '',
    ])
  })
})

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\/]/g, String.raw`\$&`)
}
