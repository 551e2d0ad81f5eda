import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'

const root = join(import.meta.dirname, '../../..')
const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
const [, program = ''] = /```ts\n([\s\S]*?)```/.exec(readme) ?? []

// Within the package, where its own name resolves to it.
let folder: string

beforeAll(() => {
  folder = mkdtempSync(join(import.meta.dirname, 'readme-'))
  writeFileSync(join(folder, 'program.ts'), program)
})

afterAll(() => {
  rmSync(folder, { recursive: true })
})

test('the program of the README runs and shows what it says', async () => {
  const [, said = ''] = /\n\/\/ (\[.*\])\n$/.exec(program) ?? []
  const { shown } = (await import(pathToFileURL(join(folder, 'program.ts')).href)) as { shown: unknown }
  expect(shown).toEqual(JSON.parse(said.replaceAll("'", '"')))
})

test('it compiles under the strictest settings', () => {
  const config = {
    extends: join(root, 'tsconfig.base.json'),
    compilerOptions: { noEmit: true, types: [], lib: ['es2024', 'webworker'] },
    files: ['program.ts'],
  }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config))
  const compiler = join(root, 'node_modules/typescript/bin/tsc')
  expect(execFileSync(process.execPath, [compiler, '-p', folder], { encoding: 'utf8' })).toBe('')
})
