import { failure } from './user-code.ts'
import type { ThreadResult } from './thread-messages.ts'

/** Why code has no result, as the runner itself found it. */
export class CodeFailure extends Error {
  readonly verdict: 'retry' | 'reject'

  constructor(message: string, verdict: 'retry' | 'reject' = 'retry') {
    super(message)
    this.verdict = verdict
  }
}

type Failed = Extract<ThreadResult, { ok: false }>

/** As much of a message as an attempt's record keeps. */
const messageCharactersMax = 1_000

/**
 * What anything that was thrown means. `Rejected` and `Retryable` are known by their name: the config file may have
 * them from another copy of the package.
 */
export function failureOf(thrown: unknown): Failed {
  try {
    return readThrown(thrown)
  } catch {
    // A proxy, or a getter that throws itself.
    return retry('threw something that cannot be read')
  }
}

function readThrown(thrown: unknown): Failed {
  if (thrown instanceof CodeFailure) {
    return { ...retry(thrown.message), verdict: thrown.verdict }
  }
  if (typeof thrown !== 'object' || thrown === null) {
    return retry(`threw ${typeof thrown === 'string' ? `"${thrown}"` : String(thrown)}, which is no error`)
  }
  const { name, message, afterSeconds } = thrown as Record<string, unknown>
  if (typeof message !== 'string') return retry('threw an object that is no error')
  if (name === 'Rejected') return { ...retry(`rejected the event: ${message}`), verdict: 'reject' }
  if (name === 'Retryable') {
    const isTime = typeof afterSeconds === 'number' && Number.isFinite(afterSeconds) && afterSeconds >= 0
    const retryAfterMs = isTime ? Math.round(afterSeconds * 1_000) : null
    return { ...retry(`asked for another try: ${message}`), retryAfterMs }
  }
  return retry(`threw ${typeof name === 'string' ? name : 'Error'}: ${message}`)
}

function retry(message: string): Failed {
  const cut = message.length > messageCharactersMax ? `${message.slice(0, messageCharactersMax)}…` : message
  return { ...failure('retry', cut), verdict: 'retry' }
}
