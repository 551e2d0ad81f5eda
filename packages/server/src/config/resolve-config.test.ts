import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { agentViews } from './agent-views.ts'
import type { HookswitchConfig } from './config.ts'
import { ConfigurationError } from './configuration-error.ts'
import { resolveConfig } from './resolve-config.ts'

/** What people write who do not use the types. */
function problemsOf(config: unknown): readonly string[] {
  try {
    resolveConfig(config as HookswitchConfig)
  } catch (error) {
    if (error instanceof ConfigurationError) return error.problems
    throw error
  }
  return []
}

const keyFor = (bytes: number, prefix: string): string => prefix + Buffer.alloc(bytes, 7).toString('base64')

describe('sources', () => {
  test('the default source is there without being named, and asks for a secret', () => {
    expect(resolveConfig({}).sources.get('hamsa')).toEqual({
      name: 'hamsa',
      secrets: [],
      auth: 'secret',
      ipAllow: null,
      signatureSecrets: null,
      bodyBytesMax: 10 * 1024 * 1024,
    })
  })

  test('every setting is resolved', () => {
    const { sources } = resolveConfig({
      sources: {
        hamsa: {
          secrets: [' Bearer one ', 'one', 'two'],
          ipAllow: ['10.0.0.0/8'],
          limits: { bodyBytesMax: 1024 },
        },
        open: { auth: 'none', standardWebhooks: { secrets: [keyFor(24, 'whsec_'), keyFor(32, 'whpk_')] } },
      },
    })
    expect(sources.get('hamsa')).toMatchObject({
      secrets: ['one', 'two'],
      auth: 'secret',
      bodyBytesMax: 1024,
    })
    expect(sources.get('hamsa')?.ipAllow?.check('10.9.9.9')).toBe(true)
    expect(sources.get('hamsa')?.ipAllow?.check('192.0.2.1')).toBe(false)
    expect(sources.get('open')).toMatchObject({ auth: 'none' })
    expect(sources.get('open')?.signatureSecrets).toHaveLength(2)
  })

  test('an empty list of addresses is no restriction - the documented example has one', () => {
    expect(resolveConfig({ sources: { hamsa: { ipAllow: [] } } }).sources.get('hamsa')?.ipAllow).toBeNull()
  })

  const refused: [string, unknown, RegExp][] = [
    [
      'an unknown key, with the one that was meant',
      { sources: { hamsa: { ipAlow: [] } } },
      /^hookswitch\.config\.ts: sources\.hamsa\.ipAlow is not a known key, did you mean ipAllow\?$/,
    ],
    [
      'an unknown key that resembles none',
      { receivers: [] },
      /receivers is not a known key, expected one of sources, agents, destinations, retention$/,
    ],
    [
      'a rate, which nothing would enforce',
      { sources: { hamsa: { limits: { perSecond: 5 } } } },
      /sources\.hamsa\.limits\.perSecond is not a known key, expected one of bodyBytesMax$/,
    ],
    [
      'a secret that is undefined',
      { sources: { hamsa: { secrets: [undefined] } } },
      /sources\.hamsa\.secrets\[0\] is undefined, expected a secret; is a variable/,
    ],
    [
      'an empty secret',
      { sources: { hamsa: { secrets: ['a', ' '] } } },
      /sources\.hamsa\.secrets\[1\] is empty, expected a secret$/,
    ],
    [
      'a secret that is only its scheme',
      { sources: { hamsa: { secrets: ['Bearer '] } } },
      /secrets\[0\] is empty/,
    ],
    [
      'a number as a secret, unquoted',
      { sources: { hamsa: { secrets: [1234] } } },
      /secrets\[0\] is a number, expected a secret$/,
    ],
    [
      'one secret without a list, unquoted',
      { sources: { hamsa: { secrets: 'geheim' } } },
      /secrets is a string, expected a list of secrets$/,
    ],
    [
      'another auth',
      { sources: { hamsa: { auth: 'basic' } } },
      /sources\.hamsa\.auth is "basic", expected 'none'/,
    ],
    [
      'no auth beside secrets',
      { sources: { hamsa: { auth: 'none', secrets: ['a'] } } },
      /auth is 'none' beside secrets/,
    ],
    [
      'a name as an address',
      { sources: { hamsa: { ipAllow: ['localhost'] } } },
      /ipAllow has "localhost", expected an address/,
    ],
    [
      'a source name in capitals',
      { sources: { Hamsa: {} } },
      /sources\.Hamsa is not a valid name, expected 1 to 64/,
    ],
    ['a source name with a slash', { sources: { 'a/b': {} } }, /sources\["a\/b"\] is not a valid name/],
    [
      'no secrets to verify with',
      { sources: { a: { standardWebhooks: { secrets: [] } } } },
      /secrets is a list, expected at least one secret/,
    ],
    [
      'a signature secret that is not base64',
      { sources: { a: { standardWebhooks: { secrets: ['whsec_?'] } } } },
      /secrets\[0\] is not base64/,
    ],
    [
      'a signature key that is too short',
      { sources: { a: { standardWebhooks: { secrets: [keyFor(8, 'whpk_')] } } } },
      /whpk_… key of 8 bytes, expected 32/,
    ],
    [
      'a limit over the contract',
      { sources: { a: { limits: { bodyBytesMax: 10_485_761 } } } },
      /bodyBytesMax is 10485761, expected a whole number of bytes from 1 to 10485760$/,
    ],
    [
      'a limit as text',
      { sources: { a: { limits: { bodyBytesMax: '1mb' } } } },
      /bodyBytesMax is "1mb", expected/,
    ],
    ['a list of sources', { sources: [] }, /sources is a list, expected an object/],
    [
      'a function as the config',
      () => ({}),
      /the default export is a function, expected an object, as defineConfig/,
    ],
    ['nothing', undefined, /the default export is undefined/],
  ]
  test.each(refused)('%s is refused', (_, config, message) => {
    expect(problemsOf(config)).toEqual([expect.stringMatching(message) as string])
  })

  test('all problems come at once', () => {
    expect(
      problemsOf({ sources: { hamsa: { auth: 1, x: 1 }, B: {} }, agents: { a: { echo: 'x' } } }),
    ).toHaveLength(4)
  })
})

