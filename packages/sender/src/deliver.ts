import { exchange, type FailedOutcome, type Outcome } from './exchange.ts'
import type { Gate } from './gate.ts'
import { retryDelayMs } from './retry.ts'
import type { ResolvedSender } from './sender-options.ts'
import type { SendResult } from './send-result.ts'
import { sign } from './sign.ts'
import type { Stopper } from './stopper.ts'

/** One event on its way. */
export interface Message {
  /** Null for one that is made from the body. */
  id: string | null
  callId: string
  eventType: string
  body: Uint8Array<ArrayBuffer>
}

/** Sends one event until it is delivered or given up. A place in the gate is taken for a request, not for a wait. */
export async function deliver(
  { id: givenId, callId, eventType, body }: Message,
  sender: ResolvedSender,
  gate: Gate,
  stopper: Stopper,
): Promise<SendResult> {
  const id = givenId ?? (await idOf(body))
  let last: FailedOutcome | null = null
  for (let attempts = 0; ;) {
    const tried = await gate.through(async () =>
      stopper.isStopped() ? null : attempt(id, body, sender, stopper),
    )
    if (tried === null) return closedBefore(id, attempts, last)
    attempts += 1
    const { outcome, durationMs } = tried
    const retryInMs = waitAfter(outcome, attempts, sender)
    const { status } = outcome
    const cause = outcome.ok ? null : outcome.cause
    const message = outcome.ok ? null : outcome.message
    sender.onAttempt({
      id,
      callId,
      eventType,
      attempt: attempts,
      status,
      cause,
      message,
      durationMs,
      retryInMs,
    })
    if (outcome.ok) return { ok: true, id, attempts, status: outcome.status }
    if (retryInMs === null)
      return { ok: false, id, attempts, status, cause: outcome.cause, message: outcome.message }
    last = outcome
    await stopper.pause(retryInMs)
  }
}

async function attempt(
  id: string,
  body: Uint8Array<ArrayBuffer>,
  sender: ResolvedSender,
  stopper: Stopper,
): Promise<{ outcome: Outcome; durationMs: number }> {
  const nowMs = sender.timers.nowMs()
  const identity =
    sender.signingSecrets.length > 0
      ? await sign({ id, body, secrets: sender.signingSecrets, nowMs })
      : { 'webhook-id': id, 'webhook-timestamp': String(Math.floor(nowMs / 1_000)) }
  const startedAt = performance.now()
  const outcome = await exchange(sender, { ...sender.headers, ...identity }, body, stopper.onStop)
  return { outcome, durationMs: performance.now() - startedAt }
}

function waitAfter(outcome: Outcome, attempts: number, { retry, random }: ResolvedSender): number | null {
  if (outcome.ok || !outcome.isRetryable) return null
  return retryDelayMs(retry, attempts, outcome.retryAfterMs, random)
}

function closedBefore(id: string, attempts: number, last: FailedOutcome | null): SendResult {
  const message =
    last === null
      ? 'the sender was closed before the first try'
      : `the sender was closed before another try; the last one: ${last.message}`
  return { ok: false, id, attempts, status: last?.status ?? null, cause: 'closed', message }
}

/** The same for the same bytes: 128 bits of their hash. */
async function idOf(body: Uint8Array<ArrayBuffer>): Promise<string> {
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', body), 0, 16)
  return `evt_${Array.from(hash, (byte) => byte.toString(16).padStart(2, '0')).join('')}`
}
