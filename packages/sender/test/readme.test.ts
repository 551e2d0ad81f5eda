import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { once } from 'node:events'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'

test('the program of the README runs and shows what it says', async () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
  const program = /```ts\n([\s\S]*?)```/.exec(readme)?.[1] ?? ''
  const said = /\/\/ (\[.*\])\n$/.exec(program)?.[1]?.replaceAll("'", '"') ?? ''
  expect(program.match(/8787/g), 'the port, which may be taken here').toHaveLength(2)
  // Within the package, where its own name resolves to it.
  const folder = mkdtempSync(join(import.meta.dirname, 'readme-'))
  try {
    const file = join(folder, 'program.ts')
    writeFileSync(file, program.replaceAll('8787', String(await freePort())))
    const { shown } = (await import(pathToFileURL(file).href)) as { shown: unknown }
    expect(shown).toEqual(JSON.parse(said))
  } finally {
    rmSync(folder, { recursive: true })
  }
})

/** One that is free at this moment. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
