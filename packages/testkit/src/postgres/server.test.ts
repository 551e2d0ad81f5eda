import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { until } from '../server-process/client.ts'
import { findBinaries, othersMayEnter, usableBinaries } from './binaries.ts'
import { ownPostgresMissing, queryPostgres, startOwnPostgres } from './databases.ts'

const missing = ownPostgresMissing()
const folders: string[] = []

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

function newFolder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'hookswitch-binaries-'))
  folders.push(folder)
  return folder
}

describe.skipIf(missing !== null)(
  `a PostgreSQL of our own${missing === null ? '' : ` (skipped: ${missing})`}`,
  () => {
    test('it starts durable, and keeps its data and its address while it is down', async () => {
      const postgres = await startOwnPostgres()
      try {
        expect(await queryPostgres(postgres.url, 'SHOW fsync')).toEqual([{ fsync: 'on' }])
        await queryPostgres(postgres.url, 'CREATE TABLE kept (it integer)')
        for (const how of ['orderly', 'crash'] as const) {
          await postgres.down(how)
          await expect(queryPostgres(postgres.url, 'SELECT 1')).rejects.toThrow('ECONNREFUSED')
          await postgres.up()
          expect(await queryPostgres(postgres.url, 'SELECT * FROM kept')).toEqual([])
        }
        const other = await postgres.createDatabase()
        await expect(queryPostgres(other, 'SELECT * FROM kept')).rejects.toThrow('does not exist')
      } finally {
        await postgres.stop()
      }
      await postgres.stop()
    })

    test('nothing is left running or lying about when the tests are killed', async () => {
      const module = new URL('./databases.ts', import.meta.url).href
      const child = spawn(
        process.execPath,
        [
          '--conditions=hookswitch-source',
          '--input-type=module',
          '-e',
          `const { startOwnPostgres, queryPostgres } = await import(${JSON.stringify(module)})
         const { url } = await startOwnPostgres()
         const [row] = await queryPostgres(url, 'SHOW data_directory')
         process.stdout.write(JSON.stringify({ url, folder: row.data_directory }))
         setInterval(() => {}, 1_000)`,
        ],
        { stdio: ['ignore', 'pipe', 'inherit'] },
      )
      const [said] = (await once(child.stdout, 'data')) as [Buffer]
      const { url, folder } = JSON.parse(said.toString('utf8')) as { url: string; folder: string }
      expect(await queryPostgres(url, 'SELECT 1 AS it')).toEqual([{ it: 1 }])
      expect(existsSync(folder)).toBe(true)
      child.kill('SIGKILL')
      await until('the data to be removed', async () => !existsSync(path.dirname(folder)))
      await expect(queryPostgres(url, 'SELECT 1')).rejects.toThrow('ECONNREFUSED')
    })

    test('programs without the links that their install script makes are copied and linked', () => {
      const { folder } = findBinaries()
      if (folder === null) throw new Error('no programs')
      const installed = path.join(newFolder(), 'native')
      cpSync(folder, installed, {
        recursive: true,
        // What npm unpacks when it is told to run no scripts.
        filter: (source) => !linksOf(folder).some((link) => source === path.join(folder, link)),
      })
      expect(() => version(installed)).toThrow(/librar/i)
      const usable = usableBinaries(installed, newFolder(), false)
      expect(usable).not.toBe(installed)
      expect(version(usable)).toContain('PostgreSQL')
    })

    test('programs in a folder that only its owner may enter are copied for another user', () => {
      const { folder } = findBinaries()
      if (folder === null) throw new Error('no programs')
      // As a clone in the home folder of root.
      const closed = newFolder()
      const installed = path.join(closed, 'native')
      cpSync(folder, installed, { recursive: true, verbatimSymlinks: true })
      expect(othersMayEnter(installed)).toBe(false)
      expect(usableBinaries(installed, newFolder(), false)).toBe(installed)
      const scratch = newFolder()
      chmodSync(scratch, 0o711)
      const usable = usableBinaries(installed, scratch, true)
      expect(usable.startsWith(scratch)).toBe(true)
      expect(othersMayEnter(path.join(usable, 'bin'))).toBe(true)
      expect(version(usable)).toContain('PostgreSQL')
    })
  },
)

function version(folder: string): string {
  return execFileSync(path.join(folder, 'bin', 'initdb'), ['--version'], { encoding: 'utf8', stdio: 'pipe' })
}

function linksOf(folder: string): string[] {
  const links = JSON.parse(readFileSync(path.join(folder, 'pg-symlinks.json'), 'utf8')) as {
    target: string
  }[]
  return links.map(({ target }) => path.relative('native', target))
}
