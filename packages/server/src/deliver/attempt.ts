import {
  withoutAnswer,
  type AttemptResult,
  type DeliveryJob,
  type StoredDestination,
  type StoredEvent,
  type UserCode,
} from '@hookswitch/core'
import type { Message, ShownEvent } from '@hookswitch/destinations'
import type { UserCodeRequest, UserCodeResult, UserCodeRunner } from '../user-code/user-code-runner.ts'
import type { CallReads, ShownCall } from './call-reads.ts'
import type { EventReads } from './event-reads.ts'
import type { OpenDestinations, ReadyDestination } from './open-destinations.ts'
import { sampleCall, samplePlace, type SampleEvent } from './sample-call.ts'
import { shownEvent } from './shown-event.ts'

export interface AttemptOptions {
  events: EventReads
  calls: CallReads
  destinations: OpenDestinations
  userCode: UserCodeRunner
  /** Whether nothing may be sent to the destination at this moment. */
  isHeld(destination: StoredDestination): Promise<boolean>
  /** Told of the event before anything is sent, for the log line of the result. */
  onEvent?: (job: DeliveryJob, event: StoredEvent) => void
}

/** A filter or a template that needs longer is one that waits for something, which is a handler's business. */
const codeDeadlineMs = 2_000

/**
 * Makes one try of a delivery: the event and its call as they are now, filter, template, send. Whatever goes wrong
 * is a result with its reason; it rejects only with the signal's reason.
 */
export function createAttempt(options: AttemptOptions) {
  return async (job: DeliveryJob, signal: AbortSignal): Promise<AttemptResult> => {
    const begunAt = performance.now()
    return options.events.use(job.claim.delivery.eventSeq, (event) => withEvent(job, event, begunAt, signal))
  }

  async function withEvent(
    job: DeliveryJob,
    event: StoredEvent | null,
    begunAt: number,
    signal: AbortSignal,
  ): Promise<AttemptResult> {
    const { destination, claim } = job
    const { delivery } = claim
    if (event === null)
      return withoutAnswer('reject', 'settings', 'the event was removed before it was delivered')
    options.onEvent?.(job, event)
    let ready
    try {
      ready = options.destinations.get(destination)
    } catch (error) {
      return withoutAnswer('retry', 'settings', `cannot be sent to: ${messageOf(error)}`)
    }
    const place = {
      deliveryId: `dlv_${delivery.key}`,
      replayId: delivery.replayKey === null ? null : `rpl_${delivery.replayKey}`,
      attempt: job.attempt,
      test: false,
    }
    return attemptOf(
      options,
      destination,
      ready,
      { event, call: () => options.calls.get(event.callId, begunAt), mayBeSent },
      place,
      signal,
    )

    /** A filter that takes its time, or waits for its turn, must not send what was held meanwhile. */
    async function mayBeSent(): Promise<boolean> {
      return performance.now() <= job.freshUntil || !(await options.isHeld(destination))
    }
  }
}

/**
 * Sends a sample that says that it is one, with the settings as they are now. The filter is not asked: a test is to
 * arrive.
 */
export function createTest(options: AttemptOptions) {
  return async (
    destination: StoredDestination,
    given: SampleEvent | null,
    signal: AbortSignal,
  ): Promise<AttemptResult> => {
    try {
      return await options.destinations.use(destination, (ready) =>
        attemptOf(
          options,
          destination,
          ready,
          { ...sampleCall(Date.now(), given), mayBeSent: always },
          samplePlace(),
          signal,
        ),
      )
    } catch (error) {
      return withoutAnswer('reject', 'settings', `cannot be sent to: ${messageOf(error)}`)
    }
  }
}

/** A test is sent whatever holds the destination. */
const always = (): Promise<boolean> => Promise.resolve(true)

type Place = Pick<Message, 'deliveryId' | 'replayId' | 'attempt' | 'test'>

interface Subject {
  event: StoredEvent
  call(): Promise<ShownCall | null>
  /** Asked when all is ready to be sent. */
  mayBeSent(): Promise<boolean>
}

async function attemptOf(
  options: AttemptOptions,
  { definition }: StoredDestination,
  ready: ReadyDestination,
  { event, call: readIt, mayBeSent }: Subject,
  place: Place,
  signal: AbortSignal,
): Promise<AttemptResult> {
  let shown: ShownEvent | null = null
  const message: Message = {
    eventId: event.id,
    ...place,
    // Read when it is asked for: an event that is sent as it came is never parsed.
    get event() {
      return (shown ??= shownEvent(event))
    },
    body: event.body,
    call: null,
    outcome: null,
    content: undefined,
  }
  if (ready.readsCall) {
    const found = await readIt()
    if (found === null) return withoutAnswer('reject', 'settings', 'the record of its call is not there')
    message.call = found.call
    message.outcome = found.outcome
    const run = (part: 'filter' | 'template', code: UserCode): Promise<UserCodeResult> =>
      options.userCode.run(
        request(definition.name, part, code, { event: message.event, ...found }, place),
        signal,
      )
    if (definition.filter !== null && !place.test) {
      const answer = await run('filter', definition.filter)
      if (!answer.ok) return ofCode('filter', answer)
      if (answer.value !== true) return withoutAnswer('filtered', null, 'the filter said no')
    }
    if (definition.template !== null) {
      const answer = await run('template', definition.template)
      if (!answer.ok) return ofCode('template', answer)
      // JSONata that finds nothing gives nothing, which must not read as "no template": that would send the whole event.
      message.content = answer.value ?? null
    }
  }
  if (!(await mayBeSent())) {
    return withoutAnswer('interrupted', null, 'the destination was held before the event was sent')
  }
  return ready.send(message, signal)
}

function request(
  destination: string,
  part: UserCodeRequest['part'],
  code: UserCode,
  context: UserCodeRequest['context'],
  { attempt, deliveryId }: Place,
): UserCodeRequest {
  return {
    destination,
    part,
    jsonata: 'jsonata' in code ? code.jsonata : null,
    context,
    attempt,
    deliveryId,
    deadlineMs: codeDeadlineMs,
  }
}

/** What the code of a user came to where it gave no value. */
export function ofCode(
  part: UserCodeRequest['part'],
  { verdict, message, retryAfterMs }: Extract<UserCodeResult, { ok: false }>,
): AttemptResult {
  return { ...withoutAnswer(verdict, 'code', `the ${part} ${message}`), retryAfterMs }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
