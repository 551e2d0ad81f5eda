import { startPeer } from '@hookswitch/testkit/destination-contract'
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { endpointUrl, itself, startAgentServer, startEndpoint, type AgentServer } from './agent-server.ts'
import { delivers, errorOf, fails, refuses } from './delivery-server.ts'

// What is done with the webhooks of agents: as destinations, and with samples.

let server: AgentServer
beforeEach(async () => {
  server = await startAgentServer()
})
afterEach(() => server.close())

describe('the webhook of an agent as a destination', () => {
  test('is shown with its scope', async () => {
    const { webhook } = await server.agent({ webhook: { url: `${endpointUrl}?key=1`, signing: 'v1' } })
    const { destination } = webhook as { destination: { id: string } }
    const { body } = await server.ask(`/destinations/${destination.id}`)
    expect(body).toMatchObject({
      id: destination.id,
      name: 'agent:recruiter',
      kind: 'webhook',
      origin: 'agent',
      version: 1,
      scope: {
        sources: ['agent:recruiter'],
        agents: ['recruiter'],
      },
      filter: null,
      template: null,
      lane: 'call',
      onExhausted: 'continue',
      events: null,
      limits: {
        concurrency: 10,
        perSecond: null,
        failingHours: 48,
      },
      settings: {
        url: `${endpointUrl}?…`,
        timeoutSeconds: 5,
      },
      secrets: ['signingSecrets'],
    })
    expect((await server.ask('/destinations/agent:recruiter')).body).toEqual(body)
    expect(await server.itemsOf('/destinations')).toEqual([body])
  })

  test('is set on the agent', async () => {
    await server.agent({ id: 'ward 7' })
    const path = `/destinations/${encodeURIComponent('agent:ward 7')}`
    const before = (await server.ask(path)).body
    const refusal =
      'This destination is the webhook of the agent ward 7; change it there, with PATCH /agents/ward%207'
    for (const answer of [
      await server.send('PATCH', path, { settings: { url: endpointUrl } }),
      await server.send('PATCH', path, { name: 'mine' }),
      await server.send('DELETE', path),
      await server.send('DELETE', `${path}?undelivered=skip`),
    ]) {
      expect(errorOf(answer)).toEqual([409, 'conflict', refusal])
    }
    expect((await server.ask(path)).body).toEqual(before)
  })

  test('is paused and resumed there', async () => {
    await server.agent()
    const callId = await server.called('recruiter', 'call.started')
    await server.fold()
    expect((await server.send('POST', '/destinations/agent:recruiter/pause')).body).toMatchObject({
      state: { state: 'held', reason: 'paused' },
    })
    expect(await server.deliver(delivers)).toBe(0)
    expect((await server.send('POST', '/destinations/agent:recruiter/resume')).body).toMatchObject({
      state: { state: 'active' },
    })
    expect(await server.deliver(delivers)).toBe(1)
    expect(await server.itemsOf(`/deliveries?callId=${callId}`)).toMatchObject([{ state: 'delivered' }])
  })

  test('is tested there with the sample of every destination', async () => {
    const peer = await startEndpoint()
    await server.agent({ webhook: { url: peer.url, authSecret: 'alone' } })
    expect((await server.send('POST', '/destinations/agent:recruiter/test')).body).toMatchObject({
      ok: true,
      attempt: { status: 204 },
    })
    expect(peer.requests[0]?.headers['authorization']).toBe('alone')
  })

  test('that is left without its agent may be removed there', async () => {
    await server.agent()
    await server.store.removeAgent('recruiter')
    expect((await server.send('DELETE', '/destinations/agent:recruiter')).status).toBe(204)
  })

  test.each([{ name: 'agent:other' }, { name: 'override:example.com' }])(
    'has a name that no other can have: %j',
    async ({ name }) => {
      const { status, body } = await server.send('POST', '/destinations', {
        name,
        kind: 'webhook',
        settings: { url: endpointUrl },
      })
      expect([status, body['error']]).toEqual([
        400,
        `name is "${name}", expected 1 to 64 of lower case a-z, 0-9, _ and -, beginning with a letter or digit`,
      ])
    },
  )

  test('and the kind of calls with their own webhooks is offered to nobody', async () => {
    const answer = await server.send('POST', '/destinations', { name: 'a', kind: 'call-webhook' })
    expect(answer.body['error']).toMatch(/^kind is "call-webhook", expected one of webhook, /)
    expect((await server.ask('/destination-kinds')).text).not.toContain('call-webhook')
  })

  test('shows its health on the agent', async () => {
    await server.agent()
    const health = async () =>
      ((await server.ask('/agents/recruiter')).body['webhook'] as { health: unknown }).health
    await server.called('recruiter', 'call.started')
    await server.called('recruiter', 'call.started')
    await server.fold()
    let delivered = 0
    await server.deliver(() => (delivered++ === 0 ? delivers() : fails()))
    expect(await health()).toMatchObject({
      hours: 24,
      attempts: 2,
      successRate: 0.5,
      p95Ms: 120,
      lastSuccessAt: '2026-06-01T00:00:00.000Z',
      lastFailure: { at: '2026-05-31T23:59:59.880Z', status: 503, cause: null, message: null },
    })
    server.advance(25 * 3_600_000)
    expect(await health()).toMatchObject({ attempts: 0, successRate: null, p95Ms: null })
    await server.deliver(refuses)
    expect(await health()).toMatchObject({ attempts: 1, lastFailure: { status: 400 } })
  })
})

