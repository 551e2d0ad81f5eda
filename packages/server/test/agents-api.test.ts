import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { agentSource } from '@hookswitch/core'
import {
  endpointUrl,
  filesOf,
  itself,
  recruiter,
  sampleSent,
  startAgentServer,
  startEndpoint,
  type AgentServer,
} from './agent-server.ts'
import { secretsBeginWith } from './configured-server.ts'
import { errorOf } from './delivery-server.ts'

// Making agents over HTTP, on the real store.

let server: AgentServer
beforeEach(async () => {
  server = await startAgentServer()
})
afterEach(async () => {
  expect(JSON.stringify(server.logged)).not.toContain(secretsBeginWith)
  await server.close()
})

const health = {
  hours: 24,
  attempts: 0,
  successRate: null,
  p95Ms: null,
  lastSuccessAt: null,
  lastFailure: null,
  failingSince: null,
  holdsAt: null,
}

const webhook = {
  url: endpointUrl,
  authKey: 'Bearer',
  events: null,
  retry: { preset: 'standard' },
  limits: { concurrency: 10, perSecond: null, failingHours: 48 },
  signing: [],
  secrets: ['authSecret'],
  enabled: true,
  state: { state: 'active' },
  destination: { id: expect.stringMatching(/^dst_[\w-]{16}$/) as string, name: 'agent:recruiter' },
  health,
}

