import { readFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { join, posix } from 'node:path'
import { readModule } from './module-reader.ts'
import { listFiles, listWorkspaces, readManifest, repositoryRoot, type Workspace } from './repository.ts'

/**
 * Holds the repository to the rules of ARCHITECTURE.md, "Layout", that neither the compiler nor the linter can see:
 * which package may import which, who reads the environment, and what no file may name.
 */

/** What each package may import of the others. A package that is not here has no place in the layout yet. */
const layout: Record<string, readonly string[]> = {
  events: [],
  receiver: ['events'],
  core: ['events'],
  'store-sql': ['core', 'events'],
  destinations: ['core', 'events'],
  sender: ['events'],
  server: ['core', 'store-sql', 'destinations', 'sender', 'events'],
  cli: ['server', 'core', 'store-sql', 'destinations', 'sender', 'events'],
  testkit: ['core', 'store-sql', 'destinations', 'sender', 'receiver', 'events'],
}

/** Tests may use the test kit, and with it whatever the test kit stands on. */
const layoutOfTests = ['testkit', ...(layout['testkit'] ?? [])]

/** Published for runtimes that are not Node. */
const anyRuntime = new Set(['events', 'sender', 'receiver'])

/** The environment is read in one place; the command hands the process's own on to it, and its start prepares it. */
const environmentReaders = new Set([
  'packages/server/src/environment.ts',
  'packages/cli/src/main.ts',
  'packages/cli/bin/hookswitch.js',
])

/** Rooms that say nothing about what is in them, and so fill with everything. */
const vagueNames = new Set('util utils helper helpers type types interface interfaces common misc'.split(' '))

/** A registry by its host: the lock file and the settings leave the choice of a mirror to whoever installs. */
const registryHost =
  /\/\/(?:[\w-]+\.)*(?:registry|npm|artifactory|nexus)\.[\w.-]+|registry\.(?:npmjs\.org|yarnpkg\.com)/

/** A folder of somebody's machine. */
const machinePath = /(?<![\w.:/~$}-])\/(?:home|Users|root|work|workspaces?)\/[\w.-]+|\b[A-Z]:\\Users\\/

export type Rule =
  'layout' | 'declared' | 'relative' | 'runtime' | 'environment' | 'built' | 'registry' | 'machine' | 'name'

export interface Problem {
  /** From the root of the repository. */
  file: string
  /** From 1; null where the file as a whole is meant. */
  line: number | null
  rule:
    'layout' | 'declared' | 'relative' | 'runtime' | 'environment' | 'built' | 'registry' | 'machine' | 'name'
  message: string
}

export function findProblems(root: string): Problem[] {
  const workspaces = listWorkspaces(root)
  const developmentPackages = Object.keys(readManifest(root).devDependencies ?? {})
  const misplaced = workspaces
    .filter(({ path }) => !(posix.basename(path) in layout))
    .map(({ path }) =>
      problemAt(path, null, 'layout', 'is not in the table of scripts/check-dependencies.ts'),
    )
  const inFiles = listFiles(root).flatMap((file) => {
    const text = readFileSync(join(root, file), 'utf8')
    if (text.includes('\0')) return checkName(file)
    const workspace = workspaces.find(({ path }) => file.startsWith(`${path}/`))
    const isModule = workspace !== undefined && /\.[tj]s$/.test(file)
    const inModule = isModule ? checkModule({ file, text, workspace, workspaces, developmentPackages }) : []
    return [...checkName(file), ...checkText(file, text), ...inModule]
  })
  return [...misplaced, ...inFiles]
}

function checkName(file: string): Problem[] {
  const vague = file.split('/').find((part) => vagueNames.has(part.replace(/\..*$/, '')))
  if (vague === undefined) return []
  return [
    problemAt(file, null, 'name', `"${vague}" says nothing about what is inside; name it after what it does`),
  ]
}

