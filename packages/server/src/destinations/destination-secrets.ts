import type { StoredDestination } from '@hookswitch/core'
import type { Sealer } from '../secrets/sealer.ts'
import type { ResolvedDestination } from './read-destination.ts'

/** The secret settings of a destination. */
export type DestinationSecrets = (
  destination: Pick<StoredDestination, 'id' | 'origin' | 'definition' | 'sealedSecrets'>,
) => Record<string, unknown>

/**
 * Those of the config file come from there, and are nowhere else; all others are opened.
 *
 * The function that it gives throws an Error for people where they cannot be had.
 */
export function destinationSecrets(
  configured: readonly Pick<ResolvedDestination, 'definition' | 'secrets'>[],
  sealer: Pick<Sealer, 'open'>,
): DestinationSecrets {
  const byName = new Map(configured.map(({ definition, secrets }) => [definition.name, secrets]))
  return ({ id, origin, definition, sealedSecrets }) => {
    if (origin !== 'config') return sealer.open(id, sealedSecrets)
    const secrets = byName.get(definition.name)
    if (secrets === undefined) throw new Error('it is not in the config file of this node')
    return secrets
  }
}
