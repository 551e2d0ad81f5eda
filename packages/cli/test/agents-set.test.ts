import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { api } from '@hookswitch/testkit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startAgentsServer, type AgentsServer } from './agents-server.ts'

let agents: AgentsServer

beforeAll(async () => {
  agents = await startAgentsServer()
})

afterAll(() => agents.close())

/** What its endpoint gets in a test. */
async function authorizationOf(id: string): Promise<string | undefined> {
  await agents.run('test', id, '--event', 'call.ended')
  return (await agents.arrived(`/${id}`, 1))[0]?.headers['authorization']
}

describe('agents set', () => {
  test('changes what is given and leaves the rest, the secret among it', async () => {
    await agents.made('moves', '--auth-secret', 'kept-secret', '--event', 'call.ended', '--project', 'north')
    const schema = { type: 'object', properties: { noticePeriod: { type: 'string' } } }
    await writeFile(path.join(agents.folder, 'schema.json'), JSON.stringify(schema))
    const set = await agents.run(
      'set',
      'moves',
      '--name',
      'Moved',
      '--webhook',
      `${agents.url}/moved`,
      '--outcome-schema',
      'schema.json',
    )
    expect(set.stderr).toBe('')
    expect(set.stdout).toMatch(/^Moved\n/)
    expect(set.stdout).toMatch(/^outcome +noticePeriod$/m)
    expect(set.stdout).toMatch(/^project +north$/m)
    await agents.run('test', 'moves')
    expect((await agents.arrived('/moved', 1))[0]?.headers['authorization']).toBe('Bearer kept-secret')
    const taken = await agents.run(
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
    expect((await agents.run('set', 'moves', '--no-webhook')).stdout).toMatch(/^webhook +none/m)
  })

  test('stands a first secret behind Bearer, as add does - endpoints refuse the bare one', async () => {
    await agents.made('first', '--auth-secret', 'one')
    await agents.run('set', 'first', '--no-auth')
    const set = await agents.run('set', 'first', '--auth-secret', 'two')
    expect(set.stdout).toMatch(/^authorization +Bearer …$/m)
    await agents.run('add', '--name', 'Later', '--id', 'later')
    await agents.run('set', 'later', '--webhook', `${agents.url}/later`, '--auth-secret', 'three')
    expect(await authorizationOf('first')).toBe('Bearer two')
    expect(await authorizationOf('later')).toBe('Bearer three')
  })

  test.each([
    ['Token', 'Token two'],
    ['', 'two'],
    [null, 'two'],
  ])('stands another secret where the one before stood, with --auth-key %j', async (authKey, sent) => {
    const id = `key-${authKey}`
    await agents.made(id, '--auth-key', authKey ?? 'Bearer', '--auth-secret', 'one')
    if (authKey === null) {
      await api(agents.server, `/agents/${id}`, {
        method: 'PATCH',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ webhook: { authKey } }),
      })
    }
    await agents.run('set', id, '--auth-secret', 'two')
    expect(await authorizationOf(id)).toBe(sent)
  })

  test('takes a webhook away while events wait only where it is said what becomes of them', async () => {
    await agents.made('leaves', '--paused')
    const callId = await agents.started('leaves')
    await agents.run('publish', callId, 'call.started')
    const refused = await agents.run('set', 'leaves', '--no-webhook')
    expect(refused).toMatchObject({ code: 1, stdout: '' })
    expect(refused.stderr).toContain('undelivered=skip')
    const taken = await agents.run('set', 'leaves', '--no-webhook', '--undelivered', 'dead')
    expect(taken.stderr).toBe('')
    expect(taken.stdout).toMatch(/^webhook +none/m)
    expect(agents.received.filter(({ path: at }) => at === '/leaves')).toEqual([])
  })

  test('signs, with another version, and no more', async () => {
    await agents.made('signs')
    expect((await agents.run('set', 'signs', '--sign', 'v1')).stdout).toMatch(
      /^signing secret {2}whsec_\S+$/m,
    )
    expect((await agents.run('set', 'signs', '--sign', 'v1a')).stdout).toMatch(/^signed +v1a whpk_\S+$/m)
    expect((await agents.run('set', 'signs', '--no-sign')).stdout).toMatch(/^signed +no$/m)
  })

  test('wants to be told what to change; one of the config file is changed there', async () => {
    for (const args of [
      [],
      ['--no-webhook', '--no-auth'],
      ['--event', 'x', '--all-events'],
      ['--auth-key', 'x', '--no-auth'],
      ['--name', 'x', '--undelivered', 'skip'],
      ['--no-webhook', '--undelivered', 'keep'],
      ['--auth-secret', '-', '--outcome-schema', '-'],
    ]) {
      expect(await agents.run('set', 'clinic', ...args), args.join(' ')).toMatchObject({ code: 2 })
    }
    for (const args of [
      ['set', 'depot', '--name', 'Other'],
      ['remove', 'depot'],
      ['rotate', 'depot'],
    ]) {
      const { code, stderr } = await agents.run(...args)
      expect(code, args.join(' ')).toBe(1)
      expect(stderr).toContain('config file')
    }
  })
})
