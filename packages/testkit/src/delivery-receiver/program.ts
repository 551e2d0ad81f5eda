import { api, post, until, type Answer } from '../server-process/client.ts'
import type { ServerProcess } from '../server-process/server-process.ts'
import type { DeliveryReceiver } from './receiver.ts'

type Reached = Pick<ServerProcess, 'url' | 'secret' | 'adminToken'>

/** What lets deliveries reach receivers on loopback. */
export const loopbackAllowed = { HOOKSWITCH_EGRESS_ALLOW: '127.0.0.0/8' } as const

/** Asks the API with a body. */
export function ask(
  server: Reached,
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  if (body === undefined) return api(server, path, { method, headers })
  return api(server, path, {
    method,
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })
}

/** Asks for what must be there. */
export async function shown(server: Reached, path: string): Promise<Record<string, unknown>> {
  const { status, body } = await api(server, path)
  if (status !== 200) throw new Error(`GET ${path} answered ${status}: ${JSON.stringify(body)}`)
  return body
}

/** The first page of a list, of two hundred. */
export async function listed(server: Reached, path: string): Promise<Record<string, unknown>[]> {
  const { items } = await shown(server, `${path}${path.includes('?') ? '&' : '?'}limit=200`)
  return items as Record<string, unknown>[]
}

/** Does what must succeed. */
export async function act(
  server: Reached,
  path: string,
  body: unknown = {},
): Promise<Record<string, unknown>> {
  const { status, body: answer } = await ask(server, 'POST', path, body)
  if (status >= 300) throw new Error(`POST ${path} answered ${status}: ${JSON.stringify(answer)}`)
  return answer
}

/** Makes a webhook that is sent to the receiver at `/<name>`, with whatever is given besides; its id. */
export async function addWebhook(
  server: Reached,
  receiver: Pick<DeliveryReceiver, 'url'>,
  name: string,
  { settings, ...given }: Record<string, unknown> & { settings?: Record<string, unknown> } = {},
): Promise<string> {
  const { id } = await act(server, '/destinations', {
    name,
    kind: 'webhook',
    ...given,
    settings: { url: `${receiver.url}/${name}`, ...settings },
  })
  return String(id)
}

/**
 * Something that was said in a call, or another event of it. Its place in the call makes its time and its text, so
 * that no two are the same; `data` are further fields of what the documented payload has in its data.
 */
export function callEvent(
  callId: string,
  place: number,
  { eventType = 'transcription.update', data = {}, ...given }: GivenEvent = {},
): string {
  const timestamp = new Date(Date.UTC(2026, 0, 1) + place * 1_000).toISOString()
  const said = { speaker: 'User', text: `part ${place}`, ...data }
  return JSON.stringify({ eventType, callId, timestamp, ...given, data: { data: said } })
}

/** Other fields stand in the envelope. */
export interface GivenEvent extends Record<string, unknown> {
  eventType?: string
  data?: Record<string, unknown>
}

/** Sends one event, which must be accepted; its id. */
export async function accepted(server: Reached, body: string): Promise<string> {
  const answer = await post(server, body)
  if (answer.status !== 200) throw new Error(`the ingest answered ${answer.status}`)
  return String(answer.body['id'])
}

/** Sends so many events of a call, one after the other; their ids. */
export async function acceptedCall(
  server: Reached,
  callId: string,
  events: number,
  given: GivenEvent = {},
): Promise<string[]> {
  const ids: string[] = []
  for (let place = 0; place < events; place += 1) {
    ids.push(await accepted(server, callEvent(callId, place, given)))
  }
  return ids
}

/** Resolves when everything that was accepted is routed, and nothing waits to be delivered. */
export async function drained(server: Reached, timeoutMs = 30_000): Promise<void> {
  await until(
    'all events to be routed',
    async () => (await gauge(server, 'hookswitch_fold_lag_events')) === 0,
    timeoutMs,
  )
  await until(
    'all deliveries to end',
    async () => (await listed(server, '/deliveries?state=pending')).length === 0,
    timeoutMs,
  )
}

/** What the page of metrics says under this name; null where it does not say. */
export async function gauge(server: Pick<Reached, 'url'>, name: string): Promise<number | null> {
  const text = await (await fetch(`${server.url}/metrics`)).text()
  const value = new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1]
  return value === undefined ? null : Number(value)
}
