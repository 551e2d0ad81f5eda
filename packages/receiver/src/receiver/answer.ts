import {
  acceptedBody,
  acceptedHeaders,
  duplicateBody,
  ingestAnswers,
  invalidPayload,
  type IngestAnswer,
  type Issue,
} from '@hookswitch/events'
import type { Answer } from './incoming.ts'
import type { LogEntry } from './options.ts'

/** What became of a request: what is answered, and what the log says of it. */
export interface Verdict {
  answer: Answer
  level: LogEntry['level']
  event: LogEntry['event']
  reason?: string
  message?: string
}

const ok = (body: string): Answer => ({ status: 200, headers: acceptedHeaders, body })

export const accepted = (id: string, event: 'accepted' | 'queued' | 'ignored'): Verdict => ({
  answer: ok(acceptedBody(id)),
  level: 'info',
  event,
})

export const duplicate = (id: string): Verdict => ({
  answer: ok(duplicateBody(id)),
  level: 'info',
  event: 'duplicate',
})

/** Another is at it. It may have died, so the sender is asked to come back when its lease is over for certain. */
export const busy = (retryAfterMs: number): Verdict => ({
  answer: {
    ...ingestAnswers.unavailable,
    headers: {
      ...ingestAnswers.unavailable.headers,
      'retry-after': String(Math.max(1, Math.ceil(retryAfterMs / 1000))),
    },
  },
  level: 'info',
  event: 'duplicate',
  reason: 'busy',
})

/** The sender is to send it again. */
export const unavailable = (reason: string, message?: string): Verdict => ({
  answer: ingestAnswers.unavailable,
  level: 'error',
  event: 'failed',
  reason,
  ...(message === undefined ? {} : { message }),
})

/** A handler threw; the sender is to send it again. */
export const internalError = (reason: string): Verdict => ({
  answer: {
    status: 500,
    headers: acceptedHeaders,
    body: JSON.stringify({ error: 'Internal error', code: 'internal' }),
  },
  level: 'error',
  event: 'failed',
  reason,
})

/** It went wrong, and the sender is not to send it again: the guide's answer. */
export const processingError = (id: string, reason: string): Verdict => ({
  answer: ok(JSON.stringify({ received: true, id, processing_error: true })),
  level: 'error',
  event: 'failed',
  reason,
})

/** The sender's mistake; the log says more than the answer. */
export const refused = (answer: IngestAnswer, reason: string): Verdict => ({
  answer,
  level: 'warn',
  event: 'rejected',
  reason,
})

export const tooLarge = (): Verdict => refused(ingestAnswers.payload_too_large, 'too_large')

/** @param issues of paths and kinds, without content. */
export const invalid = (issues: readonly Issue[]): Verdict =>
  refused(invalidPayload(issues), 'invalid_payload')
