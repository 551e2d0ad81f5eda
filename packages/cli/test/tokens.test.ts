import { endServerProcesses, post, startServerProcess, type ServerProcess } from '@hookswitch/testkit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runCommand, type Ended } from './run-command.ts'

let server: ServerProcess
let env: Record<string, string>

beforeAll(async () => {
  server = await startServerProcess()
  env = { PORT: new URL(server.url).port, HOOKSWITCH_ADMIN_TOKEN: server.adminToken }
})

afterAll(endServerProcesses)

interface Secret {
  id: string
  label: string | null
  origin: string
  expiresAt: string | null
}

function tokens(...args: string[]): Promise<Ended> {
  return runCommand(['tokens', ...args], { env })
}

async function list(): Promise<Secret[]> {
  return (JSON.parse((await tokens('--json')).stdout) as { items: Secret[] }).items
}

let sent = 0

async function statusWith(secret: string): Promise<number> {
  sent += 1
  const headers = { authorization: `Bearer ${secret}` }
  return (await post(server, `{"eventType":"call.ended","callId":"${sent}"}`, { headers })).status
}

describe('tokens', () => {
  test('create makes a secret that is valid at once, alone on stdout - it goes through a pipe to where it belongs', async () => {
    const { code, stdout, stderr } = await tokens('create', '--label', 'staging', '--expires', '30d')
    expect(code).toBe(0)
    expect(stdout).toMatch(/^whk_\S{43}\n$/)
    expect(stderr).toMatch(
      /^sec_\S+ is valid now until \d{4}-\d\d-\d\d .* \(UTC\)\. It is not shown again\.\n$/,
    )
    expect(await statusWith(stdout.trim())).toBe(200)
    const listed = await tokens('list')
    expect(listed.stdout).toMatch(/^sec_\S+ +staging +hookswitch tokens +0 days +\d{4}-/m)
    expect(listed.stdout).not.toContain(stdout.trim())
  })

  test('rotate makes another and lets the older ones end after the overlap, but for those given elsewhere', async () => {
    const before = await tokens('create', '--label', 'old', '--json')
    const old = JSON.parse(before.stdout) as Secret & { secret: string }
    const { stdout, stderr } = await tokens('rotate', '--overlap', '1h')
    expect(await statusWith(stdout.trim())).toBe(200)
    expect(await statusWith(old.secret)).toBe(200)
    const end = (await list()).find(({ id }) => id === old.id)?.expiresAt ?? ''
    const minutes = (Date.parse(end) - Date.now()) / 60_000
    expect(minutes).toBeGreaterThan(55)
    expect(minutes).toBeLessThan(61)
    expect(stderr).toContain(`${old.id} (old) is valid until `)
    expect(stderr).toMatch(/^sec_\S+ stays valid: remove it from WEBHOOK_SECRET\.$/m)
    await tokens('rotate', '--overlap', '0s')
    expect(await statusWith(old.secret)).toBe(401)
  })

  test('revoke ends one at once', async () => {
    const { stdout } = await tokens('create', '--json')
    const made = JSON.parse(stdout) as Secret & { secret: string }
    expect(await statusWith(made.secret)).toBe(200)
    expect(await tokens('revoke', made.id)).toMatchObject({
      code: 0,
      stdout: `${made.id} is not accepted any more.\n`,
    })
    expect(await statusWith(made.secret)).toBe(401)
    expect(await tokens('revoke', made.id)).toMatchObject({ code: 5 })
  })

  test('what was given elsewhere is not ended here, and the message says where - else it would come back at the next start', async () => {
    const given = (await list()).find(({ origin }) => origin === 'environment')
    const { code, stderr } = await tokens('revoke', given?.id ?? '')
    expect(code).toBe(1)
    expect(stderr).toContain('WEBHOOK_SECRET; remove it there')
    expect(await statusWith(server.secret)).toBe(200)
  })

  test('nothing of it shows the admin token or a secret that was given', async () => {
    const all = await Promise.all([
      tokens(),
      tokens('--json'),
      tokens('create'),
      tokens('rotate'),
      tokens('--help'),
    ])
    const written = all.map(({ stdout, stderr }) => stdout + stderr).join('\n')
    expect(written).not.toContain(server.adminToken)
    expect(written).not.toContain(server.secret)
  })

  test.each([
    [['list', '--source', 'nobody'], 5, 'No source has this name'],
    [['create', '--expires', '2020-01-01'], 2, 'expiresAt is in the past'],
    [['create', '--expires', 'soon'], 2, 'Expected a time such as'],
    [['rotate', '--overlap', '1y'], 2, 'Expected a duration such as'],
    [['rotate', '--overlap', '60d'], 2, 'overlapSeconds is 5184000, expected'],
    [['revoke'], 2, "missing required argument 'id'"],
  ])('%j ends with %i', async (args, code, message) => {
    const ended = await tokens(...args)
    expect(ended).toMatchObject({ code, stdout: '' })
    expect(ended.stderr).toContain(message)
  })
})
