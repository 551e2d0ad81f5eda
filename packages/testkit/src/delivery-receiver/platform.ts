import { setTimeout as delay } from 'node:timers/promises'
import type { Answer } from '../server-process/client.ts'
import type { ServerProcess } from '../server-process/server-process.ts'
import { act, ask } from './program.ts'

/** A server as the platform: its agents, the calls that it starts, and the events that it publishes. */

type Reached = Pick<ServerProcess, 'url' | 'secret' | 'adminToken'>

/** An agent and the destination that is its webhook. */
export interface MadeAgent {
  id: string
  destinationId: string
}

/** Makes an agent that has a webhook; `given` are further fields of it. */
export async function addAgent(
  server: Reached,
  webhook: Record<string, unknown>,
  given: Record<string, unknown> = {},
): Promise<MadeAgent> {
  const made = await act(server, '/agents', { name: 'Recruiter', ...given, webhook })
  const { destination } = made['webhook'] as { destination: { id: string } }
  return { id: String(made['id']), destinationId: destination.id }
}

/** Starts a call of an agent; its id. */
export async function startCall(
  server: Reached,
  agentId: string,
  given: Record<string, unknown> = {},
): Promise<string> {
  const { callId } = await act(server, `/agents/${agentId}/calls`, given)
  return String(callId)
}

/** What there is to publish: the type, and the inner data. */
export interface PublishedEvent {
  eventType: string
  data?: Record<string, unknown>
}

/** Asks once for an event to be published. */
export function publish(
  server: Reached,
  callId: string,
  event: PublishedEvent,
  idempotencyKey?: string,
): Promise<Answer> {
  const headers = idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }
  return ask(server, 'POST', `/calls/${callId}/events`, event, headers)
}

/** Publishes events one after the other, each of which must be taken; their ids. */
export async function publishAll(
  server: Reached,
  callId: string,
  events: readonly PublishedEvent[],
): Promise<string[]> {
  const ids: string[] = []
  for (const event of events) {
    const { status, body } = await publish(server, callId, event)
    if (status !== 201) throw new Error(`${event.eventType} was answered ${status}: ${JSON.stringify(body)}`)
    ids.push(String(body['id']))
  }
  return ids
}

/** A repeat follows a failure after this. */
const repeatMs = 20

/** As long as whoever publishes keeps at it: longer than any server is away in a test. */
const repeatMsMax = 60_000

/**
 * Publishes an event however often that takes, under one Idempotency-Key, as who must not lose it does.
 *
 * @param server the one to ask at this moment.
 * @throws when it is refused, which a repeat never is.
 */
export async function publishForSure(
  server: () => Reached,
  callId: string,
  event: PublishedEvent,
  idempotencyKey: string,
): Promise<Record<string, unknown>> {
  const until = performance.now() + repeatMsMax
  for (;;) {
    const answer = await publish(server(), callId, event, idempotencyKey).catch(() => null)
    if (answer?.status === 201 || answer?.status === 200) return answer.body
    if (answer !== null && answer.status < 500) {
      throw new Error(`${event.eventType} was answered ${answer.status}: ${JSON.stringify(answer.body)}`)
    }
    if (performance.now() > until)
      throw new Error(`${event.eventType} was not published in ${repeatMsMax} ms`)
    await delay(repeatMs)
  }
}

/**
 * The events of a call in which everything happens: each of the five types, with a transcript, a tool, and an outcome
 * of which one field came and one did not.
 *
 * @param name stands in what is said, so that no two calls say the same.
 */
export function wholeCall(name: string): PublishedEvent[] {
  const turns = [
    ['Agent', `Hello! What salary do you expect, ${name}?`],
    ['User', 'Eighty thousand. متى أبدأ؟'],
  ] as const
  return [
    { eventType: 'call.started' },
    { eventType: 'call.answered' },
    ...turns.map(([speaker, text]) => ({ eventType: 'transcription.update', data: { speaker, text } })),
    {
      eventType: 'tool.executed',
      data: { toolName: 'lookup', input: { name }, output: { found: true }, success: true, duration: 120 },
    },
    {
      eventType: 'call.ended',
      data: {
        conversationRecording: `https://recordings.example.com/${name}.mp3`,
        transcription: turns.map(([speaker, text]) => ({ [speaker]: text })),
        outcomeResult: { expectedSalary: '80000', noticePeriod: null },
      },
    },
  ]
}
