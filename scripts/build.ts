import { spawnSync } from 'node:child_process'
import { copyFileSync, globSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readModule } from './module-reader.ts'
import { listWorkspaces, repositoryRoot } from './repository.ts'

/**
 * Builds the packages that are published, each into its own `dist`: JavaScript, declarations, and source maps that
 * carry their sources. The order is that of their dependencies, because each is compiled against the built
 * declarations of the others: what users will see.
 */
const compiler = join(repositoryRoot, 'node_modules/typescript/bin/tsc')
const published = listWorkspaces(repositoryRoot).filter(({ manifest }) => manifest.private !== true)
const started = new Set<string>()

for (const { path } of published) rmSync(join(repositoryRoot, path, 'dist'), { recursive: true, force: true })
for (const { manifest } of published) build(manifest.name)

function build(name: string): void {
  const workspace = published.find(({ manifest }) => manifest.name === name)
  if (workspace === undefined || started.has(name)) return
  started.add(name)
  for (const dependency of Object.keys(workspace.manifest.dependencies ?? {})) build(dependency)

  const startedAt = performance.now()
  const folder = join(repositoryRoot, workspace.path)
  compile(folder)
  rewriteDeclarations(join(folder, 'dist'))
  copyFileSync(join(repositoryRoot, 'LICENSE'), join(folder, 'LICENSE'))
  console.log(`built ${name} in ${Math.round(performance.now() - startedAt)} ms`)
}

function compile(folder: string): void {
  const project = join(folder, 'tsconfig.build.json')
  const { status } = spawnSync(process.execPath, [compiler, '-p', project], { stdio: 'inherit' })
  if (status !== 0) process.exit(1)
}

/** The compiler rewrites `./x.ts` to `./x.js` in JavaScript only; in declarations it would name files that are not there. */
function rewriteDeclarations(dist: string): void {
  for (const path of globSync('**/*.d.ts', { cwd: dist }).map((name) => join(dist, name))) {
    let text = readFileSync(path, 'utf8')
    for (const { specifier, start, end } of readModule(path, text).imports.toReversed()) {
      if (!/^\.{1,2}\/.*\.ts$/.test(specifier)) continue
      text = `${text.slice(0, start)}'${specifier.slice(0, -'.ts'.length)}.js'${text.slice(end)}`
    }
    writeFileSync(path, text)
  }
}
