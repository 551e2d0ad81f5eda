import { randomBytes } from 'node:crypto'
import { link, mkdir, open, readFile, unlink } from 'node:fs/promises'
import path from 'node:path'
import { ConfigurationError } from '../config/configuration-error.ts'
import { defaultSource, type ResolvedConfig } from '../config/resolve-config.ts'
import { readSecret } from '../config/secret-text.ts'
import type { Environment } from '../environment.ts'

export type SecretFileName = 'webhook-secret' | 'admin-token' | 'secret-key'

/** What the program starts with, wherever it was given. */
export interface StartSecrets {
  /** What lies in `webhook-secret`; null where that file does not count. */
  webhookSecret: string | null
  adminToken: string
  secretKey: string
  /** The files that were made just now. */
  made: readonly { name: SecretFileName; path: string }[]
}

/** A prefix tells whoever finds one somewhere what it is. */
const prefixes: Readonly<Record<SecretFileName, string>> = {
  'webhook-secret': 'whk_',
  'admin-token': 'adm_',
  'secret-key': '',
}

const secretBytes = 32

/**
 * Makes the secrets that nobody has given, at the first start, in the data folder (0700, each file 0600). A file that
 * is there is read and never written. `webhook-secret` is not read where `WEBHOOK_SECRET` is set, and not made where
 * the config says how the default source is to be trusted.
 *
 * @throws ConfigurationError for a file that is empty or cannot be read, by name.
 */
export async function ensureSecretFiles(
  environment: Pick<Environment, 'dataDir' | 'webhookSecrets' | 'adminToken' | 'secretKey'>,
  config: Pick<ResolvedConfig, 'sources'>,
): Promise<StartSecrets> {
  const made: { name: SecretFileName; path: string }[] = []
  const { dataDir } = environment

  async function fileOrNew(name: SecretFileName): Promise<string> {
    const found = await readSecretFile(dataDir, name)
    if (found !== null) return found
    const file = path.join(dataDir, name)
    const isNew = await writeNew(file, prefixes[name] + randomBytes(secretBytes).toString('base64url'))
    if (isNew) made.push({ name, path: file })
    return (await readSecretFile(dataDir, name)) ?? fail(file, 'vanished just after it was made')
  }

  const source = config.sources.get(defaultSource)
  const trusted = source !== undefined && (source.auth === 'none' || source.secrets.length > 0)
  let webhookSecret: string | null = null
  if (environment.webhookSecrets === null) {
    webhookSecret = await (trusted ? readSecretFile(dataDir, 'webhook-secret') : fileOrNew('webhook-secret'))
  }
  return {
    webhookSecret,
    adminToken: environment.adminToken ?? (await fileOrNew('admin-token')),
    secretKey: environment.secretKey ?? (await fileOrNew('secret-key')),
    made,
  }
}

/**
 * What lies in one of the files, trimmed; null where there is none.
 *
 * @throws ConfigurationError for one that is empty or cannot be read.
 */
export async function readSecretFile(dataDir: string, name: SecretFileName): Promise<string | null> {
  const file = path.join(dataDir, name)
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    return code === 'ENOENT' ? null : fail(file, `cannot be read (${code})`, error)
  }
  const reading = readSecret(text)
  return reading.ok ? reading.secret : fail(file, `${reading.problem}; remove it to have a new one made`)
}

/** False where somebody else made the file first. It appears under its name only when it is whole and on disk. */
async function writeNew(file: string, secret: string): Promise<boolean> {
  const unfinished = `${file}.${randomBytes(6).toString('hex')}`
  try {
    await mkdir(path.dirname(file), { recursive: true, mode: 0o700 })
    const handle = await open(unfinished, 'wx', 0o600)
    try {
      await handle.writeFile(`${secret}\n`)
      await handle.sync()
    } finally {
      await handle.close()
    }
    try {
      // Unlike a rename, a link does not replace what is there.
      await link(unfinished, file)
      return true
    } finally {
      await unlink(unfinished)
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    return code === 'EEXIST' ? false : fail(file, `cannot be made (${code})`, error)
  }
}

function fail(file: string, problem: string, cause?: unknown): never {
  throw new ConfigurationError([`${file} ${problem}`], { cause })
}
