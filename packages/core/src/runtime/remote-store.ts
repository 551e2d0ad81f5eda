import type { MessagePort } from 'node:worker_threads'
import type { Appended, NewEvent, Store, StoreChange } from '../store/store.ts'
import { StoreError } from '../store/store-error.ts'
import {
  packEvents,
  packedMemory,
  readingMethods,
  writingMethods,
  type ReadingMethod,
  type RemoteMethod,
  type StoreFault,
  type StoreReply,
  type WritingMethod,
} from './store-messages.ts'

/** What a thread that hosts a store looks like from here; `Worker` of node:worker_threads is one. */
export interface StoreThread {
  postMessage(message: unknown, transfer?: readonly (ArrayBuffer | MessagePort)[]): void
  on(event: 'message', listener: (reply: StoreReply) => void): unknown
  on(event: 'error', listener: (error: unknown) => void): unknown
  on(event: 'exit', listener: (code: number) => void): unknown
  terminate(): Promise<number>
}

export interface RemoteStoreEvents {
  onFolded?: (folded: { events: number; marked: number; ms: number }) => void
  onFoldFailed?: (error: StoreError) => void
  onUpkeepFailed?: (error: StoreError) => void
  /** The thread ended without having been asked to: the process cannot serve any more. */
  onDied?: (cause: unknown) => void
}

/** The methods of the port that another thread serves. */
export type RemoteStore = Pick<Store, RemoteMethod | 'watch' | 'close'> & {
  /** Lets the thread at the other end of `port` use the store too; it does so with `storeAt`. */
  serve(port: MessagePort): void
}

/** A store as its readers and its writer serve it together. */
export type ReadingStore = Pick<Store, ReadingMethod>
export type WritingStore = Pick<Store, WritingMethod | 'watch'>

/** How long a thread may take to close its store before it is ended. */
const closeMs = 5_000

/** The calls that are under way over one port, and who is to be told of changes. */
class RemoteCalls {
  readonly #port: Pick<StoreThread, 'postMessage'>
  readonly #calls = new Map<
    number,
    { resolve: (value: unknown) => void; reject: (error: StoreError) => void }
  >()
  readonly #watchers = new Set<(change: StoreChange) => void>()
  #lastCall = 0
  open = false

  constructor(port: Pick<StoreThread, 'postMessage'>) {
    this.#port = port
  }

  /** True for a message that was an answer to a call or a signal. */
  take(reply: StoreReply): boolean {
    if ('call' in reply) {
      const waiting = this.#calls.get(reply.call)
      this.#calls.delete(reply.call)
      if ('error' in reply) waiting?.reject(storeError(reply.error))
      else waiting?.resolve(reply.value)
      return true
    }
    if (!('changed' in reply)) return false
    for (const watcher of this.#watchers) watcher(reply.changed)
    return true
  }

  end(cause: StoreError): void {
    for (const { reject } of this.#calls.values()) reject(cause)
    this.#calls.clear()
  }

  methods<Method extends RemoteMethod>(names: readonly Method[]): Pick<Store, Method> {
    return Object.fromEntries(
      names.map((method) => [
        method,
        method === 'append'
          ? (batch: readonly NewEvent[]) => this.#append(batch)
          : (...args: unknown[]) => this.#request((call) => this.#port.postMessage({ call, method, args })),
      ]),
    ) as unknown as Pick<Store, Method>
  }

  watch(onChange: (change: StoreChange) => void): () => void {
    this.#watchers.add(onChange)
    return () => this.#watchers.delete(onChange)
  }

  #append(batch: readonly NewEvent[]): Promise<Appended[]> {
    const packed = packEvents(batch)
    return this.#request((call) =>
      this.#port.postMessage({ call, method: 'append', batch: packed }, packedMemory(packed)),
    ) as Promise<Appended[]>
  }

  #request(send: (call: number) => void): Promise<unknown> {
    if (!this.open) return Promise.reject(new StoreError('closed'))
    return new Promise((resolve, reject) => {
      this.#lastCall += 1
      this.#calls.set(this.#lastCall, { resolve, reject })
      send(this.#lastCall)
    })
  }
}

/** Opens a store in the thread and resolves when it is ready; rejects with the `StoreError` that it failed with. */
export function connectStore(thread: StoreThread, events: RemoteStoreEvents = {}): Promise<RemoteStore> {
  const calls = new RemoteCalls(thread)
  let state: 'opening' | 'open' | 'closing' | 'closed' = 'opening'
  let whenClosed: (() => void) | null = null

  async function close(): Promise<void> {
    if (state === 'closing' || state === 'closed') return
    state = 'closing'
    calls.open = false
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

  return new Promise((resolve, reject) => {
    thread.on('message', (reply) => {
      if (calls.take(reply)) return
      if ('folded' in reply) events.onFolded?.(reply.folded)
      else if ('foldFailed' in reply) events.onFoldFailed?.(storeError(reply.foldFailed))
      else if ('upkeepFailed' in reply) events.onUpkeepFailed?.(storeError(reply.upkeepFailed))
      else if ('ready' in reply) {
        state = 'open'
        calls.open = true
        resolve({
          ...calls.methods([...readingMethods, ...writingMethods]),
          close,
          serve: (port) => thread.postMessage({ serve: port }, [port]),
          watch: (onChange) => calls.watch(onChange),
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
      calls.open = false
      const error = new StoreError('unavailable', `the thread of the store ended with code ${code}`, {
        cause,
        outcome: 'unknown',
      })
      calls.end(error)
      whenClosed?.()
      reject(error)
      if (died) events.onDied?.(cause ?? error)
    })
  })
}

/** The writing half of a store that another thread hosts, over a port that was handed to it with `serve`. */
export function storeAt(port: MessagePort): WritingStore {
  const calls = new RemoteCalls(port)
  calls.open = true
  port.on('message', (reply: StoreReply) => calls.take(reply))
  port.on('close', () => {
    calls.open = false
    calls.end(new StoreError('closed', null, { outcome: 'unknown' }))
  })
  return { ...calls.methods(writingMethods), watch: (onChange) => calls.watch(onChange) }
}

type AnyMethod = (...args: unknown[]) => Promise<unknown>

/** What reads goes to one store, what writes to another of the same data. */
export function joinStores(writer: WritingStore, reader: ReadingStore): ReadingStore & WritingStore {
  const calling = (store: object, name: string): [string, AnyMethod] => {
    const methods = store as Record<string, AnyMethod>
    return [name, (...args) => methods[name]!(...args)]
  }
  return {
    ...Object.fromEntries([
      ...readingMethods.map((name) => calling(reader, name)),
      ...writingMethods.map((name) => calling(writer, name)),
    ]),
    watch: (onChange: (change: StoreChange) => void) => writer.watch(onChange),
  } as unknown as ReadingStore & WritingStore
}

function storeError({ code, detail, outcome }: StoreFault): StoreError {
  return new StoreError(code, detail, { outcome })
}
