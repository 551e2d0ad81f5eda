import { UnrecoverableError } from 'bullmq'
import { keyHash } from '../dedupe/stored-key.ts'
import { withDefaults } from '../dedupe/with-defaults.ts'
import type { Receiver } from '../receiver/receiver.ts'
import { isRejected } from '../receiver/rejected.ts'
import type { EventQueue, QueuedEvent } from './event-queue.ts'

/** What is used of a `Queue` of BullMQ. */
export interface BullmqQueue {
  add(name: string, data: QueuedEvent, options: BullmqJobOptions): Promise<BullmqAddedJob>
}

/** What is used of a job that was added, or was there before under the same id. */
export interface BullmqAddedJob {
  isFailed(): Promise<boolean>
  retry(
    state: 'failed',
    options: { resetAttemptsMade: boolean; resetAttemptsStarted: boolean },
  ): Promise<void>
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

const defaults: Required<BullmqQueueOptions> = { name: 'event', attempts: 3, backoffMs: 2_000 }

/** Jobs hold payloads, so that few are kept and not for long: a day of what is done, to look at … */
const kept = { age: 86_400, count: 1_000 }
/** … and a week of what has failed for good, to be tried when it comes again, or by hand. In seconds, as BullMQ has it. */
const keptFailed = { age: 7 * 86_400, count: 10_000 }

/**
 * Puts events into a queue of BullMQ, to be handled by a worker with `bullmqProcessor`. A repeat of an event that is
 * still in the queue, those that are done and kept among them, makes no second job. Where its job has failed for good,
 * that one is tried again, as often as a new one.
 *
 * An event is answered 200 only when Redis has it. Where Redis is away, `add` of BullMQ waits until it is back, with
 * the event in memory; the receiver answers 503 when its deadline is over, and the job that is made in the end is the
 * one that the repeat finds. To have 503 answered at once, give the queue a connection that does not wait, and wait for
 * it yourself when the app starts:
 *
 * ```ts
 * const queue = new Queue('call-events', { connection: { host, port, enableOfflineQueue: false } })
 * queue.on('error', ({ message }) => console.error(message))
 * await queue.waitUntilReady()
 * ```
 *
 * A worker needs a connection that waits, which is what BullMQ makes by default.
 *
 * @throws TypeError where the queue is none or an option is wrong.
 * @example
 * const queue = new Queue('call-events', { connection })
 * createReceiver({
 *   secrets: process.env['WEBHOOK_SECRET'],
 *   queue: bullmqQueue(queue),
 *   on: { 'call.ended': ({ event }) => console.log(event.callId) },
 * })
 */
export function bullmqQueue(queue: BullmqQueue, options: BullmqQueueOptions = {}): EventQueue {
  const { name, attempts, backoffMs } = withDefaults('bullmqQueue', options, defaults)
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
      const job = await queue.add(name, event, {
        // BullMQ takes no colon in it, and keys have many.
        jobId: await keyHash(event.key),
        attempts,
        backoff: { type: 'exponential', delay: backoffMs },
        removeOnComplete: kept,
        removeOnFail: keptFailed,
      })
      if (await job.isFailed()) await tryAgain(job)
    },
  }
}

/** Of several that do so at once BullMQ lets one have it; for the others it has been done. */
async function tryAgain(job: BullmqAddedJob): Promise<void> {
  try {
    await job.retry('failed', { resetAttemptsMade: true, resetAttemptsStarted: true })
  } catch (error) {
    if (await job.isFailed()) throw error
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
      throw isRejected(error) ? unrecoverable(error as Error) : error
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
