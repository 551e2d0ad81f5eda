import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { api, until } from '@hookswitch/testkit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startAgentsServer, type AgentsServer } from './agents-server.ts'
import { runCommand } from './run-command.ts'

let agents: AgentsServer

beforeAll(async () => {
  agents = await startAgentsServer()
})

afterAll(() => agents.close())

describe('calls', () => {
  test('call prints an id to go on with; what is published arrives with the params, in order', async () => {
    await agents.made('recruiter')
    await writeFile(
      path.join(agents.folder, 'params.json'),
      JSON.stringify({ candidate: { name: 'Sara' }, priority: 'low' }),
    )
    const params = ['--params', 'params.json', '--param', 'application_id=12345', '--param', 'note=a=b']
    const call = await agents.run(
      'call',
      'recruiter',
      '--to',
      '+12025550143',
      '--from',
      '+12025550100',
      ...params,
    )
    expect(call.stdout).toMatch(/^call_\w+\n$/)
    const callId = call.stdout.trim()
    expect(call.stderr).toBe(
      `Nothing is published yet. Next: hookswitch agents publish ${callId} call.started\n`,
    )
    expect((await agents.run('publish', callId, 'call.started')).stdout).toMatch(
      /^call\.started is published as evt_\w+\.\n$/,
    )
    const ended = await agents.run(
      'publish',
      callId,
      'call.ended',
      '--data',
      '{"outcomeResult":{"priority":"high","noticePeriod":null}}',
    )
    expect(ended.stderr).toBe(
      'priority is a param and was collected, too: the outcome has what was collected.\n',
    )
    const [first, last] = await agents.arrived('/recruiter', 2)
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
    expect((await agents.run('show', 'recruiter')).stdout).toMatch(
      /^last 24 h +2 tries, 100 % successful, 95 % within/m,
    )
  })

  test('publish knows a repeat by its key, and says why an event is refused', async () => {
    await agents.made('repeats')
    const callId = await agents.started('repeats')
    const early = await agents.run('publish', callId, 'call.ended')
    expect(early.code).toBe(1)
    expect(early.stderr).toContain('call.ended comes before call.started')
    await agents.run('publish', callId, 'call.started', '--idempotency-key', 'one')
    expect((await agents.run('publish', callId, 'call.started', '--idempotency-key', 'one')).stdout).toMatch(
      /^call\.started was published before, with the same key, as evt_\w+\.\n$/,
    )
    const again = await agents.run('publish', callId, 'call.started')
    expect(again.stderr).toContain('call.started was published already')
    await writeFile(path.join(agents.folder, 'data.json'), '{"transcription":[{"Agent":"Hello!"}]}')
    const both = await agents.run('publish', callId, 'call.ended', '--file', 'data.json', '--data', '{}')
    expect(both).toMatchObject({ code: 2, stdout: '' })
    expect(await agents.json('publish', callId, 'call.ended', '--file', 'data.json')).toMatchObject({
      callId,
      eventType: 'call.ended',
      collisions: [],
    })
    expect(await agents.arrived('/repeats', 2)).toHaveLength(2)
  })

  test('a call may have a webhook of its own, which its events go to instead', async () => {
    await agents.made('shared')
    const own = [
      '--webhook',
      `${agents.url}/of-the-call`,
      '--auth-secret',
      'secret-of-the-call',
      '--event',
      'call.ended',
    ]
    const callId = await agents.started('shared', ...own)
    await agents.run('publish', callId, 'call.started')
    await agents.run('publish', callId, 'call.ended')
    const [only] = await agents.arrived('/of-the-call', 1)
    expect(only?.event.eventType).toBe('call.ended')
    expect(only?.headers['authorization']).toBe('Bearer secret-of-the-call')
    expect(agents.received.filter(({ path: at }) => at === '/shared')).toEqual([])
    const token = ['--webhook', `${agents.url}/by-token`, '--auth-key', 'Token', '--auth-secret', 'x']
    await agents.run('publish', await agents.started('shared', ...token), 'call.started')
    expect((await agents.arrived('/by-token', 1))[0]?.headers['authorization']).toBe('Token x')
  })

  test('call refuses what would be dropped silently, and stdin for two things', async () => {
    const webhook = ['--webhook', 'https://example.com/webhook']
    for (const [args, words] of [
      [['--auth-secret', 'x'], 'Without --webhook <url>'],
      [['--auth-key', 'Token'], 'Without --webhook <url>'],
      [
        [...webhook, '--auth-key', 'Token'],
        '--auth-key stands before a secret: give that with --auth-secret.',
      ],
      [
        [...webhook, '--auth-secret', '-', '--params', '-'],
        '--params - and --auth-secret - would both read stdin',
      ],
      [['--webhook', 'example.com'], 'Expected a URL such as https://example.com/webhook.'],
    ] as const) {
      const { code, stderr } = await agents.run('call', 'clinic', ...args)
      expect(code, args.join(' ')).toBe(2)
      expect(stderr).toContain(words)
    }
  })

  test('a param that is none is refused before anything is sent', async () => {
    for (const args of [
      ['--param', 'no-value'],
      ['--params', 'none.json'],
      ['--direction', 'sideways'],
    ]) {
      expect(await agents.run('call', 'clinic', ...args), args.join(' ')).toMatchObject({
        code: 2,
        stdout: '',
      })
    }
    for (const args of [
      ['--data', '[]'],
      ['--file', 'none.json'],
      ['--idempotency-key', '✓'],
    ]) {
      expect(await agents.run('publish', 'call_1', 'call.ended', ...args), args.join(' ')).toMatchObject({
        code: 2,
      })
    }
  })
})

