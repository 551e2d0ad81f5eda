import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'hookswitch-config-'))
})
afterAll(() => rm(folder, { recursive: true }))

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url))

/** A test runner has a loader of its own; what counts is what Node itself does with the file. */
async function load(file: string): Promise<{ sources?: string[]; problems?: string[] }> {
  const script = `
    import { loadConfig } from ${JSON.stringify(here('./load-config.ts'))}
    import { pathToFileURL } from 'node:url'
    try {
      const config = await loadConfig(${JSON.stringify(file)}, pathToFileURL(${JSON.stringify(here('./config.ts'))}).href)
      console.log(JSON.stringify({ sources: [...config.sources.keys()] }))
    } catch (error) {
      console.log(JSON.stringify({ problems: error.problems ?? [String(error)] }))
    }`
  const node = [
    process.execPath,
    ['--conditions=hookswitch-source', '--input-type=module', '-e', script],
  ] as const
  const { stdout } = await promisify(execFile)(...node, { timeout: 20_000 })
  return JSON.parse(stdout) as { sources?: string[]; problems?: string[] }
}

async function written(name: string, text: string): Promise<string> {
  const file = path.join(folder, name)
  await writeFile(file, text)
  return file
}

const good = `import { defineConfig } from 'hookswitch'
export default defineConfig({ sources: { second: { secrets: ['a-secret'] } } })`

describe('a config file', () => {
  test.each(['hookswitch.config.ts', 'hookswitch.config.mts', 'hookswitch.config.mjs'])(
    '%s is loaded, and finds hookswitch although nothing is installed beside it',
    async (name) => {
      expect(await load(await written(name, good))).toEqual({ sources: ['hamsa', 'second'] })
    },
  )

  test('TypeScript runs as it is', async () => {
    const text = `const name: string = 'third'; export default { sources: { [name]: {} } }`
    expect(await load(await written('typed.mts', text))).toEqual({ sources: ['hamsa', 'third'] })
  })

  const bad: [string, string, RegExp][] = [
    [
      'without a default export',
      'export const config = {}',
      /^x\.mts exports no default, expected: export default/,
    ],
    [
      'that throws',
      `throw new Error('no such thing')`,
      /^x\.mts cannot be loaded \(.*x\.mts\): Error: no such thing$/,
    ],
    ['that is no TypeScript', 'export default {', /^x\.mts cannot be loaded .*SyntaxError/],
    [
      'with an enum, which is not erasable',
      'enum A { b }; export default {}',
      /^x\.mts cannot be loaded .*enum/,
    ],
    [
      'that imports what is not there',
      `import 'no-such-package'`,
      /^x\.mts cannot be loaded .*no-such-package/,
    ],
    [
      'with a mistake',
      'export default { surces: {} }',
      /^x\.mts: surces is not a known key, did you mean sources\?$/,
    ],
  ]
  test.each(bad)('%s is refused by name', async (_, text, message) => {
    expect(await load(await written('x.mts', text))).toEqual({
      problems: [expect.stringMatching(message) as string],
    })
  })
})
