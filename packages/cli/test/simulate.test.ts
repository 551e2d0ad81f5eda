import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { CallRecord } from '@hookswitch/events'
import { callFaults, faultNames, faultPresets } from '@hookswitch/sender/simulator'
import {
  allEvents,
  api,
  endServerProcesses,
  startServerProcess,
  until,
  type ServerProcess,
} from '@hookswitch/testkit'
import { deafPort } from '@hookswitch/testkit/destination-contract'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { Report } from '../src/simulate/report.ts'
import { endCommands, runCommand, startCommand, type Ended } from './run-command.ts'

let server: ServerProcess
let env: Record<string, string>

beforeAll(async () => {
  server = await startServerProcess()
  env = {
    PORT: new URL(server.url).port,
    WEBHOOK_SECRET: server.secret,
    HOOKSWITCH_ADMIN_TOKEN: server.adminToken,
  }
})

afterAll(async () => {
  endCommands()
  await endServerProcesses()
})

const listening = new Set<Server>()

afterEach(() => {
  for (const one of listening) {
    one.closeAllConnections()
    one.close()
  }
  listening.clear()
})

/** A real server on a free port, closed after the test; its URL. */
async function listen(
  answer: (request: IncomingMessage, response: ServerResponse) => Promise<void>,
): Promise<string> {
  const own = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy())
  })
  listening.add(own)
  await new Promise<void>((resolve) => own.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(own.address() as AddressInfo).port}`
}

/** With options as they are typed; none has a blank in it. */
function simulate(options: string): Promise<Ended> {
  return runCommand(['simulate', ...options.split(' ')], { env })
}

async function reportOf(options: string): Promise<{ ended: Ended; report: Report }> {
  const ended = await simulate(`${options} --json`)
  return { ended, report: JSON.parse(ended.stdout) as Report }
}

const fast = '--rate 400 --speed 1000'

describe('simulate', () => {
  test('sends calls as they would be, and the server knows each of them as it was', async () => {
    const { ended, report } = await reportOf(`${fast} --calls 20 --seed plain --verify`)
    expect(ended).toMatchObject({ code: 0 })
    expect(report).toMatchObject({
      seed: 'plain',
      interrupted: false,
      calls: 20,
      retries: 0,
      givenUp: 0,
      answers: { '200': report.events },
      faults: {},
      verification: { calls: 20, differing: [] },
    })
    expect(report.requests).toBe(report.events)
    expect(report.types['call.started']).toEqual({ events: 20, requests: 20 })
  })

  test('misbehaves in every way it knows, and every call is as it was sent all the same', async () => {
    const { ended, report } = await reportOf(
      `${fast} --calls 250 --seed 5 --dialect mixed --faults all --verify`,
    )
    expect(report.verification).toEqual({ calls: 250, differing: [] })
    expect(ended.code).toBe(0)
    expect(Object.keys(report.faults).sort()).toEqual([...faultNames].sort())
    // A wrong secret is refused, and the event comes with the right one all the same.
    expect(report.answers['401']).toBe(report.faults['wrong-token'])
    expect(report.givenUp).toBe(0)
    expect(report.requests).toBeGreaterThan(report.events)
  }, 120_000)

  test('sends the very same bytes for the same seed and start - the second time all are duplicates', async () => {
    const options = `${fast} --calls 8 --seed again --faults all,huge-transcript=0`
    const first = await reportOf(`${options} --start 2026-03-01T09:30:00.000Z --verify`)
    const stored = (await allEvents(server)).length
    const second = await reportOf(`${options} --start 2026-03-01T09:30:00.000Z --verify`)
    expect(second.report.verification).toEqual({ calls: 8, differing: [] })
    expect(second.report.types).toEqual(first.report.types)
    expect((await allEvents(server)).length).toBe(stored)
    expect(first.ended.stderr).toContain(
      'The same again: hookswitch simulate --seed again --start 2026-03-01T09:30:00.000Z --calls 8 --rate 400 ' +
        '--speed 1000 --dialect v1 --transcript mixed --faults all,huge-transcript=0',
    )
  })

  test('says call by call and field by field what a server does not know as it was', async () => {
    const seen: string[] = []
    // Asked for the first two calls, it loses the one and gets the other wrong.
    const wrong = await listen(async ({ url = '' }, response) => {
      const [, callId = ''] = /\/calls\/([^/]+)$/.exec(url) ?? []
      if (callId !== '' && !seen.includes(callId)) seen.push(callId)
      if (callId !== '' && callId === seen[0]) {
        await api(server, '/erase', {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ callId }),
        })
      }
      const { status, body } = await api(server, url.replace('/api/v1', ''))
      const record = body as unknown as CallRecord
      if (callId !== '' && callId === seen[1])
        Object.assign(record, { eventCount: 99, recordingUrl: 'https://example.com/other' })
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(record))
    })
    const { code, stdout } = await simulate(
      `${fast} --calls 5 --seed wrong --verify ${wrong} --token ${server.adminToken}`,
    )
    expect(code).toBe(1)
    expect(stdout).toContain('2 of 5 calls are not as they were sent:')
    expect(stdout).toContain(`${seen[0]} is not there\n`)
    expect(stdout).toMatch(new RegExp(`^${seen[1]} recordingUrl: https://example.com/other, expected `, 'm'))
    expect(stdout).toMatch(new RegExp(`^${seen[1]} eventCount: 99, expected \\d+$`, 'm'))
  })

  test('says where none of the calls is there that the server asked may be another', async () => {
    const other = await listen(async (request, response) => {
      await text(request)
      response.writeHead(200).end('{"received":true}')
    })
    const { code, stdout, stderr } = await simulate(`${fast} --calls 3 --to ${other}/hook --verify`)
    expect(code).toBe(1)
    expect(stdout).toMatch(/\n\nOf 3 calls none is there\.\n$/)
    expect(stderr).toContain(
      `${server.url}, which was asked, seems to be another server than the one that the events went to (${other}/hook).`,
    )
  })

  test('tries again what was not taken, in the order of each call - as a platform does', async () => {
    const tried = new Map<string, number>()
    const taken = new Map<string, string[]>()
    const moody = await listen(async (request, response) => {
      const body = await text(request)
      const { callId, timestamp } = JSON.parse(body) as { callId: string; timestamp: string }
      const tries = (tried.get(body) ?? 0) + 1
      tried.set(body, tries)
      if (tries === 1) {
        response.writeHead(503, { 'retry-after': '0' }).end()
        return
      }
      if (tries === 2) {
        response.destroy()
        return
      }
      taken.set(callId, [...(taken.get(callId) ?? []), timestamp])
      response.writeHead(200).end('{"received":true}')
    })
    const { ended, report } = await reportOf(
      `--calls 2 --rate 400 --speed 1000 --retry quick --to ${moody} --secret any`,
    )
    expect(ended.code).toBe(0)
    expect(report).toMatchObject({ givenUp: 0, retries: 2 * report.events, requests: 3 * report.events })
    expect(report.answers).toEqual({ '200': report.events, '503': report.events, ECONNRESET: report.events })
    expect([...taken.values()].map((times) => times.length).reduce((sum, count) => sum + count)).toBe(
      report.events,
    )
    for (const times of taken.values()) expect(times).toEqual(times.toSorted())
  }, 60_000)

  test('believes what the server has of the events that were never answered', async () => {
    let answers = 0
    // Every fifth answer of the server is lost on its way back.
    const lossy = await listen(async (request, response) => {
      const body = await text(request)
      const { authorization = '' } = request.headers
      const answer = await fetch(`${server.url}/webhook`, {
        method: 'POST',
        body,
        headers: { authorization },
      })
      answers += 1
      if (answers % 5 === 0) response.destroy()
      else response.writeHead(answer.status).end(await answer.text())
    })
    const { ended, report } = await reportOf(
      `--calls 6 --seed lossy --retry none --to ${lossy} --verify ${fast}`,
    )
    expect(report.givenUp).toBeGreaterThan(0)
    expect(report.verification).toEqual({ calls: 6, differing: [] })
    // What was given up is a failure, whatever came of it.
    expect(ended.code).toBe(1)
  })

  test('ends with Ctrl-C, with the report so far', async () => {
    const running = startCommand(['simulate', '--calls', '1000', '--rate', '50', '--verify'], { env })
    const before = (await allEvents(server)).length
    await until('some events to arrive', async () => (await allEvents(server)).length > before + 5)
    running.signal('SIGINT')
    const { code, stdout } = await running.ended()
    expect(stdout).toMatch(/^So far: \d+ calls, \d+ events/)
    expect(stdout).not.toContain('as they were sent')
    expect(code).toBe(0)
  })

  test('prints its report as tables', async () => {
    const { code, stdout, stderr } = await simulate(`${fast} --calls 2 --seed 1 --verify`)
    expect(stdout).toMatch(
      /^Done: 2 calls, \d+ events, \d+ requests in [\d.]+ s \([\d.]+\/s\), retries 0, given up 0\n\nsent +events +requests\ncall\.started +2 +2\n/,
    )
    expect(stdout).toMatch(
      /\n\nanswer +times\n200 +\d+\n\nmilliseconds +p50 +p95 +p99\nrequest to answer +[\d.]+/,
    )
    expect(stdout).toMatch(/\n\nAll 2 calls are as they were sent\.\n$/)
    expect(stderr).toMatch(/^Calling http:\/\/127\.0\.0\.1:\d+\/webhook; Ctrl-C ends it\.\nThe same again: /)
    expect(code).toBe(0)
  })
})

