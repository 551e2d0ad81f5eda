import { receiveMessageOnPort, type MessagePort } from 'node:worker_threads'
import { FoldLoop } from '../fold/fold-loop.ts'
import { batchBytesMax, batchEventsMax } from '../accept/batch.ts'
import type { Appended, Store } from '../store/store.ts'
import { StoreError } from '../store/store-error.ts'
import { unpackEvents, type StoreFault, type StoreReply, type StoreRequest } from './store-messages.ts'

export interface StoreHostOptions {
  port: MessagePort
  /** Opens the store; an error is told to the other side. */
  open(): Promise<Store>
  /** The writer's thread also folds; the name is the node's. Null in a thread that only reads. */
  foldAs: string | null
}

/** Serves the store to another thread, and in the writer's thread folds between the accepts. */
export async function hostStore({ port, open, foldAs }: StoreHostOptions): Promise<void> {
  const say = (reply: StoreReply, transfer: ArrayBuffer[] = []): void => port.postMessage(reply, transfer)
  let store: Store
  try {
    store = await open()
  } catch (error) {
    say({ notOpened: fault(error) })
    return
  }
  let accepted = 0
  const fold =
    foldAs === null
      ? null
      : new FoldLoop({
          store,
          node: foldAs,
          accepted: () => accepted,
          onFolded: (folded) => say({ folded }),
          onError: (error) => say({ foldFailed: fault(error) }),
        })
  store.watch(() => {
    fold?.wake()
    say({ appended: true })
  })
  fold?.start()

  port.on('message', (message: StoreRequest | 'close') => {
    // What has come meanwhile is taken along, so that the accepts in it share one commit and go first.
    const appends: AppendRequest[] = []
    for (let next: StoreRequest | 'close' | undefined = message; next !== undefined; next = nextMessage()) {
      if (next === 'close') void close()
      else if (next.method === 'append') appends.push(next)
      else void answer(next)
      if (appends.length >= batchEventsMax) break
    }
    for (const group of groups(appends)) void append(group)
  })
  say({ ready: true })

  function nextMessage(): StoreRequest | 'close' | undefined {
    return receiveMessageOnPort(port)?.message as StoreRequest | 'close' | undefined
  }

  async function append(group: readonly AppendRequest[]): Promise<void> {
    try {
      const appended = await store.append(group.flatMap(({ batch }) => unpackEvents(batch)))
      accepted += appended.length
      let at = 0
      for (const { call, batch } of group) {
        const value: Appended[] = appended.slice(at, (at += batch.ids.length))
        say({ call, value })
      }
    } catch (error) {
      for (const { call } of group) say({ call, error: fault(error) })
    }
  }

  async function answer({ call, method, args }: Exclude<StoreRequest, AppendRequest>): Promise<void> {
    try {
      const run = store[method] as (...args: unknown[]) => Promise<unknown>
      say({ call, value: await run.apply(store, args) })
    } catch (error) {
      say({ call, error: fault(error) })
    }
  }

  async function close(): Promise<void> {
    await fold?.stop()
    await store.close()
    say({ closed: true })
    port.close()
  }
}

type AppendRequest = Extract<StoreRequest, { method: 'append' }>

/** Puts batches together as far as one commit may reach; a batch with a large body stays by itself. */
function groups(requests: readonly AppendRequest[]): AppendRequest[][] {
  const found: AppendRequest[][] = []
  let events = 0
  let bytes = 0
  for (const request of requests) {
    events += request.batch.ids.length
    bytes += request.batch.bytes.byteLength
    const last = found.at(-1)
    if (last !== undefined && events <= batchEventsMax && bytes <= batchBytesMax) last.push(request)
    else {
      found.push([request])
      events = request.batch.ids.length
      bytes = request.batch.bytes.byteLength
    }
  }
  return found
}

function fault(error: unknown): StoreFault {
  const failure =
    error instanceof StoreError
      ? error
      : new StoreError('io', error instanceof Error ? error.message : String(error), { outcome: 'unknown' })
  return { code: failure.code, detail: failure.detail, outcome: failure.outcome }
}