describe('making an agent', () => {
  test('a name is enough - everything else has its default', async () => {
    const { status, body } = await server.send('POST', '/agents', { name: 'Recruiter' })
    expect([status, body]).toEqual([
      201,
      {
        id: expect.stringMatching(/^agt_[0-9a-hjkmnp-tv-z]{26}$/) as string,
        agentId: body['id'],
        name: 'Recruiter',
        project: null,
        origin: 'api',
        version: 1,
        webhook: null,
        outcomeSchema: null,
        createdAt: '2026-06-01T00:00:00.000Z',
        updatedAt: '2026-06-01T00:00:00.000Z',
      },
    ])
    expect((await server.ask(`/agents/${String(body['id'])}`)).body).toEqual(body)
    expect(await server.itemsOf('/destinations')).toEqual([])
  })

  test('every field of its webhook has its default, and the secrets are named and never shown', async () => {
    const { status, body, text } = await server.send('POST', '/agents', recruiter)
    expect([status, body]).toEqual([
      201,
      {
        id: 'recruiter',
        agentId: 'recruiter',
        name: 'Recruiter',
        project: null,
        origin: 'api',
        version: 1,
        webhook,
        outcomeSchema: null,
        createdAt: '2026-06-01T00:00:00.000Z',
        updatedAt: '2026-06-01T00:00:00.000Z',
      },
    ])
    const { body: shown, text: shownText } = await server.ask('/agents/recruiter')
    expect(shown).toEqual(body)
    expect(await server.itemsOf('/agents')).toEqual([{ ...body, webhook: { ...webhook, health: null } }])
    await server.called('recruiter', 'call.started')
    const listed = await server.ask('/destinations')
    for (const bytes of [text, shownText, listed.text, (await server.ask('/audit')).text]) {
      expect(bytes).not.toContain(secretsBeginWith)
    }
    expect(await filesOf(server.folder)).toContain('agent:recruiter')
    expect(await filesOf(server.folder)).not.toContain(secretsBeginWith)
  })

  test('everything can be said', async () => {
    const given = {
      project: 'project-1',
      outcomeSchema: { type: 'object', properties: { salary: { type: 'number' } } },
      webhook: {
        url: endpointUrl,
        events: ['call.ended', 'call_end', 'call.analyzed'],
        retry: { delaysSeconds: [1, 60] },
        limits: { concurrency: 2, perSecond: 0.5, failingHours: 1.5 },
        signing: 'v1',
        enabled: false,
      },
      reason: 'the pilot',
    }
    const { body } = await server.send('POST', '/agents', { id: 'a', name: 'A', ...given })
    expect(body).toMatchObject({
      project: 'project-1',
      outcomeSchema: given.outcomeSchema,
      signingSecret: expect.stringMatching(/^whsec_[\w+/]{43}=$/) as string,
      webhook: {
        url: endpointUrl,
        authKey: null,
        // As the ingest reads them: `call_end` is what some agents send for the same.
        events: ['call.ended', 'call.analyzed'],
        retry: { delaysSeconds: [1, 60] },
        limits: { concurrency: 2, perSecond: 0.5, failingHours: 1.5 },
        signing: [{ version: 'v1', publicKey: null, until: null }],
        secrets: ['signingSecrets'],
        enabled: false,
        state: { state: 'held', reason: 'paused', detail: 'the webhook of the agent is disabled' },
      },
    })
    const signingSecret = String(body['signingSecret']).replace('whsec_', '')
    expect((await server.ask('/agents/a')).text).not.toContain(signingSecret)
    expect((await server.ask('/agents')).text).not.toContain(signingSecret)
    expect(await filesOf(server.folder)).not.toContain(signingSecret)
    expect((await server.itemsOf('/audit'))[0]).toMatchObject({
      action: 'agent.create',
      target: 'a',
      reason: 'the pilot',
      detail: { name: 'A' },
    })
  })

  test('what is left out may be null as well', async () => {
    const nulls = { url: endpointUrl, authKey: null, authSecret: null, events: null, signing: null }
    expect(await server.agent({ project: null, outcomeSchema: null, webhook: nulls })).toMatchObject({
      webhook: { authKey: null, events: null, signing: [], secrets: [] },
    })
    expect(await server.agent({ id: 'other', webhook: null })).toMatchObject({ webhook: null })
  })

  test('failingHours null is for never', async () => {
    const made = await server.agent({ webhook: { url: endpointUrl, limits: { failingHours: null } } })
    expect(made).toMatchObject({
      webhook: { limits: { concurrency: 10, perSecond: null, failingHours: null } },
    })
  })

  test('with v1a the public key is shown, and the other never leaves', async () => {
    const made = await server.agent({ webhook: { url: endpointUrl, signing: 'v1a' } })
    expect(made).not.toHaveProperty('signingSecret')
    expect(made).toMatchObject({
      webhook: {
        signing: [{ version: 'v1a', publicKey: expect.stringMatching(/^whpk_/) as string, until: null }],
      },
    })
    expect(JSON.stringify(made)).not.toContain('whsk_')
  })

  test.each(['ward 7/أ', '12345', 'a'.repeat(200), 'agent:of:agents', '%2e%2e', 'constructor', '__proto__'])(
    'an id of one of its own may be any text: %j',
    async (id) => {
      const made = await server.agent({ id: ` ${id} ` })
      expect(made).toMatchObject({ id, webhook: { destination: { name: agentSource(id) } } })
      const path = `/agents/${encodeURIComponent(id)}`
      expect((await server.ask(path)).body).toEqual(made)
      const { body } = await server.send('POST', `${path}/calls`, {})
      expect(body['agentId']).toBe(id)
      expect((await server.publish(String(body['callId']), 'call.started')).status).toBe(201)
      await server.fold()
      expect(await server.deliveriesOf(agentSource(id))).toEqual([['call.started', 'pending']])
      expect((await server.send('DELETE', `${path}?undelivered=skip`)).status).toBe(204)
    },
  )

  test('an id that is taken is a conflict, and the agent that has it stays as it is', async () => {
    const before = await server.agent()
    const taken = [409, 'conflict', 'Another agent has the id recruiter']
    expect(errorOf(await server.send('POST', '/agents', { ...recruiter, name: 'Other' }))).toEqual(taken)
    expect((await server.ask('/agents/recruiter')).body).toEqual(before)
    expect(await server.itemsOf('/destinations')).toHaveLength(1)
  })

  test('of several at once with one id one is made - with its own webhook', async () => {
    const asked = [1, 2, 3, 4].map((number) =>
      server.send('POST', '/agents', {
        id: 'a',
        name: `Agent ${number}`,
        webhook: { url: `http://127.0.0.1:9/${number}` },
      }),
    )
    const answers = await Promise.all(asked)
    const made = answers.filter(({ status }) => status === 201)
    expect(made).toHaveLength(1)
    expect(answers.filter(({ status }) => status === 409)).toHaveLength(3)
    const [, number] = String(made[0]?.body['name']).split(' ')
    expect((await server.ask('/agents/a')).body).toMatchObject({
      name: `Agent ${number}`,
      webhook: { url: `http://127.0.0.1:9/${number}` },
    })
  })

  test('what a crash has left of one is made anew when it is asked for again', async () => {
    const { webhook: made } = await server.agent()
    const [left] = await server.store.listDestinations()
    await server.store.removeAgent('recruiter')
    expect(errorOf(await server.send('POST', '/agents', recruiter))).toEqual([
      409,
      'conflict',
      'Others keep changing this agent; try again',
    ])
    server.advance(61_000)
    const again = await server.agent()
    expect(again['webhook']).toMatchObject({ url: (made as { url: string }).url, state: { state: 'active' } })
    expect((await server.store.listDestinations()).map(({ id }) => id)).not.toContain(left?.id)
  })

  test('a server has so many webhooks of agents and no more, and agents without one besides', async () => {
    const definition = (await server.agent(), await server.store.listDestinations())[0]?.definition
    if (definition === undefined) throw new Error('the agent has no webhook')
    await Promise.all(
      Array.from({ length: 999 }, (_, number) =>
        server.store.addDestination({
          id: `dst_${number}`,
          origin: 'agent',
          definition: { ...definition, name: agentSource(`agent-${number}`) },
          sealedSecrets: null,
        }),
      ),
    )
    const full = [409, 'conflict', 'A server has at most 1000 agents with a webhook; remove one']
    expect(errorOf(await server.send('POST', '/agents', { ...recruiter, id: 'other' }))).toEqual(full)
    expect((await server.ask('/agents/other')).status).toBe(404)
    await server.agent({ id: 'silent', webhook: null })
    const change = { webhook: { url: endpointUrl }, name: 'Loud' }
    expect(errorOf(await server.send('PATCH', '/agents/silent', change))).toEqual(full)
    expect((await server.ask('/agents/silent')).body).toMatchObject({ name: 'Recruiter', version: 1 })
    expect(
      (await server.send('PATCH', '/agents/recruiter', { webhook: { events: ['call.ended'] } })).status,
    ).toBe(200)
    // Destinations of people have their own bound.
    await server.add('crm')
  })
})

