import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { HookswitchConfig } from '../src/config/config.ts'
import {
  endpointUrl,
  filesOf,
  recruiter,
  sampleSent,
  startAgentServer,
  startEndpoint,
  type AgentServer,
} from './agent-server.ts'
import { delivers, errorOf } from './delivery-server.ts'

// Agents of the config file over HTTP, on the real store.

const agents: NonNullable<HookswitchConfig['agents']> = {
  'front-desk': {
    name: 'Front desk',
    project: 'project-1',
    webhook: {
      url: `${endpointUrl}?key=secret-of-the-url`,
      authKey: 'Bearer',
      authSecret: 'secret-of-the-config',
      events: ['call.ended'],
      retry: { preset: 'guide' },
      limits: { concurrency: 2 },
      signingSecrets: [`whsec_${btoa('secret-of-the-signature')}`],
    },
    outcome: { type: 'object', properties: { visits: { type: 'integer' } } },
  },
  received: { echo: ['application_id'] },
}

let server: AgentServer
beforeEach(async () => {
  server = await startAgentServer({ agents })
})
afterEach(() => server.close())

/** The same store with another state of the file, while `run` goes on. */
async function restarted(
  others: HookswitchConfig['agents'],
  run: (server: AgentServer) => Promise<void>,
): Promise<void> {
  const { folder } = server
  await server.store.close()
  const other = await startAgentServer({ folder, agents: others })
  try {
    await run(other)
  } finally {
    await other.close()
    await server.close()
    server = await startAgentServer()
  }
}

