import { ingestAnswers } from '@hookswitch/events'
import { eventOfQueued, makeEvent, nameEvent, readEvent, type ReadEvent } from '../event/make-event.ts'
import { accepted, invalid, refused, unavailable, type Verdict } from './answer.ts'
import { refuseSignature, secretCheck } from './authenticate.ts'
import { createCallTurns, noTurns, type Turn } from './call-turns.ts'
import { createEventHandling } from './event-handling.ts'
import type { Answer, Incoming } from './incoming.ts'
import type { LogEntry, ReceiverOptions } from './options.ts'
import { bodyTaken, readBytes } from './read-bytes.ts'
import type { Receiver } from './receiver.ts'
import { refuseHead } from './refuse-head.ts'
import { createReports } from './reports.ts'
import { resolveOptions } from './resolve-options.ts'
import { incomingOf, responseOf } from './web-request.ts'

/** A request as the log speaks of it, as far as it is known. */
type Arrival = Pick<LogEntry, 'type' | 'callId' | 'id'> & { beganMs: number }

/**
 * Receives webhooks: verified, parsed, once each, handed to typed handlers or to a queue, answered in time.
 *
 * @throws TypeError for a wrong option: its name, what came, and what is expected.
 */
export function createReceiver<Outcome = Record<string, unknown>>(
  options: ReceiverOptions<Outcome>,
): Receiver {
  const resolved = resolveOptions(options)
  const { bodyBytesMax, bodyMs, now } = resolved
  const refuseSecret = secretCheck(resolved.secrets)
  const reports = createReports(resolved)
  const turns = resolved.order === 'call' ? createCallTurns() : noTurns
  const handling = createEventHandling(resolved, reports)

  async function receive(incoming: Incoming): Promise<Answer> {
    const arrival: Arrival = { beganMs: now() }
    const verdict = await decide(incoming, arrival).catch((error: unknown) => {
      reports.error(error, 'internal', null)
      return unavailable('internal')
    })
    if (resolved.log === null) return verdict.answer
    const { answer, ...outcome } = verdict
    const { beganMs, ...about } = arrival
    reports.log({ ...outcome, status: answer.status, ...about, ms: now() - beganMs })
    return answer
  }

  /** From the head of a request to its answer. Rejects only where an adapter or the runtime fails. */
  async function decide(incoming: Incoming, arrival: Arrival): Promise<Verdict> {
    const wrongHead = refuseHead(incoming, bodyBytesMax)
    if (wrongHead !== null) return wrongHead
    const wrongSecret = await refuseSecret(incoming.header('authorization'))
    if (wrongSecret !== null) return refused(ingestAnswers.unauthorized, wrongSecret)
    const taken = bodyTaken(incoming.body, resolved.signature !== null)
    if (taken !== null) {
      reports.error(new Error(taken), 'body', null)
      return unavailable('body_taken', taken)
    }
    const body = await readBytes(incoming.body, bodyBytesMax, bodyMs)
    if (!('bytes' in body)) return body
    const wrongSignature =
      resolved.signature === null ? null : await refuseSignature(resolved, incoming, body.bytes)
    if (wrongSignature !== null) return refused(ingestAnswers.unauthorized, wrongSignature)
    const reading = readEvent(body.bytes)
    if (!reading.ok) return invalid(reading.issues)
    const { type, callId } = reading.read.envelope
    Object.assign(arrival, { type, callId })
    // Before anything is waited for, so that events of one call take their turns in the order in which they were read.
    const turn = resolved.handles(type) ? turns.take(callId) : null
    try {
      return await decideOn(reading.read, incoming, arrival, turn)
    } catch (error) {
      turn?.end()
      throw error
    }
  }

  async function decideOn(
    read: ReadEvent,
    incoming: Incoming,
    arrival: Arrival,
    turn: Turn | null,
  ): Promise<Verdict> {
    const { key, id } = await nameEvent(read, incoming.header('webhook-id'))
    arrival.id = id
    if (turn === null) return accepted(id, 'ignored')
    const event = makeEvent(read, {
      id,
      key,
      receivedAt: new Date(arrival.beganMs).toISOString(),
      isTest: incoming.header('hookswitch-test') === 'true',
    })
    return await reports.span(event, async (span) => {
      const verdict = await handling.answer(event, read.text, turn)
      span.result(verdict.event, verdict.reason)
      return verdict
    })
  }

  return {
    receive,
    fetch: async (request) => responseOf(await receive(incomingOf(request))),
    async process(queued, { signal = new AbortController().signal, attempt = 1 } = {}) {
      const event = eventOfQueued(queued)
      const turn = turns.take(event.callId)
      await reports.span(event, (span) => handling.work(event, { signal, attempt }, turn, span))
    },
  }
}
