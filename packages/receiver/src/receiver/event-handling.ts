import type { ReceivedEvent } from '../event/received-event.ts'
import type { EventQueue } from '../queue/event-queue.ts'
import {
  accepted,
  busy,
  duplicate,
  internalError,
  processingError,
  unavailable,
  type Verdict,
} from './answer.ts'
import type { Turn } from './call-turns.ts'
import { claim, heldWithoutDedupe, type Held } from './claim.ts'
import { Deadline, late } from './deadline.ts'
import type { LogEntry } from './options.ts'
import type { Reports } from './reports.ts'
import type { ResolvedReceiver } from './resolve-options.ts'
import { runHandler, type Course, type Ended } from './run-handler.ts'
import type { EventSpan } from './tracer.ts'

/**
 * After the deadline a handler that goes on keeps its claim, and its turn where there are turns, for this long. One that
 * has not ended then will not: its lease runs out, and a repeat of the event is handled.
 */
const lateMsMax = 10 * 60 * 1000

export interface EventHandling {
  /**
   * What to answer for an event, within the deadline. Never rejects, and ends the turn.
   *
   * @param text the body it was read from.
   */
  answer(event: ReceivedEvent, text: string, turn: Turn): Promise<Verdict>
  /** Runs its handler, however long that takes, and ends the turn. @throws what the handler throws. */
  work(event: ReceivedEvent, course: Course, turn: Turn, span: EventSpan): Promise<void>
}

