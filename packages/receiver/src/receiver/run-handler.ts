import { callOfEvent } from '../event/call-of-event.ts'
import { factsOf } from '../event/event-facts.ts'
import type { ReceivedEvent } from '../event/received-event.ts'
import type { HandlerContext } from './options.ts'
import { isRejected } from './rejected.ts'
import type { ResolvedReceiver } from './resolve-options.ts'

/** How a handler ended. */
export type Ended = { how: 'done' } | { how: 'failed' | 'rejected'; error: unknown }

export type Course = Pick<HandlerContext, 'signal' | 'attempt'>

/**
 * What a handler is called with. A class, whose instances share one shape: an object with an accessor of its own keeps
 * event and body alive until the collector has gone through everything.
 */
class HandlerCall<Outcome> implements HandlerContext<string, Outcome> {
  readonly event: ReceivedEvent
  readonly outcome: Outcome | null
  readonly outcomeIssues: HandlerContext['outcomeIssues']
  readonly attempt: number
  readonly #within: Pick<Course, 'signal'>
  #call: HandlerContext['call'] | null = null

  constructor(
    event: ReceivedEvent,
    { outcome, outcomeIssues }: OutcomeReading<Outcome>,
    within: Pick<Course, 'signal'>,
    attempt: number,
  ) {
    this.event = event
    this.outcome = outcome
    this.outcomeIssues = outcomeIssues
    this.attempt = attempt
    this.#within = within
  }

  /** Made when it is asked for, which most handlers do not. */
  get call(): HandlerContext['call'] {
    return (this.#call ??= callOfEvent(this.event))
  }

  get signal(): AbortSignal {
    return this.#within.signal
  }
}

/** Runs the handler of the event, with its outcome read by the schema. Never rejects. */
export async function runHandler<Outcome>(
  resolved: ResolvedReceiver<Outcome>,
  event: ReceivedEvent,
  within: Pick<Course, 'signal'>,
  attempt: number,
): Promise<Ended> {
  try {
    const handler = resolved.handlerOf(event.type)
    if (handler === undefined) throw new TypeError(`this receiver has no handler for ${event.type}`)
    const { outcome } = factsOf(event)
    const read =
      resolved.outcome === null || outcome === null
        ? // Without a schema an outcome is whatever record was sent, which is what the type says then.
          { outcome: outcome as Outcome | null, outcomeIssues: [] }
        : await readOutcome(resolved.outcome, outcome, within.signal)
    await handler(new HandlerCall(event, read, within, attempt))
    return { how: 'done' }
  } catch (error) {
    return { how: isRejected(error) ? 'rejected' : 'failed', error }
  }
}

type OutcomeReading<Outcome> = Pick<HandlerContext<string, Outcome>, 'outcome' | 'outcomeIssues'>

async function readOutcome<Outcome>(
  schema: NonNullable<ResolvedReceiver<Outcome>['outcome']>,
  outcome: Record<string, unknown>,
  signal: AbortSignal,
): Promise<OutcomeReading<Outcome>> {
  const result = await schema['~standard'].validate(outcome)
  // It may have taken until after the deadline.
  signal.throwIfAborted()
  return result.issues === undefined
    ? { outcome: result.value, outcomeIssues: [] }
    : { outcome: null, outcomeIssues: result.issues }
}
