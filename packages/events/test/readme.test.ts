import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'

test('the program of the README runs and shows what it says', async () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
  const program = /```ts\n([\s\S]*?)```/.exec(readme)?.[1] ?? ''
  const said = /\/\/ (\[.*\])\n$/.exec(program)?.[1]?.replaceAll("'", '"') ?? ''
  // Within the package, where its own name resolves to it.
  const folder = mkdtempSync(join(import.meta.dirname, 'readme-'))
  try {
    const file = join(folder, 'program.ts')
    writeFileSync(file, program)
    const { shown } = (await import(pathToFileURL(file).href)) as { shown: unknown }
    expect(shown).toEqual(JSON.parse(said))
  } finally {
    rmSync(folder, { recursive: true })
  }
})
