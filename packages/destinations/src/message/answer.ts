import type { AttemptResult, Verdict } from '@hookswitch/core'

/** The same answer, read by one who knows the service: what it means, and a sentence that helps. */
export function judged(result: AttemptResult, verdict: Verdict, message: string): AttemptResult {
  return { ...result, verdict, message, retryAfterMs: verdict === 'retry' ? result.retryAfterMs : null }
}

/** The answer's body where it is a JSON object; otherwise an empty one. */
export function answerObject({ response }: AttemptResult): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(response?.body ?? '')
    return typeof value === 'object' && value !== null ? { ...value } : {}
  } catch {
    return {}
  }
}
