import { workerData } from 'node:worker_threads'
import { parentPort } from 'node:worker_threads'
import { hostStore } from '@hookswitch/core'
import { openReader, openStore } from '@hookswitch/store-sql'
import type { StoreThreadData } from './start-threads.ts'

// The entry of both threads of the store: the writer, which folds and keeps up between the accepts, and the reader.
const { location, role, node, retention } = workerData as StoreThreadData
if (parentPort !== null) {
  await hostStore({
    port: parentPort,
    open: () => (role === 'writer' ? openStore(location) : openReader(location)),
    writer: role === 'writer' ? { node, retention } : null,
  })
}