describe('trying an agent’s webhook out', () => {
  async function tried(given?: unknown): Promise<Record<string, unknown>> {
    const { status, body, text } = await server.send('POST', '/agents/recruiter/test', given)
    expect(status, text).toBe(200)
    return body
  }

  test('sends one sample of each type that it takes, marked as such, and says what came back', async () => {
    const peer = await startEndpoint()
    await server.agent({
      project: 'project-1',
      webhook: { url: peer.url, authKey: 'Bearer', authSecret: 'secret-of-the-endpoint' },
    })
    const { ok, results } = await tried()
    const types = ['call.started', 'call.answered', 'transcription.update', 'tool.executed', 'call.ended']
    expect(ok).toBe(true)
    expect((results as { eventType: string }[]).map(({ eventType }) => eventType)).toEqual(types)
    expect((results as unknown[])[0]).toMatchObject({
      ok: true,
      sentence: 'Your endpoint answered 204 after 1 ms.',
      attempt: { status: 204, verdict: 'delivered' },
    })
    const bodies = peer.requests.map(({ body }) => JSON.parse(String(body)) as Record<string, unknown>)
    const callIds = new Set(bodies.map(({ callId }) => callId))
    expect([...callIds]).toEqual([expect.stringMatching(/^call_test_[0-9a-z]{26}$/)])
    expect(bodies[4]).toMatchObject({
      eventType: 'call.ended',
      timestamp: '2026-06-01T00:00:00.000Z',
      projectId: 'project-1',
      agentId: 'recruiter',
      agentName: 'Recruiter',
      data: {
        data: {
          test: true,
          outcomeResult: { application_id: '12345' },
        },
      },
    })
    expect(peer.requests.every(({ headers }) => headers['hookswitch-test'] === 'true')).toBe(true)
    expect(await server.itemsOf('/events')).toEqual([])
    expect(await server.itemsOf('/deliveries')).toEqual([])
    expect((await server.itemsOf('/audit'))[0]).toMatchObject({
      action: 'agent.test',
      target: 'recruiter',
      detail: { ok: true },
    })
  })

  test('takes the types that are asked for, and those of the webhook otherwise, the first ten of them', async () => {
    const peer = await startEndpoint()
    const events = Array.from({ length: 12 }, (_, number) => `custom.${number}`)
    await server.agent({ webhook: { url: peer.url, events } })
    const typesOf = ({ results }: Record<string, unknown>) =>
      (results as { eventType: string }[]).map(({ eventType }) => eventType)
    expect(typesOf(await tried())).toEqual(events.slice(0, 10))
    expect(typesOf(await tried({ events: ['call_end', 'other'] }))).toEqual(['call.ended', 'other'])
  })

  test('is done while it is held, says what is wrong in words, and shows no secret', async () => {
    const peer = await startPeer((request, response) => {
      response.writeHead(401).end(`not ${String(request.headers['authorization'])}`)
    })
    onTestFinished(() => peer.close())
    await server.agent({
      webhook: { url: peer.url, authKey: 'Token', authSecret: 'secret-of-the-endpoint', enabled: false },
    })
    const answer = await server.send('POST', '/agents/recruiter/test', { events: ['call.ended'] })
    expect(answer.text).not.toContain('secret-of')
    expect(answer.body).toMatchObject({
      ok: false,
      results: [
        {
          ok: false,
          sentence:
            '401: the secrets differ, or your endpoint compares the whole header; it received `Authorization: Token …`, so what it is configured with must then hold both words. If it expects `Bearer …`, set authKey to Bearer.',
          attempt: { status: 401 },
        },
      ],
    })
    expect((await server.ask('/agents/recruiter')).body).toMatchObject({
      webhook: { state: { reason: 'paused' }, health: { attempts: 0 } },
    })
  })

  test.each<[unknown, string | RegExp]>([
    [{ events: [] }, 'events is a list, expected a list of 1 to 10 event types'],
    [{ events: 'call.ended' }, 'events is "call.ended", expected a list of 1 to 10 event types'],
    [
      { events: Array.from({ length: 11 }, () => 'a') },
      'events is a list, expected a list of 1 to 10 event types',
    ],
    [{ events: [''] }, /^events\[0\] is "", expected an event type such as call\.ended/],
    [{ event: 'a' }, 'event is not a known field, did you mean events?'],
    [{ reason: 5 }, 'reason is 5, expected a text of 1 to 500 characters'],
  ])('%j is refused', async (given, message) => {
    await server.agent()
    expect(errorOf(await server.send('POST', '/agents/recruiter/test', given))).toEqual([
      400,
      'invalid_request',
      itself(message),
    ])
  })

  test('needs a webhook', async () => {
    await server.agent({ webhook: null })
    expect(errorOf(await server.send('POST', '/agents/recruiter/test'))).toEqual([
      409,
      'conflict',
      'This agent has no webhook that could be tested',
    ])
  })
})