describe('by hand', () => {
  test('pause keeps the events, resume sends them, and the audit log has who and why', async () => {
    await agents.made('waits', '--paused')
    expect((await agents.run()).stdout).toMatch(/^waits +waits +held: paused /m)
    const callId = await agents.started('waits')
    await agents.run('publish', callId, 'call.started')
    expect((await agents.run('resume', 'waits')).stdout).toBe('The webhook of waits is active.\n')
    await agents.arrived('/waits', 1)
    expect((await agents.run('pause', 'waits', '--reason', 'maintenance')).stdout).toBe(
      'The webhook of waits is paused. Its events wait.\n',
    )
    const acts = await runCommand(['audit'], { env: agents.env })
    expect(acts.stdout).toMatch(/@\S+ +destination\.pause +dst_\S+ +maintenance$/m)
    expect(acts.stdout).toMatch(/@\S+ +agent\.create +waits/m)
    await agents.run('add', '--name', 'Quiet', '--id', 'quiet')
    const none = await agents.run('pause', 'quiet')
    expect(none).toMatchObject({ code: 1, stderr: 'Quiet has no webhook that anything is sent to.\n' })
  })

  test('remove is refused while events wait, unless it is said what becomes of them', async () => {
    await agents.made('goes', '--paused')
    const callId = await agents.started('goes')
    await agents.run('publish', callId, 'call.started')
    await until('the delivery to wait', async () => {
      const page = await api(agents.server, '/deliveries?destination=agent:goes')
      return (page.body['items'] as unknown[]).length === 1
    })
    const refused = await agents.run('remove', 'goes')
    expect(refused.code).toBe(1)
    expect(refused.stderr).toContain('undelivered')
    const removed = await agents.run('remove', 'goes', '--undelivered', 'skip', '--reason', 'a trial')
    expect(removed.stdout).toBe('goes is removed. Its calls and their events are kept.\n')
    expect((await runCommand(['calls', 'show', callId], { env: agents.env })).code).toBe(0)
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
      expect((await agents.run(...args)).code, args.join(' ')).toBe(5)
    }
  })
})
