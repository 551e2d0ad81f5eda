import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { agentSource } from '@hookswitch/core'
import {
  endpointUrl,
  filesOf,
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
    // It may be made at this moment; without a webhook too, it would have the one that was left.
    for (const given of [recruiter, { ...recruiter, webhook: null }]) {
      expect(errorOf(await server.send('POST', '/agents', given))).toEqual([
        409,
        'conflict',
        'An agent with the id recruiter is being made at this moment; try again in a minute',
      ])
    }
    server.advance(61_000)
    const again = await server.agent()
    expect(again['webhook']).toMatchObject({ url: (made as { url: string }).url, state: { state: 'active' } })
    expect((await server.store.listDestinations()).map(({ id }) => id)).not.toContain(left?.id)
  })

  test('a server has so many webhooks of agents and no more, and agents without one besides', async () => {
    await server.agent()
    // As many rows would take seconds to write; that the list is as long is all that counts.
    const list = server.store.listDestinations.bind(server.store)
    server.store.listDestinations = async (wanted) => {
      if (wanted !== undefined) return list(wanted)
      const [endpoint, ...others] = await list()
      if (endpoint === undefined) throw new Error('the agent has no webhook')
      const more = Array.from({ length: 999 }, (_, number) => ({
        ...endpoint,
        definition: { ...endpoint.definition, name: agentSource(`agent-${number}`) },
      }))
      return [endpoint, ...more, ...others]
    }
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

test('agents are listed page by page in the order in which they were made', async () => {
  for (const id of ['c', 'a', 'b']) await server.agent({ id })
  const pages = []
  for (let cursor: string | null = ''; cursor !== null;) {
    const { body } = await server.ask(`/agents?limit=2${cursor === '' ? '' : `&cursor=${cursor}`}`)
    pages.push((body['items'] as { id: string }[]).map(({ id }) => id))
    cursor = body['nextCursor'] as string | null
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
