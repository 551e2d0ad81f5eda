import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { listWorkspaces, readManifest, repositoryRoot, type Workspace } from './repository.ts'

/**
 * Checks, after a build, that every subpath of every published package resolves for those who install it, under each
 * resolution that a program may have. A folder is given what npm would pack, and of other packages only what ours
 * declare to need. There a program imports all that each module exports when it runs: a name without a declaration
 * is an error, and so is a declaration without a name. The declarations are compiled with it (no `skipLibCheck`).
 */
const resolutions = [
  { moduleResolution: 'node16', module: 'node16' },
  { moduleResolution: 'nodenext', module: 'nodenext' },
  { moduleResolution: 'bundler', module: 'esnext' },
]

/** What runs in browsers and workers, too, declares nothing that only Node has. */
const runAnywhere = new Set(['@hookswitch/events', '@hookswitch/sender', '@hookswitch/receiver'])

const runtimes = [
  {
    name: 'Node',
    lib: ['es2024'],
    types: ['node'],
    has: (packageName: string) => !runAnywhere.has(packageName),
  },
  {
    name: 'anywhere',
    lib: ['es2024', 'dom'],
    types: [],
    has: (packageName: string) => runAnywhere.has(packageName),
  },
]

const strictest = { strict: true, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true }

interface Exporting {
  name: string
  exports: Record<string, string | { default: string }>
}

const published = listWorkspaces(repositoryRoot).filter(({ manifest }) => manifest.private !== true)
const folder = mkdtempSync(join(tmpdir(), 'hookswitch-types-'))
try {
  installPacked()
  let subpaths = 0
  for (const { name, lib, types, has } of runtimes) {
    const packages = published.map(({ manifest }) => manifest.name).filter(has)
    const files = (await Promise.all(packages.map(writeConsumers))).flat()
    subpaths += files.length
    for (const resolution of resolutions) {
      const compilerOptions = { ...strictest, ...resolution, lib, types, target: 'es2024', noEmit: true }
      if (compiles({ compilerOptions, files })) continue
      console.error(`The types do not resolve in programs for ${name} under ${resolution.moduleResolution}.`)
      process.exitCode = 1
    }
  }
  if (process.exitCode === undefined) {
    const names = resolutions.map(({ moduleResolution }) => moduleResolution)
    console.log(`The types of ${subpaths} subpaths resolve under ${names.join(', ')}.`)
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}

function placeOf(name: string): string {
  return join(folder, 'node_modules', name)
}

function installPacked(): void {
  const chosen = published.map(({ path }) => `--workspace=${path}`)
  const output = execFileSync('npm', ['pack', '--dry-run', '--json', ...chosen], {
    cwd: repositoryRoot,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  // A list from npm 11, and an object by name from npm 12.
  const packed = Object.values(
    JSON.parse(output) as Record<string, { name: string; files: { path: string }[] }>,
  )
  for (const { path, manifest } of published) {
    for (const file of packed.find(({ name }) => name === manifest.name)?.files ?? []) {
      cpSync(join(repositoryRoot, path, file.path), join(placeOf(manifest.name), file.path))
    }
  }
  for (const name of new Set(['@types/node', ...published.flatMap(othersNeeded)])) {
    mkdirSync(dirname(placeOf(name)), { recursive: true })
    symlinkSync(join(repositoryRoot, 'node_modules', name), placeOf(name), 'junction')
  }
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }\n')
}

function othersNeeded({ manifest }: Workspace): string[] {
  const ours = new Set(published.map((workspace) => workspace.manifest.name))
  return Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies }).filter(
    (name) => !ours.has(name),
  )
}

/** A file for each subpath. */
async function writeConsumers(name: string): Promise<string[]> {
  const { exports } = readManifest(placeOf(name)) as unknown as Exporting
  const entries = Object.entries(exports).filter(([subpath]) => subpath !== './package.json')
  return Promise.all(
    entries.map(async ([subpath, target]) => {
      const path = typeof target === 'string' ? target : target.default
      const module = (await import(pathToFileURL(join(placeOf(name), path)).href)) as object
      const specifier = `${name}${subpath.slice(1)}`
      const names = Object.fromEntries(Object.keys(module).map((exported) => [exported, true]))
      const file = `${specifier.replaceAll(/[@/]/g, '-')}.ts`
      const lines = [
        `import * as module from '${specifier}'`,
        `export const names: Record<keyof typeof module, true> = ${JSON.stringify(names)}`,
      ]
      writeFileSync(join(folder, file), `${lines.join('\n')}\n`)
      return file
    }),
  )
}

function compiles(settings: object): boolean {
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(settings))
  const compiler = join(repositoryRoot, 'node_modules/typescript/bin/tsc')
  return spawnSync(process.execPath, [compiler, '-p', folder], { stdio: 'inherit' }).status === 0
}
