import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'

const bin = join(import.meta.dirname, '../bin/hookswitch.js')

function runAs(nodeVersion: string): { status: number | null; stdout: string; stderr: string } {
  const pretend = `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '${nodeVersion}' } })`
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--import', `data:text/javascript,${encodeURIComponent(pretend)}`, bin, '--version'],
    { encoding: 'utf8' },
  )
  return { status, stdout, stderr }
}

describe('the Node that the command finds', () => {
  test.each(['14.21.3', '20.20.2', '23.11.0'])(
    '%s is refused, with what is needed and how to get it',
    (version) => {
      const { status, stdout, stderr } = runAs(version)
      expect(status).toBe(1)
      expect(stdout).toBe('')
      expect(stderr).toContain(`needs Node 24 or newer; this is Node ${version}`)
      expect(stderr).toContain('npx -p node@24 -p hookswitch hookswitch')
      expect(stderr).not.toContain('    at ')
    },
  )

  test.each(['24.0.0', '30.1.0'])('%s is taken, without a flag for the sources of a checkout', (version) => {
    expect(runAs(version)).toMatchObject({ status: 0, stderr: '' })
  })
})
