import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startAgentsServer, type AgentsServer } from './agents-server.ts'
import { runCommand } from './run-command.ts'

let agents: AgentsServer

beforeAll(async () => {
  agents = await startAgentsServer()
})

afterAll(() => agents.close())

describe('agents', () => {
  test('add makes one with its webhook; the secret comes from stdin and is shown to nobody', async () => {
    const args = [
      '--id',
      'clinic',
      '--webhook',
      `${agents.url}/clinic?key=of-the-query`,
      '--event',
      'call.ended',
    ]
    const { code, stdout, stderr } = await runCommand(
      ['agents', 'add', '--name', 'Clinic', ...args, '--auth-secret', '-', '--retry', 'guide'],
      { env: agents.env, cwd: agents.folder, stdin: 'secret-of-the-endpoint\n' },
    )
    expect(stderr).toBe('Next: hookswitch agents test clinic\n')
    expect(code).toBe(0)
    expect(stdout).toMatch(/^Clinic\nid +clinic\n/)
    expect(stdout).toMatch(/^authorization +Bearer …$/m)
    expect(stdout).toMatch(/^events +call\.ended$/m)
    expect(stdout).toMatch(/^retry +guide$/m)
    expect(stdout).not.toMatch(/secret-of|of-the-query/)
    expect(await agents.run('test', 'clinic')).toMatchObject({ code: 0 })
    expect((await agents.arrived('/clinic?key=of-the-query', 1)).at(-1)?.headers).toMatchObject({
      authorization: 'Bearer secret-of-the-endpoint',
    })
  })

  test('add without an id makes one, and prints the key that was made to sign with, this once', async () => {
    const { stdout, stderr } = await agents.run(
      'add',
      '--name',
      'Signed',
      '--webhook',
      `${agents.url}/signed`,
      '--sign',
      'v1',
    )
    expect(stdout).toMatch(/^id +agt_[a-z0-9]+$/m)
    expect(stdout).toMatch(/^signed +v1$/m)
    expect(stdout).toMatch(/^signing secret {2}whsec_\S+\n$/m)
    expect(stderr).toContain('not shown again')
    const id = /agt_\w+/.exec(stdout)?.[0] ?? ''
    expect((await agents.run('show', id)).stdout).not.toContain('whsec_')
  })

  test('add without a webhook says what comes next, and takes nothing that would be of one', async () => {
    const { stdout, stderr } = await agents.run(
      'add',
      '--name',
      'Quiet',
      '--id',
      'quiet',
      '--project',
      'north',
    )
    expect(stdout).toMatch(/^project +north$/m)
    expect(stdout).toMatch(/^webhook +none: its events are kept and go nowhere$/m)
    expect(stderr).toBe('Next: hookswitch agents set quiet --webhook <url>\n')
    for (const option of [['--auth-secret', 'x'], ['--event', 'call.ended'], ['--paused']]) {
      const refused = await agents.run('add', '--name', 'Other', ...option)
      expect(refused, option.join(' ')).toMatchObject({ code: 2 })
      expect(refused.stderr).toContain('Without --webhook <url>')
    }
  })

  test('add is refused with the reason', async () => {
    const refused = async (...args: string[]) => agents.run('add', '--name', 'Bad', ...args)
    const plain = await refused('--webhook', 'http://192.0.2.1/hook')
    expect(plain.code).toBe(2)
    expect(plain.stderr).toContain('webhook.url leads to 192.0.2.1 (documentation)')
    expect(await refused('--webhook', 'ftp://example.com')).toMatchObject({ code: 2 })
    expect((await refused('--webhook', 'example.com')).stderr).toContain(
      'Expected a URL such as https://example.com/webhook.',
    )
    expect(await refused('--retry', 'often')).toMatchObject({ code: 2 })
    expect(await refused('--outcome-schema', 'none.json')).toMatchObject({ code: 2 })
    const twice = await refused('--webhook', agents.url, '--auth-secret', '-', '--outcome-schema', '-')
    expect(twice).toMatchObject({
      code: 2,
      stderr: '--auth-secret - and --outcome-schema - would both read stdin: give one of them otherwise.\n',
    })
    const taken = await refused('--id', 'clinic')
    expect(taken.code).toBe(1)
    expect(taken.stderr).toContain('Another agent has the id clinic')
    expect((await agents.json<{ items: { name: string }[] }>()).items.map(({ name }) => name)).not.toContain(
      'Bad',
    )
  })

  test('list and show have the state, and where calls and deliveries are seen', async () => {
    const { stdout } = await agents.run()
    expect(stdout).toMatch(/^depot +Depot +active +all +the config file +http/m)
    expect(stdout).toMatch(/^clinic +Clinic +active +call\.ended +the API +http\S+\/clinic\?…$/m)
    expect(stdout).toMatch(/^quiet +Quiet +no webhook +– +the API +–$/m)
    const shown = await agents.run('show', 'clinic')
    expect(shown.stdout).toMatch(/^last 24 h +nothing was tried$/m)
    expect(shown.stderr).toBe(
      'Its calls: hookswitch calls --agent clinic\nIts deliveries: hookswitch deliveries --destination agent:clinic\n',
    )
  })

  test('test says of each type what came back and what to do, and ends with 1 where one was not taken', async () => {
    await agents.made('tested', '--auth-secret', 'secret-of-the-endpoint')
    const fine = await agents.run('test', 'tested', '--event', 'call.started', '--event', 'call.ended')
    expect(fine).toMatchObject({ code: 0, stderr: '' })
    expect(fine.stdout).toMatch(
      /^call\.started {2}200 +\d+ ms {2}Your endpoint answered 200 after \d+ ms\.\ncall\.ended {4}200 +\d+ ms {2}Your/,
    )
    agents.answers.set('/tested', 401)
    const refused = await agents.run('test', 'tested', '--event', 'call.ended')
    expect(refused.code).toBe(1)
    expect(refused.stdout).toMatch(
      /^call\.ended {2}401 +\d+ ms {2}401: the secrets differ, or your endpoint compares the whole header; it received `Authorization:\s+Bearer …`/,
    )
    const { code, stdout } = await agents.run('test', 'tested', '--event', 'call.ended', '--json')
    expect(code).toBe(1)
    expect(JSON.parse(stdout)).toMatchObject({ ok: false, results: [{ eventType: 'call.ended', ok: false }] })
    expect((await agents.run('show', 'tested')).stdout, 'a test holds nothing').toMatch(/^state +active$/m)
  })

  test('rotate prints the new key alone on stdout, and says until when the one before signs', async () => {
    await agents.made('rotates', '--sign', 'v1')
    const rotated = await agents.run('rotate', 'rotates', '--overlap', '48h')
    expect(rotated.stdout).toMatch(/^whsec_\S+\n$/)
    expect(rotated.stderr).toMatch(
      /^It signs from now on, and is not shown again\.\nThe one before signs beside it until \d{4}-\d\d-\d\d \S+ \(UTC\)\.\n$/,
    )
    await agents.run('test', 'rotates', '--event', 'call.ended')
    const [sample] = await agents.arrived('/rotates', 1)
    expect(String(sample?.headers['webhook-signature']).split(' ')).toHaveLength(2)
    const public_ = await agents.run('rotate', 'rotates', '--sign', 'v1a', '--overlap', '0s')
    expect(public_.stdout).toMatch(/^whpk_\S+\n$/)
    expect(public_.stderr).toBe('Its other half signs from now on.\n')
    const own = await runCommand(['agents', 'rotate', 'rotates', '--secret', '-'], {
      env: agents.env,
      stdin: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n',
    })
    expect(own.stdout).toBe('')
    expect(own.stderr).toMatch(/^The key that was given signs from now on\.\nThe one before/)
  })
})
