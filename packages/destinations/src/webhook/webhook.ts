import type { DestinationConfig, DestinationOptions } from '../config.ts'

/** What a webhook is configured with; `undefined` is in the types for `process.env`, and is refused at the start. */
export interface WebhookSettings {
  /** https; plain http only to addresses that `HOOKSWITCH_EGRESS_ALLOW` names. */
  url: string | undefined
  /** Sent as `Authorization: {authKey} {authSecret}`; without a key the secret stands alone. */
  authKey?: string
  authSecret?: string | undefined
  /** Further headers. Their values count as secret. */
  headers?: Readonly<Record<string, string | undefined>>
  /**
   * Signs as Standard Webhooks has it, once with each: `whsec_…` (HMAC) or `whsk_…` (ed25519). Several while one is
   * being replaced, the current one first; one with an end signs until then (ISO 8601), and one must have none.
   */
  signingSecrets?: readonly (string | undefined | { secret: string | undefined; until: string })[]
  /** The time for one try, from 1 to 30; 5 by default. */
  timeoutSeconds?: number
}

/** What a template of a webhook returns: JSON, or a text that is sent as it is. */
export type WebhookContent = string | object

/**
 * Sends each event by HTTP POST: the bytes as they were received, or what the template returns.
 *
 * @example
 * webhook({ name: 'crm', events: ['call.ended'], settings: { url: 'https://crm.example/hook' } })
 */
export function webhook(options: DestinationOptions<WebhookSettings, WebhookContent>): DestinationConfig {
  return { kind: 'webhook', ...options }
}
