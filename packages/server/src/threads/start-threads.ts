import { Worker } from 'node:worker_threads'
import { connectStore, type RemoteStore, type RemoteStoreEvents } from '@hookswitch/core'
import type { StoreLocation } from '@hookswitch/store-sql'

export interface StoreThreadData {
  location: StoreLocation
  role: 'writer' | 'reader'
  /** Names this node to the store. */
  node: string
}

/** The file runs as TypeScript in a checkout and as JavaScript in an installed package; a URL is not rewritten. */
const fromSource = import.meta.url.endsWith('.ts')
const sourceCondition = '--conditions=hookswitch-source'
/** A thread inherits the options of the process; in a checkout it must be told where the sources are if they are silent. */
const needsCondition = fromSource && !process.execArgv.includes(sourceCondition)
const entry = new URL(fromSource ? './store-thread.ts' : './store-thread.js', import.meta.url)

/**
 * Starts the two threads of the store and joins them to one: what writes goes to the writer, what reads to the
 * reader, so that neither a long read nor a large page of the API ever holds up a commit, nor the HTTP thread.
 */
export async function startStoreThreads(
  location: StoreLocation,
  node: string,
  events: RemoteStoreEvents,
): Promise<RemoteStore> {
  // The writer first: it migrates, and it holds the data folder.
  const writer = await connectStore(startThread({ location, role: 'writer', node }), events)
  try {
    const reader = await connectStore(startThread({ location, role: 'reader', node }), events)
    return {
      append: (batch) => writer.append(batch),
      addSecret: (secret) => writer.addSecret(secret),
      expireSecret: (source, id, at) => writer.expireSecret(source, id, at),
      removeSecret: (source, id) => writer.removeSecret(source, id),
      touchSecrets: (uses) => writer.touchSecrets(uses),
      watch: (onAppended) => writer.watch(onAppended),
      // Whether the store can take events is what the writer says.
      ping: () => writer.ping(),
      getCall: (callId) => reader.getCall(callId),
      listCalls: (query) => reader.listCalls(query),
      listEvents: (query) => reader.listEvents(query),
      getEvent: (id) => reader.getEvent(id),
      logBounds: () => reader.logBounds(),
      listSecrets: () => reader.listSecrets(),
      stats: () => reader.stats(),
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

function startThread(data: StoreThreadData): Worker {
  return new Worker(entry, {
    name: `hookswitch-${data.role}`,
    workerData: data,
    ...(needsCondition ? { execArgv: [sourceCondition] } : {}),
    // A thread of the store keeps little: a small young generation keeps its memory low and its pauses short.
    resourceLimits: { maxYoungGenerationSizeMb: 16 },
  })
}
