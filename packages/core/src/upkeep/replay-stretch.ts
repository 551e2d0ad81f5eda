import type { RoutedDelivery } from '../deliver/delivery.ts'
import type { ReplayRead } from '../deliver/delivery-store.ts'
import type { DestinationDefinition } from '../deliver/destination.ts'
import { keptLaneKey, notRouted } from '../route/route.ts'

/**
 * The deliveries of one stretch of a replay, in `seq` order; pure. What the destination would not have been routed
 * is left out: a replay repeats, it does not widen.
 */
export function replayStretch(read: ReplayRead, definition: DestinationDefinition): RoutedDelivery[] {
  const { replay, events, heads } = read
  return events.flatMap((event) => {
    const head = heads.get(event.callId) ?? null
    if (notRouted(definition, event, head?.agentId?.value ?? null) !== null) return []
    return [
      {
        destinationKey: replay.destinationKey,
        eventSeq: event.seq,
        laneKey: keptLaneKey(replay.destinationKey, definition, { event, head }),
        replayKey: replay.key,
      },
    ]
  })
}
