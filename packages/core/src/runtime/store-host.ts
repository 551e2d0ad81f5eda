import type { MessagePort } from 'node:worker_threads'
import { FoldLoop } from '../fold/fold-loop.ts'
import type { Store } from '../store/store.ts'
import { StoreError } from '../store/store-error.ts'
import { Upkeep, type RetentionDays } from '../upkeep/upkeep.ts'
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
  /** The writer's thread also folds and keeps the store up. Null in a thread that only reads. */
  writer: { node: string; retention: RetentionDays } | null
}

/**
 * Serves the store to other threads: to the one at `port`, and to those whose ports it hands on. In the writer's
 * thread the fold runs between the accepts, and the upkeep between those.
 */
export async function hostStore({ port: owner, open, writer }: StoreHostOptions): Promise<void> {
  let store: Store
  try {
    store = await open()
  } catch (error) {
    owner.postMessage({ notOpened: fault(error) } satisfies StoreReply)
    return
  }
  const ports = new Set<MessagePort>()
  let accepted = 0
  const tell = (reply: StoreReply): void => owner.postMessage(reply)
  const fold =
    writer === null
      ? null
      : new FoldLoop({
          store,
          node: writer.node,
          accepted: () => accepted,
          onFolded: (folded) => tell({ folded }),
          onError: (error) => tell({ foldFailed: fault(error) }),
        })
  const upkeep =
    writer === null
      ? null
      : new Upkeep({
          store,
          retention: writer.retention,
          onError: (error) => tell({ upkeepFailed: fault(error) }),
        })
  if (writer !== null) {
    store.watch((change) => {
      if (change === 'appended') {
        fold?.wake()
        tell({ changed: change })
        return
      }
      upkeep?.wake()
      for (const port of ports) if (port !== owner) port.postMessage({ changed: change } satisfies StoreReply)
    })
    fold?.start()
    upkeep?.start()
  }
  serve(owner)
  tell({ ready: true })

  function serve(port: MessagePort): void {
    ports.add(port)
    port.on('close', () => ports.delete(port))
    port.on('message', (message: StoreRequest) => {
      if (message === 'close') void close()
      else if ('serve' in message) serve(message.serve)
      else if (message.method === 'append') void append(port, message)
      else void answer(port, message)
    })
  }

  async function append(port: MessagePort, { call, batch }: AppendRequest): Promise<void> {
    const say = (reply: StoreReply): void => port.postMessage(reply)
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

  async function answer(port: MessagePort, { call, method, args }: CallRequest): Promise<void> {
    const say = (reply: StoreReply): void => port.postMessage(reply)
    try {
      const run = store[method] as (...args: unknown[]) => Promise<unknown>
      const value = await run.apply(store, args)
      // What is published is written to the log like what is received, and the fold makes room for it likewise.
      if (method === 'publish') accepted += (value as unknown[]).length
      say({ call, value })
    } catch (error) {
      say({ call, error: fault(error) })
    }
  }

  async function close(): Promise<void> {
    await upkeep?.stop()
    await fold?.stop()
    await store.close()
    tell({ closed: true })
    for (const port of ports) port.close()
  }
}

type CallRequest = Extract<StoreRequest, { args: unknown[] }>
type AppendRequest = Extract<StoreRequest, { method: 'append' }>

function fault(error: unknown): StoreFault {
  const failure =
    error instanceof StoreError
      ? error
      : new StoreError('io', error instanceof Error ? error.message : String(error), { outcome: 'unknown' })
  return { code: failure.code, detail: failure.detail, outcome: failure.outcome }
}
