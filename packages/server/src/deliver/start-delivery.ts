import { MessageChannel, Worker, type MessagePort } from 'node:worker_threads'
import { withoutAnswer, type StoredDestination } from '@hookswitch/core'
import type { SampleEvent } from './sample-call.ts'
import { threadEntry } from '../threads/thread-entry.ts'
import type {
  CodeLine,
  DeliverReply,
  DeliverRequest,
  DeliverThreadData,
  DeliveryLine,
  TestResult,
} from './deliver-messages.ts'

export interface DeliveryEvents {
  onResult(line: DeliveryLine): void
  /** The store could not be asked; it is tried again. */
  onFailed(failure: { code: string; detail: string | null }): void
  onSaid(line: CodeLine): void
  /** The thread ended without having been asked to. */
  onDied(cause: unknown): void
}

export interface Delivery {
  /** Sends a sample, one of its own or the given one, with the settings as they are in the row. */
  test(destination: StoredDestination, sample?: SampleEvent): Promise<TestResult>
  /** Begins nothing more, and lets what is under way end for `drainMs` at most. One promise for all calls. */
  stop(drainMs: number): Promise<void>
}

/** After its drain time the thread still writes what it has; then it is ended. */
const stopMs = 5_000

/**
 * Starts the thread that delivers.
 *
 * @param serve hands one end of a channel to the writer's thread.
 */
export async function startDelivery(
  data: Omit<DeliverThreadData, 'writer'>,
  serve: (port: MessagePort) => void,
  events: DeliveryEvents,
): Promise<Delivery> {
  const { port1, port2 } = new MessageChannel()
  serve(port1)
  const { url, execArgv } = threadEntry(import.meta.url, 'deliver-thread')
  const thread = new Worker(url, {
    name: 'hookswitch-deliver',
    workerData: { ...data, writer: port2 } satisfies DeliverThreadData,
    transferList: [port2],
    ...(execArgv === null ? {} : { execArgv }),
  })
  const tests = new Map<number, (result: TestResult) => void>()
  let lastTest = 0
  let stopping = false
  let ended: Promise<void> | null = null
  let whenStopped: () => void = () => {}
  const stopped = new Promise<void>((resolve) => {
    whenStopped = resolve
  })
  await new Promise<void>((resolve, reject) => {
    thread.on('message', (reply: DeliverReply) => {
      if ('written' in reply) events.onResult(reply.written)
      else if ('tested' in reply) {
        tests.get(reply.tested)?.(reply.result)
        tests.delete(reply.tested)
      } else if ('failed' in reply) events.onFailed(reply.failed)
      else if ('said' in reply) events.onSaid(reply.said)
      else if ('ready' in reply) resolve()
      else if ('notStarted' in reply) reject(new Error(reply.notStarted))
      else whenStopped()
    })
    let cause: unknown = null
    thread.on('error', (error) => {
      cause = error
    })
    thread.on('exit', (code) => {
      const error = cause ?? new Error(`the thread that delivers ended with code ${code}`)
      for (const answer of tests.values()) answer(endedBefore())
      tests.clear()
      whenStopped()
      reject(error)
      if (!stopping) events.onDied(error)
    })
  })
  const say = (request: DeliverRequest): void => thread.postMessage(request)
  return {
    test: (destination, sample) =>
      new Promise((resolve) => {
        lastTest += 1
        tests.set(lastTest, resolve)
        say({ test: lastTest, destination, sample: sample ?? null })
      }),
    stop: (drainMs) => (ended ??= end(drainMs)),
  }

  async function end(drainMs: number): Promise<void> {
    stopping = true
    say({ stop: { drainMs } })
    const timer = setTimeout(whenStopped, drainMs + stopMs)
    await stopped
    clearTimeout(timer)
    await thread.terminate()
  }
}

function endedBefore(): TestResult {
  return {
    ...withoutAnswer('interrupted', null, 'the server stopped before the test had ended'),
    startedAt: Date.now(),
    durationMs: 0,
  }
}
