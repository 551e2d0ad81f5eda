import { expect } from 'vitest'
import type { ListedDelivery, StoredAttempt, StoredLane } from '../src/deliver/delivery.ts'
import type {
  DestinationDefinition,
  DestinationVersion,
  Hold,
  StoredDestination,
} from '../src/deliver/destination.ts'
import {
  explainEvent,
  type ExplainedDelivery,
  type Explanation,
  type ExplainSubject,
} from '../src/deliver/explain.ts'
import { freshFlow } from '../src/deliver/flow.ts'

export const now = Date.UTC(2026, 0, 31, 12, 0, 0)
export const day = 24 * 60 * 60 * 1000

export const event = { id: 'evt_1', seq: 10, type: 'call.started', source: 'hamsa' }

export function definition(given: Partial<DestinationDefinition> = {}): DestinationDefinition {
  return {
    name: 'urgent',
    kind: 'webhook',
    events: null,
    scope: { sources: null, agents: null },
    filter: null,
    template: null,
    lane: 'call',
    onExhausted: 'continue',
    retry: { preset: 'standard' },
    limits: { concurrency: 10, perSecond: null },
    settings: {},
    ...given,
  }
}

export function destination(
  given: Partial<DestinationDefinition> = {},
  hold: Hold | null = null,
): StoredDestination {
  return {
    key: 1,
    id: 'dst_1',
    origin: 'api',
    version: 1,
    definition: definition(given),
    sealedSecrets: null,
    flow: { ...freshFlow, hold },
    createdAt: now - day,
    updatedAt: now - day,
  }
}

export function version(given: Partial<DestinationVersion> = {}): DestinationVersion {
  const named = { key: 1, id: 'dst_1', name: given.definition?.name ?? 'urgent' }
  return { ...named, version: 1, fromSeq: 1, at: now - day, definition: definition(), ...given }
}

export function delivery(given: Partial<ListedDelivery> = {}): ListedDelivery {
  return {
    key: 7,
    destinationKey: 1,
    eventSeq: event.seq,
    laneKey: 'call:call_1',
    replayKey: null,
    state: 'pending',
    reason: null,
    attempts: 0,
    createdAt: now - 60_000,
    finishedAt: null,
    eventId: event.id,
    eventType: event.type,
    callId: 'call_1',
    lane: null,
    ...given,
  }
}

export const attempt: StoredAttempt = {
  deliveryKey: 7,
  number: 3,
  startedAt: now - 1_000,
  durationMs: 120,
  node: 'node',
  verdict: 'retry',
  status: 503,
  cause: null,
  message: null,
  request: null,
  response: null,
}

export const head = { key: 3, state: 'running', isHead: true, dueAt: now, claimed: false } as const

export function lane(given: Partial<StoredLane> = {}): StoredLane {
  return {
    key: 3,
    destinationKey: 1,
    laneKey: 'call:call_1',
    state: 'running',
    dueAt: now,
    headAttempts: 0,
    parkedAt: null,
    parkedReason: null,
    pending: 2,
    headDeliveryKey: 6,
    ...given,
  }
}

export function explain(given: Partial<ExplainSubject>): Explanation[] {
  return explainEvent({
    event,
    folded: true,
    agentId: null,
    versions: [version()],
    deliveries: [],
    destinations: [destination()],
    now,
    ...given,
  })
}

export function explainOne(given: Partial<ExplainSubject>): Explanation {
  const [only, ...others] = explain(given)
  expect(others).toEqual([])
  return only as Explanation
}

/** The one delivery of the event. */
export function of(
  given: Partial<ListedDelivery>,
  circumstances: Partial<Omit<ExplainedDelivery, 'delivery'>> = {},
): Partial<ExplainSubject> {
  return {
    deliveries: [{ delivery: delivery(given), lastAttempt: null, lane: null, head: null, ...circumstances }],
  }
}
