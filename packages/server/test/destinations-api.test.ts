import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  added,
  crm,
  receivedByCrm,
  secretsBeginWith,
  startConfiguredServer,
  url,
} from './configured-server.ts'
import { errorOf, type DeliveryServer } from './delivery-server.ts'

// Making and changing destinations over HTTP, on the real store.

let server: DeliveryServer
beforeEach(async () => {
  server = await startConfiguredServer()
})
afterEach(async () => {
  expect(JSON.stringify(server.logged)).not.toContain(secretsBeginWith)
  await server.close()
})

describe('making a destination', () => {
  test('every field has its default, and the secrets are named and never shown', async () => {
    const { status, body, text } = await server.send('POST', '/destinations', crm)
    expect(status).toBe(201)
    expect(body).toEqual({
      id: expect.stringMatching(/^dst_[\w-]{16}$/) as string,
      name: 'crm',
      kind: 'webhook',
      origin: 'api',
      version: 1,
      state: { state: 'active' },
      events: ['call.ended'],
      scope: {},
      filter: null,
      template: null,
      lane: 'call',
      onExhausted: 'continue',
      retry: { preset: 'standard' },
      limits: { concurrency: 10, perSecond: null },
      settings: { url, authKey: 'Bearer', timeoutSeconds: 5 },
      secrets: ['authSecret'],
      createdAt: '2026-06-01T00:00:00.000Z',
      updatedAt: '2026-06-01T00:00:00.000Z',
      lastSuccessAt: null,
      lastFailureAt: null,
    })
    expect(text).not.toContain('secret-of-the-crm')
    expect((await server.ask(`/destinations/${String(body['id'])}`)).body).toEqual(body)
    expect((await server.ask('/destinations/crm')).body).toEqual(body)
    expect(await server.itemsOf('/destinations')).toContainEqual(body)
    expect(JSON.stringify(await server.store.listDestinations())).not.toContain('secret-of')
  })

  test('everything can be said', async () => {
    const given = {
      events: null,
      scope: { sources: ['hamsa'], agents: ['agent-1'] },
      filter: "outcome.priority = 'urgent'",
      template: '{ "id": event.id }',
      lane: { path: 'call.userNumber' },
      onExhausted: 'park',
      retry: { delaysSeconds: [1, 60] },
      limits: { concurrency: 2, perSecond: 0.5 },
    }
    expect(await added(server, given)).toMatchObject(given)
  })

  test.each<[Record<string, unknown>, string | RegExp]>([
    [
      { name: 'Crm' },
      /^name is "Crm", expected 1 to 64 of lower case a-z, 0-9, _ and -, beginning with a letter or digit$/,
    ],
    [{ kind: 'webhok' }, 'kind is "webhok", did you mean webhook?'],
    [{ kind: undefined }, 'kind is missing, expected the name of a kind, such as webhook'],
    [{ kind: 'handler' }, /^kind is "handler", expected one of webhook, .*: a handler is a function/],
    [{ origin: 'api' }, /^origin is not a known field, expected one of name, kind, events/],
    [{ filtr: '1' }, 'filtr is not a known field, did you mean filter?'],
    [{ filter: 'event.(' }, /^filter is not JSONata, at line 1, column \d+: /],
    [{ filter: true }, 'filter is true, expected JSONata as text, or null'],
    [{ lane: { path: 'call.status' } }, /^lane\.path is "call\.status", expected a path of the call/],
    [{ limits: { concurrency: 1001 } }, 'limits.concurrency is 1001, expected a whole number from 1 to 1000'],
    [
      { retry: { delaysSeconds: [1, 'x'] } },
      /^retry\.delaysSeconds\[1\] is "x", expected a number of seconds/,
    ],
    [
      { settings: { authSecret: 'secret-of' } },
      'settings.url is missing, expected a URL such as https://example.com/hook',
    ],
    [{ settings: { url: 'ftp://a' } }, /^settings\.url is "ftp:\/\/a", expected a URL/],
    [{ settings: { url, authKey: 'Bearer' } }, /^settings\.authSecret is missing, expected/],
    [{ settings: { url, authSecret: 'secret-of\n' } }, /^settings\.authSecret is not valid, expected/],
    [{ settings: { url, headers: { 'x-key': 5 } } }, /^settings\.headers\["x-key"\] is a number, expected/],
    [
      { settings: { url, signingSecrets: 'secret-of' } },
      'settings.signingSecrets is a text, expected a list of secrets',
    ],
    [
      { kind: 'fax', settings: 'secret-of' },
      /^settings is a text, expected an object of settings; kind is "fax"/,
    ],
    [
      { settings: { url, authScret: 'secret-of' } },
      'settings.authScret is not a known field, did you mean authSecret?',
    ],
    [{ settings: { url: 'http://169.254.169.254/latest' } }, /^settings\.url leads to 169\.254\.169\.254 \(/],
    [{ settings: { url: 'https://[::ffff:10.0.0.1]/' } }, /^settings\.url leads to ::ffff:/],
    [{ kind: 'slack', settings: {} }, /^settings\.url is missing, expected .*, or a token and a channel$/],
    [{ reason: '' }, 'reason is "", expected a text of 1 to 500 characters'],
  ])('%j is refused, and nothing is made', async (given, message) => {
    const before = await server.store.listDestinations()
    const { status, body, text } = await server.send('POST', '/destinations', { ...crm, ...given })
    expect([status, body['code']]).toEqual([400, 'invalid_request'])
    expect(body['error']).toEqual(typeof message === 'string' ? message : expect.stringMatching(message))
    expect(text).not.toContain('secret-of')
    expect(await server.store.listDestinations()).toEqual(before)
  })

  test('a body that is no object is refused', async () => {
    expect(errorOf(await server.send('POST', '/destinations', []))).toEqual([
      400,
      'invalid_request',
      'the body is a list, expected an object',
    ])
  })

  test('all problems come at once, those of the settings too', async () => {
    const { body } = await server.send('POST', '/destinations', {
      name: '',
      kind: 'webhook',
      lane: 1,
      settings: {},
    })
    expect(String(body['error']).split('; ')).toHaveLength(3)
  })

  test('a name that is taken is a conflict - also one of the config file', async () => {
    await added(server)
    for (const name of ['crm', 'from-config']) {
      expect(errorOf(await server.send('POST', '/destinations', { ...crm, name }))).toEqual([
        409,
        'conflict',
        `Another destination has the name ${name}`,
      ])
    }
  })

  test('a list comes in pages', async () => {
    for (const name of ['a', 'b', 'c']) await added(server, { name })
    const { body: first } = await server.ask('/destinations?limit=3')
    const { body: second } = await server.ask(`/destinations?limit=3&cursor=${String(first['nextCursor'])}`)
    const names = [first, second].map(({ items }) => (items as { name: string }[]).map(({ name }) => name))
    expect(names).toEqual([
      ['from-config', 'own-code', 'a'],
      ['b', 'c'],
    ])
    expect(second['nextCursor']).toBeNull()
    expect((await server.ask('/destinations?cursor=Y2FsbHMgMSAx')).status).toBe(400)
  })
})

describe('changing a destination', () => {
  test('what is not given stays, settings and limits key by key, and so do the secrets', async () => {
    const before = await added(server, { limits: { concurrency: 3, perSecond: 5 }, filter: 'true' })
    server.advance(1_000)
    const { status, body } = await server.send('PATCH', '/destinations/crm', {
      limits: { concurrency: 4 },
      settings: { timeoutSeconds: 9 },
      onExhausted: 'park',
    })
    expect(status).toBe(200)
    expect(body).toEqual({
      ...before,
      version: 2,
      limits: { concurrency: 4, perSecond: 5 },
      settings: { url, authKey: 'Bearer', timeoutSeconds: 9 },
      onExhausted: 'park',
      updatedAt: '2026-06-01T00:00:01.000Z',
    })
    expect(await receivedByCrm(server)).toMatchObject({ authorization: 'Bearer secret-of-the-crm' })
  })

  test('null brings back a default, and takes away a secret', async () => {
    await added(server, {
      filter: 'true',
      retry: { preset: 'none' },
      limits: { concurrency: 3 },
      scope: { agents: ['a'] },
    })
    const { body } = await server.send('PATCH', '/destinations/crm', {
      events: null,
      filter: null,
      retry: null,
      limits: { concurrency: null },
      scope: { agents: null },
      settings: { authKey: null, authSecret: null, timeoutSeconds: null },
    })
    expect(body).toMatchObject({
      events: null,
      filter: null,
      retry: { preset: 'standard' },
      limits: { concurrency: 10, perSecond: null },
      scope: {},
      settings: { url, timeoutSeconds: 5 },
      secrets: [],
    })
    expect(await receivedByCrm(server)).not.toHaveProperty('authorization')
  })

  test('a retry policy is replaced whole - its two forms do not mix', async () => {
    await added(server, { retry: { delaysSeconds: [1] } })
    const { body } = await server.send('PATCH', '/destinations/crm', { retry: { preset: 'quick' } })
    expect(body['retry']).toEqual({ preset: 'quick' })
  })

  test('a new secret alone is a change, and ends a hold for the old one', async () => {
    const { id } = await added(server)
    await server.store.holdDestination(String(id), { reason: 'auth', until: null, detail: 'answered 401' })
    const { body } = await server.send('PATCH', '/destinations/crm', {
      settings: { authSecret: 'secret-of-today' },
    })
    expect(body).toMatchObject({ version: 2, state: { state: 'active' } })
    expect(await receivedByCrm(server)).toMatchObject({ authorization: 'Bearer secret-of-today' })
  })

  test('what says the same changes nothing', async () => {
    const before = await added(server)
    const { body } = await server.send('PATCH', '/destinations/crm', {
      name: 'crm',
      settings: { authSecret: 'secret-of-the-crm' },
    })
    expect(body).toEqual(before)
  })

  test.each<[Record<string, unknown>, string | RegExp]>([
    [{ settings: { url: null } }, 'settings.url is missing, expected a URL such as https://example.com/hook'],
    [
      { settings: { authSecret: null } },
      'settings.authSecret is missing, expected the secret that goes with authKey',
    ],
    [{ settings: { url: 'http://10.0.0.1/' } }, /^settings\.url leads to 10\.0\.0\.1/],
    [{ settings: 5 }, 'settings is a number, expected an object of settings'],
    [{ name: null }, /^name is missing, expected/],
    [{ kind: 'slack' }, 'kind stays webhook; make another destination for another kind'],
    [{ filter: '(' }, /^filter is not JSONata/],
  ])('%j is refused, and nothing is changed', async (given, message) => {
    const before = await added(server)
    const answer = await server.send('PATCH', '/destinations/crm', given)
    expect(errorOf(answer)).toEqual([
      400,
      'invalid_request',
      typeof message === 'string' ? message : expect.stringMatching(message),
    ])
    expect((await server.ask('/destinations/crm')).body).toEqual(before)
  })

  test('what was read can be changed and sent back - fields that only an answer has are passed over', async () => {
    const before = await added(server)
    await server.send('POST', '/destinations/crm/pause')
    const { body: read } = await server.ask('/destinations/crm')
    // In the meantime something was delivered.
    const sent = { ...read, onExhausted: 'park', lastSuccessAt: '2026-05-31T00:00:00.000Z' }
    const { status, body } = await server.send('PATCH', '/destinations/crm', sent)
    expect([status, body]).toEqual([200, { ...read, onExhausted: 'park', version: 2 }])
    expect((await server.itemsOf('/audit'))[0]?.['detail']).not.toMatchObject({
      fields: expect.arrayContaining(['id']) as unknown,
    })
    expect(before['secrets']).toEqual(body['secrets'])
  })

  test.each<[Record<string, unknown>, number, string]>([
    [{ id: 'dst_1' }, 400, 'id cannot be changed'],
    [{ origin: 'config' }, 400, 'origin cannot be changed'],
    [{ createdAt: null }, 400, 'createdAt cannot be changed'],
    [
      { state: { state: 'held', reason: 'paused' } },
      400,
      'state is not what it is now; POST /destinations/{id}/pause and POST /destinations/{id}/resume change it',
    ],
    [
      { secrets: ['secret-of-a-mistake'] },
      400,
      'secrets are the names of those that are set; set the secrets themselves in settings',
    ],
    [{ version: 7 }, 409, 'It was changed since it was read; read it again'],
    [{ updatedAt: '2026-01-01T00:00:00.000Z' }, 409, 'It was changed since it was read; read it again'],
  ])('%j is not what it is, so it is refused', async (given, status, message) => {
    const before = await added(server)
    const answer = await server.send('PATCH', '/destinations/crm', { ...given, onExhausted: 'park' })
    expect([answer.status, answer.body['error']]).toEqual([status, message])
    expect((await server.ask('/destinations/crm')).body).toEqual(before)
  })

  test('a URL is shown without its query, and sent back so it stays whole', async () => {
    const whole = `${url}?key=secret-of-the-url`
    const made = await added(server, { settings: { url: whole, authSecret: 'secret-of-the-crm' } })
    expect(made).toMatchObject({ settings: { url: `${url}?…` } })
    const { text, body: read } = await server.ask('/destinations/crm')
    expect(text).not.toContain('secret-of')
    const { body } = await server.send('PATCH', '/destinations/crm', { ...read, lane: 'none' })
    expect(body).toMatchObject({ lane: 'none', settings: { url: `${url}?…` } })
    const urlNow = async () => {
      const stored = await server.store.listDestinations()
      return stored.find(({ definition }) => definition.name === 'crm')?.definition.settings['url']
    }
    expect(await urlNow()).toBe(whole)
    const refusal =
      'settings.url ends with ?…, which stands for a query that is not shown; give the URL whole'
    const moved = { settings: { url: 'http://127.0.0.1:9/moved?…' } }
    for (const answer of [
      await server.send('PATCH', '/destinations/crm', moved),
      await server.send('POST', '/destinations', { ...crm, name: 'copy', ...moved }),
    ]) {
      expect(errorOf(answer)).toEqual([400, 'invalid_request', refusal])
    }
    expect(await urlNow()).toBe(whole)
    await server.send('PATCH', '/destinations/crm', { settings: { url } })
    expect(await urlNow()).toBe(url)
  })

  test('a name that is taken is a conflict', async () => {
    await added(server)
    expect((await server.send('PATCH', '/destinations/crm', { name: 'own-code' })).status).toBe(409)
    expect((await server.send('PATCH', '/destinations/crm', { name: 'crm-2' })).body['name']).toBe('crm-2')
  })

  test('changes at the same time are all made - each to what the others left', async () => {
    await added(server)
    const changes = [
      { limits: { concurrency: 2 } },
      { limits: { perSecond: 7 } },
      { settings: { timeoutSeconds: 8 } },
      { filter: 'true' },
    ]
    const answers = await Promise.all(
      changes.map((change) => server.send('PATCH', '/destinations/crm', change)),
    )
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200])
    expect((await server.ask('/destinations/crm')).body).toMatchObject({
      version: 5,
      limits: { concurrency: 2, perSecond: 7 },
      settings: { timeoutSeconds: 8 },
      filter: 'true',
    })
  })
})
