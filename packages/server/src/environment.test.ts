import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { ConfigurationError } from './config/configuration-error.ts'
import { readEnvironment } from './environment.ts'

const folder = mkdtempSync(path.join(tmpdir(), 'hookswitch-environment-'))
afterAll(() => rmSync(folder, { recursive: true }))

function problemsOf(env: NodeJS.ProcessEnv, cwd = folder): readonly string[] {
  try {
    readEnvironment(env, cwd)
  } catch (error) {
    if (error instanceof ConfigurationError) return error.problems
    throw error
  }
  return []
}

const forPostgres = { WEBHOOK_SECRET: 'a', HOOKSWITCH_ADMIN_TOKEN: 'b', HOOKSWITCH_SECRET_KEY: 'c' }

describe('what the environment says', () => {
  test('nothing set gives the defaults of the contract', () => {
    expect(readEnvironment({}, folder)).toEqual({
      port: 4000,
      host: '127.0.0.1',
      databaseUrl: null,
      dataDir: path.join(folder, '.hookswitch'),
      webhookSecrets: null,
      adminToken: null,
      secretKey: null,
      configPath: null,
      publicUrl: null,
      trustProxy: null,
      tls: null,
      egressAllow: null,
      logLevel: 'info',
    })
  })

  test('everything set is read', () => {
    const environment = readEnvironment(
      {
        PORT: '0',
        HOST: '::',
        DATABASE_URL: 'postgresql://me:pass@db.example/hooks',
        HOOKSWITCH_DATA_DIR: 'data',
        WEBHOOK_SECRET: ' Bearer one , two,bearer  three,two ',
        HOOKSWITCH_ADMIN_TOKEN: ' adm ',
        HOOKSWITCH_SECRET_KEY: 'key',
        HOOKSWITCH_PUBLIC_URL: 'https://hooks.example.com/voice/',
        HOOKSWITCH_TRUST_PROXY: '10.0.0.0/8, ::1',
        HOOKSWITCH_EGRESS_ALLOW: '127.0.0.0/8,::1/128',
        LOG_LEVEL: 'WARN',
      },
      folder,
    )
    expect(environment).toMatchObject({
      port: 0,
      host: '::',
      databaseUrl: 'postgresql://me:pass@db.example/hooks',
      dataDir: path.join(folder, 'data'),
      webhookSecrets: ['one', 'two', 'three'],
      adminToken: 'adm',
      secretKey: 'key',
      publicUrl: 'https://hooks.example.com/voice',
      logLevel: 'warn',
    })
    expect(environment.trustProxy?.check('10.200.3.4')).toBe(true)
    expect(environment.trustProxy?.check('11.0.0.1')).toBe(false)
    expect(environment.trustProxy?.check('::1', 'ipv6')).toBe(true)
    expect(environment.egressAllow?.check('127.1.2.3')).toBe(true)
  })

  test('the config file of the working folder is found, and a given one wins', () => {
    const own = path.join(folder, 'own')
    execFileSync('mkdir', ['-p', own])
    writeFileSync(path.join(own, 'hookswitch.config.ts'), '')
    writeFileSync(path.join(own, 'other.ts'), '')
    expect(readEnvironment({}, own).configPath).toBe(path.join(own, 'hookswitch.config.ts'))
    expect(readEnvironment({ HOOKSWITCH_CONFIG: 'other.ts' }, own).configPath).toBe(
      path.join(own, 'other.ts'),
    )
    writeFileSync(path.join(own, 'hookswitch.config.mjs'), '')
    expect(problemsOf({}, own)[0]).toMatch(/several config files.*config\.ts, .*config\.mjs/)
  })
})