describe('simulate ends', () => {
  test('with 3 where nobody listens, with 4 where its secret is refused, with 5 where there is no such source', async () => {
    const nobody = await simulate('--to http://127.0.0.1:1/webhook?key=private --retry none')
    expect(nobody).toMatchObject({ code: 3, stdout: '' })
    expect(nobody.stderr).toContain('http://127.0.0.1:1/webhook cannot be reached: nothing listens there.')
    expect(nobody.stderr).not.toContain('private')
    const refused = await simulate('--secret not-the-secret')
    expect(refused).toMatchObject({ code: 4, stdout: '' })
    expect(refused.stderr).toContain('takes no event: it answered 401. Give its secret with --secret.')
    expect(refused.stderr).not.toContain('not-the-secret')
    expect(await simulate(`--to ${server.url}/webhook/other`)).toMatchObject({ code: 5 })
  })

  test('with 3 where an event is not answered in the five seconds that a platform waits', async () => {
    const silent = await listen(() => new Promise(() => undefined))
    const { code, stderr } = await simulate(`--to ${silent} --retry none`)
    expect(code).toBe(3)
    expect(stderr).toContain('it did not answer in time')
  })

  test.each([
    [['--calls', '0'], 'Expected a whole number from 1 to 100000.'],
    [['--rate', '0'], 'Expected a number above 0 to 100000.'],
    [['--speed', '0.5'], 'Expected a number from 1 to 1000000.'],
    [['--seed', 'a b'], 'Expected up to 64 letters'],
    [['--start', '2026-03-01'], 'Expected a time such as 2026-03-01T09:30:00.000Z.'],
    [['--faults', 'dorp'], '"dorp" is no fault, expected none, some, all'],
    [['--faults', 'drop=7'], 'has no probability from 0 to 1'],
    [['--dialect', 'v2'], 'Allowed choices are v1, legacy, mixed.'],
    [['--retry', 'often'], 'Allowed choices are none, quick, guide, standard.'],
    [['--to', 'localhost'], 'Expected a URL such as'],
    [['--verify', 'http://127.0.0.1:1?a=b'], 'Expected a URL without query'],
  ])('with 2 for %j', async (args, message) => {
    const { code, stdout, stderr } = await runCommand(['simulate', ...args], { env })
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain(message)
  })

  test('before anything is sent where nobody could be asked afterwards - not after an hour of calls', async () => {
    const sent: string[] = []
    const other = await listen((request, response) => {
      sent.push(request.url ?? '')
      response.writeHead(200).end('{}')
      return Promise.resolve()
    })
    const port = await deafPort()
    const dead = await simulate(`--to ${other}/hook --verify http://127.0.0.1:${port}`)
    expect(dead).toMatchObject({
      code: 3,
      stdout: '',
      stderr:
        `Nothing was sent, since --verify could not ask afterwards: http://127.0.0.1:${port} cannot be reached: ` +
        'nothing listens there. Start a server with "hookswitch serve", or name another with --verify <url>.\n',
    })
    const refused = await simulate(`--to ${other}/hook --verify ${server.url} --token not-the-token`)
    expect(refused).toMatchObject({ code: 4, stdout: '' })
    expect(refused.stderr).toContain(`${server.url} refused the admin token (401).`)
    expect(sent).toEqual([])
    const strange = await listen((_request, response) => {
      response.writeHead(404).end('<html>')
      return Promise.resolve()
    })
    const page = await simulate(`--to ${other}/hook --verify ${strange}`)
    expect(page).toMatchObject({ code: 1, stdout: '' })
    expect(page.stderr).toContain(
      `${strange} is no Hookswitch server: it answered 404 with "<html>". Name the right one`,
    )
    expect(page.stderr).toContain('with --verify <url>.')
    expect(sent).toEqual([])
  })

  test('with 2 before anything is sent where the admin token of the other server is not known', async () => {
    const { code, stderr } = await runCommand(['simulate', '--verify', 'https://hooks.example.com'], {
      env: { WEBHOOK_SECRET: server.secret, PORT: new URL(server.url).port },
    })
    expect(code).toBe(2)
    expect(stderr).toContain('The admin token of https://hooks.example.com is not known.')
  })
})