describe('agents', () => {
  const schema = {
    type: 'object',
    required: ['name', 'age'],
    properties: {
      age: { type: 'integer', minimum: 18 },
      mail: { type: 'string', format: 'email' },
      'a/b~c': { $ref: '#/$defs/short' },
      tags: { type: 'array', items: { type: 'string' } },
    },
    additionalProperties: false,
    $defs: { short: { type: 'string', maxLength: 3 } },
  }

  test('a field is checked by itself - that others are missing is not its fault', () => {
    const view = agentViews(resolveConfig({ agents: { a: { echo: ['id'], outcome: schema } } }).agents)('a')
    expect(view?.echo).toEqual(['id'])
    expect(view?.outcome).toBe(schema)
    expect(view?.check?.('age', 30)).toBeNull()
    expect(view?.check?.('age', 3)).toBe('must be >= 18')
    expect(view?.check?.('mail', 'nobody')).toBe('must match format "email"')
    expect(view?.check?.('a/b~c', 'four')).toBe('must NOT have more than 3 characters')
    expect(view?.check?.('tags', ['a', 1])).toBe('1 must be string')
    expect(view?.check?.('other', 1)).toBe('is not in the schema')
    expect(view?.check?.('__proto__', 1)).toBe('is not in the schema')
  })

  test('an agent that is not in the config has no view', () => {
    const views = agentViews(resolveConfig({ agents: { a: {} } }).agents)
    expect(views('a')).toEqual({})
    expect(views('b')).toBeUndefined()
    expect(views(null)).toBeUndefined()
  })

  test('a schema of a library with Standard JSON Schema is converted', () => {
    const outcome = z.object({ salary: z.number().max(9).optional(), note: z.string() })
    const view = agentViews(resolveConfig({ agents: { a: { outcome } } }).agents)('a')
    expect(view?.outcome).toMatchObject({
      properties: { salary: { type: 'number' }, note: { type: 'string' } },
    })
    expect(view?.check?.('salary', 10)).toBe('must be <= 9')
  })

  test('draft 07 is compiled as what it says it is', () => {
    const outcome = {
      $schema: 'http://json-schema.org/draft-07/schema#',
      properties: { pair: { type: 'array', items: [{ type: 'string' }, { type: 'number' }] } },
    }
    const view = agentViews(resolveConfig({ agents: { a: { outcome } } }).agents)('a')
    expect(view?.check?.('pair', ['a', 'b'])).toBe('1 must be number')
  })

  const refused: [string, unknown, RegExp][] = [
    [
      'a bad JSON Schema',
      { type: 'object', properties: { a: { type: 'strin' } } },
      /agents\["agent-1"\]\.outcome schema is invalid: data\/properties\/a\/type/,
    ],
    [
      'a reference to nowhere',
      { properties: { a: { $ref: '#/$defs/no' } } },
      /outcome can't resolve reference #\/\$defs\/no/,
    ],
    ['a schema of another type', { type: 'string' }, /outcome describes "string", expected an object/],
    ['a list', [], /outcome is no object, expected a JSON Schema/],
    ['a function', () => ({}), /outcome is a function, expected a JSON Schema/],
    ['an asynchronous schema', { $async: true, type: 'object' }, /outcome is asynchronous/],
    [
      'a Standard Schema that cannot say itself',
      { '~standard': { version: 1, vendor: 'some-library', validate: () => ({ value: 1 }) } },
      /outcome is a Standard Schema of some-library that cannot say itself as JSON Schema/,
    ],
    [
      'a Standard Schema that fails to',
      z.object({ when: z.date() }),
      /outcome cannot be said as JSON Schema: /,
    ],
  ]
  test.each(refused)('%s is refused with its path', (_, outcome, message) => {
    expect(problemsOf({ agents: { 'agent-1': { outcome } } })).toEqual([
      expect.stringMatching(message) as string,
    ])
  })
})
