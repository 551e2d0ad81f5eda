import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { findProblems } from './check-dependencies.ts'

const packages: Record<string, Record<string, string>> = {
  events: { zod: '1.0.0' },
  core: { '@hookswitch/events': '0.1.0' },
  'store-sql': { '@hookswitch/core': '0.1.0' },
  server: { '@hookswitch/core': '0.1.0', '@hookswitch/events': '0.1.0' },
  cli: { '@hookswitch/server': '0.1.0' },
  testkit: {},
}

let root: string

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'hookswitch-rules-'))
  write('package.json', { name: 'root', workspaces: ['packages/*'], devDependencies: { vitest: '1.0.0' } })
  for (const [folder, dependencies] of Object.entries(packages)) {
    const name = folder === 'cli' ? 'hookswitch' : `@hookswitch/${folder}`
    write(`packages/${folder}/package.json`, { name, version: '0.1.0', dependencies })
  }
})

afterEach(() => rmSync(root, { recursive: true, force: true }))

function write(path: string, content: string | object): void {
  mkdirSync(dirname(join(root, path)), { recursive: true })
  writeFileSync(join(root, path), typeof content === 'string' ? content : JSON.stringify(content))
}

/** The problems as `file:line rule`, which is what a reader needs to find the place. */
function found(): string[] {
  return findProblems(root)
    .map(({ file, line, rule }) => `${file}${line === null ? '' : `:${line}`} ${rule}`)
    .toSorted()
}

describe('what a package may import', () => {
  test.each([
    ['core', "import { openStore } from '@hookswitch/store-sql'"],
    ['core', "import type { Store } from '@hookswitch/store-sql'"],
    ['core', "export * from '@hookswitch/server'"],
    ['core', "export type { Server } from '@hookswitch/server/listen'"],
    ['core', "const later = () => import('hookswitch')"],
    ['core', "let server: import('@hookswitch/server').Server"],
    ['events', "import { Store } from '@hookswitch/core'"],
    ['store-sql', "import { listen } from '@hookswitch/server'"],
    ['server', "import { main } from 'hookswitch'"],
    ['cli', "import { cases } from '@hookswitch/testkit'"],
    ['testkit', "import { listen } from '@hookswitch/server'"],
  ])('%s must not say %s - dependencies point one way', (folder, code) => {
    write(`packages/${folder}/src/index.ts`, `// A first line.\n${code}\n`)
    expect(found()).toEqual([`packages/${folder}/src/index.ts:2 layout`])
  })

  test('the allowed direction passes, also through a subpath and to itself - tests import a package by its name', () => {
    write(
      'packages/core/src/index.ts',
      "export * from '@hookswitch/events'\nimport './fold.ts'\nimport '#own'\n",
    )
    write('packages/cli/src/main.ts', "import { listen } from '@hookswitch/server/listen'\n")
    write('packages/core/test/core.test.ts', "import '@hookswitch/core'\n")
    expect(found()).toEqual([])
  })

  test('a test may use the test kit and what that stands on, and nothing above it', () => {
    write(
      'packages/core/src/fold.test.ts',
      "import '@hookswitch/testkit'\nimport '@hookswitch/store-sql'\nimport 'vitest'\n",
    )
    write('packages/core/test/run.ts', "import '@hookswitch/testkit'\nimport '@hookswitch/server'\n")
    expect(found()).toEqual(['packages/core/test/run.ts:2 layout'])
  })

  test('a package without a place in the layout is named - its direction is a decision', () => {
    write('packages/extras/package.json', { name: '@hookswitch/extras', version: '0.1.0' })
    expect(found()).toEqual(['packages/extras layout'])
  })

  test('what is not declared is not imported - an installed package would not find it', () => {
    write('packages/events/src/index.ts', "import 'zod/mini'\nimport 'ajv'\nimport '@scope/name/deep'\n")
    write('packages/store-sql/src/index.ts', "import '@hookswitch/events'\n")
    write('packages/server/src/index.ts', "import 'vitest'\n")
    expect(found()).toEqual([
      'packages/events/src/index.ts:2 declared',
      'packages/events/src/index.ts:3 declared',
      'packages/server/src/index.ts:1 declared',
      'packages/store-sql/src/index.ts:1 declared',
    ])
  })

  test('no relative path leaves a package - the built one has no such neighbour', () => {
    write(
      'packages/core/src/fold/fold.ts',
      "import '../../../events/src/index.ts'\nimport '../../package.json'\n",
    )
    expect(found()).toEqual(['packages/core/src/fold/fold.ts:1 relative'])
  })

  test('events uses nothing of Node outside its tests - it runs anywhere', () => {
    write('packages/events/src/sign.ts', "import { createHmac } from 'node:crypto'\nimport 'fs'\n")
    write('packages/events/src/sign.test.ts', "import { readFileSync } from 'node:fs'\n")
    expect(found()).toEqual([
      'packages/events/src/sign.ts:1 runtime',
      'packages/events/src/sign.ts:2 runtime',
    ])
  })

  test('text that only looks like an import is none - init writes a config file that has one', () => {
    write(
      'packages/core/src/index.ts',
      "// import 'hookswitch'\nexport const a = `\nimport x from 'hookswitch'\n`\n",
    )
    expect(found()).toEqual([])
  })
})

test('the environment is read in one file, which the command feeds - every setting is found there', () => {
  const code = "export const port = process.env['PORT']\n"
  write('packages/server/src/environment.ts', code)
  write('packages/cli/src/main.ts', code)
  write('packages/server/test/server.test.ts', code)
  write('packages/server/src/server.ts', `${code}const { env } = process\nconst all = process['env']\n`)
  write(
    'packages/core/src/start.ts',
    "import { env } from 'node:process'\nimport { argv } from 'node:process'\n",
  )
  expect(found()).toEqual([
    'packages/core/src/start.ts:1 environment',
    'packages/server/src/server.ts:1 environment',
    'packages/server/src/server.ts:2 environment',
    'packages/server/src/server.ts:3 environment',
  ])
})

test('a worker is not named by its source file alone - the built package has no .ts', () => {
  write('packages/core/src/a.ts', "new Worker(new URL('./writer.ts', import.meta.url))\n")
  const chosen = "import.meta.url.endsWith('.ts') ? './writer.ts' : './writer.js'"
  write('packages/core/src/b.ts', `new Worker(new URL(${chosen}, import.meta.url))\n`)
  expect(found()).toEqual(['packages/core/src/a.ts:1 built'])
})

test('no file names a registry or a folder of a machine - they are nobody else’s', () => {
  const registry = ['registry', 'npmjs', 'org'].join('.')
  const home = ['', 'home', 'ada'].join('/')
  write('package-lock.json', `{\n"resolved": "https://${registry}/zod.tgz"\n}\n`)
  write('.npmrc', `${registry}\n`)
  write('docs/start.md', `cd ${home}/hookswitch\n\n[home](.${home}.md) https://example.org${home}\n`)
  expect(found()).toEqual(['.npmrc:1 registry', 'docs/start.md:1 machine', 'package-lock.json:2 registry'])
})

test('no room is called by what it might hold - it would hold everything', () => {
  write('packages/core/src/utils/time.ts', '')
  write('packages/core/src/types.ts', '')
  write('scripts/helpers.test.ts', '')
  write('packages/core/src/type-names.ts', '')
  expect(found()).toEqual([
    'packages/core/src/types.ts name',
    'packages/core/src/utils/time.ts name',
    'scripts/helpers.test.ts name',
  ])
})
