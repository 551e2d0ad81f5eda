import { describe, expect, test } from 'vitest'
import { checkDestinations } from '../destinations/check-destinations.ts'
import { ConfigurationError } from './configuration-error.ts'
import { defineConfig, type HookswitchConfig } from './config.ts'
import { resolveConfig } from './resolve-config.ts'

// Agents of one's own in the config file.

/** What people write who do not use the types. */
function problemsOf(agents: unknown): readonly string[] {
  try {
    resolveConfig({ agents } as HookswitchConfig)
  } catch (error) {
    if (error instanceof ConfigurationError) return error.problems
    throw error
  }
  return []
}

const url = 'https://crm.example/hook'
const key = `whsec_${btoa('secret-of-the-signature')}`

describe('an agent with a webhook', () => {
  test('has every field filled, and its secrets apart', () => {
    const { agents, destinations } = resolveConfig({
      agents: { 'agent-7': { webhook: { url } }, echoing: {} },
    })
    expect(destinations).toEqual([])
    expect(agents.get('echoing')).toEqual({
      name: null,
      project: null,
      endpoint: null,
      echo: null,
      outcome: null,
    })
    const { name, project, endpoint } = agents.get('agent-7') ?? {}
    expect([name, project, endpoint?.secrets]).toEqual([null, null, {}])
    expect(endpoint?.definition).toEqual({
      name: 'agent:agent-7',
      kind: 'webhook',
      events: null,
      scope: { sources: ['agent:agent-7'], agents: ['agent-7'] },
      filter: null,
      template: null,
      lane: 'call',
      onExhausted: 'continue',
      retry: { preset: 'standard' },
      limits: { concurrency: 10, perSecond: null, failingHours: 48 },
      settings: { url, timeoutSeconds: 5 },
    })
  })

  test('may say everything that one of the API may', () => {
    const config = defineConfig({
      agents: {
        'agent-7': {
          name: 'Front desk',
          project: 'project-1',
          webhook: {
            url,
            authKey: 'Bearer',
            authSecret: 'secret-of-the-file',
            signingSecrets: [key, { secret: key, until: '2026-01-31T12:00:00Z' }],
            events: ['call_end'],
            retry: { preset: 'guide' },
            limits: { concurrency: 2, perSecond: 1, failingHours: null },
          },
        },
      },
    })
    const agent = resolveConfig(config).agents.get('agent-7')
    expect(agent).toMatchObject({ name: 'Front desk', project: 'project-1' })
    expect(agent?.endpoint?.definition).toMatchObject({
      events: ['call.ended'],
      retry: { preset: 'guide' },
      limits: { concurrency: 2, perSecond: 1, failingHours: null },
      settings: { url, authKey: 'Bearer' },
    })
    expect(JSON.stringify(agent?.endpoint?.definition)).not.toContain('secret-of')
    expect(agent?.endpoint?.secrets).toEqual({
      authSecret: 'secret-of-the-file',
      signingSecrets: [key, { secret: key, until: '2026-01-31T12:00:00Z' }],
    })
  })

  const unset = '; is a variable of the environment not set?'
  const secret =
    'a secret such as whsec_… (HMAC) or whsk_… (ed25519), base64 after the prefix, or one with an end: { "secret": "whsec_…", "until": "2026-01-31T12:00:00Z" }'

  test.each<[Record<string, unknown>, string | RegExp]>([
    [
      { authSecret: undefined },
      `webhook.authSecret is undefined, expected a text of printable ASCII characters${unset}`,
    ],
    [
      { authKey: 'Bearer', authSecret: undefined },
      `webhook.authSecret is undefined, expected a text of printable ASCII characters${unset}`,
    ],
    [{ url: undefined }, `webhook.url is undefined, expected a URL such as https://example.com/hook${unset}`],
    [{ signingSecrets: [undefined] }, `webhook.signingSecrets[0] is undefined, expected ${secret}${unset}`],
    [{ authKey: 'Bearer' }, 'webhook.authSecret is undefined, expected the secret that goes with authKey'],
    [{ authSecret: null }, 'webhook.authSecret is null, expected a text of printable ASCII characters'],
    [
      { authSecret: 'secret-of\n' },
      'webhook.authSecret is a string, expected a text of printable ASCII characters',
    ],
    [
      { authSecret: ['secret-of'] },
      'webhook.authSecret is a list, expected a text of printable ASCII characters',
    ],
    [
      { signingSecrets: ['secret-of'] },
      /^webhook\.signingSecrets\[0\] is a string, expected a secret such as/,
    ],
    [{ signingSecrets: 'secret-of' }, 'webhook.signingSecrets is a string, expected a list of secrets'],
    [
      { signingSecrets: [{ secret: key, until: '2026-01-31T12:00:00Z' }] },
      'webhook.signingSecrets is a list, expected at least one secret without an end',
    ],
    [{ url: 'crm.example' }, 'webhook.url is "crm.example", expected a URL such as https://example.com/hook'],
    [
      { url: 'https//user:secret-of@a?secret-of' },
      'webhook.url is "https//…@a?…", expected a URL such as https://example.com/hook',
    ],
    [{ authScret: 'x' }, 'webhook.authScret is not a known key, did you mean authSecret?'],
    [{ signing: 'v1' }, /^webhook\.signing is not a known key, expected one of url, .*, signingSecrets$/],
    [{ enabled: false }, /^webhook\.enabled is not a known key, expected one of url, authKey/],
    [{ settings: { url } }, /^webhook\.settings is not a known key, /],
    [{ events: [] }, 'webhook.events is a list, expected at least one event type, or nothing for all'],
    [
      { retry: { preset: 'never' } },
      'webhook.retry.preset is "never", expected none, quick, guide or standard',
    ],
    [
      { limits: { failingHours: 0 } },
      'webhook.limits.failingHours is 0, expected a number of hours above 0 and up to 720, or null for never',
    ],
  ])('with %j is refused', (given, message) => {
    const problems = problemsOf({ 'agent-7': { webhook: { url, ...given } } })
    const at = 'hookswitch.config.ts: agents["agent-7"].'
    expect(problems.map((problem) => problem.slice(0, at.length))).toEqual([at])
    expect(problems.map((problem) => problem.slice(at.length))).toEqual([
      typeof message === 'string' ? message : expect.stringMatching(message),
    ])
    expect(problems.join('\n')).not.toContain('secret-of')
  })

  test.each<[unknown, string | RegExp]>([
    [
      { a: { name: '' } },
      'agents.a.name is "", expected a text of 1 to 200 characters without control characters',
    ],
    [
      { a: { project: 5 } },
      'agents.a.project is 5, expected a text of 1 to 200 characters without control characters, or null',
    ],
    [{ a: { webhook: null } }, 'agents.a.webhook is null, expected an object'],
    [{ a: { webhok: {} } }, 'agents.a.webhok is not a known key, did you mean webhook?'],
    [{ '': {} }, /^agents\[""\] is not a valid name, expected a text of 1 to 200 characters/],
    [{ ['a'.repeat(201)]: {} }, /^agents\..* is not a valid name, expected a text of 1 to 200 characters/],
    [[], 'agents is a list, expected an object: settings by id of the agent'],
  ])('%j is refused', (agents, message) => {
    expect(problemsOf(agents)).toEqual([
      typeof message === 'string' ? `hookswitch.config.ts: ${message}` : expect.stringMatching(/^hookswitch/),
    ])
    if (typeof message !== 'string') {
      expect(problemsOf(agents)[0]?.replace('hookswitch.config.ts: ', '')).toMatch(message)
    }
  })

  test('all problems come at once', () => {
    expect(
      problemsOf({ a: { webhook: { url: 1, events: 5 } }, b: { name: 1, webhook: { url: 'x' } } }),
    ).toHaveLength(4)
  })

  test('at an address that deliveries may not reach is refused by its name', async () => {
    const { agents } = resolveConfig({ agents: { 'agent-7': { webhook: { url: 'https://10.0.0.1/' } } } })
    const endpoints = [...agents.values()].flatMap(({ endpoint }) => endpoint ?? [])
    const check = checkDestinations(
      endpoints,
      {
        egress: { check: () => Promise.resolve('leads to 10.0.0.1') },
      } as unknown as Parameters<typeof checkDestinations>[1],
      'hookswitch.config.ts',
    )
    await expect(check).rejects.toThrow(
      'hookswitch.config.ts: destination "agent:agent-7": settings.url leads to 10.0.0.1',
    )
  })
})
