import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { breaks, brokenSource, type BreakName } from './breaks.ts'

const command = fileURLToPath(new URL('run.ts', import.meta.url))
const seedsMax = 200

interface Answer {
  code: number
  output: string
}

/** The command as `npm run trial` starts it, in a process of its own. */
function runCommand(...options: string[]): Promise<Answer> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      ['--conditions=hookswitch-source', command, ...options],
      { maxBuffer: 64 * 1024 * 1024 },
      (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1
        resolve({ code, output: `${stdout}${stderr}` })
      },
    )
  })
}

describe('what is broken on purpose', () => {
  for (const name of Object.keys(breaks) as BreakName[]) {
    const { says } = breaks[name]
    test(`the trial sees that ${says}`, { timeout: 300_000 }, async () => {
      expect(brokenSource(breaks[name])).not.toBe('')
      const { code, output } = await runCommand('--break', name, '--seeds', String(seedsMax))
      expect(code, output).toBe(1)
      const [, seed = ''] = /--break \S+ --seed (\d+)/.exec(output) ?? []
      const breach = /^seed \d+: .*$/m.exec(output)?.[0]
      expect(breach, output).toMatch(/ P\d is broken: /)
      process.stdout.write(`${name} is found with ${breach}\n`)

      const again = await runCommand('--break', name, '--seed', seed)
      expect(again.code).toBe(1)
      expect(again.output).toContain(breach)
    })
  }

  test('without a break those seeds keep every promise - it was the break that was found', async () => {
    const { code, output } = await runCommand('--seeds', '3')
    expect(code, output).toBe(0)
    expect(output).toContain('3 seeds kept every promise')
  })

  test('a break that there is not is refused, with the names of those that there are', async () => {
    const { code, output } = await runCommand('--break', 'nothing')
    expect(code).toBe(2)
    expect(output).toContain(Object.keys(breaks).join(', '))
  })
})
