import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'

/** The frameworks in their versions, which stand outside the workspaces with a lock of their own. */
export const matrixFolder = join(import.meta.dirname, '../../../../matrix')

const isInstalled = existsSync(join(matrixFolder, 'node_modules'))

/** Why the tests of the matrix cannot run, or null. */
export const matrixIsMissing = isInstalled
  ? null
  : 'skipped: the matrix is not there, run npm ci --prefix matrix'

/** What a package is in one member of the matrix. */
export function loadFrom(member: string, name: string): unknown {
  return createRequire(join(matrixFolder, member, 'package.json'))(name)
}

/** `express 4.22.3`, and why it is skipped where it is. */
export function titleOf(member: string): string {
  const manifest = readFileSync(join(matrixFolder, member, 'package.json'), 'utf8')
  const { dependencies } = JSON.parse(manifest) as { dependencies: Record<string, string> }
  const packages = Object.entries(dependencies).filter(([name]) => !name.startsWith('react'))
  const title = packages.map(([name, version]) => `${name} ${version}`).join(' on ')
  return matrixIsMissing === null ? title : `${title} (${matrixIsMissing})`
}
