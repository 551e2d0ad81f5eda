import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { knownEventTypes } from '@hookswitch/events'
import { allEvents, endServerProcesses, startServerProcess, type ServerProcess } from '@hookswitch/testkit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runCommand, type CommandOptions, type Ended } from './run-command.ts'

let server: ServerProcess
let env: Record<string, string>

beforeAll(async () => {
  server = await startServerProcess()
  env = { PORT: new URL(server.url).port, WEBHOOK_SECRET: server.secret }
})

afterAll(endServerProcesses)

function send(args: string[], options: CommandOptions = {}): Promise<Ended> {
  return runCommand(['send', ...args], { ...options, env: { ...env, ...options.env } })
}

describe('send', () => {
  test.each(knownEventTypes)(
    'makes a believable %s of its own - trying it out needs no file',
    async (type) => {
      const callId = `sent-${type}`
      const { code, stdout, stderr } = await send([
        '--type',
        type,
        '--call-id',
        callId,
        '--agent-id',
        'agent-7',
      ])
      expect(stdout).toMatch(/^200 received evt_\w+ \d+\.\d ms\n$/)
      expect(stderr).toBe(`hookswitch calls show ${callId}\n`)
      expect(code).toBe(0)
      const [event] = await allEvents(server, `&callId=${callId}`)
      expect(event).toMatchObject({ type, issues: [], body: { agentId: 'agent-7' } })
      const ageMs = Date.now() - Date.parse(String(event?.['occurredAt']))
      expect(Math.abs(ageMs)).toBeLessThan(60_000)
    },
  )

  test('sends the very same event again on --repeat - a duplicate can be seen', async () => {
    const { code, stdout } = await send(['--repeat', '3', '--json'])
    const answers = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { answer: { id: string } })
    expect(answers).toEqual([
      { status: 200, ms: expect.any(Number), answer: { received: true, id: expect.stringMatching(/^evt_/) } },
      ...Array.from({ length: 2 }, () => ({
        status: 200,
        ms: expect.any(Number),
        answer: { received: true, duplicate: true, id: answers[0]?.answer.id },
      })),
    ])
    expect(code).toBe(0)
  })

  test('sends the bytes of a file and of stdin as they are - what is reproduced is what came', async () => {
    const body = '{ "eventType":"call.ended",\n"callId":"bytes", "data":{"10":1,"2":12345678901234567890} }\n'
    const file = join(await mkdtemp(join(tmpdir(), 'hookswitch-send-')), 'event.json')
    await writeFile(file, body)
    const fromFile = await send(['--file', file, '--json'])
    const fromStdin = await send(['--file', '-', '--json'], { stdin: body })
    const first = JSON.parse(fromFile.stdout) as { answer: { id: string } }
    const second = JSON.parse(fromStdin.stdout) as { answer: unknown }
    expect(second.answer).toEqual({ received: true, duplicate: true, id: first.answer.id })
    const raw = await fetch(`${server.url}/api/v1/events/${first.answer.id}/raw`, {
      headers: { authorization: `Bearer ${server.adminToken}` },
    })
    expect(await raw.text()).toBe(body)
  })

  test('puts other data into the envelope whole', async () => {
    const { code } = await send(['--call-id', 'data', '--data', '{"outcomeResult":{"resolved":true}}'])
    expect(code).toBe(0)
    const [event] = await allEvents(server, '&callId=data')
    expect(event?.['body']).toMatchObject({
      eventType: 'call.ended',
      data: { outcomeResult: { resolved: true } },
    })
  })

  test.each([
    ['Token', 'SECRET'],
    ['bearer', 'Bearer SECRET'],
    ['', 'SECRET'],
  ])(
    'shows the secret as the agent would with authKey "%s" - every form in use can be tried',
    async (key, secret) => {
      const shown = secret.replace('SECRET', server.secret)
      expect(await send(['--auth-key', key, '--secret', shown])).toMatchObject({ code: 0 })
    },
  )

  test('ends with 4 for a secret that is refused, and does not repeat it - scripts look at codes, people at screens', async () => {
    const { code, stdout, stderr } = await send(['--secret', 'not-the-secret', '--repeat', '5'])
    expect(code).toBe(4)
    expect(stdout).toMatch(/^401 Unauthorized \d+\.\d ms\n$/)
    expect(stdout + stderr).not.toContain('not-the-secret')
  })

  test('says so when there is no secret to show', async () => {
    const { code, stderr } = await send(['--to', `${server.url}/webhook`, '--secret', ''])
    expect(code).toBe(4)
    expect(stderr).toBe('No secret was shown. Give one with --secret.\n')
  })

  test('ends with 1 for a body that is refused, and says what is wrong with it', async () => {
    const { code, stdout } = await send(['--file', '-'], { stdin: '{"eventType":"call.ended"}' })
    expect(code).toBe(1)
    expect(stdout).toMatch(/^400 Invalid payload; callId is missing \d/)
  })

  test('ends with 5 for a source that is not there, with 3 where nobody listens', async () => {
    expect(await send(['--to', `${server.url}/webhook/other`])).toMatchObject({ code: 5 })
    const nobody = await send(['--to', 'http://127.0.0.1:1/webhook?key=private'])
    expect(nobody.code).toBe(3)
    expect(nobody.stderr).toMatch(/^http:\/\/127\.0\.0\.1:1\/webhook cannot be reached: .*--to\.\n$/)
  })

  test.each([
    [['--data', '[1]'], 'Expected a JSON object.'],
    [['--repeat', '0'], 'Expected a whole number from 1 to 10000.'],
    [['--to', 'localhost:4000'], 'Expected a URL such as'],
    [['--to', 'http://user:word@127.0.0.1:4000'], 'is not supported'],
    [['--file', 'event.json', '--type', 'call.ended'], '--type cannot go with --file'],
    [['--file', '/nowhere/event.json'], '/nowhere/event.json cannot be read'],
    [['--tpye', 'call.ended'], "unknown option '--tpye'"],
  ])('ends with 2 for %j', async (args, message) => {
    const { code, stdout, stderr } = await send(args)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain(message)
  })
})
