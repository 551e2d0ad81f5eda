import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { startAgentServer, type AgentServer } from './agent-server.ts'
import { delivers, errorOf } from './delivery-server.ts'

// Switching the webhooks of agents off and on, and removing agents, over HTTP and on the real store.

let server: AgentServer
beforeEach(async () => {
  server = await startAgentServer()
})
afterEach(() => server.close())

async function changed(change: unknown): Promise<Record<string, unknown>> {
  const { status, body, text } = await server.send('PATCH', '/agents/recruiter', change)
  expect(status, text).toBe(200)
  return body
}

const webhookOf = ({ webhook }: Record<string, unknown>) => webhook as Record<string, unknown>

describe('a webhook that is switched', () => {
  test('off keeps its events, and on again they go out in order', async () => {
    await server.agent()
    const callId = await server.called('recruiter', 'call.started')
    expect(webhookOf(await changed({ webhook: { enabled: false } }))).toMatchObject({
      enabled: false,
      state: { state: 'held', reason: 'paused', detail: 'the webhook of the agent is disabled' },
    })
    for (const type of ['call.answered', 'call.ended']) await server.publish(callId, type)
    await server.fold()
    expect(await server.deliver(delivers)).toBe(0)
    // Another change leaves it as it is switched.
    expect(webhookOf(await changed({ webhook: { limits: { concurrency: 5 } } }))['enabled']).toBe(false)
    expect(webhookOf(await changed({ webhook: { enabled: true } }))).toMatchObject({
      enabled: true,
      state: { state: 'active' },
    })
    const sent: string[] = []
    const noting = (type: string) => (sent.push(type), delivers())
    while ((await server.deliver(noting)) > 0);
    expect(sent).toEqual(['call.started', 'call.answered', 'call.ended'])
  })

  test.each(['auth', 'gone', 'failing'] as const)(
    'and held as %s goes on when something is set that may have mended it',
    async (reason) => {
      await server.agent()
      const [endpoint] = await server.store.listDestinations()
      await server.store.holdDestination(endpoint?.id ?? '', { reason, until: null, detail: 'answered so' })
      expect(webhookOf(await changed({ name: 'R' }))).toMatchObject({
        enabled: true,
        state: { state: 'held', reason, detail: 'answered so' },
      })
      expect(webhookOf(await changed({ webhook: { authSecret: 'secret-of-today' } }))).toMatchObject({
        state: { state: 'active' },
      })
    },
  )

  test('and paused as a destination shows as switched off', async () => {
    await server.agent()
    await server.send('POST', '/destinations/agent:recruiter/pause', { reason: 'until noon' })
    expect(webhookOf((await server.ask('/agents/recruiter')).body)).toMatchObject({
      enabled: false,
      state: { reason: 'paused', detail: 'until noon' },
    })
    // What is not said again stays, with its own words.
    expect(webhookOf(await changed({ webhook: { enabled: false } }))).toMatchObject({
      state: { reason: 'paused', detail: 'until noon' },
    })
    await changed({ webhook: { enabled: true } })
    expect((await server.ask('/destinations/agent:recruiter')).body['state']).toEqual({ state: 'active' })
  })
})

describe('removing an agent', () => {
  test('takes its webhook along, and leaves its calls', async () => {
    await server.agent()
    const callId = await server.called('recruiter', 'call.started')
    await server.fold()
    await server.deliver(delivers)
    const { status, text } = await server.send('DELETE', '/agents/recruiter?reason=the%20pilot%20is%20over')
    expect([status, text]).toEqual([204, ''])
    expect((await server.ask('/agents/recruiter')).status).toBe(404)
    expect(await server.store.listDestinations()).toEqual([])
    expect((await server.ask(`/calls/${callId}`)).body).toMatchObject({ callId, agentId: 'recruiter' })
    expect((await server.itemsOf('/audit'))[0]).toMatchObject({
      action: 'agent.delete',
      target: 'recruiter',
      reason: 'the pilot is over',
      detail: { name: 'Recruiter', undelivered: null },
    })
    expect(errorOf(await server.publish(callId, 'call.ended'))).toEqual([
      409,
      'conflict',
      'The agent of this call has been removed',
    ])
    expect((await server.send('DELETE', '/agents/recruiter')).status).toBe(404)
    // The id is free again.
    expect(await server.agent()).toMatchObject({ id: 'recruiter', version: 1 })
  })

  test.each([
    ['skip', 'skipped'],
    ['dead', 'dead'],
  ])('with undelivered=%s what waits is %s, and it is refused without', async (undelivered, state) => {
    await server.agent()
    const callId = await server.called('recruiter', 'call.started', 'call.answered')
    await server.fold()
    const refusal =
      '2 deliveries wait for the webhook of this agent; say with undelivered=skip or undelivered=dead what becomes of them'
    expect(errorOf(await server.send('DELETE', '/agents/recruiter'))).toEqual([409, 'conflict', refusal])
    expect((await server.ask('/agents/recruiter')).status).toBe(200)
    expect((await server.send('DELETE', `/agents/recruiter?undelivered=${undelivered}`)).status).toBe(204)
    const deliveries = await server.itemsOf(`/deliveries?callId=${callId}`)
    expect(deliveries.map((delivery) => delivery['state'])).toEqual([state, state])
  })

  test('what was published and is not routed yet is waited for, and counts as waiting', async () => {
    await server.agent()
    await server.called('recruiter', 'call.started')
    const removal = server.send('DELETE', '/agents/recruiter')
    await server.fold()
    expect(errorOf(await removal).slice(0, 2)).toEqual([409, 'conflict'])
    expect((await server.ask('/agents/recruiter')).status).toBe(200)
  })

  test('another agent of its id does not take over its calls', async () => {
    await server.agent()
    const callId = await server.called('recruiter', 'call.started')
    await server.fold()
    await server.send('DELETE', '/agents/recruiter?undelivered=skip')
    server.advance(1)
    await server.agent()
    expect(
      errorOf(await server.send('POST', `/calls/${callId}/events`, { eventType: 'call.ended' })),
    ).toEqual([409, 'conflict', 'The agent of this call has been removed'])
  })

  test('undelivered is one of two words', async () => {
    await server.agent()
    expect(errorOf(await server.send('DELETE', '/agents/recruiter?undelivered=drop'))).toEqual([
      400,
      'invalid_request',
      'undelivered is "drop", expected skip or dead',
    ])
  })
})
