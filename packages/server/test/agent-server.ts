import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startPeer, type Peer, type PeerRequest } from '@hookswitch/testkit/destination-contract'
import { expect, onTestFinished } from 'vitest'
import type { HookswitchConfig } from '../src/config/config.ts'
import { startApiServer, type Answer } from './api-server.ts'
import { deliveryServer, type DeliveryServer } from './delivery-server.ts'

/** The API of a server with agents, whose webhooks answer what the test says. */
export interface AgentServer extends DeliveryServer {
  /** Makes the agent `recruiter` with a webhook, or what is like it. */
  agent(given?: Record<string, unknown>): Promise<Record<string, unknown>>
  /** Starts a call; its id. */
  start(agentId: string, given?: Record<string, unknown>): Promise<string>
  publish(callId: string, eventType: string, data?: unknown, key?: string): Promise<Answer>
  /** Starts a call and publishes these in it, which must be taken; its id. */
  called(agentId: string, ...eventTypes: string[]): Promise<string>
  /** Deliveries to the webhook of this agent, oldest first: what is delivered and its state. */
  deliveriesOf(name: string): Promise<[eventType: string, state: string][]>
}

export const endpointUrl = 'http://127.0.0.1:9/hook'

export const recruiter = {
  id: 'recruiter',
  name: 'Recruiter',
  webhook: { url: endpointUrl, authKey: 'Bearer', authSecret: 'secret-of-the-endpoint' },
}

export async function startAgentServer(
  options: NonNullable<Parameters<typeof startApiServer>[0]> & { agents?: HookswitchConfig['agents'] } = {},
): Promise<AgentServer> {
  const { agents, ...others } = options
  const config = agents === undefined ? {} : { config: { agents } }
  const server = deliveryServer(await startApiServer({ ...others, ...config }))
  const { send, itemsOf } = server
  const start: AgentServer['start'] = async (agentId, given) => {
    const { status, body, text } = await send('POST', `/agents/${encodeURIComponent(agentId)}/calls`, given)
    expect(status, text).toBe(201)
    return String(body['callId'])
  }
  const publish: AgentServer['publish'] = (callId, eventType, data, key) =>
    send(
      'POST',
      `/calls/${callId}/events`,
      { eventType, data },
      key === undefined ? {} : { 'idempotency-key': key },
    )
  return {
    ...server,
    agent: async (given = {}) => {
      const { status, body, text } = await send('POST', '/agents', { ...recruiter, ...given })
      expect(status, text).toBe(201)
      return body
    },
    start,
    publish,
    called: async (agentId, ...eventTypes) => {
      const callId = await start(agentId)
      for (const eventType of eventTypes) {
        const { status, text } = await publish(callId, eventType)
        expect(status, text).toBe(201)
      }
      return callId
    },
    deliveriesOf: async (name) => {
      const items = await itemsOf(`/deliveries?destination=${encodeURIComponent(name)}`)
      return items.toReversed().map(({ eventType, state }) => [String(eventType), String(state)])
    },
  }
}

/** Everything that the store has on disk, as one text of its bytes. */
export async function filesOf(folder: string): Promise<string> {
  const names = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = names.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  return (await Promise.all(files.map((file) => readFile(file, 'latin1')))).join('\n')
}

/** An endpoint that takes what comes. */
export async function startEndpoint(status = 204): Promise<Peer> {
  const peer = await startPeer((_request, response) => response.writeHead(status).end())
  onTestFinished(() => peer.close())
  return peer
}

/** What an endpoint is sent when the agent's webhook is tried out with one event. */
export async function sampleSent(server: AgentServer, agentId: string, peer: Peer): Promise<PeerRequest> {
  const { body, text } = await server.send('POST', `/agents/${encodeURIComponent(agentId)}/test`, {
    events: ['call.ended'],
  })
  expect(body['ok'], text).toBe(true)
  return peer.requests.at(-1) as PeerRequest
}

export const itself = (message: string | RegExp): unknown =>
  typeof message === 'string' ? message : expect.stringMatching(message)
