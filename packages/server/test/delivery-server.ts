import { webhook, type DestinationConfig } from '@hookswitch/destinations/config'
import { expect } from 'vitest'
import { startApiServer, type Answer, type ApiServer, type Outcome } from './api-server.ts'

/** The API of a server whose destinations answer what the test says; nothing is sent. */
export interface DeliveryServer extends ApiServer {
  send(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>
  itemsOf(path: string): Promise<Record<string, unknown>[]>
  /** Makes a webhook; its id. */
  add(name: string, given?: Record<string, unknown>): Promise<string>
  /** Events of a call, stored and routed; their ids. */
  routed(callId: string, ...types: string[]): Promise<string[]>
}

const fromConfig = webhook({
  name: 'from-config',
  events: ['other'],
  settings: { url: 'https://192.0.2.1/' },
})

/** @param destinations of the config file; by default one that takes only events of the type `other`. */
export async function startDeliveryServer(
  destinations: readonly DestinationConfig[] = [fromConfig],
): Promise<DeliveryServer> {
  return deliveryServer(await startApiServer({ config: { destinations } }))
}

export function deliveryServer(server: ApiServer): DeliveryServer {
  const send: DeliveryServer['send'] = (method, path, body, headers = {}) => {
    const type = { 'content-type': 'application/json' }
    return server.ask(path, {
      method,
      headers: { ...(body === undefined ? {} : type), ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
  }
  return {
    ...server,
    send,
    itemsOf: async (path) => {
      const { status, body, text } = await server.ask(path)
      expect(status, text).toBe(200)
      return body['items'] as Record<string, unknown>[]
    },
    add: async (name, given = {}) => {
      const settings = { url: 'http://127.0.0.1:9/' }
      const answer = await send('POST', '/destinations', { name, kind: 'webhook', settings, ...given })
      expect(answer.status, answer.text).toBe(201)
      return String(answer.body['id'])
    },
    routed: async (callId, ...types) => {
      const ids = await server.append(
        ...types.map((eventType, at) => ({
          eventType,
          callId,
          agentId: 'agent-1',
          timestamp: `2026-05-31T00:00:0${at}Z`,
          userNumber: '+1 555 0100',
          data: { data: { params: { application_id: '12345' } } },
        })),
      )
      await server.fold()
      return ids
    },
  }
}

export const errorOf = ({ status, body }: Answer): unknown[] => [status, body['code'], body['error']]

export const minute = 60_000

const request = {
  method: 'POST',
  url: 'http://127.0.0.1:9/',
  headers: { authorization: '…' },
  bodyBytes: 100,
  body: null,
}

function tried(verdict: 'delivered' | 'retry' | 'reject', status: number): Outcome['attempt'] {
  const response = { headers: {}, body: 'a word', truncated: false }
  const said = { verdict, status, cause: null, message: null, request, response }
  return { durationMs: 120, node: 'node of the test', ...said }
}

export const delivers = (): Outcome => ({
  attempt: tried('delivered', 204),
  outcome: { kind: 'delivered' },
})

/** Tried again after a minute. */
export const fails = (): Outcome => ({
  attempt: tried('retry', 503),
  outcome: { kind: 'retry', delayMs: minute, reason: 'answered 503', holdMs: null },
})

export const refuses = (): Outcome => ({
  attempt: tried('reject', 400),
  outcome: { kind: 'dead', reason: 'refused: answered 400' },
})

export const filters = (): Outcome => ({
  attempt: null,
  outcome: { kind: 'filtered', reason: 'the filter said no' },
})
