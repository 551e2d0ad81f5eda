import type { Issue } from '@hookswitch/events'

/** A call that was started here, with what its events are made from. Its events and its record stand with all others. */
export interface StartedCall {
  callId: string
  agentId: string
  conversationId: string
  direction: 'inbound' | 'outbound'
  /** Numbers or addresses of the two ends; null for a call that has none, such as one of the web. */
  to: string | null
  from: string | null
  /** What comes back in `outcomeResult`. */
  params: Record<string, unknown>
  /** Where this call's events go instead of to the agent's webhook. */
  override: CallOverride | null
  /** The override's `authSecret`, encrypted; null where there is none. */
  sealedSecrets: string | null
  progress: CallProgress
  /** From 1; counts the events that were published. */
  version: number
  /** Unix milliseconds. */
  createdAt: number
}

export type NewStartedCall = Omit<StartedCall, 'version' | 'createdAt' | 'progress'>

export interface CallOverride {
  url: string
  authKey: string | null
  /** Event types that go there; null is all. */
  events: string[] | null
}

/** How far a call has come by the events that were published. JSON. */
export interface CallProgress {
  state: CallState
  /** The time of the last event, Unix milliseconds; the next has a later one. */
  lastEventAt: number | null
  /** The params that the outcome collected as well, as the last event with an outcome brought it; null before it. */
  collected: string[] | null
  /** The last publications that may be repeated, newest last; at most `repeatableMax`. */
  repeatable: Repeatable[]
}

/** A publication that is answered once more in the same way, and is not published again. */
export interface Repeatable {
  idempotencyKey: string
  /** A hash of its type and data: another event under the same key is not this one. */
  content: string
  answer: PublishedAnswer
}

/** `created`: nothing was published yet. */
export type CallState = 'created' | 'started' | 'answered' | 'ended'

export interface PublishedAnswer {
  /** `evt_…` */
  id: string
  eventType: string
  /** ISO 8601. */
  timestamp: string
  /** Params whose names the outcome collected as well. */
  collisions: string[]
  /** What was odd in the data and is published as it is; absent where nothing was. */
  issues?: Issue[]
}

/** Publications of a call that are recognised when they are repeated: a repeat comes soon or never. */
export const repeatableMax = 16

/** Of a call that was just started. */
export const freshProgress: CallProgress = {
  state: 'created',
  lastEventAt: null,
  collected: null,
  repeatable: [],
}
