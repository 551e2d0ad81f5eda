import type { MessagePort } from 'node:worker_threads'
import { FoldLoop } from '../fold/fold-loop.ts'
import type { Store } from '../store/store.ts'
import { StoreError } from '../store/store-error.ts'
import {
  releaseEvents,
  unpackEvents,
  type StoreFault,
  type StoreReply,
  type StoreRequest,
} from './store-messages.ts'

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
  if (fold !== null) {
    store.watch(() => {
      fold.wake()
      say({ appended: true })
    })
    fold.start()
  }

  port.on('message', (message: StoreRequest | 'close') => {
    if (message === 'close') void close()
    else if (message.method === 'append') void append(message)
    else void answer(message)
  })
  say({ ready: true })

  async function append({ call, batch }: AppendRequest): Promise<void> {
    try {
      const appended = await store.append(unpackEvents(batch))
      accepted += appended.length
      say({ call, value: appended })
    } catch (error) {
      say({ call, error: fault(error) })
    } finally {
      releaseEvents(batch)
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

function fault(error: unknown): StoreFault {
  const failure =
    error instanceof StoreError
      ? error
      : new StoreError('io', error instanceof Error ? error.message : String(error), { outcome: 'unknown' })
  return { code: failure.code, detail: failure.detail, outcome: failure.outcome }
}
