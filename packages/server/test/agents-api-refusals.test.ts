import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { endpointUrl, itself, startAgentServer, type AgentServer } from './agent-server.ts'
import { errorOf } from './delivery-server.ts'

// What is refused of agents over HTTP, word for word.

let server: AgentServer
beforeEach(async () => {
  server = await startAgentServer()
})
afterEach(() => server.close())

describe('what is not as it must be', () => {
  const name = 'a text of 1 to 200 characters without control characters'
  const url = endpointUrl

  test.each<[Record<string, unknown>, string | RegExp]>([
    [{ name: undefined }, `name is missing, expected ${name}`],
    [{ name: ' ' }, `name is " ", expected ${name}`],
    [{ name: 'a\nb' }, `name is "a\\nb", expected ${name}`],
    [{ name: 'n'.repeat(201) }, `name is "${'n'.repeat(99)}…, expected ${name}`],
    [{ name: 5 }, `name is 5, expected ${name}`],
    [{ name: '\ud800' }, `name is "\\ud800", expected ${name}`],
    [{ id: '' }, `id is "", expected ${name}`],
    [{ id: 7 }, `id is 7, expected ${name}`],
    [{ id: 'a\u0000' }, `id is "a\\u0000", expected ${name}`],
    [{ id: '..' }, 'id is "..", expected another id than . and .., which a path cannot hold'],
    [{ id: null }, `id is null, expected ${name}`],
    [{ project: '' }, `project is "", expected ${name}, or null`],
    [{ project: 1 }, `project is 1, expected ${name}, or null`],
    [{ nme: 'x' }, 'nme is not a known field, did you mean name?'],
    [{ agentName: 'x' }, /^agentName is not a known field, /],
    [{ reason: '' }, 'reason is "", expected a text of 1 to 500 characters'],
    [{ outcomeSchema: 'x' }, 'outcomeSchema is "x", expected a JSON Schema, or null'],
    [{ outcomeSchema: [] }, 'outcomeSchema is a list, expected a JSON Schema, or null'],
    [
      { outcomeSchema: { type: 'text' } },
      /^outcomeSchema describes "text", expected an object: an outcome is one/,
    ],
    [{ outcomeSchema: { properties: { a: { type: 'text' } } } }, /^outcomeSchema schema is invalid: /],
    [{ outcomeSchema: { $async: true } }, /^outcomeSchema is asynchronous \(\$async\)/],
    [
      { outcomeSchema: { description: 'x'.repeat(32 * 1024) } },
      'outcomeSchema has 32786 bytes, expected at most 32768',
    ],
    [{ outcomeSchema: nested(65) }, 'outcomeSchema is nested deeper than 64 levels'],
    [{ webhook: 'secret-of' }, 'webhook is a text, expected an object'],
    [{ webhook: [] }, 'webhook is a list, expected an object'],
    [{ webhook: {} }, 'webhook.url is missing, expected a URL such as https://example.com/hook'],
    [
      { webhook: { url: 'ftp://a' } },
      'webhook.url is "ftp://a", expected a URL such as https://example.com/hook',
    ],
    [
      { webhook: { url: 'example.com' } },
      'webhook.url is "example.com", expected a URL such as https://example.com/hook',
    ],
    [{ webhook: { url: 5 } }, 'webhook.url is 5, expected a URL such as https://example.com/hook'],
    [
      { webhook: { url: `${url}?…` } },
      'webhook.url ends with ?…, which stands for a query that is not shown; give the URL whole',
    ],
    [
      { webhook: { url, authKey: 'Bearer' } },
      'webhook.authSecret is missing, expected the secret that goes with authKey',
    ],
    [
      { webhook: { url, authSecret: '' } },
      'webhook.authSecret is not valid, expected a text of printable ASCII characters',
    ],
    [{ webhook: { url, authSecret: 'secret-of\n' } }, /^webhook\.authSecret is not valid, expected/],
    [{ webhook: { url, authSecret: ['secret-of'] } }, /^webhook\.authSecret is a list, expected/],
    [
      { webhook: { url, authKey: 'ü', authSecret: 'secret-of' } },
      'webhook.authKey is "ü", expected a text of printable ASCII characters',
    ],
    [
      { webhook: { url, authScret: 'secret-of' } },
      'webhook.authScret is not a known field, did you mean authSecret?',
    ],
    [
      { webhook: { url, timeoutSeconds: 9 } },
      /^webhook\.timeoutSeconds is not a known field, expected one of url, authKey/,
    ],
    [
      { webhook: { url, events: 'call.ended' } },
      'webhook.events is "call.ended", expected a list of event types',
    ],
    [
      { webhook: { url, events: [] } },
      'webhook.events is a list, expected at least one event type, or nothing for all',
    ],
    [
      { webhook: { url, events: ['call ended\n'] } },
      'webhook.events[0] is "call ended\\n", expected an event type such as call.ended: 1 to 100 characters of printable ASCII',
    ],
    [
      { webhook: { url, events: Array.from({ length: 101 }, String) } },
      'webhook.events is a list, expected at most 100 event types',
    ],
    [
      { webhook: { url, retry: 'guide' } },
      'webhook.retry is "guide", expected { "preset": "standard" } or { "delaysSeconds": [5, 30] }',
    ],
    [
      { webhook: { url, retry: { preset: 'slow' } } },
      'webhook.retry.preset is "slow", expected none, quick, guide or standard',
    ],
    [
      { webhook: { url, retry: {} } },
      'webhook.retry is an object, expected either preset or delaysSeconds in it',
    ],
    [
      { webhook: { url, retry: { preset: 'none', delaysSeconds: [] } } },
      'webhook.retry is an object, expected either preset or delaysSeconds in it',
    ],
    [
      { webhook: { url, retry: { delaysSeconds: [-1] } } },
      /^webhook\.retry\.delaysSeconds\[0\] is -1, expected a number of seconds from 0 to \d+$/,
    ],
    [
      { webhook: { url, retry: { delaysSeconds: 5 } } },
      'webhook.retry.delaysSeconds is 5, expected a list of the seconds to wait before each further try',
    ],
    [
      { webhook: { url, limits: { concurrency: 0 } } },
      'webhook.limits.concurrency is 0, expected a whole number from 1 to 1000',
    ],
    [
      { webhook: { url, limits: { concurrency: 1.5 } } },
      'webhook.limits.concurrency is 1.5, expected a whole number from 1 to 1000',
    ],
    [
      { webhook: { url, limits: { perSecond: 0 } } },
      'webhook.limits.perSecond is 0, expected a number of sends above 0 and up to 10000, or null for no bound',
    ],
    [
      { webhook: { url, limits: { failingHours: 721 } } },
      'webhook.limits.failingHours is 721, expected a number of hours above 0 and up to 720, or null for never',
    ],
    [
      { webhook: { url, limits: { failingHours: '48' } } },
      /^webhook\.limits\.failingHours is "48", expected a number of hours/,
    ],
    [
      { webhook: { url, limits: { failing: 1 } } },
      'webhook.limits.failing is not a known field, expected one of concurrency, perSecond, failingHours',
    ],
    [{ webhook: { url, limits: 5 } }, 'webhook.limits is 5, expected an object'],
    [
      { webhook: { url, signing: 'v2' } },
      'webhook.signing is "v2", expected v1 (HMAC-SHA256), v1a (ed25519), or null for none',
    ],
    [
      { webhook: { url, signing: [] } },
      'webhook.signing is a list, expected v1 (HMAC-SHA256), v1a (ed25519), or null for none',
    ],
    [
      { webhook: { url, signingSecrets: ['whsec_secret-of'] } },
      /^webhook\.signingSecrets is not a known field, /,
    ],
    [{ webhook: { url, enabled: 'no' } }, 'webhook.enabled is "no", expected true or false'],
    [{ webhook: { url, enabled: null } }, 'webhook.enabled is null, expected true or false'],
    [{ webhook: { url, state: { state: 'held' } } }, /^webhook\.state is not a known field, /],
    [
      { webhook: { url: 'http://93.184.216.34/' } },
      /^webhook\.url leads to 93\.184\.216\.34.* by plain http/,
    ],
    [
      { webhook: { url: 'https://169.254.169.254/latest' } },
      'webhook.url leads to 169.254.169.254 (cloud metadata), where deliveries go only if HOOKSWITCH_EGRESS_ALLOW says so',
    ],
    [{ webhook: { url: 'https://10.1.2.3/' } }, /^webhook\.url leads to 10\.1\.2\.3 \(/],
    [{ webhook: { url: 'https://[::ffff:10.0.0.1]/' } }, /^webhook\.url leads to ::ffff:/],
    [{ webhook: { url: 'https://0x7f.1.2.3.4/' } }, /^webhook\.url is /],
  ])('%j is refused, and nothing is made', async (given, message) => {
    const { status, body, text } = await server.send('POST', '/agents', { name: 'A', ...given })
    expect([status, body['code'], body['error']]).toEqual([400, 'invalid_request', itself(message)])
    expect(text).not.toContain('secret-of')
    expect(await server.itemsOf('/agents')).toEqual([])
    expect(await server.store.listDestinations()).toEqual([])
  })

  test('all problems come at once', async () => {
    const { body } = await server.send('POST', '/agents', { webhook: { events: 5, retry: 1, signing: 2 } })
    expect(String(body['error']).split('; ')).toHaveLength(5)
  })

  test('a body that is no object is refused', async () => {
    expect(errorOf(await server.send('POST', '/agents', []))).toEqual([
      400,
      'invalid_request',
      'the body is a list, expected an object',
    ])
  })

  test.each(['GET', 'PATCH', 'DELETE'])('%s of one that is not there is not found', async (method) => {
    const body = method === 'PATCH' ? { name: 'A' } : undefined
    expect(errorOf(await server.send(method, '/agents/nobody', body))).toEqual([
      404,
      'not_found',
      'No agent has this id',
    ])
  })

  test.each(['test', 'signing-secret', 'calls'])('and so are its %s', async (act) => {
    expect(errorOf(await server.send('POST', `/agents/nobody/${act}`))).toEqual([
      404,
      'not_found',
      'No agent has this id',
    ])
  })
})

function nested(levels: number): Record<string, unknown> {
  let schema: Record<string, unknown> = {}
  for (let level = 1; level < levels; level += 1) schema = { not: schema }
  return schema
}