describe('what is not as it must be', () => {
  const name = 'a text of 1 to 200 characters without control characters'
  const url = endpointUrl

  test.each<[Record<string, unknown>, string | RegExp]>([
    [{ name: undefined }, `name is missing, expected ${name}`],
    [{ name: ' ' }, `name is " ", expected ${name}`],
    [{ name: 'a\nb' }, `name is "a\\nb", expected ${name}`],
    [{ name: 'n'.repeat(201) }, `name is "${'n'.repeat(100)}…", expected ${name}`],
    [{ name: 5 }, `name is 5, expected ${name}`],
    [{ name: '\ud800' }, `name is "\\ud800", expected ${name}`],
    [{ id: '' }, `id is "", expected ${name}`],
    [{ id: 7 }, `id is 7, expected ${name}`],
    [{ id: 'a\u0000' }, `id is "a\\u0000", expected ${name}`],
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
    [{ webhook: 'secret-of' }, 'webhook is not valid, expected an object'],
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
      /^webhook\.limits\.failing is not a known field, did you mean failingHours\?$/,
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
    expect(String(body['error']).split('; ')).toHaveLength(4)
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

test('agents are listed page by page in the order in which they were made', async () => {
  for (const id of ['c', 'a', 'b']) await server.agent({ id })
  const pages = []
  for (let cursor: unknown = ''; cursor !== null;) {
    const { body } = await server.ask(`/agents?limit=2${cursor === '' ? '' : `&cursor=${String(cursor)}`}`)
    pages.push((body['items'] as { id: string }[]).map(({ id }) => id))
    cursor = body['nextCursor']
  }
  expect(pages).toEqual([['c', 'a'], ['b']])
  expect(errorOf(await server.ask('/agents?limit=0'))).toEqual([
    400,
    'invalid_request',
    'limit is "0", expected a whole number from 1 to 200',
  ])
  const { body: ofDestinations } = await server.ask('/destinations?limit=1')
  expect((await server.ask(`/agents?cursor=${String(ofDestinations['nextCursor'])}`)).status).toBe(400)
})

test('its webhook is sent what is set, byte for byte', async () => {
  const peer = await startEndpoint()
  await server.agent({
    webhook: {
      url: `${peer.url}/hook?key=1`,
      authKey: 'Token token=',
      authSecret: ' secret-of the  endpoint ',
    },
  })
  const { headers, url, method } = await sampleSent(server, 'recruiter', peer)
  expect([method, url]).toEqual(['POST', '/hook?key=1'])
  expect(headers).toMatchObject({
    'content-type': 'application/json',
    'user-agent': 'Hookswitch/test',
    'hookswitch-test': 'true',
  })
  // What stands at the ends of a header is not part of its value: RFC 9110, section 5.5.
  expect(headers['authorization']).toBe('Token token=  secret-of the  endpoint')
  expect(headers).not.toHaveProperty('webhook-signature')
})

function nested(levels: number): Record<string, unknown> {
  let schema: Record<string, unknown> = {}
  for (let level = 1; level < levels; level += 1) schema = { not: schema }
  return schema
}
