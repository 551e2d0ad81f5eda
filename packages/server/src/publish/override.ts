import {
  destinationId,
  overrideSource,
  type DestinationDefinition,
  type DeliveryStore,
  type StoredDestination,
} from '@hookswitch/core'
import { ApiError } from '../api/errors.ts'

/** Where calls have their own webhooks, each host is a destination: limits, breaker and holds are the host's. */

export type OverrideStore = Pick<DeliveryStore, 'listDestinations' | 'addDestination' | 'removeDestination'>

/** Hosts that are known at once. Calls may each bring another. */
const hostsMax = 1_000

/** A host that nothing was sent to for so long, and that nothing waits for, makes way for another. */
const idleMs = 7 * 24 * 60 * 60 * 1_000

/**
 * Sees to it that there is a destination for the host of a call's own webhook. The lane of a call whose deliveries are
 * given up or refused is parked: it is that call's URL or secret that is wrong, and others of the host go on.
 *
 * @throws ApiError when there are too many hosts.
 */
export async function ensureOverrideHost(store: OverrideStore, host: string, now: number): Promise<void> {
  const name = overrideSource(host)
  if ((await store.listDestinations({ name })).length > 0) return
  const present = (await store.listDestinations()).filter(isOverride)
  if (present.length >= hostsMax && !(await makeRoom(store, present, now))) {
    throw new ApiError(
      'conflict',
      `Calls have their own webhooks at ${hostsMax} hosts already, and deliveries were made to all of them of late`,
    )
  }
  // Null where another call was faster, which is as good.
  await store.addDestination({
    id: destinationId(),
    origin: 'agent',
    definition: definitionOf(name),
    sealedSecrets: null,
  })
}

function isOverride({ origin, definition }: StoredDestination): boolean {
  return origin === 'agent' && definition.kind === 'call-webhook'
}

function definitionOf(name: string): DestinationDefinition {
  return {
    name,
    kind: 'call-webhook',
    events: null,
    scope: { sources: [name], agents: null },
    filter: null,
    template: null,
    lane: 'call',
    onExhausted: 'park',
    retry: { preset: 'standard' },
    limits: { concurrency: 10, perSecond: null },
    settings: {},
  }
}

async function makeRoom(
  store: OverrideStore,
  present: readonly StoredDestination[],
  now: number,
): Promise<boolean> {
  for (const { id, createdAt, flow } of present) {
    const usedAt = Math.max(createdAt, flow.lastSuccessAt ?? 0, flow.lastFailureAt ?? 0)
    if (now - usedAt < idleMs) continue
    const removal = await store.removeDestination(id, 'refuse', 1)
    if (removal?.remaining === 0) return true
  }
  return false
}