test('the docs list the faults with their probabilities as they are', () => {
  const docs = readFileSync(join(import.meta.dirname, '../../../docs/cli.md'), 'utf8')
  const rows = docs.matchAll(/^\| `([a-z-]+)` +\| an? (event|call) +\| ([\d.]+) +\| ([\d.]+) +\|/gm)
  const listed = [...rows].map(([, name, of, some, all]) => [name, of, Number(some), Number(all)])
  const known = faultNames.map((name) => [
    name,
    (callFaults as readonly string[]).includes(name) ? 'call' : 'event',
    faultPresets.some[name],
    faultPresets.all[name],
  ])
  expect(listed).toEqual(known)
})

describe('500 events a second', () => {
  const seconds = process.env['REQUIRE_SERVICES'] === undefined ? 5 : 60

  test(`for ${seconds} seconds: nothing is missing, and every call is as it was sent`, async () => {
    // A call has about twelve events.
    const calls = String(Math.round((500 * seconds) / 12))
    const { ended, report } = await reportOf(`--calls ${calls} --rate 500 --speed 20 --seed load --verify`)
    expect(report.verification).toEqual({ calls: Number(calls), differing: [] })
    expect(report.givenUp).toBe(0)
    expect(ended.code).toBe(0)
  }, 240_000)
})
