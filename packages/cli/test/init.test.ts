import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { endServerProcesses, startServerProcess, temporaryFolder } from '@hookswitch/testkit'
import { afterAll, describe, expect, test } from 'vitest'
import { runCommand } from './run-command.ts'

afterAll(endServerProcesses)

describe('init', () => {
  test('writes a config file that the server starts with', async () => {
    const cwd = await temporaryFolder()
    const { code, stdout } = await runCommand(['init', '--source', 'tenant-2', '--agent', 'agent-7'], { cwd })
    expect(code).toBe(0)
    expect(stdout).toBe(
      'Wrote hookswitch.config.ts. "hookswitch serve" reads it, "hookswitch doctor" checks it.\n',
    )
    const server = await startServerProcess({ cwd })
    expect(server.output()).toContain(`${server.url}/webhook/tenant-2`)
    expect(await server.stop()).toBe(0)
  })

  test('never replaces a file unless it is told to - the file is the user’s', async () => {
    const cwd = await temporaryFolder()
    const file = join(cwd, 'hookswitch.config.ts')
    await writeFile(file, 'mine')
    const refused = await runCommand(['init', '--yes'], { cwd })
    expect(refused).toMatchObject({ code: 2, stdout: '' })
    expect(refused.stderr).toBe(`${file} is there already. It is replaced with --force.\n`)
    expect(await readFile(file, 'utf8')).toBe('mine')
    expect(await runCommand(['init', '--force'], { cwd })).toMatchObject({ code: 0 })
    expect(await readFile(file, 'utf8')).toContain('export default defineConfig')
  })

  test.each([
    [['--source', 'Hamsa'], 'Expected 1 to 64 of lower case a-z'],
    [['--auth', 'basic'], 'Allowed choices are secret, none'],
    [['--agent', ''], 'Expected 1 to 200 characters'],
  ])('ends with 2 for %j and writes nothing', async (args, message) => {
    const cwd = await temporaryFolder()
    const { code, stderr } = await runCommand(['init', ...args], { cwd })
    expect(code).toBe(2)
    expect(stderr).toContain(message)
    await expect(readFile(join(cwd, 'hookswitch.config.ts'))).rejects.toThrow('ENOENT')
  })

  test('ends with 2 where it may not write, naming the file', async () => {
    const cwd = join(await temporaryFolder(), 'nowhere')
    const { code, stderr } = await runCommand(['init'], { cwd })
    expect(code).toBe(2)
    expect(stderr).toBe(`${join(cwd, 'hookswitch.config.ts')} cannot be written (ENOENT).\n`)
  })
})
