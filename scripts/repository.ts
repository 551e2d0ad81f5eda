import { execFileSync } from 'node:child_process'
import { globSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join, relative, sep } from 'node:path'

/** The parts of a package.json that the scripts read. */
export interface Manifest {
  name: string
  version: string
  private?: boolean
  workspaces?: string[]
  dependencies?: Record<string, string>
  peerDependencies?: Record<string, string>
  devDependencies?: Record<string, string>
}

export interface Workspace {
  /** From the root of the repository, with forward slashes: `packages/events`. */
  path: string
  manifest: Manifest
}

export const repositoryRoot = join(import.meta.dirname, '..')

export function readManifest(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest
}

export function listWorkspaces(root: string): Workspace[] {
  return globSync(readManifest(root).workspaces ?? [], { cwd: root }).map((path) => ({
    path: path.replaceAll(sep, '/'),
    manifest: readManifest(join(root, path)),
  }))
}

/**
 * Every file that is committed or would be, from the root, with forward slashes. Outside a git checkout (an unpacked
 * archive of the sources) these are all files but those in the folders that installing and building make.
 */
export function listFiles(root: string): string[] {
  const listed = listByGit(root)
  if (listed.length > 0) return listed.filter((path) => isFile(join(root, path)))
  const made = new Set(['node_modules', '.git', 'dist', 'coverage', '.hookswitch', '.next'])
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).replaceAll(sep, '/'))
    .filter((path) => !path.split('/').some((part) => made.has(part)))
}

function listByGit(root: string): string[] {
  try {
    const output = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
      cwd: root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    return output.split('\0').filter((path) => path !== '')
  } catch {
    return []
  }
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false
}
