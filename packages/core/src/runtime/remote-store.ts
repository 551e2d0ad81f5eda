import type { Appended, NewEvent, Store } from '../store/store.ts'
import { StoreError } from '../store/store-error.ts'
import {
  packEvents,
  packedMemory,
  remoteMethods,
  type RemoteMethod,
  type StoreFault,
  type StoreReply,
} from './store-messages.ts'

/** What a thread that hosts a store looks like from here; `Worker` of node:worker_threads is one. */
export interface StoreThread {
  postMessage(message: unknown, transfer?: readonly ArrayBuffer[]): void
  on(event: 'message', listener: (reply: StoreReply) => void): unknown
  on(event: 'error', listener: (error: unknown) => void): unknown
  on(event: 'exit', listener: (code: number) => void): unknown
  terminate(): Promise<number>
}

export interface RemoteStoreEvents {
  onFolded?: (folded: { events: number; marked: number; ms: number }) => void
  onFoldFailed?: (error: StoreError) => void
  /** The thread ended without having been asked to: the process cannot serve any more. */
  onDied?: (cause: unknown) => void
}

/** The methods of the port that another thread serves. */
export type RemoteStore = Pick<Store, RemoteMethod | 'watch' | 'close'>

/** How long a thread may take to close its store before it is ended. */
const closeMs = 5_000

/** Opens a store in the thread and resolves when it is ready; rejects with the `StoreError` that it failed with. */
export function connectStore(thread: StoreThread, events: RemoteStoreEvents = {}): Promise<RemoteStore> {
  const calls = new Map<number, { resolve: (value: unknown) => void; reject: (error: StoreError) => void }>()
  const watchers = new Set<() => void>()
  let lastCall = 0
  let state: 'opening' | 'open' | 'closing' | 'closed' = 'opening'
  let whenClosed: (() => void) | null = null

  const call = (method: RemoteMethod, args: unknown[]): Promise<unknown> =>
    request((number) => thread.postMessage({ call: number, method, args }))

  function request(send: (number: number) => void): Promise<unknown> {
    if (state !== 'open') return Promise.reject(new StoreError('closed'))
    return new Promise((resolve, reject) => {
      lastCall += 1
      calls.set(lastCall, { resolve, reject })
      send(lastCall)
    })
  }

  function append(batch: readonly NewEvent[]): Promise<Appended[]> {
    const packed = packEvents(batch)
    return request((number) =>
      thread.postMessage({ call: number, method: 'append', batch: packed }, packedMemory(packed)),
    ) as Promise<Appended[]>
  }

  async function close(): Promise<void> {
    if (state === 'closing' || state === 'closed') return
    state = 'closing'
    const closed = new Promise<void>((resolve) => {
      whenClosed = resolve
    })
    thread.postMessage('close')
    const timer = setTimeout(() => whenClosed?.(), closeMs)
    await closed
    clearTimeout(timer)
    state = 'closed'
    await thread.terminate()
  }

  function end(cause: StoreError): void {
    for (const { reject } of calls.values()) reject(cause)
    calls.clear()
    whenClosed?.()
  }

  return new Promise((resolve, reject) => {
    thread.on('message', (reply) => {
      if ('call' in reply) {
        const waiting = calls.get(reply.call)
        calls.delete(reply.call)
        if ('error' in reply) waiting?.reject(storeError(reply.error))
        else waiting?.resolve(reply.value)
      } else if ('appended' in reply) {
        for (const watcher of watchers) watcher()
      } else if ('folded' in reply) {
        events.onFolded?.(reply.folded)
      } else if ('foldFailed' in reply) {
        events.onFoldFailed?.(storeError(reply.foldFailed))
      } else if ('ready' in reply) {
        state = 'open'
        const remote = Object.fromEntries(
          remoteMethods.map((method) => [method, (...args: unknown[]) => call(method, args)]),
        ) as unknown as Pick<Store, RemoteMethod>
        resolve({
          ...remote,
          append,
          close,
          watch: (onAppended) => {
            watchers.add(onAppended)
            return () => watchers.delete(onAppended)
          },
        })
      } else if ('notOpened' in reply) {
        state = 'closed'
        void thread.terminate()
        reject(storeError(reply.notOpened))
      } else if ('closed' in reply) whenClosed?.()
    })
    let cause: unknown = null
    thread.on('error', (error) => {
      cause = error
    })
    thread.on('exit', (code) => {
      const died = state === 'open' || state === 'opening'
      state = 'closed'
      const error = new StoreError('unavailable', `the thread of the store ended with code ${code}`, {
        cause,
        outcome: 'unknown',
      })
      end(error)
      reject(error)
      if (died) events.onDied?.(cause ?? error)
    })
  })
}

function storeError({ code, detail, outcome }: StoreFault): StoreError {
  return new StoreError(code, detail, { outcome })
}
