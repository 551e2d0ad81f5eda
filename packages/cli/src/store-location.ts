import type { Environment } from '@hookswitch/server'
import type { StoreLocation } from '@hookswitch/store-sql'

/** The store that a server of this environment uses. */
export function storeLocation({ databaseUrl, dataDir }: Environment): StoreLocation {
  return databaseUrl === null
    ? { engine: 'sqlite', folder: dataDir }
    : { engine: 'postgres', url: databaseUrl }
}
