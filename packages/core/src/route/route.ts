import type { CallHead } from '@hookswitch/events'
import type { RoutedDelivery } from '../deliver/delivery.ts'
import type { DestinationDefinition } from '../deliver/destination.ts'
import type { RoutedDestination } from '../store/store.ts'
import { onlyPublishedSource, publishingAgent } from '../publish/published-source.ts'
import { laneKey, type LaneSubject } from './lane-key.ts'

/** Why a destination does not take an event. */
export type NotRouted = 'type' | 'source' | 'agent' | 'agent_unknown'

/**
 * Whether a destination takes an event; null is yes. No user code runs here.
 *
 * @param callAgentId the agent of the call, as its events say; of an event that was published here the source says it.
 */
export function notRouted(
  { events, scope }: Pick<DestinationDefinition, 'events' | 'scope'>,
  event: { type: string; source: string },
  callAgentId: string | null,
): NotRouted | null {
  if (events !== null && !events.includes(event.type)) return 'type'
  if (scope.sources !== null && !scope.sources.includes(event.source)) return 'source'
  if (scope.agents === null) return null
  const agentId = publishingAgent(event.source) ?? callAgentId
  if (agentId === null) return 'agent_unknown'
  return scope.agents.includes(agentId) ? null : 'agent'
}

/**
 * The deliveries of one event, destination by destination. Where a lane is named by a path, the key that was found
 * first is kept in the head of the call, so that all events of a call go the same way whatever they say later.
 */
export function routeEvent(
  subject: LaneSubject,
  destinations: readonly RoutedDestination[],
): RoutedDelivery[] {
  const { event, head } = subject
  const deliveries: RoutedDelivery[] = []
  for (const { key, definition } of destinationsFor(event.source, destinations)) {
    if (notRouted(definition, event, head?.agentId?.value ?? null) !== null) continue
    deliveries.push({
      destinationKey: key,
      eventSeq: event.seq,
      laneKey: keptLaneKey(key, definition, subject),
      replayKey: null,
    })
  }
  return deliveries
}

/** The same list, by the sources that are published here; for all others, those that do not take such a source alone. */
interface BySource {
  published: Map<string, RoutedDestination[]>
  others: RoutedDestination[]
}

/** A list stays the same until destinations are changed. */
const bySource = new WeakMap<readonly RoutedDestination[], BySource>()

/**
 * The destinations that may take events of a source, by key. A platform has a webhook for each agent, so that to look
 * at all of them for each event would make the fold the slower the more agents there are.
 */
function destinationsFor(
  source: string,
  destinations: readonly RoutedDestination[],
): readonly RoutedDestination[] {
  let lists = bySource.get(destinations)
  if (lists === undefined) {
    lists = { published: new Map(), others: [] }
    for (const destination of destinations) {
      const only = onlyPublishedSource(destination.definition.scope)
      const list = only === null ? lists.others : (lists.published.get(only) ?? [])
      if (only !== null) lists.published.set(only, list)
      list.push(destination)
    }
    bySource.set(destinations, lists)
  }
  const own = lists.published.get(source)
  return own === undefined
    ? lists.others
    : [...own, ...lists.others].sort((one, other) => one.key - other.key)
}

/** The lane of an event at a destination; for a path it is looked up in the call's head, and kept there. */
export function keptLaneKey(
  destinationKey: number,
  { lane }: Pick<DestinationDefinition, 'lane'>,
  subject: LaneSubject,
): string {
  const { head } = subject
  if (typeof lane === 'string' || head === null) return laneKey(lane, subject)
  const kept = head.lanes?.[destinationKey]
  if (kept !== undefined) return kept
  const key = laneKey(lane, subject)
  keep(head, destinationKey, key)
  return key
}

function keep(head: CallHead, destinationKey: number, key: string): void {
  head.lanes = { ...head.lanes, [destinationKey]: key }
}