export function createEventHandling<Outcome>(
  resolved: ResolvedReceiver<Outcome>,
  reports: Reports,
): EventHandling {
  const { queue, leaseMs, now } = resolved
  const acknowledges = resolved.onFailure === 'acknowledge'

  /** Its turn, its claim, then its handler or the queue. */
  async function answer(event: ReceivedEvent, text: string, turn: Turn): Promise<Verdict> {
    const deadline = new Deadline(resolved.deadlineMs)
    let rest = Promise.resolve()
    try {
      if (turn.begun !== null && (await deadline.race(turn.begun)) === late) return unavailable('call_busy')
      const held = resolved.dedupe === null ? heldWithoutDedupe : await claimInTime(event, deadline)
      if (!('settle' in held)) return held
      if (queue !== null) {
        // A queue of one's own may handle it at once, which takes a turn of its own.
        turn.end()
        return await enqueue(queue, event, text, held, deadline)
      }
      const running = runHandler(resolved, event, deadline, 1)
      const ended = await deadline.race(running)
      if (ended !== late) return await conclude(event, ended, held, deadline)
      reports.error(deadline.reason, 'late', event)
      rest = goOn(event, running, held, deadline)
      return acknowledges ? processingError(event.id, 'deadline') : unavailable('deadline')
    } finally {
      deadline.clear()
      void rest.then(turn.end)
    }
  }

  async function claimInTime(event: ReceivedEvent, deadline: Deadline): Promise<Held | Verdict> {
    const claiming = claim(resolved, event.key, (error) => reports.error(error, 'dedupe', event))
    try {
      const found = await deadline.race(claiming)
      if (found === late) {
        // Should it become ours after all, a repeat shall have it.
        void claiming.then(
          (claimed) => (claimed.state === 'held' ? claimed.settle(false) : false),
          () => {},
        )
        throw deadline.reason
      }
      if (found.state === 'done') return duplicate(event.id)
      return found.state === 'busy' ? busy(found.retryAfterMs) : found
    } catch (error) {
      reports.error(error, 'dedupe', event)
      return unavailable('dedupe')
    }
  }

  async function enqueue(
    to: EventQueue,
    event: ReceivedEvent,
    text: string,
    held: Held,
    deadline: Deadline,
  ): Promise<Verdict> {
    const { id, key, receivedAt, isTest } = event
    try {
      const added = await deadline.race(to.add({ version: 1, id, key, receivedAt, body: text, isTest }))
      if (added === late) throw deadline.reason
    } catch (error) {
      reports.error(error, 'queue', event)
      await settle(event, held, false, deadline)
      return unavailable('queue')
    }
    await settle(event, held, true, deadline)
    return accepted(id, 'queued')
  }

  /** The answer for a handler that has ended in time. */
  async function conclude(
    event: ReceivedEvent,
    ended: Ended,
    held: Held,
    deadline: Deadline,
  ): Promise<Verdict> {
    await settle(event, held, isFinal(ended), deadline)
    if (ended.how === 'done') return accepted(event.id, 'accepted')
    reports.error(ended.error, 'handler', event)
    return isFinal(ended) ? processingError(event.id, ended.how) : internalError(ended.how)
  }

  /** After the answer: keeps the claim while the handler goes on, and says how it ended. Never rejects. */
  async function goOn(
    event: ReceivedEvent,
    running: Promise<Ended>,
    held: Held,
    deadline: Deadline,
  ): Promise<void> {
    const beatMs = leaseMs / 2
    let ended: Ended | typeof late = late
    for (let waitedMs = 0; waitedMs < lateMsMax; waitedMs += beatMs) {
      void held.extend()
      const beat = new Deadline(beatMs).unref()
      if (ended === late) ended = await beat.race(running)
      // A store that is away just now would let a repeat be handled, which is sure to come.
      if (ended !== late && (await held.settle(isFinal(ended)))) {
        beat.clear()
        return tellLate(event, ended, deadline)
      }
      await beat.over
      beat.clear()
    }
    if (ended !== late) return tellLate(event, ended, deadline)
    if (acknowledges) void held.settle(true)
    reports.log({ level: 'error', event: 'late', reason: 'given_up', ...about(event) })
  }

  function tellLate(event: ReceivedEvent, ended: Ended, deadline: Deadline): void {
    logEnd(event, 'late', ended)
    // That it ended because it was told to has been told.
    if (ended.how !== 'done' && ended.error !== deadline.reason) reports.error(ended.error, 'late', event)
  }

  async function work(event: ReceivedEvent, course: Course, turn: Turn, span: EventSpan): Promise<void> {
    try {
      if (turn.begun !== null) await begunOrAborted(turn.begun, course.signal)
      const ended: Ended = course.signal.aborted
        ? { how: 'failed', error: course.signal.reason }
        : await runHandler(resolved, event, course, course.attempt)
      const result = ended.how === 'done' ? 'accepted' : 'failed'
      logEnd(event, result, ended)
      span.result(result, ended.how)
      if (ended.how !== 'done') throw ended.error
    } finally {
      turn.end()
    }
  }

  /** Whether the event is not to be handled again. */
  function isFinal(ended: Ended): boolean {
    return ended.how !== 'failed' || acknowledges
  }

  /** What has been decided is answered in time, even where the dedupe has not heard of it yet. */
  async function settle(
    event: ReceivedEvent,
    held: Held,
    handled: boolean,
    deadline: Deadline,
  ): Promise<void> {
    if (held === heldWithoutDedupe) return
    const wasInTime = deadline.reason === null
    const settled = await deadline.race(held.settle(handled))
    if (settled === late && wasInTime) reports.error(deadline.reason, 'dedupe', event)
  }

  function logEnd(event: ReceivedEvent, result: LogEntry['event'], { how }: Ended): void {
    reports.log({ level: how === 'done' ? 'info' : 'error', event: result, reason: how, ...about(event) })
  }

  function about({ type, callId, id, receivedAt }: ReceivedEvent): Omit<LogEntry, 'level' | 'event'> {
    return { type, callId, id, ms: now() - Date.parse(receivedAt) }
  }

  return { answer, work }
}

/** A worker that stops does not wait for its turn. */
function begunOrAborted(begun: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      signal.removeEventListener('abort', end)
      resolve()
    }
    if (signal.aborted) resolve()
    signal.addEventListener('abort', end, { once: true })
    void begun.then(end)
  })
}
