import { join } from 'node:path'
import { endServerProcesses, startServerProcess, temporaryFolder } from '@hookswitch/testkit'
import { afterAll, describe, expect, test } from 'vitest'
import { runCommand } from './run-command.ts'

afterAll(endServerProcesses)

describe('migrate', () => {
  test('makes a store where there is none, and has nothing to do the second time', async () => {
    const cwd = await temporaryFolder()
    const file = join(cwd, '.hookswitch/hookswitch.db')
    const first = await runCommand(['migrate'], { cwd })
    expect(first.stdout).toMatch(/: made, with schema version \d+\n$/)
    const second = await runCommand(['migrate', '--json'], { cwd })
    const { location, before, after } = JSON.parse(second.stdout) as Record<string, unknown>
    expect({ location, before }).toEqual({ location: file, before: after })
  })

  test('is refused beside a server that holds the folder', async () => {
    const server = await startServerProcess()
    const env = { HOOKSWITCH_DATA_DIR: join(server.folder, 'data') }
    const { code, stdout, stderr } = await runCommand(['migrate'], { env })
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(/^Another process uses this data folder: .*\n$/)
  })
})
