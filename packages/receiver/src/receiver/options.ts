import type { CallRecord } from '@hookswitch/events'
import type { Dedupe } from '../dedupe/dedupe.ts'
import type { ReceivedEvent } from '../event/received-event.ts'
import type { EventQueue } from '../queue/event-queue.ts'
import type { StandardIssue, StandardSchemaV1 } from './standard-schema.ts'
import type { Tracer } from './tracer.ts'

export interface ReceiverOptions<Outcome = Record<string, unknown>> {
  /**
   * Secrets that the `Authorization` header may show, as `Bearer X`, `bearer Bearer X`, `Token X` or `X`; several while
   * one replaces another. A leading `Bearer ` in front of a secret is ignored. There must be one, or `signature`, or
   * `auth: 'none'`.
   */
  secrets?: readonly (string | undefined)[] | string | undefined
  /** Anybody may send. */
  auth?: 'none'
  /** Asks for a signature of Standard Webhooks by one of these secrets, besides what else is asked for. */
  signature?: {
    /** `whsec_…` (HMAC), or `whpk_…`, the public half of an ed25519 key. */
    secrets: readonly (string | undefined)[]
    /** How old or how far ahead a signature may be: 300 by default. */
    toleranceSeconds?: number
  }
  /**
   * Types that are handled; others are answered 200 and passed over. `'*'` is all of them. By default those with a
   * handler in `on`.
   */
  events?: readonly string[]
  /** What the outcome is checked and transformed by: any Standard Schema (zod, valibot, arktype …), sync or async. */
  outcome?: StandardSchemaV1<unknown, Outcome>
  /** Keeps an event from being handled twice. Without it every repeat is handled again. */
  dedupe?: Dedupe
  /** How long an event that was handled is remembered: 24 hours by default. */
  dedupeWindowMs?: number
  /** Takes the events, which are then answered at once and handled by `receiver.process`. Without it handlers run before the answer. */
  queue?: EventQueue
  /** From the complete body to the answer, with dedupe, handlers and queue together: 4,000 by default. The platform waits 5 seconds. */
  deadlineMs?: number
  /**
   * `call`: in this process the events of one call are handled one after the other, in the order in which their bodies
   * were complete. The wait counts against the deadline. `none` by default.
   */
  order?: 'call' | 'none'
  /**
   * What is answered when a handler threw or was too late. `retry`, the default: 500 or 503, and the sender tries again.
   * `acknowledge`: 200 with `"processing_error": true`, and the event is not handled again.
   */
  onFailure?: 'retry' | 'acknowledge'
  /** The handlers by type; `'*'` gets what has none of its own. */
  on: Handlers<Outcome>
  /** Told of everything that went wrong on our side, after the answer is known. Handlers put what they like into their errors. */
  onError?: (error: unknown, context: ErrorContext) => void
  /** Told of every request, and of what ended late. By default nobody is. */
  log?: (entry: LogEntry) => void
  /** 10 MiB by default. */
  bodyBytesMax?: number
  /** From the head of the request to the last byte of its body: 10,000 by default. */
  bodyMs?: number
  /** Opens a span around each event; `@hookswitch/receiver/opentelemetry` gives one. */
  tracer?: Tracer
  /** Unix milliseconds; for tests. */
  now?: () => number
}

/** What a handler throws or returns in the end decides the answer; what it returns is not looked at. */
export type Handler<Type extends string = string, Outcome = Record<string, unknown>> = {
  // A method, so that the handler of a known type also fits among those of any type.
  handle(context: HandlerContext<Type, Outcome>): unknown
}['handle']

/** Take it apart by name: `call` and `signal` are made when they are asked for, and a spread has neither. */
export interface HandlerContext<Type extends string = string, Outcome = Record<string, unknown>> {
  event: ReceivedEvent<Type>
  /** The record that this one event makes of its call: transcript, outcome in its three states, times, tools. */
  call: CallRecord
  /**
   * The outcome as the schema gives it, or as it was sent where there is no schema. Null where the event has none or
   * an empty one, and where it does not fit, which `outcomeIssues` then explain; it is in `call.outcome` all the same.
   */
  outcome: Outcome | null
  outcomeIssues: readonly StandardIssue[]
  /** Aborted when the deadline is over. What goes on after that is not lost, but the sender is told to try again. */
  signal: AbortSignal
  /** 1, and in a worker how many times the queue has tried. */
  attempt: number
}

/** Of one event the one handler that has its type, else `'*'`. */
export interface Handlers<Outcome = Record<string, unknown>> {
  'call.started'?: Handler<'call.started', Outcome>
  'call.answered'?: Handler<'call.answered', Outcome>
  'transcription.update'?: Handler<'transcription.update', Outcome>
  'tool.executed'?: Handler<'tool.executed', Outcome>
  'call.ended'?: Handler<'call.ended', Outcome>
  '*'?: Handler<string, Outcome>
  [type: string]: Handler<string, Outcome> | undefined
}

export interface ErrorContext {
  /**
   * `handler`: it threw. `late`: it was not done at the deadline, or failed after it. `dedupe`, `queue`: they threw or
   * were too late. `body`: something else had read it. `internal`: an adapter or the runtime failed.
   */
  phase: 'handler' | 'late' | 'dedupe' | 'queue' | 'body' | 'internal'
  /** Null for `body` and `internal`. */
  event: ReceivedEvent | null
}

/** Without payload, secrets and phone numbers. */
export interface LogEntry {
  level: 'info' | 'warn' | 'error'
  /**
   * `accepted` (handled), `queued`, `duplicate` (handled before, or just now by another), `ignored` (no handler for its
   * type), `rejected` (the sender's mistake), `failed` (ours), `late` (a handler ended after the answer).
   */
  event: 'accepted' | 'queued' | 'duplicate' | 'ignored' | 'rejected' | 'failed' | 'late'
  /** Why, in one word: `secret_mismatch`, `too_large`, `busy`, `deadline` … */
  reason?: string
  /** What to do about it. */
  message?: string
  /** What was answered; not there for `late`, and for what a worker does. */
  status?: number
  type?: string
  callId?: string
  id?: string
  /** Since the request came. */
  ms: number
}
