import type { DestinationLimits } from './destination.ts'

/** How the sends that a destination is allowed are shared out. Pure. */

export interface Wanted {
  /** Lanes that are due, counted up to as many as could be taken: those whose head is new, and those that failed. */
  fresh: number
  retrying: number
}

/**
 * How many lanes a node takes of one destination now. Lanes whose head has failed before never get more than three
 * quarters of the concurrency, and half where first attempts wait too: however many of them hang, a first attempt
 * finds a place, and they are never starved themselves.
 *
 * @param sends allowed by the destination's limits.
 * @param running of this destination: retrying ones on all nodes, and all on this node.
 * @param node lanes that this node may still take, and of one destination at once.
 * @param retryTurn whose the odd one is where the concurrency is odd; turn it over after each call in which both waited.
 */
export function lanesToTake(
  { concurrency }: Pick<DestinationLimits, 'concurrency'>,
  sends: number,
  wanted: Wanted,
  running: { retrying: number; onNode: number },
  node: { lanesFree: number; lanesPerDestinationMax: number },
  retryTurn: boolean,
): Wanted {
  // A node that is full of others' lanes still takes one, so that those others add no latency to this destination;
  // one that wants none at all, because it stops, says so by the limit per destination.
  const room = Math.max(
    running.onNode === 0 ? Math.min(1, node.lanesPerDestinationMax) : 0,
    Math.min(node.lanesFree, node.lanesPerDestinationMax - running.onNode),
  )
  const lanes = Math.min(sends, room)
  // One node alone cannot use more places than it has for one destination.
  const places = Math.min(concurrency, Math.max(1, node.lanesPerDestinationMax))
  const retryingMax =
    wanted.fresh > 0
      ? Math.floor((places + (retryTurn ? 1 : 0)) / 2)
      : Math.max(1, Math.floor((places * 3) / 4))
  // Where few may begin at once, a rate or a full node being the reason, those few are shared in the same way.
  const shared = wanted.fresh > 0 ? Math.floor((lanes + (retryTurn ? 1 : 0)) / 2) : lanes
  const retrying = Math.max(0, Math.min(wanted.retrying, retryingMax - running.retrying, shared))
  return { fresh: Math.min(wanted.fresh, lanes - retrying), retrying }
}
