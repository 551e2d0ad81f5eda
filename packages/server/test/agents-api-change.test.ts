import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  endpointUrl,
  itself,
  recruiter,
  sampleSent,
  startAgentServer,
  startEndpoint,
  type AgentServer,
} from './agent-server.ts'
import { secretsBeginWith } from './configured-server.ts'
import { delivers, errorOf } from './delivery-server.ts'

// Changing agents over HTTP, on the real store.

let server: AgentServer
beforeEach(async () => {
  server = await startAgentServer()
})
afterEach(async () => {
  expect(JSON.stringify(server.logged)).not.toContain(secretsBeginWith)
  await server.close()
})

async function changed(change: unknown): Promise<Record<string, unknown>> {
  const { status, body, text } = await server.send('PATCH', '/agents/recruiter', change)
  expect(status, text).toBe(200)
  expect(text).not.toContain(secretsBeginWith)
  return body
}

const webhookOf = ({ webhook }: Record<string, unknown>) => webhook as Record<string, unknown>

/** What the store has of it, with the URL whole. */
async function storedUrl(): Promise<unknown> {
  const [endpoint] = await server.store.listDestinations()
  return endpoint?.definition.settings['url']
}

describe('changing an agent', () => {
  test('what is not given stays, and nothing of its webhook is touched', async () => {
    const before = await server.agent({ project: 'p', outcomeSchema: { type: 'object' } })
    server.advance(1_000)
    expect(await changed({ name: 'Recruiting' })).toEqual({
      ...before,
      name: 'Recruiting',
      version: 2,
      updatedAt: '2026-06-01T00:00:01.000Z',
    })
    expect(await changed({ project: null, outcomeSchema: null })).toMatchObject({
      name: 'Recruiting',
      project: null,
      outcomeSchema: null,
      version: 3,
    })
    expect((await server.store.listDestinations())[0]?.version).toBe(1)
  })

  test('its webhook is merged key by key, its limits as well, and its secret stays', async () => {
    const peer = await startEndpoint()
    const before = await server.agent({
      webhook: { ...recruiter.webhook, url: peer.url, limits: { concurrency: 3, perSecond: 5 } },
    })
    const after = await changed({
      webhook: { events: ['call.ended'], limits: { concurrency: 4, failingHours: null }, authKey: 'Token' },
    })
    expect(after).toEqual({
      ...before,
      version: 2,
      webhook: {
        ...webhookOf(before),
        authKey: 'Token',
        events: ['call.ended'],
        limits: { concurrency: 4, perSecond: 5, failingHours: null },
      },
    })
    expect((await sampleSent(server, 'recruiter', peer)).headers).toMatchObject({
      authorization: 'Token secret-of-the-endpoint',
    })
    expect((await server.itemsOf('/audit'))[1]).toMatchObject({
      action: 'agent.update',
      target: 'recruiter',
      detail: { fields: ['webhook.events', 'webhook.limits', 'webhook.authKey'] },
    })
  })

  test('null brings back a default, and takes a secret away', async () => {
    const peer = await startEndpoint()
    await server.agent({
      webhook: {
        ...recruiter.webhook,
        url: peer.url,
        enabled: false,
        signing: 'v1',
        events: ['call.ended'],
        retry: { preset: 'guide' },
        limits: {
          concurrency: 3,
          perSecond: 1,
          failingHours: 2,
        },
      },
    })
    const nothing = {
      authKey: null,
      authSecret: null,
      events: null,
      retry: null,
      limits: null,
      signing: null,
      enabled: null,
    }
    expect(webhookOf(await changed({ webhook: nothing }))).toMatchObject({
      authKey: null,
      events: null,
      retry: { preset: 'standard' },
      limits: { concurrency: 10, perSecond: null, failingHours: 48 },
      signing: [],
      secrets: [],
      enabled: true,
      state: { state: 'active' },
    })
    const { headers } = await sampleSent(server, 'recruiter', peer)
    expect(headers).not.toHaveProperty('authorization')
    expect(headers).not.toHaveProperty('webhook-signature')
    const limits = { concurrency: null, perSecond: null, failingHours: null }
    expect(webhookOf(await changed({ webhook: { limits } }))).toMatchObject({
      limits: { concurrency: 10, perSecond: null, failingHours: null },
    })
  })

  test('a retry policy is replaced whole - its two forms do not mix', async () => {
    await server.agent({ webhook: { url: endpointUrl, retry: { delaysSeconds: [1] } } })
    expect(webhookOf(await changed({ webhook: { retry: { preset: 'guide' } } }))['retry']).toEqual({
      preset: 'guide',
    })
  })

  test('what was read can be sent back whole - the fields that only an answer has are passed over', async () => {
    await server.agent({ webhook: { ...recruiter.webhook, url: `${endpointUrl}?key=1`, signing: 'v1' } })
    const { body: read } = await server.ask('/agents/recruiter')
    const [stored] = await server.store.listDestinations()
    expect(await changed(read)).toEqual(read)
    expect((await server.store.listDestinations())[0]).toEqual(stored)
    // In the meantime something was delivered, and it was paused.
    const health = { ...(webhookOf(read)['health'] as object), attempts: 7 }
    await server.send('POST', '/destinations/agent:recruiter/pause')
    const sent = { ...read, name: 'R', webhook: { ...webhookOf(read), health, enabled: false } }
    expect(await changed(sent)).toMatchObject({ name: 'R', version: 2, webhook: { enabled: false } })
    const [{ detail } = {}] = await server.itemsOf('/audit')
    expect(detail).toEqual({
      fields: [
        'name',
        'project',
        ...['url', 'authKey', 'events', 'retry', 'limits', 'enabled'].map((name) => `webhook.${name}`),
        'outcomeSchema',
      ],
    })
  })

  test('what says the same changes nothing', async () => {
    const before = await server.agent()
    server.advance(5_000)
    expect(await changed({ ...recruiter, id: 'recruiter' })).toEqual(before)
  })

  test('of a URL the query is not shown, and sent back so it stays whole', async () => {
    const url = `${endpointUrl}?key=secret-of-the-url`
    const made = await server.agent({ webhook: { url } })
    expect(webhookOf(made)['url']).toBe(`${endpointUrl}?…`)
    expect(
      webhookOf(await changed({ webhook: { ...webhookOf(made), events: ['call.ended'] } })),
    ).toMatchObject({
      url: `${endpointUrl}?…`,
      events: ['call.ended'],
    })
    expect(await storedUrl()).toBe(url)
    const moved = { webhook: { url: 'http://127.0.0.1:9/moved?…' } }
    expect(errorOf(await server.send('PATCH', '/agents/recruiter', moved))).toEqual([
      400,
      'invalid_request',
      'webhook.url ends with ?…, which stands for a query that is not shown; give the URL whole',
    ])
    expect(await storedUrl()).toBe(url)
    await changed({ webhook: { url: endpointUrl } })
    expect(await storedUrl()).toBe(endpointUrl)
  })

  test('null removes the webhook, and another is set later', async () => {
    await server.agent()
    expect(await changed({ webhook: null })).toMatchObject({ webhook: null, version: 2 })
    expect(await server.store.listDestinations()).toEqual([])
    expect(await changed({ webhook: null })).toMatchObject({ version: 2 })
    expect(errorOf(await server.send('PATCH', '/agents/recruiter', { webhook: { events: null } }))).toEqual([
      400,
      'invalid_request',
      'webhook.url is missing, expected a URL such as https://example.com/hook',
    ])
    const after = await changed({ webhook: { url: endpointUrl, signing: 'v1', enabled: false } })
    expect(after).toMatchObject({
      version: 3,
      signingSecret: expect.stringMatching(/^whsec_/) as string,
      webhook: { secrets: ['signingSecrets'], enabled: false, limits: { failingHours: 48 } },
    })
  })

  test('the webhook is not removed while deliveries wait for it, and nothing else is changed then', async () => {
    const before = await server.agent()
    await server.called('recruiter', 'call.started')
    await server.fold()
    expect(errorOf(await server.send('PATCH', '/agents/recruiter', { name: 'R', webhook: null }))).toEqual([
      409,
      'conflict',
      '1 deliveries wait for the webhook of this agent; say with undelivered=skip or undelivered=dead what becomes of them',
    ])
    expect((await server.ask('/agents/recruiter')).body).toEqual(before)
    expect(await server.deliver(delivers)).toBe(1)
    expect(await changed({ webhook: null })).toMatchObject({ webhook: null })
  })

  test('the webhook is removed with what waits where undelivered says so', async () => {
    await server.agent()
    const callId = await server.called('recruiter', 'call.started')
    await server.fold()
    const path = '/agents/recruiter?undelivered=skip'
    const { status, body } = await server.send('PATCH', path, { webhook: null })
    expect([status, body['webhook']]).toEqual([200, null])
    const [delivery] = await server.itemsOf(`/deliveries?callId=${callId}`)
    expect(delivery).toMatchObject({ state: 'skipped' })
  })

  test('what was read is as it is where the two rows were written at different moments', async () => {
    await server.agent()
    server.advance(5)
    const [endpoint] = await server.store.listDestinations()
    if (endpoint === undefined) throw new Error('the agent has no webhook')
    const { id, version, definition } = endpoint
    await server.store.changeDestination(id, version, {
      definition: { ...definition, events: ['call.ended'] },
      sealedSecrets: endpoint.sealedSecrets,
    })
    const read = (await server.ask('/agents/recruiter')).body
    expect((await server.send('PATCH', '/agents/recruiter', read)).status).toBe(200)
  })

  test('a change of the webhook counts as one of the agent - whoever has read it before is told', async () => {
    const read = await server.agent()
    server.advance(1_000)
    expect(await changed({ webhook: { url: 'http://127.0.0.1:9/other' } })).toMatchObject({
      version: 2,
      updatedAt: '2026-06-01T00:00:01.000Z',
    })
    const { signingSecret: _, ...late } = read
    const refused = [409, 'conflict', 'It was changed since it was read; read it again']
    for (const given of [late, { version: 1 }, { updatedAt: read['updatedAt'], name: 'R' }]) {
      expect(errorOf(await server.send('PATCH', '/agents/recruiter', given))).toEqual(refused)
    }
    await server.send('POST', '/agents/recruiter/signing-secret', {})
    expect(errorOf(await server.send('PATCH', '/agents/recruiter', { version: 2 }))).toEqual(refused)
    expect(await changed({ version: 3, name: 'R' })).toMatchObject({ name: 'R', version: 4 })
  })

  test('of several at once that have read the same one is made', async () => {
    const { version } = await server.agent()
    const answers = await Promise.all(
      [1, 2, 3, 4].map((number) =>
        server.send('PATCH', '/agents/recruiter', {
          version,
          webhook: { url: `http://127.0.0.1:9/${number}` },
        }),
      ),
    )
    const [made, ...others] = answers.toSorted((one, other) => one.status - other.status)
    expect(others.map(({ status }) => status)).toEqual([409, 409, 409])
    expect([made?.status, webhookOf(made?.body ?? {})['url']]).toEqual([200, await storedUrl()])
  })

  test('changes at the same time are all made - each to what the others left', async () => {
    await server.agent()
    const changes = [
      { name: 'R' },
      { project: 'p' },
      { webhook: { limits: { concurrency: 2 } } },
      { webhook: { limits: { perSecond: 7 } } },
    ]
    const answers = await Promise.all(
      changes.map((change) => server.send('PATCH', '/agents/recruiter', change)),
    )
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200])
    expect((await server.ask('/agents/recruiter')).body).toMatchObject({
      name: 'R',
      project: 'p',
      version: 5,
      webhook: {
        limits: {
          concurrency: 2,
          perSecond: 7,
        },
      },
    })
  })

  test.each<[Record<string, unknown>, number, string | RegExp]>([
    [{ id: 'other' }, 400, 'id cannot be changed'],
    [{ agentId: 'other' }, 400, 'agentId cannot be changed'],
    [{ origin: 'config' }, 400, 'origin cannot be changed'],
    [{ createdAt: null }, 400, 'createdAt cannot be changed'],
    [{ version: 7 }, 409, 'It was changed since it was read; read it again'],
    [{ updatedAt: '2026-01-01T00:00:00.000Z' }, 409, 'It was changed since it was read; read it again'],
    [{ name: null }, 400, /^name is null, expected a text of 1 to 200/],
    [{ nme: 'R' }, 400, 'nme is not a known field, did you mean name?'],
    [{ webhook: 5 }, 400, 'webhook is a number, expected an object'],
    [
      { webhook: { url: null } },
      400,
      'webhook.url is missing, expected a URL such as https://example.com/hook',
    ],
    [
      { webhook: { authSecret: null } },
      400,
      'webhook.authSecret is missing, expected the secret that goes with authKey',
    ],
    [{ webhook: { authSecret: 'secret-of\n' } }, 400, /^webhook\.authSecret is not valid, expected/],
    [{ webhook: { url: 'https://10.0.0.1/' } }, 400, /^webhook\.url leads to 10\.0\.0\.1/],
    [{ webhook: { signing: 'v3' } }, 400, /^webhook\.signing is "v3", expected v1/],
    [{ webhook: { limits: { concurrency: 5000 } } }, 400, /^webhook\.limits\.concurrency is 5000, expected/],
    [
      { webhook: { authScret: 'secret-of' } },
      400,
      'webhook.authScret is not a known field, did you mean authSecret?',
    ],
    [{ outcomeSchema: { type: 'array' } }, 400, /^outcomeSchema describes "array", expected an object/],
    [{ reason: '' }, 400, 'reason is "", expected a text of 1 to 500 characters'],
  ])('%j is refused, and nothing is changed', async (given, status, message) => {
    const before = await server.agent()
    const answer = await server.send('PATCH', '/agents/recruiter', { project: 'p', ...given })
    expect([answer.status, answer.body['error']]).toEqual([status, itself(message)])
    expect(answer.text).not.toContain('secret-of')
    expect((await server.ask('/agents/recruiter')).body).toEqual(before)
  })
})
