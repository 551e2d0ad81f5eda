import { isDeepStrictEqual } from 'node:util'
import { destinationId, type DeliveryStore, type HoldReason, type StoredDestination } from '@hookswitch/core'
import { ConfigurationError } from '../config/configuration-error.ts'
import type { ResolvedDestination } from './read-destination.ts'

type Configured = Pick<ResolvedDestination, 'definition' | 'secrets'>

type SyncStore = Pick<
  DeliveryStore,
  'listDestinations' | 'addDestination' | 'changeDestination' | 'holdDestination'
>

/** Each round ends with what another node has done meanwhile; that many of them write at once nowhere. */
const roundsMax = 20

const removedDetail = 'it is not in the config file any more'

/**
 * Brings the store's destinations that come from the config file to what the file says now. They are matched by
 * name. One that is not in the file any more is held, with what waits for it; one that comes back goes on. Their
 * secrets are not stored, so a start also ends the holds that a new secret may have answered. Several nodes may do
 * so at once; whoever starts last decides.
 *
 * @param file stands before each problem.
 * @throws ConfigurationError where a name belongs to a destination that was made over the API.
 */
export async function syncDestinations(
  store: SyncStore,
  destinations: readonly Configured[],
  file: string,
): Promise<void> {
  for (let round = 0; round < roundsMax; round += 1) {
    if (await syncOnce(store, destinations, file)) return
  }
  throw new Error('the destinations of the config file could not be stored: other nodes keep changing them')
}

/** False where another node was faster somewhere. */
async function syncOnce(
  store: SyncStore,
  destinations: readonly Configured[],
  file: string,
): Promise<boolean> {
  const stored = new Map((await store.listDestinations()).map((one) => [one.definition.name, one]))
  const problems = destinations.flatMap(({ definition: { name } }) => {
    const other = stored.get(name)
    return other !== undefined && other.origin !== 'config'
      ? [
          `${file}: destination "${name}" has the name of ${other.id}, which was made over the API; rename one of the two, or remove that one`,
        ]
      : []
  })
  if (problems.length > 0) throw new ConfigurationError(problems)

  let done = true
  for (const destination of destinations) {
    if (!(await bring(store, destination, stored.get(destination.definition.name)))) done = false
  }
  const names = new Set(destinations.map(({ definition }) => definition.name))
  for (const { id, origin, definition, flow } of stored.values()) {
    if (origin !== 'config' || names.has(definition.name) || flow.hold?.reason === 'removed') continue
    await store.holdDestination(id, { reason: 'removed', until: null, detail: removedDetail })
  }
  return done
}

/** Holds that a new secret in the file may have answered. */
const mayBeMended: ReadonlySet<HoldReason | undefined> = new Set(['auth', 'gone', 'failing'])

/** Makes, changes or resumes one; false where another node was faster. */
async function bring(
  store: SyncStore,
  { definition, secrets }: Configured,
  present: StoredDestination | undefined,
): Promise<boolean> {
  if (present === undefined) {
    const made = { id: destinationId(), origin: 'config', definition, sealedSecrets: null } as const
    return (await store.addDestination(made)) !== null
  }
  const { id, version, flow } = present
  if (!isDeepStrictEqual(present.definition, definition)) {
    // It ends such holds as well.
    const changed = await store.changeDestination(id, version, { definition, sealedSecrets: null })
    return typeof changed !== 'string'
  }
  const reason = flow.hold?.reason
  const isEnded = reason === 'removed' || (mayBeMended.has(reason) && Object.keys(secrets).length > 0)
  return !isEnded || (await store.holdDestination(id, null)) !== null
}
