import { Worker } from 'node:worker_threads'
import {
  connectStore,
  joinStores,
  type ReadingStore,
  type RemoteStore,
  type RemoteStoreEvents,
  type RetentionDays,
  type WritingStore,
} from '@hookswitch/core'
import type { StoreLocation } from '@hookswitch/store-sql'
import { threadEntry } from './thread-entry.ts'

export interface StoreThreadData {
  location: StoreLocation
  role: 'writer' | 'reader'
  /** Names this node to the store. */
  node: string
  retention: RetentionDays
}

/**
 * Starts the two threads of the store and joins them to one: what writes goes to the writer, what reads to the
 * reader, so that neither a long read nor a large page of the API ever holds up a commit, nor the HTTP thread.
 */
export async function startStoreThreads(
  data: Omit<StoreThreadData, 'role'>,
  events: RemoteStoreEvents,
): Promise<StoreThreads> {
  // The writer first: it migrates, and it holds the data folder.
  const writer = await connectStore(startThread({ ...data, role: 'writer' }), events)
  try {
    const reader = await connectStore(startThread({ ...data, role: 'reader' }), events)
    return {
      ...joinStores(writer, reader),
      serve: (port) => writer.serve(port),
      close: async () => {
        await reader.close()
        await writer.close()
      },
    }
  } catch (error) {
    await writer.close()
    throw error
  }
}

export type StoreThreads = ReadingStore & WritingStore & Pick<RemoteStore, 'serve' | 'close'>

function startThread(data: StoreThreadData): Worker {
  const { url, execArgv } = threadEntry(import.meta.url, 'store-thread')
  return new Worker(url, {
    name: `hookswitch-${data.role}`,
    workerData: data,
    ...(execArgv === null ? {} : { execArgv }),
    // A thread of the store keeps little: a small young generation keeps its memory low and its pauses short.
    resourceLimits: { maxYoungGenerationSizeMb: 16 },
  })
}
