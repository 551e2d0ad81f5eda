import type { DestinationConfig, DestinationOptions } from '../config.ts'

export interface DiscordSettings {
  /** The channel's webhook. */
  url: string | undefined
  /** A thread of that channel; with a forum channel it must be set. */
  threadId?: string
  /** Who the message comes from; the webhook's own name by default. */
  username?: string
}

/** What a template returns: Discord's Markdown, or the parts of a message. Nobody is mentioned unless it says so. */
export type DiscordContent =
  | string
  | {
      content?: string
      embeds?: readonly Record<string, unknown>[]
      allowed_mentions?: Record<string, unknown>
    }

/**
 * A destination that posts to a Discord channel.
 *
 * @example
 * discord({ name: 'calls', events: ['call.ended'], settings: { url: process.env.DISCORD_URL } })
 */
export function discord(options: DestinationOptions<DiscordSettings, DiscordContent>): DestinationConfig {
  return { kind: 'discord', ...options }
}
