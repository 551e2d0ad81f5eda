import { existsSync, readFileSync } from 'node:fs'
import { isIP, type BlockList } from 'node:net'
import path from 'node:path'
import { createSecureContext } from 'node:tls'
import { addressExpectation, readAddressList } from './config/address-list.ts'
import { ConfigurationError } from './config/configuration-error.ts'
import { readSecret } from './config/secret-text.ts'

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const
export type LogLevel = (typeof logLevels)[number]

/** The environment as the program understands it. Paths are absolute; null is what was not given. */
export interface Environment {
  /** `PORT`, 4000 by default; 0 takes any free port. */
  port: number
  /** `HOST`, 127.0.0.1 by default. */
  host: string
  /** `DATABASE_URL`; without it the store is SQLite in the data folder. */
  databaseUrl: string | null
  /** `HOOKSWITCH_DATA_DIR`, `./.hookswitch` by default. */
  dataDir: string
  /** `WEBHOOK_SECRET`: at least one secret of the default source, or null. */
  webhookSecrets: readonly string[] | null
  /** `HOOKSWITCH_ADMIN_TOKEN` */
  adminToken: string | null
  /** `HOOKSWITCH_SECRET_KEY` */
  secretKey: string | null
  /** `HOOKSWITCH_CONFIG`, else the `hookswitch.config.ts` of the working folder if there is one. */
  configPath: string | null
  /** `HOOKSWITCH_PUBLIC_URL`, without a slash at its end. */
  publicUrl: string | null
  /** `HOOKSWITCH_TRUST_PROXY` */
  trustProxy: BlockList | null
  /** The contents of `TLS_CERT` and `TLS_KEY`. */
  tls: { cert: Buffer; key: Buffer } | null
  /** `HOOKSWITCH_EGRESS_ALLOW` */
  egressAllow: BlockList | null
  /** `LOG_LEVEL`, info by default. */
  logLevel: LogLevel
}

/** TypeScript runs as it is; the other endings are the same file in a folder whose package.json says otherwise. */
const configNames = [
  'hookswitch.config.ts',
  'hookswitch.config.mts',
  'hookswitch.config.js',
  'hookswitch.config.mjs',
]

/**
 * Reads the environment: nothing else in the program does.
 *
 * @param env usually `process.env`.
 * @param cwd the folder that relative paths start from.
 * @throws ConfigurationError with all problems at once.
 */
export function readEnvironment(env: NodeJS.ProcessEnv, cwd: string): Environment {
  const reader = new Reader(env)
  const environment: Environment = {
    port: reader.read('PORT', readPort) ?? 4000,
    host: reader.read('HOST', readHost) ?? '127.0.0.1',
    databaseUrl: reader.read('DATABASE_URL', readDatabaseUrl),
    dataDir: path.resolve(cwd, reader.read('HOOKSWITCH_DATA_DIR', asItIs) ?? '.hookswitch'),
    webhookSecrets: reader.read('WEBHOOK_SECRET', readWebhookSecrets),
    adminToken: reader.read('HOOKSWITCH_ADMIN_TOKEN', readToken),
    secretKey: reader.read('HOOKSWITCH_SECRET_KEY', asItIs),
    configPath: findConfig(reader, cwd),
    publicUrl: reader.read('HOOKSWITCH_PUBLIC_URL', readPublicUrl),
    trustProxy: reader.read('HOOKSWITCH_TRUST_PROXY', readAddresses),
    tls: readTls(reader, cwd),
    egressAllow: reader.read('HOOKSWITCH_EGRESS_ALLOW', readAddresses),
    logLevel: reader.read('LOG_LEVEL', readLogLevel) ?? 'info',
  }
  if ((env['DATABASE_URL'] ?? '').trim() !== '') {
    for (const name of ['WEBHOOK_SECRET', 'HOOKSWITCH_ADMIN_TOKEN', 'HOOKSWITCH_SECRET_KEY']) {
      if (env[name] !== undefined) continue
      reader.problems.push(
        `${name} is not set, expected with DATABASE_URL: every node on one database must know the same one, so none is made here`,
      )
    }
  }
  if (reader.problems.length > 0) throw new ConfigurationError(reader.problems)
  return environment
}

/** What a variable says, or how its problem goes on after its name. */
type Reading<T> = { value: T } | { problem: string }

class Reader {
  readonly problems: string[] = []
  readonly #env: NodeJS.ProcessEnv

  constructor(env: NodeJS.ProcessEnv) {
    this.#env = env
  }

  /** Null where the variable is not set, and where it has a problem, which is noted. */
  read<T>(name: string, read: (text: string) => Reading<T>): T | null {
    const text = this.#env[name]?.trim()
    if (text === undefined) return null
    // An empty variable is mostly one that another variable should have filled.
    const reading = text === '' ? { problem: 'is set but empty; give it a value or remove it' } : read(text)
    if ('value' in reading) return reading.value
    this.problems.push(`${name} ${reading.problem}`)
    return null
  }
}