describe('an agent of the config file', () => {
  test('is shown like the others, before them, and its secrets are nowhere', async () => {
    const made = await server.agent()
    const { body: page } = await server.ask('/agents?limit=1')
    const { body: second } = await server.ask(`/agents?limit=1&cursor=${String(page['nextCursor'])}`)
    const { body: third } = await server.ask(`/agents?limit=5&cursor=${String(second['nextCursor'])}`)
    const idsOf = ({ items }: Record<string, unknown>) => (items as { id: string }[]).map(({ id }) => id)
    expect([page, second, third].map(idsOf)).toEqual([['front-desk'], ['received'], [made['id']]])
    expect(third['nextCursor']).toBeNull()
    const { body, text } = await server.ask('/agents/front-desk')
    expect(body).toEqual({
      id: 'front-desk',
      agentId: 'front-desk',
      name: 'Front desk',
      project: 'project-1',
      origin: 'config',
      version: 1,
      webhook: {
        url: `${endpointUrl}?…`,
        authKey: 'Bearer',
        events: ['call.ended'],
        retry: { preset: 'guide' },
        limits: { concurrency: 2, perSecond: null, failingHours: 48 },
        signing: [{ version: 'v1', publicKey: null, until: null }],
        secrets: ['authSecret', 'signingSecrets'],
        enabled: true,
        state: { state: 'active' },
        destination: { id: expect.stringMatching(/^dst_/) as string, name: 'agent:front-desk' },
        health: expect.objectContaining({ hours: 24, attempts: 0 }) as object,
      },
      outcomeSchema: agents['front-desk']?.outcome,
      createdAt: null,
      updatedAt: null,
    })
    expect((await server.ask('/agents/received')).body).toMatchObject({
      id: 'received',
      name: 'received',
      origin: 'config',
      webhook: null,
    })
    for (const shown of [
      text,
      (await server.ask('/agents')).text,
      (await server.ask('/destinations')).text,
    ]) {
      expect(shown).not.toContain('secret-of')
    }
    expect(JSON.stringify(server.logged)).not.toContain('secret-of')
    const files = await filesOf(server.folder)
    expect(files).not.toContain('secret-of-the-config')
    expect(files).not.toContain(btoa('secret-of-the-signature'))
  })

  test('is changed in the file only', async () => {
    const refusal = [409, 'conflict', 'This agent is set in the config file; change it there']
    for (const answer of [
      await server.send('PATCH', '/agents/front-desk', { name: 'Desk' }),
      await server.send('PATCH', '/agents/received', { webhook: { url: endpointUrl } }),
      await server.send('DELETE', '/agents/front-desk?undelivered=dead'),
      await server.send('POST', '/agents/front-desk/signing-secret', {}),
    ]) {
      expect(errorOf(answer)).toEqual(refusal)
    }
    expect(errorOf(await server.send('POST', '/agents', { id: 'front-desk', name: 'Desk' }))).toEqual([
      409,
      'conflict',
      'Another agent has the id front-desk',
    ])
  })

  test('starts calls and publishes in them like the others', async () => {
    const callId = await server.called('front-desk', 'call.started', 'call.answered')
    await server.publish(callId, 'call.ended', { outcomeResult: { visits: '3' } })
    await server.fold()
    expect(await server.deliveriesOf('agent:front-desk')).toEqual([['call.ended', 'pending']])
    expect((await server.ask(`/calls/${callId}`)).body).toMatchObject({
      agentId: 'front-desk',
      agentName: 'Front desk',
      projectId: 'project-1',
      outcome: { visits: { state: 'value', value: 3, raw: '3', origin: 'collected' } },
    })
  })

  test('is paused, resumed and tested like the others', async () => {
    const peer = await startEndpoint()
    await restarted(
      { a: { webhook: { url: peer.url, authKey: 'Bearer', authSecret: 'secret-of-now' } } },
      async (other) => {
        const { headers } = await sampleSent(other, 'a', peer)
        expect(headers['authorization']).toBe('Bearer secret-of-now')
        const { body: paused } = await other.send('POST', '/destinations/agent:a/pause')
        expect(paused).toMatchObject({ origin: 'config', state: { state: 'held', reason: 'paused' } })
        expect((await other.ask('/agents/a')).body).toMatchObject({ webhook: { enabled: false } })
        expect((await other.send('POST', '/destinations/agent:a/resume')).body).toMatchObject({
          state: { state: 'active' },
        })
      },
    )
  })

  test('that is taken out of the file keeps what waits, held, and goes on when it is put back', async () => {
    await server.agent()
    const callId = await server.called('front-desk', 'call.started', 'call.ended')
    await server.fold()
    const { folder } = server
    await server.store.close()
    const without = await startAgentServer({ folder, agents: {} })
    expect((await without.ask('/agents/front-desk')).status).toBe(404)
    expect(errorOf(await without.publish(callId, 'custom.type'))).toEqual([
      409,
      'conflict',
      'The agent of this call has been removed',
    ])
    expect((await without.ask('/destinations/agent:front-desk')).body).toMatchObject({
      origin: 'config',
      state: { state: 'held', reason: 'removed', detail: 'it is not in the config file any more' },
    })
    expect(await without.deliver(delivers)).toBe(0)
    expect(await without.deliveriesOf('agent:front-desk')).toEqual([['call.ended', 'pending']])
    // What the file has left in the place of a webhook is not overwritten unseen.
    const left =
      'The webhook that the config file had for this agent is still there; remove it with DELETE /destinations/agent%3Afront-desk'
    expect(errorOf(await without.send('POST', '/agents', { ...recruiter, id: 'front-desk' }))).toEqual([
      409,
      'conflict',
      left,
    ])
    await without.close()
    const again = await startAgentServer({ folder, agents })
    expect((await again.ask('/agents/front-desk')).body).toMatchObject({
      webhook: { state: { state: 'active' } },
    })
    expect(await again.deliver(delivers)).toBe(1)
    expect(await again.deliveriesOf('agent:front-desk')).toEqual([['call.ended', 'delivered']])
    await again.close()
    await server.close()
    server = await startAgentServer()
  })

  test('that is taken out for good is removed as a destination, and may then be made here', async () => {
    await restarted({}, async (other) => {
      expect((await other.send('DELETE', '/destinations/agent:front-desk')).status).toBe(204)
      expect(await other.agent({ id: 'front-desk' })).toMatchObject({ origin: 'api' })
    })
  })

  test('has a webhook of its own, not one that was made over the API', async () => {
    await server.agent()
    await server.store.close()
    const { folder } = server
    await expect(
      startAgentServer({ folder, agents: { recruiter: { webhook: { url: endpointUrl } } } }),
    ).rejects.toThrow(/hookswitch\.config\.ts: destination "agent:recruiter" has the name of dst_/)
    await server.close()
    server = await startAgentServer()
  })
})
