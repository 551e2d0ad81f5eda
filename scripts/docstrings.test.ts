import { execFileSync } from 'node:child_process'
import { globSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { fencesOf } from './page-reader.ts'
import { repositoryRoot, type Manifest } from './repository.ts'

// Each example of a docstring, with the imports that its reader would write, compiled as strictly as our own code.

/** Packages whose docstrings show examples, and what these take for granted. */
const packages: Record<string, Record<string, string>> = {
  receiver: {
    app: `declare const app: import('express').Express & { register(plugin: unknown, options: object): Promise<void> }`,
    connection: 'declare const connection: { host: string; port: number }',
    host: 'declare const host: string',
    port: 'declare const port: number',
    receiver: `declare const receiver: import('@hookswitch/receiver').Receiver`,
    url: 'declare const url: string',
  },
  sender: { body: 'declare const body: Uint8Array' },
  events: {},
}

/** What the examples take from elsewhere. */
const elsewhere: Record<string, string> = {
  Pool: 'pg',
  Queue: 'bullmq',
  Redis: 'ioredis',
  Worker: 'bullmq',
  createClient: 'redis',
  createServer: 'node:http',
}

interface Example {
  /** Of the file that it stands in, and its number there: `dedupe/memory-dedupe.ts 1`. */
  name: string
  code: string
  givens: Record<string, string>
  /** Where each name of the package comes from. */
  exported: ReadonlyMap<string, string>
}

/** What stands in fences, and after `@example` up to the next tag. */
function examplesIn(source: string): string[] {
  const comments = [...source.matchAll(/\/\*\*\n([\s\S]*?)\*\//g)].map(([, lines = '']) =>
    lines.replaceAll(/^ *\* ?/gm, ''),
  )
  return comments.flatMap((comment) => {
    const fenced = fencesOf(comment).flatMap(({ language, text }) => (language === 'ts' ? [text] : []))
    const tagged = [...comment.matchAll(/^@example\n((?!```)[\s\S]*?)(?=^@|(?![\s\S]))/gm)]
    return [...fenced, ...tagged.map(([, text = '']) => text)]
  })
}

/** The files that the subpaths of a package are, by name. */
function subpathsOf(folder: string): [specifier: string, file: string][] {
  const manifest = readFileSync(join(repositoryRoot, 'packages', folder, 'package.json'), 'utf8')
  const { name, exports } = JSON.parse(manifest) as Manifest & {
    exports: Record<string, { 'hookswitch-source': string }>
  }
  return Object.entries(exports).map(([path, { 'hookswitch-source': file }]) => [
    name + path.slice(1),
    file.replace('./', ''),
  ])
}

async function examplesOf(folder: string, givens: Record<string, string>): Promise<Example[]> {
  const root = join(repositoryRoot, 'packages', folder)
  const exported = new Map<string, string>()
  for (const [specifier, file] of subpathsOf(folder)) {
    const module = (await import(pathToFileURL(join(root, file)).href)) as object
    for (const name of Object.keys(module)) exported.set(name, specifier)
  }
  const files = globSync('src/**/*.ts', { cwd: root }).filter((file) => !file.endsWith('.test.ts'))
  return files.sort().flatMap((file) =>
    examplesIn(readFileSync(join(root, file), 'utf8')).map((code, at) => ({
      name: `${folder}/${file} ${at + 1}`,
      code,
      givens,
      exported,
    })),
  )
}

/** With what it uses and does not say itself. */
function completed({ code, givens, exported }: Example): string {
  const declarations = code.matchAll(/\b(?:const|let|function|class) (\w+|\{[^}]*\})/g)
  const declared = new Set([...declarations].flatMap(([, names = '']) => names.match(/\w+/g) ?? []))
  // Neither members nor keys, nor what is written as text.
  const bare = code.replaceAll(/'[^']*'/g, '').replaceAll(/\.\w+|\b\w+(?=:)/g, '')
  const used = new Set(bare.match(/[A-Za-z]\w*/g)?.filter((name) => !declared.has(name)))
  const imports = [...used].flatMap((name) => {
    const from = exported.get(name) ?? elsewhere[name]
    return from === undefined ? [] : [`import { ${name} } from '${from}'`]
  })
  const given = Object.entries(givens).flatMap(([name, declaration]) => (used.has(name) ? [declaration] : []))
  return [...imports, ...given, code, 'export {}'].join('\n')
}

const examples: Example[] = []
for (const [folder, givens] of Object.entries(packages)) examples.push(...(await examplesOf(folder, givens)))
let folder: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'hookswitch-docstrings-'))
  symlinkSync(join(repositoryRoot, 'node_modules'), join(folder, 'node_modules'))
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
})

afterAll(() => rmSync(folder, { recursive: true }))

test('every adapter and every store has one', () => {
  const shown = new Set(examples.map(({ name }) => name.replace(/ \d+$/, '')))
  const subpaths = subpathsOf('receiver').map(([, file]) => `receiver/${file}`)
  const withoutOne = ['receiver/src/index.ts', 'receiver/src/opentelemetry.ts']
  expect(subpaths.filter((file) => !shown.has(file))).toEqual(withoutOne)
})

test('all compile under the strictest settings', () => {
  const files = examples.map((example, at) => {
    const file = `${example.name.replaceAll(/\W+/g, '-')}-${at}.ts`
    writeFileSync(join(folder, file), completed(example))
    return file
  })
  const settings = {
    extends: join(repositoryRoot, 'tsconfig.base.json'),
    // An example may show a name that it does nothing with.
    compilerOptions: { noEmit: true, noUnusedLocals: false },
    files,
  }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(settings))
  const compiler = join(repositoryRoot, 'node_modules/typescript/bin/tsc')
  let output = ''
  try {
    execFileSync(process.execPath, [compiler, '-p', folder], { encoding: 'utf8' })
  } catch (error) {
    output = String((error as { stdout?: unknown }).stdout)
  }
  expect(output).toBe('')
})