describe('what is refused', () => {
  const cases: [string, NodeJS.ProcessEnv, RegExp][] = [
    ['a port that is no number', { PORT: 'http' }, /^PORT is "http", expected a whole number from 0/],
    ['a port out of range', { PORT: '65536' }, /^PORT is "65536"/],
    ['a negative port', { PORT: '-1' }, /^PORT is "-1"/],
    ['a host with a port', { HOST: '0.0.0.0:4000' }, /^HOST is "0.0.0.0:4000", expected a host name/],
    ['a host that is a URL', { HOST: 'http://localhost' }, /^HOST/],
    [
      'another database',
      { ...forPostgres, DATABASE_URL: 'mysql://db/x' },
      /is a mysql: URL, expected postgres/,
    ],
    ['a database that is no URL', { ...forPostgres, DATABASE_URL: 'db' }, /^DATABASE_URL is no URL/],
    ['a secret that is set but empty', { WEBHOOK_SECRET: '' }, /^WEBHOOK_SECRET is set but empty/],
    ['a secret of blanks', { WEBHOOK_SECRET: '  ' }, /^WEBHOOK_SECRET is set but empty/],
    [
      'only the word Bearer: a header without a secret would match',
      { WEBHOOK_SECRET: 'Bearer ' },
      /is empty/,
    ],
    ['an empty one among several', { WEBHOOK_SECRET: 'a,,b' }, /secret 2 of 3 is empty/],
    ['a secret no header can carry', { WEBHOOK_SECRET: 'müller' }, /printable ASCII/],
    ['an empty admin token', { HOOKSWITCH_ADMIN_TOKEN: '' }, /^HOOKSWITCH_ADMIN_TOKEN is set but empty/],
    ['an empty key', { HOOKSWITCH_SECRET_KEY: '' }, /^HOOKSWITCH_SECRET_KEY is set but empty/],
    [
      'a config file that is not there',
      { HOOKSWITCH_CONFIG: 'no.ts' },
      /^HOOKSWITCH_CONFIG is "no.ts".*not there/,
    ],
    [
      'a public URL without a scheme',
      { HOOKSWITCH_PUBLIC_URL: 'hooks.example.com' },
      /^HOOKSWITCH_PUBLIC_URL/,
    ],
    ['a public URL with a query', { HOOKSWITCH_PUBLIC_URL: 'https://a.example/?x=1' }, /without query/],
    [
      'a CIDR out of range',
      { HOOKSWITCH_TRUST_PROXY: '10.0.0.0/33' },
      /has "10.0.0.0\/33", expected an address/,
    ],
    ['a name as a CIDR', { HOOKSWITCH_EGRESS_ALLOW: '::1,localhost' }, /has "localhost"/],
    [
      'a certificate without its key',
      { TLS_CERT: 'environment.pem' },
      /^TLS_CERT is "environment.pem".*ENOENT/,
    ],
    [
      'a level that pino does not know',
      { LOG_LEVEL: 'verbose' },
      /^LOG_LEVEL is "verbose", expected one of trace/,
    ],
  ]
  test.each(cases)('%s', (_, env, message) => {
    expect(problemsOf(env)).toEqual([expect.stringMatching(message) as string])
  })

  test('all problems come at once, so that one start shows them all', () => {
    const problems = problemsOf({ PORT: 'x', LOG_LEVEL: 'x', HOOKSWITCH_TRUST_PROXY: 'x' })
    expect(problems.map((problem) => problem.split(' ')[0])).toEqual([
      'PORT',
      'HOOKSWITCH_TRUST_PROXY',
      'LOG_LEVEL',
    ])
  })

  test('with a database the three that every node must know are not made but asked for', () => {
    expect(problemsOf({ DATABASE_URL: 'postgres://db/x' })).toEqual(
      ['WEBHOOK_SECRET', 'HOOKSWITCH_ADMIN_TOKEN', 'HOOKSWITCH_SECRET_KEY'].map(
        (name) =>
          expect.stringMatching(`^${name} is not set, expected with DATABASE_URL: every node`) as string,
      ),
    )
  })

  test('one of certificate and key alone, or a pair that is none', () => {
    const pem = path.join(folder, 'not.pem')
    writeFileSync(pem, 'nothing')
    expect(problemsOf({ TLS_KEY: pem })).toEqual([
      expect.stringMatching(/^TLS_CERT is not set, expected both/) as string,
    ])
    expect(problemsOf({ TLS_CERT: pem, TLS_KEY: pem })[0]).toMatch(/^TLS_CERT and TLS_KEY are no certificate/)
  })

  test('no message quotes a secret or a password', () => {
    const problems = problemsOf({
      WEBHOOK_SECRET: 'geheim\u00fc,x',
      HOOKSWITCH_ADMIN_TOKEN: 'geheim geheim',
      HOOKSWITCH_PUBLIC_URL: 'https://me:geheim@a.example',
      DATABASE_URL: 'mysql://me:geheim@db/x',
    })
    expect(problems).toHaveLength(5)
    expect(problems.join('\n')).not.toContain('geheim')
  })
})
