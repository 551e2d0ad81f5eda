import type { AttemptResult } from '@hookswitch/core'
import type { CallRecord } from '@hookswitch/events'
import type { z } from 'zod'
import type { Egress } from './egress/egress.ts'

/**
 * A kind of destination: what can be set, what it needs to know of an event, and how it is sent. Everything about
 * order, retries, limits and holds is the delivery engine's; a kind makes one try and says what came of it.
 */
export interface DestinationKind<Settings = unknown> {
  /** The word in `kind`, and the name of its folder. */
  name: string
  /** As people call it. */
  title: string
  /** How to get the URL or key, and what to set where; plain sentences, for the CLI, the docs and the pages. */
  help: string
  /** Made by the server itself, for what is set elsewhere: nobody is offered it, and nobody's settings may name it. */
  internal?: true
  /** Every message is an expectation ("a webhook URL such as https://…"); what came is put before it. */
  settings: z.ZodType<Settings>
  /** The names of the settings that are secret: encrypted at rest, never shown, never in a message or a trace. */
  secrets: readonly string[]
  /** What a template must return, one line; null where the kind takes no template. */
  template: string | null
  /** `event`: the bytes are enough. `call`: it also reads the call and its outcome. */
  reads(settings: Settings, hasTemplate: boolean): 'event' | 'call'
  /**
   * Looks at settings that are right in form before they are kept: an address that deliveries may not reach, a key
   * that cannot be used. Null is fine; otherwise the setting and what is wrong with it, without its value if secret.
   */
  check(settings: Settings, context: KindContext): Promise<{ setting: string; problem: string } | null>
  /** Makes it ready to send; connections are made on use. */
  open(settings: Settings, context: KindContext): OpenDestination
}

export interface OpenDestination {
  /**
   * One try. Resolves with what came of it, whatever that is; it rejects only with the signal's reason, or where the
   * context cannot be asked.
   *
   * @param signal ends the try: the engine's deadline (`reason` is a `TimeoutError`), or a stop.
   */
  send(message: Message, signal: AbortSignal): Promise<AttemptResult>
  /** Ends idle connections. */
  close(): Promise<void>
}

export interface KindContext {
  /** The destination's name. */
  name: string
  /** Every outgoing connection goes through it. */
  egress: Egress
  /** Where people reach this server, without a slash at its end; null where nobody said. */
  publicUrl: string | null
  /** For `User-Agent`. */
  version: string
  /** Runs the function of a `handler` in the work thread. */
  runHandler(input: HandlerCall, signal: AbortSignal): Promise<AttemptResult>
  /**
   * The webhook of its own that a call was started with; null where it has none, or is not there any more. What it
   * rejects with (`StoreError`, where the store cannot be read) `send` rejects with too.
   */
  overrideOf(callId: string): Promise<CallTarget | null>
}

/** The webhook that a call was started with. */
export interface CallTarget {
  url: string
  /** The word before the secret in `Authorization`; null where the secret stands alone. */
  authKey: string | null
  /** Null: there is no `Authorization`. */
  authSecret: string | null
  /** The event types that it takes, normalised; null is all. */
  events: string[] | null
}

/** What a handler is called with; the work thread adds `signal` and `log`. */
export interface HandlerCall {
  destination: string
  deliveryId: string
  event: ShownEvent
  call: CallRecord
  outcome: Record<string, unknown>
  attempt: number
}

/** One event on its way to one destination. */
export interface Message {
  /** `evt_…`: the same in every try, in every replay, at every destination. */
  eventId: string
  /** `dlv_…` */
  deliveryId: string
  /** `rpl_…` where a replay made this delivery. */
  replayId: string | null
  /** From 1. */
  attempt: number
  event: ShownEvent
  /** The bytes as they were received. */
  body: Uint8Array
  /** The call and its plain outcome as they are now; null where the kind reads the event only. */
  call: CallRecord | null
  outcome: Record<string, unknown> | null
  /** What the template returned; undefined where there is none. */
  content: unknown
  /** A sample that a person asked for; it says so where it can. */
  test: boolean
}

/** An event as the API shows it. */
export interface ShownEvent {
  id: string
  seq: number
  callId: string
  type: string
  /** ISO 8601 UTC. */
  occurredAt: string | null
  receivedAt: string
  source: string
  dialect: string
  issues: { path: string; message: string }[]
  body: Record<string, unknown>
}
