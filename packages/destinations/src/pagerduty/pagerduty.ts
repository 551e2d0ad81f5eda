import type { DestinationConfig, DestinationOptions } from '../config.ts'

export type PagerDutySeverity = 'critical' | 'error' | 'warning' | 'info'

export interface PagerDutySettings {
  /** The integration key of a service, 32 characters. */
  routingKey: string | undefined
  /** `error` by default. */
  severity?: PagerDutySeverity
  /** Event types that resolve the call's alert; every other one triggers it. None by default. */
  resolveOn?: string[]
  /** `https://events.pagerduty.com/v2/enqueue` by default; in the EU `https://events.eu.pagerduty.com/v2/enqueue`. */
  url?: string
}

/** What a template returns: the summary, or what is to be other than by default. */
export type PagerDutyContent =
  | string
  | {
      summary?: string
      severity?: PagerDutySeverity
      action?: 'trigger' | 'acknowledge' | 'resolve'
      /** Shown in the alert instead of the call's details. */
      details?: Record<string, unknown>
    }

/**
 * A destination that opens a PagerDuty alert for a call, one however many events it has, and resolves it.
 *
 * @example
 * pagerduty({
 *   name: 'on-call',
 *   events: ['call.ended'],
 *   filter: ({ outcome }) => outcome.priority === 'urgent',
 *   settings: { routingKey: process.env.PAGERDUTY_KEY, severity: 'critical' },
 * })
 */
export function pagerduty(
  options: DestinationOptions<PagerDutySettings, PagerDutyContent>,
): DestinationConfig {
  return { kind: 'pagerduty', ...options }
}
