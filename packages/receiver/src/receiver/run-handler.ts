import { callOfEvent } from '../event/call-of-event.ts'
import { factsOf } from '../event/event-facts.ts'
import type { ReceivedEvent } from '../event/received-event.ts'
import type { HandlerContext } from './options.ts'
import { isRejected } from './rejected.ts'
import type { ResolvedReceiver } from './resolve-options.ts'

/** How a handler ended. */
export type Ended = { how: 'done' } | { how: 'failed' | 'rejected'; error: unknown }

export type Course = Pick<HandlerContext, 'signal' | 'attempt'>

/** Runs the handler of the event, with its outcome read by the schema. Never rejects. */
export async function runHandler<Outcome>(
  resolved: ResolvedReceiver<Outcome>,
  event: ReceivedEvent,
  { signal, attempt }: Course,
): Promise<Ended> {
  try {
    const handler = resolved.handlerOf(event.type)
    if (handler === undefined) throw new TypeError(`this receiver has no handler for ${event.type}`)
    const outcome = await readOutcome(resolved, event)
    // The schema may have taken until after the deadline.
    signal.throwIfAborted()
    let call: HandlerContext['call'] | undefined
    await handler({
      event,
      // Most handlers do not ask for it.
      get call() {
        return (call ??= callOfEvent(event))
      },
      ...outcome,
      signal,
      attempt,
    })
    return { how: 'done' }
  } catch (error) {
    return { how: isRejected(error) ? 'rejected' : 'failed', error }
  }
}

type OutcomeReading<Outcome> = Pick<HandlerContext<string, Outcome>, 'outcome' | 'outcomeIssues'>

async function readOutcome<Outcome>(
  { outcome: schema }: ResolvedReceiver<Outcome>,
  event: ReceivedEvent,
): Promise<OutcomeReading<Outcome>> {
  const { outcome } = factsOf(event)
  // Without a schema an outcome is whatever record was sent, which is what the type says then.
  if (outcome === null || schema === null) return { outcome: outcome as Outcome | null, outcomeIssues: [] }
  const result = await schema['~standard'].validate(outcome)
  return result.issues === undefined
    ? { outcome: result.value, outcomeIssues: [] }
    : { outcome: null, outcomeIssues: result.issues }
}
