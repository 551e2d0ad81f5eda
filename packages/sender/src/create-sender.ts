import { readEnvelope } from '@hookswitch/events'
import { buildEvent, type BuiltEvent, type EventInput } from './build-event.ts'
import { deliver, type Message } from './deliver.ts'
import { createGate } from './gate.ts'
import { resolveSender, type SenderOptions } from './sender-options.ts'
import { SenderError, type SendResult } from './send-result.ts'
import { createStopper } from './stopper.ts'

export interface Sender {
  /**
   * Sends an event in its turn: those of a call one after the other in the order in which they were given, the next
   * once the one before it is delivered or given up; different calls side by side. Resolves when this one is delivered
   * or given up, whatever the endpoint did. The endpoint may have got it more than once then, each time with the same
   * `webhook-id`.
   *
   * @param event what `buildEvent` or `buildLegacyEvent` made, or what `buildEvent` takes.
   * @param options.id the `webhook-id`: visible ASCII without a full stop, at most 200 characters. By default it is made
   * from the bytes of the body, so that the same event has the same one whenever it is sent.
   * @throws TypeError for an event or id that cannot be sent. SenderError `queue_full` where no more fits, to be sent
   * again when others are through; `closed` after `close`.
   */
  send(event: EventInput | Pick<BuiltEvent, 'event' | 'body'>, options?: { id?: string }): Promise<SendResult>
  /**
   * Takes no more events, waits until all are delivered or given up, at most `drainMs` (5,000 by default), and gives up
   * what is left then: its results are `closed`. Resolves when nothing is under way any more. May be called again, with
   * less time.
   */
  close(options?: { drainMs?: number }): Promise<void>
}

/**
 * Sends events to one endpoint, at least once and in order per call, as long as the process lives: what waits is in
 * memory. Tried again is what another try may change: 408, 425, 429, 5xx, no answer in time, no connection; after the
 * waits of `retry`, longer where `Retry-After` asks for it, up to an hour (with `standard` a day). Redirects are not
 * followed. Answers are read up to 64 KiB and dropped.
 *
 * `fetch` resolves names by itself, so nothing here keeps an address within your network from being reached: the URL has
 * to be one that you trust. Where URLs come from others, take the Hookswitch server, which checks each address that it
 * connects to, and whose deliveries survive a crash.
 *
 * @throws TypeError for an option that cannot be used: which, what came and what is expected.
 *
 * @example
 * const sender = createSender({ url: 'https://example.com/webhook', authKey: 'Bearer', authSecret: 'X' })
 * const { ok } = await sender.send({
 *   eventType: 'call.started', callId: 'call_1', at: Date.now(), agentId: 'agent-123', agentName: 'Recruiter',
 * })
 */
export function createSender(options: SenderOptions): Sender {
  const sender = resolveSender(options)
  const gate = createGate(sender.concurrency)
  const stopper = createStopper(sender.timers)
  /** Of each call with events under way what settles after the last of them. */
  const lanes = new Map<string, Promise<void>>()
  const queued = { events: 0, bytes: 0 }
  let isClosed = false

  function takeIn(bytes: number): void {
    const { queueEventsMax, queueBytesMax } = sender
    if (queued.events >= queueEventsMax) {
      throw new SenderError(
        'queue_full',
        `the queue is full: ${queueEventsMax} events, as queueEventsMax allows`,
      )
    }
    if (queued.bytes + bytes > queueBytesMax) {
      const room = queueBytesMax - queued.bytes
      throw new SenderError(
        'queue_full',
        `the queue is full: ${bytes} bytes came, and ${room} are left of queueBytesMax`,
      )
    }
    queued.events += 1
    queued.bytes += bytes
  }

  /** In a tick of its own each, so that whoever sends has its promise before anything happens. */
  function inTurn(message: Message): Promise<SendResult> {
    const before = lanes.get(message.callId) ?? Promise.resolve()
    const result = before.then(() => deliver(message, sender, gate, stopper))
    const over = (): void => {
      queued.events -= 1
      queued.bytes -= message.body.byteLength
      if (lanes.get(message.callId) === lane) lanes.delete(message.callId)
    }
    const lane = result.then(over, over)
    lanes.set(message.callId, lane)
    return result
  }

  async function close({ drainMs = 5_000 }: { drainMs?: number } = {}): Promise<void> {
    if (!Number.isInteger(drainMs) || drainMs < 0 || drainMs > timerMsMax) {
      throw new TypeError(`drainMs is ${drainMs}, expected a whole number from 0 to ${timerMsMax}`)
    }
    isClosed = true
    if (drainMs === 0) stopper.stop()
    const cancel = sender.timers.after(drainMs, stopper.stop)
    await Promise.all(lanes.values())
    cancel()
    // The signal may outlive many senders. Until here it cuts the drain short.
    sender.signal?.removeEventListener('abort', closeAtOnce)
  }

  const closeAtOnce = (): void => void close({ drainMs: 0 })
  if (sender.signal?.aborted === true) closeAtOnce()
  sender.signal?.addEventListener('abort', closeAtOnce, { once: true })

  return {
    async send(event, { id } = {}) {
      const message = messageOf(event, id)
      if (isClosed) throw new SenderError('closed', 'the sender is closed')
      takeIn(message.body.byteLength)
      return inTurn(message)
    },
    close,
  }
}

/** Timers that are set to more run at once. */
const timerMsMax = 2 ** 31 - 1

function messageOf(event: EventInput | Pick<BuiltEvent, 'event' | 'body'>, id: string | undefined): Message {
  // What is signed is "id.timestamp.body": a full stop within the id would make two readings of it.
  if (id !== undefined && !/^[!-\-/-~]{1,200}$/.test(id)) {
    throw new TypeError('id is no webhook-id, expected 1 to 200 visible ASCII characters without a full stop')
  }
  const { event: built, body } = 'body' in event ? event : buildEvent(event)
  const reading = readEnvelope(built)
  if (!reading.ok)
    throw new TypeError(reading.issues.map(({ path, message }) => `${path} ${message}`).join('; '))
  const { callId, type } = reading.envelope
  return { id: id ?? null, callId, eventType: type, body }
}
