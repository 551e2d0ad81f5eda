import { createServer, type Server } from 'node:http'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
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
let receiver: Server
let env: Record<string, string>
let folder: string
/** What the receiver answers to an event of the call. */
const answers = new Map([['call_poison', 400]])

const config = (url: string): string => `
import { defineConfig, webhook } from 'hookswitch'

export default defineConfig({
  destinations: [
    webhook({ name: 'crm', events: ['call.ended'], settings: { url: '${url}' } }),
    webhook({ name: 'strict', events: ['call.ended'], onExhausted: 'park', settings: { url: '${url}' } }),
  ],
})
`

beforeAll(async () => {
  receiver = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8').on('data', (chunk: string) => {
      body += chunk
    })
    request.on('end', () => {
      const { callId } = JSON.parse(body) as { callId: string }
      response.writeHead(answers.get(callId) ?? 200).end('as told')
    })
  }).listen(0, '127.0.0.1')
  await once(receiver, 'listening')
  const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook`
  folder = await temporaryFolder()
  await writeFile(path.join(folder, 'hookswitch.config.ts'), config(url))
  server = await startServerProcess({ folder, env: { HOOKSWITCH_EGRESS_ALLOW: '127.0.0.0/8' } })
  env = { PORT: new URL(server.url).port, HOOKSWITCH_ADMIN_TOKEN: server.adminToken }
  for (const callId of ['call_good', 'call_poison']) {
    const body = JSON.stringify({
      eventType: 'call.ended',
      callId,
      data: { data: { userNumber: '+15550100' } },
    })
    expect((await post(server, body)).status).toBe(200)
  }
  await until('the deliveries to end or park', async () => {
    const parked = (await api(server, '/lanes?state=parked')).body['items'] as unknown[]
    const dead = (await api(server, '/deliveries?state=dead')).body['items'] as unknown[]
    const good = (await api(server, '/deliveries?state=delivered')).body['items'] as unknown[]
    return parked.length === 1 && dead.length === 1 && good.length === 2
  })
})

afterAll(async () => {
  receiver.closeAllConnections()
  receiver.close()
  await endServerProcesses()
})

function run(...args: string[]): Promise<Ended> {
  return runCommand(args, { env, cwd: folder })
}

async function firstOf(listPath: string): Promise<Record<string, unknown>> {
  const [item] = (await api(server, listPath)).body['items'] as Record<string, unknown>[]
  if (item === undefined) throw new Error(`${listPath} is empty`)
  return item
}

describe('destinations', () => {
  test('list shows them with their state', async () => {
    const { code, stdout } = await run('destinations')
    expect(code).toBe(0)
    expect(stdout).toMatch(/^crm +webhook +active +call\.ended +the config file/m)
  })

  test('pause and resume say what happens to the events, and the audit log has who and why', async () => {
    expect((await run('destinations', 'pause', 'crm', '--reason', 'maintenance')).stdout).toBe(
      'crm is paused. Its events wait.\n',
    )
    expect((await run('destinations')).stdout).toMatch(/^crm +webhook +held: paused/m)
    expect((await run('destinations', 'resume', 'crm')).stdout).toBe('crm is active.\n')
    expect((await run('audit')).stdout).toMatch(/@\S+ +destination\.pause +dst_\S+ +maintenance$/m)
  })

  test('test sends a sample; one that fails ends with 1', async () => {
    answers.set('test-call', 200)
    expect(await run('destinations', 'test', 'crm')).toMatchObject({ code: 0, stderr: '' })
    answers.set('test-call', 500)
    const failed = await run('destinations', 'test', 'crm')
    expect(failed.code).toBe(1)
    expect(failed.stdout).toMatch(/^retry after \d+ ms: 500/)
  })

  test('show says how one is set, and never a secret', async () => {
    const { stdout } = await run('destinations', 'show', 'strict')
    expect(stdout).toMatch(/^when exhausted +park the lane$/m)
    expect(stdout).toMatch(/^retry +standard$/m)
  })

  test('add reads JSON and says which field is wrong', async () => {
    const file = path.join(folder, 'new.json')
    await writeFile(file, JSON.stringify({ name: 'new', kind: 'webhook', settings: { url: 'not a url' } }))
    const refused = await run('destinations', 'add', 'new.json')
    expect(refused.code).toBe(2)
    expect(refused.stderr).toContain('settings.url is "not a url", expected a URL')
    await writeFile(file, '{')
    expect(await run('destinations', 'add', 'new.json')).toMatchObject({ code: 2 })
  })

  test('one of the config file is not removed here, and the message says where', async () => {
    const { code, stderr } = await run('destinations', 'remove', 'crm')
    expect(code).toBe(1)
    expect(stderr).toContain('config file')
  })

  test('kinds tells how to get what each needs', async () => {
    const { stdout } = await run('destinations', 'kinds')
    for (const kind of ['webhook', 'handler', 'slack', 'teams', 'discord', 'email', 'pagerduty']) {
      expect(stdout).toMatch(new RegExp(`^${kind} {2}`, 'm'))
    }
  })
})

describe('deliveries', () => {
  test('list and show: the state, the tries, and what was answered', async () => {
    const { stdout } = await run('deliveries', '--call', 'call_poison', '--destination', 'crm')
    expect(stdout).toMatch(/^dlv_\d+ +crm +call\.ended +call_poison +dead +1 /m)
    const { id } = await firstOf('/deliveries?state=dead')
    const shown = await run('deliveries', 'show', String(id))
    expect(shown.stdout).toMatch(/^try 1 .*reject after \d+ ms: 400/m)
    expect(shown.stdout).toContain('answered  as told')
  })

  test('explain says in a sentence for each destination what became of an event', async () => {
    const { eventId } = await firstOf('/deliveries?state=dead')
    const { stdout } = await run('explain', String(eventId))
    expect(stdout).toMatch(/^ {2}crm +Dead since .*400/m)
    expect(stdout).toMatch(/^ {2}strict +.*parked/m)
  })

  test('dead lists dead letters, and sends all of a destination again when it can take them', async () => {
    expect((await run('dead')).stdout).toMatch(/call_poison +dead/)
    answers.set('call_poison', 200)
    const { stdout } = await run('dead', 'retry', '--destination', 'crm')
    expect(stdout).toMatch(/^rpl_\d+ is done: 1 of 1 event/)
    await until('the replay to arrive', async () => {
      const page = await api(server, '/deliveries?state=delivered&callId=call_poison')
      return (page.body['items'] as unknown[]).length === 1
    })
  })

  test('lanes lists a parked lane with all its tries; resume tries its head again', async () => {
    expect((await run('lanes', '--state', 'parked')).stdout).toMatch(
      /^lane_\d+ +strict +call:call_poison +parked +1 +dlv_\d+ +1 /m,
    )
    const { id } = await firstOf('/lanes?state=parked')
    expect(await run('lanes', 'resume', String(id))).toMatchObject({ code: 0 })
    await until('the lane to be empty', async () => {
      return ((await api(server, '/lanes')).body['items'] as unknown[]).length === 0
    })
    expect((await run('lanes')).stderr).toBe('No such lanes: nothing waits.\n')
  })

  test('replay wants to be told which events', async () => {
    const { code, stderr } = await run('replay', '--destination', 'crm')
    expect(code).toBe(2)
    expect(stderr).toContain('--all')
    const done = await run('replay', '--destination', 'crm', '--call', 'call_good', '--json')
    expect(JSON.parse(done.stdout)).toMatchObject({ state: 'done', total: 1, made: 1 })
  })

  test('replay says why fewer deliveries were made than events match', async () => {
    for (const eventType of ['call.started', 'call.ended']) {
      const sent = await post(server, JSON.stringify({ eventType, callId: 'call_two' }))
      expect(sent.status).toBe(200)
    }
    const delivered = async (count: number) => {
      const page = await api(server, '/deliveries?state=delivered&callId=call_two&destination=crm')
      return (page.body['items'] as unknown[]).length === count
    }
    await until('the call to be delivered', () => delivered(1))
    const { stdout } = await run('replay', '--destination', 'crm', '--call', 'call_two')
    expect(stdout).toMatch(
      /^rpl_\d+ is done: 1 of 2 events stand in their lanes again\.\nThe other one is of a type or scope that crm does not take, or removed meanwhile\.\n$/,
    )
    await until('the replay to arrive', () => delivered(2))
  })

  test('what is not there is said to be not there', async () => {
    for (const args of [
      ['deliveries', 'show', 'dlv_999'],
      ['lanes', 'skip', 'lane_999'],
      ['explain', 'evt_none'],
      ['destinations', 'show', 'none'],
    ]) {
      expect((await run(...args)).code, args.join(' ')).toBe(5)
    }
  })
})

test('retention says for each class how long it is kept, and what goes now', async () => {
  const { code, stdout } = await run('retention')
  expect(code).toBe(0)
  expect(stdout).toMatch(/^attempts +deliveries that have ended.* +30 days +\d{4}-\d\d-\d\d /m)
  expect(stdout).toMatch(/^events +events, with their bytes +for good +–$/m)
  expect(JSON.parse((await run('retention', '--json')).stdout)).toMatchObject({
    attempts: { days: 30 },
    records: { days: null, removedBefore: null },
  })
})

describe('erase', () => {
  test('events without a record are told as well - it is no lie that nothing was there', async () => {
    const other = createServer((request, response) => {
      request.resume()
      response.end(JSON.stringify({ calls: 0, events: 2, deliveries: 0, attempts: 0 }))
    }).listen(0, '127.0.0.1')
    await once(other, 'listening')
    const url = `http://127.0.0.1:${(other.address() as AddressInfo).port}`
    const { stdout } = await run('erase', '--call', 'call_1', '--yes', '--url', url, '--token', 'any')
    other.closeAllConnections()
    other.close()
    expect(stdout).toBe('Erased 0 calls, 2 events, 0 deliveries and 0 tries.\n')
  })

  test('it asks, or wants --yes where nobody can be asked, and says what was erased', async () => {
    expect(await run('erase', '--phone', '+1 555 0100')).toMatchObject({ code: 2 })
    expect(await run('erase', '--yes')).toMatchObject({ code: 2 })
    await until('nothing to be under way', async () => {
      return ((await api(server, '/deliveries?state=pending')).body['items'] as unknown[]).length === 0
    })
    const { code, stdout } = await run('erase', '--phone', '+1 555 0100', '--yes', '--reason', 'asked for')
    expect(code).toBe(0)
    expect(stdout).toMatch(/^Erased 2 calls, 2 events, \d+ deliveries and \d+ tries\.\n$/)
    expect((await run('erase', '--phone', '+1 555 0100', '--yes')).stdout).toBe(
      'Nothing was there to erase.\n',
    )
    const acts = (await run('audit')).stdout
    expect(acts).toMatch(/erase +phone +asked for/)
    expect(acts).not.toContain('555')
  })
})