function checkText(file: string, text: string): Problem[] {
  return text.split('\n').flatMap((content, index) => {
    const host = registryHost.exec(content)?.[0]
    const path = machinePath.exec(content)?.[0]
    return [
      ...(host === undefined ? [] : [problemAt(file, index + 1, 'registry', `names the registry ${host}`)]),
      ...(path === undefined ? [] : [problemAt(file, index + 1, 'machine', `names the path ${path}`)]),
    ]
  })
}

interface Module {
  file: string
  text: string
  workspace: Workspace
  workspaces: readonly Workspace[]
  /** What the root installs, for tests. */
  developmentPackages: readonly string[]
}

function checkModule(module: Module): Problem[] {
  const { file, text } = module
  const { imports, environmentReads, fileUrls } = readModule(file, text)
  const problems = imports.flatMap((imported) => {
    const judgement = judgeImport(imported.specifier, module)
    return judgement === null ? [] : [problemAt(file, imported.line, ...judgement)]
  })
  if (isTest(module)) return problems

  for (const { line } of environmentReaders.has(file) ? [] : environmentReads) {
    const places = [...environmentReaders].join(', ')
    problems.push(problemAt(file, line, 'environment', `the environment is for these files only: ${places}`))
  }
  const isBuilt = file.startsWith(`${module.workspace.path}/src/`)
  for (const { line, path } of fileUrls.filter((url) => isBuilt && url.path.endsWith('.ts'))) {
    problems.push(problemAt(file, line, 'built', `"${path}" is not there in the built package`))
  }
  return problems
}

/** The test kit is made of what tests are made of. */
function isTest({ file, workspace }: Module): boolean {
  const inTests = file.endsWith('.test.ts') || file.startsWith(`${workspace.path}/test/`)
  return inTests || folderOf(workspace) === 'testkit'
}

/** What is wrong with the import, or null. */
function judgeImport(specifier: string, module: Module): [rule: Rule, message: string] | null {
  const { file, workspace, workspaces } = module
  const folder = folderOf(workspace)
  if (specifier.startsWith('#')) return null
  if (specifier.startsWith('.')) {
    const isInside = posix.join(posix.dirname(file), specifier).startsWith(`${workspace.path}/`)
    return isInside
      ? null
      : ['relative', `"${specifier}" leaves the package; import the other one by its name`]
  }
  if (isBuiltin(specifier)) {
    const isAllowed = !anyRuntime.has(folder) || isTest(module)
    return isAllowed ? null : ['runtime', `"${specifier}" is there in Node only, and ${folder} runs anywhere`]
  }

  const name = /^(?:@[^/]+\/)?[^/]+/.exec(specifier)?.[0] ?? specifier
  const other = workspaces.find(({ manifest }) => manifest.name === name)
  if (other === workspace) return null
  const allowed = [...(layout[folder] ?? []), ...(isTest(module) ? layoutOfTests : [])]
  if (other !== undefined && !allowed.includes(folderOf(other))) {
    const others = allowed.length === 0 ? 'no other package' : `only ${allowed.join(', ')}`
    return ['layout', `${folder} may import ${others}, not ${folderOf(other)}`]
  }
  const isDeclared = declaredBy(module).has(name) || (other !== undefined && isTest(module))
  return isDeclared
    ? null
    : ['declared', `"${name}" is not among the dependencies of ${workspace.manifest.name}`]
}

function declaredBy(module: Module): Set<string> {
  const { dependencies, peerDependencies } = module.workspace.manifest
  const development = isTest(module) ? module.developmentPackages : []
  return new Set([...Object.keys({ ...dependencies, ...peerDependencies }), ...development])
}

function folderOf({ path }: Workspace): string {
  return posix.basename(path)
}

function problemAt(file: string, line: number | null, rule: Rule, message: string): Problem {
  return { file, line, rule, message }
}

if (import.meta.main) {
  const problems = findProblems(repositoryRoot)
  for (const { file, line, rule, message } of problems) {
    console.error(`${file}${line === null ? '' : `:${line}`}  ${message}  (${rule})`)
  }
  if (problems.length > 0) process.exitCode = 1
}
