import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import {
  api,
  endServerProcesses,
  startServerProcess,
  temporaryFolder,
  until,
  type ServerProcess,
} from '@hookswitch/testkit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runCommand, type Ended } from './run-command.ts'

interface Received {
  path: string
  headers: IncomingHttpHeaders
  event: {
    eventType: string
    callId: string
    agentId: string
    agentName: string
    data: { data: Record<string, unknown> }
  }
}

let server: ServerProcess
let receiver: Server
let url: string
let env: Record<string, string>
let folder: string
const received: Received[] = []
/** What the endpoint answers at a path; 200 where nothing is said. */
const answers = new Map<string, number>()

beforeAll(async () => {
  receiver = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8').on('data', (chunk: string) => {
      body += chunk
    })
    request.on('end', () => {
      const event = JSON.parse(body) as Received['event']
      received.push({ path: request.url ?? '', headers: request.headers, event })
      response.writeHead(answers.get(request.url ?? '') ?? 200).end('{"received":true}')
    })
  }).listen(0, '127.0.0.1')
  await once(receiver, 'listening')
  url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`
  folder = await temporaryFolder()
  const config = `
import { defineConfig } from 'hookswitch'

export default defineConfig({ agents: { depot: { name: 'Depot', webhook: { url: '${url}/depot' } } } })
`
  await writeFile(path.join(folder, 'hookswitch.config.ts'), config)
  server = await startServerProcess({ folder, env: { HOOKSWITCH_EGRESS_ALLOW: '127.0.0.0/8' } })
  env = { PORT: new URL(server.url).port, HOOKSWITCH_ADMIN_TOKEN: server.adminToken }
})

afterAll(async () => {
  receiver.closeAllConnections()
  receiver.close()
  await endServerProcesses()
})

function run(...args: string[]): Promise<Ended> {
  return runCommand(['agents', ...args], { env, cwd: folder })
}

async function json<T>(...args: string[]): Promise<T> {
  const { code, stdout, stderr } = await run(...args, '--json')
  expect(code, stderr).toBe(0)
  return JSON.parse(stdout) as T
}

/** Makes an agent whose webhook is at the path of its own name. */
async function made(id: string, ...args: string[]): Promise<void> {
  const { code, stderr } = await run('add', '--name', id, '--id', id, '--webhook', `${url}/${id}`, ...args)
  expect(code, stderr).toBe(0)
}

async function started(agent: string, ...args: string[]): Promise<string> {
  return (await run('call', agent, ...args)).stdout.trim()
}

/** What came at a path, in its order, once there is so much of it. */
function arrived(at: string, count: number): Promise<Received[]> {
  return until(`${count} events at ${at}`, () => {
    const found = received.filter((each) => each.path === at)
    return Promise.resolve(found.length >= count && found)
  })
}

describe('agents', () => {
  test('add makes one with its webhook; the secret comes from stdin and is shown to nobody', async () => {
    const args = ['--id', 'clinic', '--webhook', `${url}/clinic?key=of-the-query`, '--event', 'call.ended']
    const { code, stdout, stderr } = await runCommand(
      ['agents', 'add', '--name', 'Clinic', ...args, '--auth-secret', '-', '--retry', 'guide'],
      { env, cwd: folder, stdin: 'secret-of-the-endpoint\n' },
    )
    expect(stderr).toBe('Next: hookswitch agents test clinic\n')
    expect(code).toBe(0)
    expect(stdout).toMatch(/^Clinic\nid +clinic\n/)
    expect(stdout).toMatch(/^authorization +Bearer …$/m)
    expect(stdout).toMatch(/^events +call\.ended$/m)
    expect(stdout).toMatch(/^retry +guide$/m)
    expect(stdout).not.toMatch(/secret-of|of-the-query/)
    expect(await run('test', 'clinic')).toMatchObject({ code: 0 })
    expect((await arrived('/clinic?key=of-the-query', 1)).at(-1)?.headers).toMatchObject({
      authorization: 'Bearer secret-of-the-endpoint',
    })
  })

  test('add without an id makes one, and prints the key that was made to sign with, this once', async () => {
    const { stdout, stderr } = await run(
      'add',
      '--name',
      'Signed',
      '--webhook',
      `${url}/signed`,
      '--sign',
      'v1',
    )
    expect(stdout).toMatch(/^id +agt_[a-z0-9]+$/m)
    expect(stdout).toMatch(/^signed +v1$/m)
    expect(stdout).toMatch(/^signing secret {2}whsec_\S+\n$/m)
    expect(stderr).toContain('not shown again')
    const id = /agt_\w+/.exec(stdout)?.[0] ?? ''
    expect((await run('show', id)).stdout).not.toContain('whsec_')
  })

  test('add without a webhook says what comes next, and takes nothing that would be of one', async () => {
    const { stdout, stderr } = await run('add', '--name', 'Quiet', '--id', 'quiet', '--project', 'north')
    expect(stdout).toMatch(/^project +north$/m)
    expect(stdout).toMatch(/^webhook +none: its events are kept and go nowhere$/m)
    expect(stderr).toBe('Next: hookswitch agents set quiet --webhook <url>\n')
    for (const option of [['--auth-secret', 'x'], ['--event', 'call.ended'], ['--paused']]) {
      const refused = await run('add', '--name', 'Other', ...option)
      expect(refused, option.join(' ')).toMatchObject({ code: 2 })
      expect(refused.stderr).toContain('Without --webhook <url>')
    }
  })

  test('add is refused with the reason', async () => {
    const refused = async (...args: string[]) => run('add', '--name', 'Bad', ...args)
    const plain = await refused('--webhook', 'http://192.0.2.1/hook')
    expect(plain.code).toBe(2)
    expect(plain.stderr).toContain('webhook.url leads to 192.0.2.1 (documentation)')
    expect(await refused('--webhook', 'ftp://example.com')).toMatchObject({ code: 2 })
    expect(await refused('--retry', 'often')).toMatchObject({ code: 2 })
    expect(await refused('--outcome-schema', 'none.json')).toMatchObject({ code: 2 })
    const taken = await refused('--id', 'clinic')
    expect(taken.code).toBe(1)
    expect(taken.stderr).toContain('Another agent has the id clinic')
    expect((await json<{ items: { name: string }[] }>()).items.map(({ name }) => name)).not.toContain('Bad')
  })

  test('list and show have the state, and where calls and deliveries are seen', async () => {
    const { stdout } = await run()
    expect(stdout).toMatch(/^depot +Depot +active +all +the config file +http/m)
    expect(stdout).toMatch(/^clinic +Clinic +active +call\.ended +the API +http\S+\/clinic\?…$/m)
    expect(stdout).toMatch(/^quiet +Quiet +no webhook +– +the API +–$/m)
    const shown = await run('show', 'clinic')
    expect(shown.stdout).toMatch(/^last 24 h +nothing was tried$/m)
    expect(shown.stderr).toBe(
      'Its calls: hookswitch calls --agent clinic\nIts deliveries: hookswitch deliveries --destination agent:clinic\n',
    )
  })

  test('set changes what is given and leaves the rest, the secret among it', async () => {
    await made('moves', '--auth-secret', 'kept-secret', '--event', 'call.ended', '--project', 'north')
    const schema = { type: 'object', properties: { noticePeriod: { type: 'string' } } }
    await writeFile(path.join(folder, 'schema.json'), JSON.stringify(schema))
    const set = await run(
      'set',
      'moves',
      '--name',
      'Moved',
      '--webhook',
      `${url}/moved`,
      '--outcome-schema',
      'schema.json',
    )
    expect(set.stderr).toBe('')
    expect(set.stdout).toMatch(/^Moved\n/)
    expect(set.stdout).toMatch(/^outcome +noticePeriod$/m)
    expect(set.stdout).toMatch(/^project +north$/m)
    await run('test', 'moves')
    expect((await arrived('/moved', 1))[0]?.headers['authorization']).toBe('Bearer kept-secret')
    const taken = await run(
      'set',
      'moves',
      '--all-events',
      '--no-auth',
      '--no-project',
      '--no-outcome-schema',
    )
    expect(taken.stdout).toMatch(/^events +all$/m)
    expect(taken.stdout).toMatch(/^authorization +none$/m)
    expect(taken.stdout).not.toMatch(/^(?:project|outcome) /m)
    expect((await run('set', 'moves', '--no-webhook')).stdout).toMatch(/^webhook +none/m)
  })

  test('set signs, with another version, and no more', async () => {
    await made('signs')
    expect((await run('set', 'signs', '--sign', 'v1')).stdout).toMatch(/^signing secret {2}whsec_\S+$/m)
    expect((await run('set', 'signs', '--sign', 'v1a')).stdout).toMatch(/^signed +v1a whpk_\S+$/m)
    expect((await run('set', 'signs', '--no-sign')).stdout).toMatch(/^signed +no$/m)
  })

  test('set wants to be told what to change; one of the config file is changed there', async () => {
    for (const args of [
      [],
      ['--no-webhook', '--no-auth'],
      ['--event', 'x', '--all-events'],
      ['--auth-key', 'x', '--no-auth'],
    ]) {
      expect(await run('set', 'clinic', ...args), args.join(' ')).toMatchObject({ code: 2 })
    }
    for (const args of [
      ['set', 'depot', '--name', 'Other'],
      ['remove', 'depot'],
      ['rotate', 'depot'],
    ]) {
      const { code, stderr } = await run(...args)
      expect(code, args.join(' ')).toBe(1)
      expect(stderr).toContain('config file')
    }
  })

  test('test says of each type what came back and what to do, and ends with 1 where one was not taken', async () => {
    await made('tested', '--auth-secret', 'secret-of-the-endpoint')
    const fine = await run('test', 'tested', '--event', 'call.started', '--event', 'call.ended')
    expect(fine).toMatchObject({ code: 0, stderr: '' })
    expect(fine.stdout).toMatch(
      /^call\.started {2}200 +\d+ ms {2}Your endpoint answered 200 after \d+ ms\.\ncall\.ended {4}200 +\d+ ms {2}Your/,
    )
    answers.set('/tested', 401)
    const refused = await run('test', 'tested', '--event', 'call.ended')
    expect(refused.code).toBe(1)
    expect(refused.stdout).toMatch(
      /^call\.ended {2}401 +\d+ ms {2}401: your endpoint compares the whole header; it received `Authorization: Bearer …`/,
    )
    const { code, stdout } = await run('test', 'tested', '--event', 'call.ended', '--json')
    expect(code).toBe(1)
    expect(JSON.parse(stdout)).toMatchObject({ ok: false, results: [{ eventType: 'call.ended', ok: false }] })
    expect((await run('show', 'tested')).stdout, 'a test holds nothing').toMatch(/^state +active$/m)
  })

  test('rotate prints the new key alone on stdout, and says until when the one before signs', async () => {
    await made('rotates', '--sign', 'v1')
    const rotated = await run('rotate', 'rotates', '--overlap', '48h')
    expect(rotated.stdout).toMatch(/^whsec_\S+\n$/)
    expect(rotated.stderr).toMatch(
      /^It signs from now on, and is not shown again\.\nThe one before signs beside it until \d{4}-\d\d-\d\d \S+ \(UTC\)\.\n$/,
    )
    await run('test', 'rotates', '--event', 'call.ended')
    const [sample] = await arrived('/rotates', 1)
    expect(String(sample?.headers['webhook-signature']).split(' ')).toHaveLength(2)
    const public_ = await run('rotate', 'rotates', '--sign', 'v1a', '--overlap', '0s')
    expect(public_.stdout).toMatch(/^whpk_\S+\n$/)
    expect(public_.stderr).toBe('Its other half signs from now on.\n')
    const own = await runCommand(['agents', 'rotate', 'rotates', '--secret', '-'], {
      env,
      stdin: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n',
    })
    expect(own.stdout).toBe('')
    expect(own.stderr).toMatch(/^The key that was given signs from now on\.\nThe one before/)
  })
})

describe('calls', () => {
  test('call prints an id to go on with; what is published arrives with the params, in order', async () => {
    await made('recruiter')
    await writeFile(
      path.join(folder, 'params.json'),
      JSON.stringify({ candidate: { name: 'Sara' }, priority: 'low' }),
    )
    const params = ['--params', 'params.json', '--param', 'application_id=12345', '--param', 'note=a=b']
    const call = await run('call', 'recruiter', '--to', '+12025550143', '--from', '+12025550100', ...params)
    expect(call.stdout).toMatch(/^call_\w+\n$/)
    const callId = call.stdout.trim()
    expect(call.stderr).toBe(
      `Nothing is published yet. Next: hookswitch agents publish ${callId} call.started\n`,
    )
    expect((await run('publish', callId, 'call.started')).stdout).toMatch(
      /^call\.started is published as evt_\w+\.\n$/,
    )
    const ended = await run(
      'publish',
      callId,
      'call.ended',
      '--data',
      '{"outcomeResult":{"priority":"high","noticePeriod":null}}',
    )
    expect(ended.stderr).toBe(
      'priority is a param and was collected, too: the outcome has what was collected.\n',
    )
    const [first, last] = await arrived('/recruiter', 2)
    expect(first?.event).toMatchObject({
      eventType: 'call.started',
      callId,
      agentId: 'recruiter',
      agentName: 'recruiter',
      data: { data: { userNumber: '+12025550143', params: { application_id: '12345', note: 'a=b' } } },
    })
    expect(last?.event).toMatchObject({
      eventType: 'call.ended',
      data: {
        data: {
          outcomeResult: {
            application_id: '12345',
            note: 'a=b',
            candidate: { name: 'Sara' },
            priority: 'high',
            noticePeriod: null,
          },
        },
      },
    })
    expect((await run('show', 'recruiter')).stdout).toMatch(
      /^last 24 h +2 tries, 100 % successful, 95 % within/m,
    )
  })

  test('publish knows a repeat by its key, and says why an event is refused', async () => {
    await made('repeats')
    const callId = await started('repeats')
    const early = await run('publish', callId, 'call.ended')
    expect(early.code).toBe(1)
    expect(early.stderr).toContain('call.ended comes before call.started')
    await run('publish', callId, 'call.started', '--idempotency-key', 'one')
    expect((await run('publish', callId, 'call.started', '--idempotency-key', 'one')).stdout).toMatch(
      /^call\.started was published before, with the same key, as evt_\w+\.\n$/,
    )
    const again = await run('publish', callId, 'call.started')
    expect(again.stderr).toContain('call.started was published already')
    await writeFile(path.join(folder, 'data.json'), '{"transcription":[{"Agent":"Hello!"}]}')
    const both = await run('publish', callId, 'call.ended', '--file', 'data.json', '--data', '{}')
    expect(both).toMatchObject({ code: 2, stdout: '' })
    expect(await json('publish', callId, 'call.ended', '--file', 'data.json')).toMatchObject({
      callId,
      eventType: 'call.ended',
      collisions: [],
    })
    expect(await arrived('/repeats', 2)).toHaveLength(2)
  })

  test('a call may have a webhook of its own, which its events go to instead', async () => {
    await made('shared')
    const own = [
      '--webhook',
      `${url}/of-the-call`,
      '--auth-secret',
      'secret-of-the-call',
      '--event',
      'call.ended',
    ]
    const callId = await started('shared', ...own)
    await run('publish', callId, 'call.started')
    await run('publish', callId, 'call.ended')
    const [only] = await arrived('/of-the-call', 1)
    expect(only?.event.eventType).toBe('call.ended')
    expect(only?.headers['authorization']).toBe('Bearer secret-of-the-call')
    expect(received.filter(({ path: at }) => at === '/shared')).toEqual([])
    const refused = await run('call', 'shared', '--auth-secret', 'x')
    expect(refused.code).toBe(2)
    expect(refused.stderr).toContain('Without --webhook <url>')
  })

  test('a param that is none is refused before anything is sent', async () => {
    for (const args of [
      ['--param', 'no-value'],
      ['--params', 'none.json'],
      ['--direction', 'sideways'],
    ]) {
      expect(await run('call', 'clinic', ...args), args.join(' ')).toMatchObject({ code: 2, stdout: '' })
    }
    for (const args of [
      ['--data', '[]'],
      ['--file', 'none.json'],
      ['--idempotency-key', '✓'],
    ]) {
      expect(await run('publish', 'call_1', 'call.ended', ...args), args.join(' ')).toMatchObject({ code: 2 })
    }
  })
})

describe('by hand', () => {
  test('pause keeps the events, resume sends them, and the audit log has who and why', async () => {
    await made('waits', '--paused')
    expect((await run()).stdout).toMatch(/^waits +waits +held: paused /m)
    const callId = await started('waits')
    await run('publish', callId, 'call.started')
    expect((await run('resume', 'waits')).stdout).toBe('The webhook of waits is active.\n')
    await arrived('/waits', 1)
    expect((await run('pause', 'waits', '--reason', 'maintenance')).stdout).toBe(
      'The webhook of waits is paused. Its events wait.\n',
    )
    const acts = await runCommand(['audit'], { env })
    expect(acts.stdout).toMatch(/@\S+ +destination\.pause +dst_\S+ +maintenance$/m)
    expect(acts.stdout).toMatch(/@\S+ +agent\.create +waits/m)
    const none = await run('pause', 'quiet')
    expect(none).toMatchObject({ code: 1, stderr: 'Quiet has no webhook that anything is sent to.\n' })
  })

  test('remove is refused while events wait, unless it is said what becomes of them', async () => {
    await made('goes', '--paused')
    const callId = await started('goes')
    await run('publish', callId, 'call.started')
    await until('the delivery to wait', async () => {
      const page = await api(server, '/deliveries?destination=agent:goes')
      return (page.body['items'] as unknown[]).length === 1
    })
    const refused = await run('remove', 'goes')
    expect(refused.code).toBe(1)
    expect(refused.stderr).toContain('undelivered')
    const removed = await run('remove', 'goes', '--undelivered', 'skip', '--reason', 'a trial')
    expect(removed.stdout).toBe('goes is removed. Its calls and their events are kept.\n')
    expect((await runCommand(['calls', 'show', callId], { env })).code).toBe(0)
  })

  test('what is not there is said to be not there', async () => {
    for (const args of [
      ['show', 'none'],
      ['set', 'none', '--name', 'Other'],
      ['pause', 'none'],
      ['test', 'none'],
      ['rotate', 'none'],
      ['call', 'none'],
      ['publish', 'call_none', 'call.started'],
      ['remove', 'none'],
    ]) {
      expect((await run(...args)).code, args.join(' ')).toBe(5)
    }
  })
})
