import { endServerProcesses, post, startServerProcess, until, type ServerProcess } from '@hookswitch/testkit'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { endCommands, runCommand, startCommand, type Started } from './run-command.ts'

/** Four processes start one after another, on a machine that is busy with other tests. */
const restartMs = 120_000

let server: ServerProcess

beforeAll(async () => {
  server = await startServerProcess()
})

afterEach(endCommands)
afterAll(endServerProcesses)

function envOf({ url, adminToken }: ServerProcess): Record<string, string> {
  return { PORT: new URL(url).port, HOOKSWITCH_ADMIN_TOKEN: adminToken }
}

/** Starts to follow, and resolves when it does. */
async function tail(args: string[], from = server): Promise<Started> {
  const started = startCommand(['tail', ...args], { env: envOf(from) })
  const { port } = new URL(from.url)
  await until('tail to say that it follows', () =>
    Promise.resolve(started.stderr().includes(`${port}, times in`)),
  )
  return started
}

let said = 0

/** One utterance, and the text that it is known by. */
async function say(to: ServerProcess, callId = 'call_1'): Promise<string> {
  said += 1
  const text = `utterance ${said}`
  const body = JSON.stringify({
    eventType: 'transcription.update',
    callId,
    agentName: 'Recruiter',
    timestamp: new Date(Date.UTC(2026, 2, 1) + said * 1000).toISOString(),
    data: { data: { speaker: 'User', text } },
  })
  expect((await post(to, body)).status).toBe(200)
  return text
}

/** Waits until as many lines are there. */
function lines(started: Started, count: number): Promise<string[]> {
  return until(
    `${count} lines of tail, after ${JSON.stringify(started.stderr())}`,
    () => {
      const found = started.stdout().split('\n').slice(0, -1)
      return Promise.resolve(found.length >= count && found)
    },
    30_000,
  )
}

describe('tail', () => {
  test('prints each event on a line as it comes, and ends with 0 on Ctrl-C', async () => {
    const started = await tail(['--after', '0'])
    const text = await say(server)
    const [line = ''] = await lines(started, 1)
    expect(line).toMatch(
      new RegExp(String.raw`^\d\d:\d\d:\d\d  transcription\.update  call_1  Recruiter  User: ${text}$`),
    )
    started.signal('SIGINT')
    expect(await started.ended()).toMatchObject({ code: 0 })
  })

  test('begins after a place in the log, and follows one type or one call alone', async () => {
    const text = await say(server, 'call_2')
    await post(server, '{"eventType":"call.ended","callId":"call_2"}')
    await post(server, '{"eventType":"call.ended","callId":"call_3"}')
    const ofCall = await tail(['--after', '0', '--call', 'call_2'])
    expect((await lines(ofCall, 2))[0]).toContain(text)
    const ofType = await tail(['--after', '0', '--type', 'call.ended', '--json'])
    const events = (await lines(ofType, 2)).map((line) => JSON.parse(line) as { callId: string })
    expect(events.map(({ callId }) => callId)).toEqual(['call_2', 'call_3'])
    expect(ofCall.stdout()).not.toContain('call_3')
  })

  test('--json is one event a line as the API shows it, to the byte - digits are kept, line breaks are not', async () => {
    const started = await tail(['--call', 'bytes', '--after', '0', '--json'])
    await post(
      server,
      '{"eventType":"call.ended",\n"callId":"bytes","data":{"10":1,"2":12345678901234567890}}',
    )
    const [line = ''] = await lines(started, 1)
    expect(line).toContain('"data":{"10":1,"2":12345678901234567890}')
    expect(JSON.parse(line)).toMatchObject({ callId: 'bytes', type: 'call.ended', issues: [] })
  })

  test.each([
    { signal: 'SIGKILL', before: 3, reason: 'a cut is not a loss' },
    { signal: 'SIGTERM', before: 0, reason: 'what comes before the first event is seen has its place too' },
  ])(
    'misses nothing and repeats nothing when the server goes by $signal after $before events and comes back - $reason',
    async ({ signal, before }) => {
      const first = await startServerProcess()
      const started = await tail(['--json'], first)
      const texts: string[] = []
      while (texts.length < before) texts.push(await say(first))
      await lines(started, before)
      if (signal === 'SIGKILL') await first.kill()
      else await first.stop()
      await until('tail to notice', () =>
        Promise.resolve(started.stderr().includes('The connection is lost')),
      )
      const second = await startServerProcess({
        folder: first.folder,
        env: { PORT: new URL(first.url).port },
      })
      while (texts.length < before + 5) texts.push(await say(second))
      await lines(started, texts.length)
      texts.push(await say(second))
      const printed = (await lines(started, texts.length)).map((line) => {
        return (JSON.parse(line) as { body: { data: { data: { text: string } } } }).body.data.data.text
      })
      expect(printed).toEqual(texts)
      expect(started.stderr()).toContain('Connected again; it goes on where it was.')
      started.signal('SIGTERM')
      expect(await started.ended()).toMatchObject({ code: 0 })
    },
    restartMs,
  )

  test('says when the log does not go on where it was told to begin', async () => {
    const started = await tail(['--after', '999999999'])
    await until('tail to report the gap', () => {
      return Promise.resolve(started.stderr().includes('Gap: the log of the server ends before 999999999'))
    })
  })

  test('ends with 3 where nobody listens and with 4 where the token is refused - only a cut is tried again', async () => {
    expect(await runCommand(['tail', '--url', 'http://127.0.0.1:1', '--token', 'x'])).toMatchObject({
      code: 3,
    })
    expect(await runCommand(['tail', '--token', 'x'], { env: envOf(server) })).toMatchObject({ code: 4 })
    expect(await runCommand(['tail', '--after', '-1'], { env: envOf(server) })).toMatchObject({ code: 2 })
  })

  test(
    'gives up when a server comes back that refuses the token',
    async () => {
      const first = await startServerProcess()
      const started = await tail([], first)
      await first.kill()
      await startServerProcess({
        folder: first.folder,
        env: { PORT: new URL(first.url).port, HOOKSWITCH_ADMIN_TOKEN: 'another-token-than-before' },
      })
      const { code, stderr } = await started.ended()
      expect(code).toBe(4)
      expect(stderr).toContain('refused the admin token')
    },
    restartMs,
  )
})
