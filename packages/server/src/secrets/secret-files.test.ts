import { mkdir, mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ConfigurationError } from '../config/configuration-error.ts'
import { resolveConfig } from '../config/resolve-config.ts'
import { ensureSecretFiles, readSecretFile } from './secret-files.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'hookswitch-secrets-'))
})
afterAll(() => rm(folder, { recursive: true }))

const config = resolveConfig({})
const nothingGiven = (dataDir: string) => ({
  dataDir,
  webhookSecrets: null,
  adminToken: null,
  secretKey: null,
})

describe('the first start', () => {
  test('makes all three, readable by their owner alone, and says which', async () => {
    const dataDir = path.join(folder, 'first', 'data')
    const secrets = await ensureSecretFiles(nothingGiven(dataDir), config)
    expect(secrets.made.map(({ name }) => name)).toEqual(['webhook-secret', 'admin-token', 'secret-key'])
    expect(secrets.webhookSecret).toMatch(/^whk_[\w-]{43}$/)
    expect(secrets.adminToken).toMatch(/^adm_[\w-]{43}$/)
    expect(secrets.secretKey).toMatch(/^[\w-]{43}$/)
    expect((await stat(dataDir)).mode & 0o777).toBe(0o700)
    for (const made of secrets.made) expect((await stat(made.path)).mode & 0o777).toBe(0o600)
    expect((await readdir(dataDir)).sort()).toEqual(['admin-token', 'secret-key', 'webhook-secret'])
  })

  test('the next start finds the same and makes none', async () => {
    const dataDir = path.join(folder, 'next')
    const first = await ensureSecretFiles(nothingGiven(dataDir), config)
    const second = await ensureSecretFiles(nothingGiven(dataDir), config)
    expect(second).toEqual({ ...first, made: [] })
  })

  test('two starts at once agree - whoever comes second reads what the first has made', async () => {
    const dataDir = path.join(folder, 'race')
    const all = await Promise.all(
      Array.from({ length: 8 }, () => ensureSecretFiles(nothingGiven(dataDir), config)),
    )
    expect(new Set(all.map(({ adminToken }) => adminToken)).size).toBe(1)
    expect(all.flatMap(({ made }) => made)).toHaveLength(3)
    expect(await readdir(dataDir)).toHaveLength(3)
  })
})

describe('what is given', () => {
  test('everything in the environment needs no folder', async () => {
    const dataDir = path.join(folder, 'none')
    const given = { dataDir, webhookSecrets: ['w'], adminToken: 'a', secretKey: 'k' }
    const secrets = await ensureSecretFiles(given, config)
    expect(secrets).toEqual({ webhookSecret: null, adminToken: 'a', secretKey: 'k', made: [] })
    await expect(stat(dataDir)).rejects.toThrow('ENOENT')
  })

  test.each([
    ['secrets of the default source', { hamsa: { secrets: ['a-secret'] } }],
    ['auth none of the default source', { hamsa: { auth: 'none' as const } }],
  ])('%s in the config: no webhook-secret is made', async (name, sources) => {
    const dataDir = path.join(folder, name.replaceAll(' ', '-'))
    const secrets = await ensureSecretFiles(nothingGiven(dataDir), resolveConfig({ sources }))
    expect(secrets.webhookSecret).toBeNull()
    expect(secrets.made.map((made) => made.name)).toEqual(['admin-token', 'secret-key'])
  })

  test('an older webhook-secret goes on beside the secrets of the config - the agent may still send it', async () => {
    const dataDir = path.join(folder, 'older')
    const { webhookSecret } = await ensureSecretFiles(nothingGiven(dataDir), config)
    const withSecrets = resolveConfig({ sources: { hamsa: { secrets: ['a-secret'] } } })
    expect((await ensureSecretFiles(nothingGiven(dataDir), withSecrets)).webhookSecret).toBe(webhookSecret)
  })

  test('a file written by hand is trimmed and never changed', async () => {
    const dataDir = path.join(folder, 'hand')
    await mkdir(dataDir)
    const file = path.join(dataDir, 'webhook-secret')
    await writeFile(file, '  Bearer by-hand \r\n')
    const secrets = await ensureSecretFiles(nothingGiven(dataDir), config)
    expect(secrets.webhookSecret).toBe('by-hand')
    expect(await readFile(file, 'utf8')).toBe('  Bearer by-hand \r\n')
  })
})

describe('what is refused', () => {
  test('an empty file, by name - it would otherwise be a secret that everybody knows', async () => {
    const dataDir = path.join(folder, 'empty')
    await mkdir(dataDir)
    await writeFile(path.join(dataDir, 'admin-token'), ' \n')
    const attempt = ensureSecretFiles(nothingGiven(dataDir), config)
    await expect(attempt).rejects.toThrow(ConfigurationError)
    await expect(attempt).rejects.toThrow(/admin-token is empty; remove it/)
  })

  test('a folder that cannot be made', async () => {
    const file = path.join(folder, 'file')
    await writeFile(file, '')
    await expect(ensureSecretFiles(nothingGiven(path.join(file, 'data')), config)).rejects.toThrow(/ENOTDIR/)
  })

  test('what cannot be read, with the reason of the system', async () => {
    const dataDir = path.join(folder, 'unreadable')
    await mkdir(path.join(dataDir, 'admin-token'), { recursive: true })
    await expect(readSecretFile(dataDir, 'admin-token')).rejects.toThrow(
      /admin-token cannot be read \(EISDIR\)/,
    )
  })
})
