import { signWebhook, type WebhookSignatureHeaders } from '@hookswitch/events'

/**
 * Signs a body as Standard Webhooks describes it, once with each secret: `v1` with `whsec_…`, `v1a` with `whsk_…`.
 *
 * @param options.id the same whenever this event is sent again.
 * @param options.secrets the current one first, then those that are being replaced.
 * @param options.nowMs Unix milliseconds; the time of sending, which receivers hold against their own clock.
 * @throws TypeError for no secret, or one that cannot sign.
 *
 * @example
 * const headers = await sign({ id: 'evt_1', body, secrets: ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'] })
 */
export function sign(options: {
  id: string
  body: Uint8Array
  secrets: readonly string[]
  nowMs?: number
}): Promise<WebhookSignatureHeaders> {
  return signWebhook({ ...options, nowMs: options.nowMs ?? Date.now() })
}
