import type { Dialect, Issue } from '@hookswitch/events'
import type { DataOf } from './event-data.ts'

/** One webhook as a handler gets it. Whatever the dialect and the placement of its data, these names are the same. */
export interface ReceivedEvent<Type extends string = string> {
  /**
   * The sender's `webhook-id` where it is 1 to 200 of `A-Z a-z 0-9 _ -`, else `evt_` and 32 hexadecimal digits that are
   * made of the content. The same for a repeat, unless the sender's own differs: `key` is what tells repeats.
   */
  readonly id: string
  /** `<occurredAt in ms, or 0>:<callId>:<type>:<32 hexadecimal digits of the content>`: what the dedupe goes by. */
  readonly key: string
  /** Normalised: `call_end` is `call.ended`; an unknown type is as it was sent. */
  readonly type: Type
  readonly callId: string
  /** ISO 8601 UTC; null where the event does not say. */
  readonly occurredAt: string | null
  /** ISO 8601 UTC. */
  readonly receivedAt: string
  /** `v1` is the documented envelope, `legacy` the snake_case form that live agents were seen to send. */
  readonly dialect: Dialect
  /** What was odd in it without being a reason to refuse: where, and of what kind, never what it says. */
  readonly issues: readonly Issue[]
  /** The body as it was sent, parsed. */
  readonly body: Record<string, unknown>
  /**
   * The inner data as it was sent, from where it stood: `data.data`, `data`, or the top level. Its type is what the
   * platform documents; nothing has checked that the sender kept to it. `call` and `outcome` are read with care.
   */
  readonly data: DataOf<Type>
  /** True for a test that the sender says is one (header `hookswitch-test`). */
  readonly isTest: boolean
}
