import { isDeepStrictEqual } from 'node:util'
import type { StoredDestination } from '@hookswitch/core'
import type { ResolvedDestination } from '../destinations/read-destination.ts'

/**
 * Which destinations this node may send to: those that the store alone has, and of the config file those of which its own file says
 * what the store says. While nodes with two states of the file run side by side, a node without a destination would
 * spend its tries for nothing, and one with an older entry would send its secrets to the newer address.
 *
 * @param onOther called once for each that is left to other nodes, and again when that one changes.
 */
export function ownDestinations(
  configured: readonly Pick<ResolvedDestination, 'definition'>[],
  onOther: (destination: StoredDestination) => void,
): (destination: StoredDestination) => boolean {
  const byName = new Map(configured.map(({ definition }) => [definition.name, definition]))
  const judged = new Map<number, { version: number; isOwn: boolean }>()
  return (destination) => {
    const { key, version, origin, definition } = destination
    if (origin !== 'config') return true
    const known = judged.get(key)
    if (known?.version === version) return known.isOwn
    const isOwn = isDeepStrictEqual(byName.get(definition.name), definition)
    judged.set(key, { version, isOwn })
    if (!isOwn) onOther(destination)
    return isOwn
  }
}
