import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { endServerProcesses, startServerProcess, type ServerProcess } from '@hookswitch/testkit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { endCommands, startCommand } from './run-command.ts'

let server: ServerProcess
let env: Record<string, string>

beforeAll(async () => {
  server = await startServerProcess()
  env = {
    PORT: new URL(server.url).port,
    HOOKSWITCH_ADMIN_TOKEN: server.adminToken,
    WEBHOOK_SECRET: server.secret,
  }
})

afterAll(async () => {
  endCommands()
  await endServerProcesses()
})

describe('the process', () => {
  test.each([
    [0, ['send', '--call-id', 'call_1']],
    [0, ['calls', '--help']],
    [1, ['send', '--data', '{}', '--type', 'x'.repeat(101)]],
    [2, ['calls', '--limit', 'many']],
    [2, ['cals']],
    [2, []],
    [3, ['calls', '--url', 'http://127.0.0.1:1']],
    [4, ['calls', '--token', 'wrong']],
    [5, ['calls', 'show', 'nobody']],
  ])('ends with %i for %j - what scripts rely on', async (code, args) => {
    expect(await startCommand(args, { env }).ended()).toMatchObject({ code })
  })

  test('reads an event from stdin, as a pipe gives it', async () => {
    const stdin = '{"eventType":"call.ended","callId":"piped"}'
    const { code, stdout } = await startCommand(['send', '--file', '-'], { env, stdin }).ended()
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringMatching(/^200 received evt_/) })
  })

  test('stops quietly when nobody reads on - `hookswitch tail | head -1` is no error', async () => {
    const program = join(import.meta.dirname, '../bin/hookswitch.js')
    const child = spawn(
      process.execPath,
      ['--conditions=hookswitch-source', program, 'tail', '--after', '0'],
      {
        env: { PATH: process.env['PATH'], ...env },
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    )
    let stderr = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text
    })
    await once(child.stdout, 'data')
    child.stdout.destroy()
    const closed = once(child, 'close')
    // The next line meets a closed pipe.
    await startCommand(['send'], { env }).ended()
    await closed
    expect(child.exitCode).toBe(0)
    expect(stderr.split('\n')).toEqual([expect.stringMatching(/^Following /), ''])
  })
})
