import type { DestinationConfig, DestinationOptions } from '../config.ts'

/** By incoming webhook (`url`), or by Web API (`token` and `channel`). */
export interface SlackSettings {
  /** The incoming webhook; its channel is fixed. */
  url?: string | undefined
  /** A bot token, `xoxb-…`, with the scope `chat:write`. */
  token?: string | undefined
  /** With a token: the channel's id, `C0123456789`, or `#its-name`. */
  channel?: string | undefined
  /** What is sent without a template: every call's summary (default), or the message for calls that cannot wait. */
  message?: 'summary' | 'urgent'
  /** With a token: where the Web API is, `https://slack.com/api/` by default. */
  apiUrl?: string
}

/** What a template returns: Slack's mrkdwn, or the text for notifications with the blocks of the message. */
export type SlackContent = string | { text: string; blocks?: readonly Record<string, unknown>[] }

/**
 * A destination that posts to a Slack channel.
 *
 * @example
 * slack({
 *   name: 'urgent',
 *   events: ['call.ended'],
 *   filter: ({ outcome }) => outcome.priority === 'urgent',
 *   settings: { url: process.env.SLACK_URL, message: 'urgent' },
 * })
 */
export function slack(options: DestinationOptions<SlackSettings, SlackContent>): DestinationConfig {
  return { kind: 'slack', ...options }
}
