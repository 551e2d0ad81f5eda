import { setInterval } from 'node:timers'
import { getHeapStatistics } from 'node:v8'
import { workerData } from 'node:worker_threads'
import type { ShownEvent } from '@hookswitch/destinations'
import { failureOf } from './code-failure.ts'
import { configFunctions } from './config-functions.ts'
import { handlerLog } from './handler-log.ts'
import { jsonText } from './json-value.ts'
import { JsonataCode } from './jsonata-code.ts'
import {
  cell,
  type HostMessage,
  type RunOrder,
  type ThreadMessage,
  type ThreadResult,
  type WorkThreadData,
} from './thread-messages.ts'
import { currentRun, ThreadRun, turn, within } from './thread-run.ts'

// The entry of a work thread. What users wrote runs here and nowhere else.
const { cells, port, configFile, ownModuleUrl } = workerData as WorkThreadData

/** A few times in the shortest silence that means something. */
const pulseMs = 100

/** A loop that leaves rejected promises behind would fill the host's memory. */
const straysMax = 100

const runs = new Map<number, ThreadRun>()
const code = new JsonataCode({ currentRun, turn: (run) => turn(cells, run) })
let strays = 0

// What nobody catches would end the thread, and with it what others run in it.
process.on('uncaughtException', (error) => sayStray('user code threw where nobody catches it', error))
process.on('unhandledRejection', (reason) => sayStray('user code left a rejected promise behind', reason))

const functionOf = await configFunctions(configFile, ownModuleUrl)
port.on('message', (message: HostMessage) => {
  if ('run' in message) void take(message.run)
  else abort(message.abort, message.overdue)
})
setInterval(() => Atomics.add(cells, cell.pulse, 1), pulseMs)
const { used_heap_size: heapBytes, external_memory: externalBytes } = getHeapStatistics()
say({ ready: { memoryBytes: heapBytes + externalBytes } })

function say(message: ThreadMessage): void {
  port.postMessage(message)
}

async function take(order: RunOrder): Promise<void> {
  const { number } = order
  const run = new ThreadRun(order)
  runs.set(number, run)
  await turn(cells, run)
  // In this order: whoever shuts the thread sees that the run has begun, or the run sees that the thread is shut.
  Atomics.store(cells, cell.begun, number)
  if (Atomics.load(cells, cell.shut) === 1 || run.abort.signal.aborted) say({ dropped: number })
  else say({ ended: number, result: await within(run, () => resultOf(run)) })
  runs.delete(number)
}

function abort(number: number, overdue: boolean): void {
  const reason = overdue
    ? new DOMException('The deadline is over', 'TimeoutError')
    : new DOMException('The server stops', 'AbortError')
  runs.get(number)?.abort.abort(reason)
}

async function resultOf(run: ThreadRun): Promise<ThreadResult> {
  const { part, jsonata, context: text } = run.order
  try {
    const context = JSON.parse(text) as Record<string, unknown>
    if (jsonata !== null) {
      return { ok: true, value: await code.run(jsonata, context, part === 'filter' ? 'filter' : 'template') }
    }
    return { ok: true, value: await callFunction(run, context) }
  } catch (thrown) {
    return failureOf(thrown)
  }
}

async function callFunction(run: ThreadRun, context: Record<string, unknown>): Promise<string> {
  const { destination, part, attempt, deliveryId } = run.order
  const called = functionOf(destination, part)
  if (part === 'handler') {
    const { signal } = run.abort
    const { id } = context['event'] as ShownEvent
    const log = handlerLog({ destination, delivery: deliveryId, event: id }, (line) => say({ line }))
    await called({ ...context, attempt, deliveryId, signal, log })
    return 'null'
  }
  const value = await called(context)
  return part === 'filter' ? String(Boolean(value)) : jsonText(value)
}

/** Without its message, which may quote a payload. */
function sayStray(message: string, thrown: unknown): void {
  strays += 1
  if (strays > straysMax) return
  const { destination = null, deliveryId = null } = currentRun()?.order ?? {}
  const fields = { destination, delivery: deliveryId, error: nameOf(thrown) }
  say({ line: { level: 'warn', fields, message } })
}

function nameOf(thrown: unknown): string {
  try {
    return thrown instanceof Error ? thrown.name.slice(0, 100) : typeof thrown
  } catch {
    return typeof thrown
  }
}
