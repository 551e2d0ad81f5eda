import { holdAt, type DeliveryStore, type StoredDestination } from '@hookswitch/core'
import { ApiError } from './errors.ts'

/** A destination as it is, by id or name. An id is looked for first. */
export async function findDestination(
  store: Pick<DeliveryStore, 'listDestinations'>,
  idOrName: string,
): Promise<StoredDestination> {
  const destinations = await store.listDestinations()
  const found =
    destinations.find(({ id }) => id === idOrName) ??
    destinations.find(({ definition }) => definition.name === idOrName)
  if (found === undefined) throw noDestination()
  return found
}

function noDestination(): ApiError {
  return new ApiError('not_found', 'No destination has this id or name')
}

/** The key of a destination, by id or name; of those that were removed the last that had the name. */
export async function findDestinationKey(
  store: Pick<DeliveryStore, 'listDestinations' | 'destinationNames'>,
  idOrName: string,
): Promise<number> {
  const named = await store.destinationNames({ idOrName })
  const present = new Set((await store.listDestinations()).map(({ key }) => key))
  const found =
    named.find(({ id }) => id === idOrName) ?? named.find(({ key }) => present.has(key)) ?? named.at(-1)
  if (found === undefined) throw noDestination()
  return found.key
}

/** One that is not in the config file any more, or half removed, is there only for what waits for it. */
export function refuseRemoved({ origin, flow }: StoredDestination): void {
  if (flow.hold?.reason !== 'removed') return
  throw new ApiError(
    'conflict',
    origin === 'config'
      ? 'This destination is not in the config file any more; put it back there, or remove it'
      : 'This destination is being removed; remove it again to end that',
  )
}

/** What other lists show of a destination. */
export type DestinationByKey = (key: number) => { id: string; name: string; held: boolean }

/**
 * Names destinations by their keys. One that was removed has the name that it had last.
 *
 * @param keys those that will be asked for.
 */
export async function destinationsByKey(
  store: Pick<DeliveryStore, 'listDestinations' | 'destinationNames'>,
  keys: readonly number[],
  now: number,
): Promise<DestinationByKey> {
  const known = new Map<number, ReturnType<DestinationByKey>>()
  for (const { key, id, definition, flow } of await store.listDestinations()) {
    known.set(key, { id, name: definition.name, held: holdAt(flow, now) !== null })
  }
  const removed = [...new Set(keys)].filter((key) => !known.has(key))
  if (removed.length > 0) {
    for (const { key, id, name } of await store.destinationNames({ keys: removed })) {
      known.set(key, { id, name, held: false })
    }
  }
  return (key) => known.get(key) ?? { id: '', name: '', held: false }
}