const asItIs = (text: string): Reading<string> => ({ value: text })

function unexpected(text: string, expectation: string): { problem: string } {
  return { problem: `is "${text}", expected ${expectation}` }
}

function readPort(text: string): Reading<number> {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : NaN
  return port <= 65_535 ? { value: port } : unexpected(text, 'a whole number from 0 (any free port) to 65535')
}

function readHost(text: string): Reading<string> {
  if (isIP(text) !== 0 || /^[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?$/i.test(text)) return { value: text }
  return unexpected(text, 'a host name or an address without a port, such as 127.0.0.1, 0.0.0.0 or ::')
}

/** The URL holds a password, so no message quotes it. */
function readDatabaseUrl(text: string): Reading<string> {
  const url = URL.parse(text)
  if (url !== null && ['postgres:', 'postgresql:'].includes(url.protocol)) return { value: text }
  const came = url === null ? 'is no URL' : `is a ${url.protocol} URL`
  return { problem: `${came}, expected postgres://user:password@host:5432/database` }
}

function readWebhookSecrets(text: string): Reading<string[]> {
  const readings = text.split(',').map((secret) => readSecret(secret))
  for (const [at, reading] of readings.entries()) {
    if (reading.ok) continue
    const which = readings.length === 1 ? '' : `: secret ${at + 1} of ${readings.length} `
    return { problem: `${which}${reading.problem}; expected one secret or several separated by commas` }
  }
  const secrets = readings.flatMap((reading) => (reading.ok ? [reading.secret] : []))
  return { value: [...new Set(secrets)] }
}

function readToken(text: string): Reading<string> {
  if (/^[\x21-\x7e]+$/.test(text)) return { value: text }
  return {
    problem:
      'has a character that an Authorization header cannot carry, expected printable ASCII without spaces',
  }
}

function readPublicUrl(text: string): Reading<string> {
  const url = URL.parse(text)
  if (url === null || !['https:', 'http:'].includes(url.protocol)) {
    return unexpected(
      text,
      'the address where the platform reaches this server, such as https://hooks.example.com',
    )
  }
  if (url.username !== '' || url.password !== '')
    return { problem: 'has a user or password in it, expected none' }
  if (url.search !== '' || url.hash !== '') return unexpected(text, 'an address without query or fragment')
  return { value: url.href.replace(/\/+$/, '') }
}

function readAddresses(text: string): Reading<BlockList> {
  const { list, refused } = readAddressList(text.split(',').map((entry) => entry.trim()))
  const [first] = refused
  return first === undefined
    ? { value: list }
    : { problem: `has "${first}", expected ${addressExpectation}, separated by commas` }
}

function readLogLevel(text: string): Reading<LogLevel> {
  const level = logLevels.find((known) => known === text.toLowerCase())
  return level === undefined ? unexpected(text, `one of ${logLevels.join(', ')}`) : { value: level }
}

function findConfig(reader: Reader, cwd: string): string | null {
  const given = reader.read('HOOKSWITCH_CONFIG', (text) => {
    const file = path.resolve(cwd, text)
    return existsSync(file) ? { value: file } : unexpected(text, `a file, but ${file} is not there`)
  })
  if (given !== null) return given
  const [found = null, ...others] = configNames
    .map((name) => path.join(cwd, name))
    .filter((file) => existsSync(file))
  if (others.length > 0) {
    reader.problems.push(
      `HOOKSWITCH_CONFIG is not set and ${cwd} has several config files; set it to the one that counts: ${[found, ...others].join(', ')}`,
    )
  }
  return found
}

function readTls(reader: Reader, cwd: string): Environment['tls'] {
  const problemsBefore = reader.problems.length
  const [cert, key] = ['TLS_CERT', 'TLS_KEY'].map((name) =>
    reader.read(name, (text) => {
      const file = path.resolve(cwd, text)
      try {
        return { value: readFileSync(file) }
      } catch (error) {
        return unexpected(text, `a file in PEM format, but ${file} cannot be read (${errorCode(error)})`)
      }
    }),
  ) as [Buffer | null, Buffer | null]
  if (reader.problems.length > problemsBefore || (cert === null && key === null)) return null
  if (cert === null || key === null) {
    const [given, missing] = cert === null ? ['TLS_KEY', 'TLS_CERT'] : ['TLS_CERT', 'TLS_KEY']
    reader.problems.push(`${missing} is not set, expected both or neither: ${given} is set`)
    return null
  }
  try {
    createSecureContext({ cert, key })
    return { cert, key }
  } catch (error) {
    reader.problems.push(
      `TLS_CERT and TLS_KEY are no certificate with its key in PEM format (${errorCode(error)})`,
    )
    return null
  }
}

function errorCode(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? 'unreadable'
}
