import { UnrecoverableError } from 'bullmq'
import { keyHash } from '../dedupe/stored-key.ts'
import type { Receiver } from '../receiver/receiver.ts'
import { isRejected } from '../receiver/rejected.ts'
import type { EventQueue, QueuedEvent } from './event-queue.ts'

/** What is used of a `Queue` of BullMQ. */
export interface BullmqQueue {
  add(name: string, data: QueuedEvent, options: BullmqJobOptions): Promise<unknown>
}

export interface BullmqJobOptions {
  jobId: string
  attempts: number
  backoff: { type: 'exponential'; delay: number }
  removeOnComplete: { age: number; count: number }
  removeOnFail: { age: number; count: number }
}

/** What is used of a job. */
export interface BullmqJob {
  data: QueuedEvent
  attemptsMade: number
}

export interface BullmqQueueOptions {
  /** The name of the jobs. Default: `event`. */
  name?: string
  /** How often an event is tried altogether. Default: 3, as the integration guide has it. */
  attempts?: number
  /** Before the second attempt; it doubles with each one. Default: 2,000, as the integration guide has it. */
  backoffMs?: number
}

/** Jobs hold payloads, so that few are kept and not for long: a day of what is done, to look at … */
const kept = { age: 86_400, count: 1_000 }
/** … and a week of what has failed for good, to be tried again by hand. In seconds, as BullMQ has it. */
const keptFailed = { age: 7 * 86_400, count: 10_000 }

/**
 * Puts events into a queue of BullMQ, to be handled by a worker with `bullmqProcessor`. A repeat of an event that is
 * still in the queue, kept jobs among them, makes no second job.
 *
 * An event is answered 200 only when Redis has it. Where Redis is away, `add` of BullMQ waits until it is back, with
 * the event in memory; the receiver answers 503 when its deadline is over, and the job that is made in the end is the
 * one that the repeat finds. To have 503 answered at once, give the queue a connection that does not wait, and wait for
 * it yourself when the app starts:
 *
 * ```ts
 * const queue = new Queue('call-events', { connection: { host, port, enableOfflineQueue: false } })
 * await queue.waitUntilReady()
 * ```
 *
 * A worker needs a connection that waits, which is what BullMQ makes by default.
 *
 * @throws TypeError where the queue is none or an option is wrong.
 * @example
 * const queue = new Queue('call-events', { connection })
 * createReceiver({ secrets: process.env.WEBHOOK_SECRET, queue: bullmqQueue(queue), on: { … } })
 */
export function bullmqQueue(
  queue: BullmqQueue,
  { name = 'event', attempts = 3, backoffMs = 2_000 }: BullmqQueueOptions = {},
): EventQueue {
  if (typeof queue?.add !== 'function') {
    throw new TypeError(`bullmqQueue: the queue is ${typeof queue} without add; expected a Queue of BullMQ`)
  }
  if (typeof name !== 'string' || name === '') {
    throw new TypeError(`bullmqQueue: name is ${JSON.stringify(name)}; expected a string that is not empty`)
  }
  if (!Number.isSafeInteger(attempts) || attempts < 1) {
    throw new TypeError(`bullmqQueue: attempts is ${String(attempts)}; expected a whole number from 1`)
  }
  if (!Number.isSafeInteger(backoffMs) || backoffMs < 0) {
    throw new TypeError(`bullmqQueue: backoffMs is ${String(backoffMs)}; expected a whole number from 0`)
  }
  return {
    async add(event) {
      return queue.add(name, event, {
        // BullMQ takes no colon in it, and keys have many.
        jobId: await keyHash(event.key),
        attempts,
        backoff: { type: 'exponential', delay: backoffMs },
        removeOnComplete: kept,
        removeOnFail: keptFailed,
      })
    },
  }
}

/**
 * What a worker of BullMQ does with each event: it runs the handlers of the receiver. A handler that throws has the
 * event tried again, as often as the queue was told; one that throws `Rejected` has it fail for good.
 *
 * @example
 * new Worker('call-events', bullmqProcessor(receiver), { connection })
 */
export function bullmqProcessor(
  receiver: Pick<Receiver, 'process'>,
): (job: BullmqJob, token?: string, signal?: AbortSignal) => Promise<void> {
  return async ({ data, attemptsMade }, _token, signal) => {
    try {
      await receiver.process(data, { attempt: attemptsMade + 1, ...(signal === undefined ? {} : { signal }) })
    } catch (error) {
      throw error instanceof Error && isRejected(error) ? unrecoverable(error) : error
    }
  }
}

/** The same error in the form in which BullMQ does not try again. */
function unrecoverable(error: Error): UnrecoverableError {
  const given = new UnrecoverableError(error.message)
  given.cause = error
  // What BullMQ keeps with the job: where the handler threw.
  if (error.stack !== undefined) given.stack = error.stack
  return given
}
