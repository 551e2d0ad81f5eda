// What a `hookswitch.config.ts` imports.
export { defineConfig } from '@hookswitch/server/config'
export type { AgentConfig, HookswitchConfig, RetentionConfig, SourceConfig } from '@hookswitch/server/config'

// Where events go: one function for each kind of destination.
export { discord, email, handler, pagerduty, slack, teams, webhook } from '@hookswitch/destinations/config'
export type {
  DeliveryContext,
  DestinationConfig,
  DestinationOptions,
  DiscordContent,
  DiscordSettings,
  EmailContent,
  EmailSettings,
  HandlerContext,
  HandlerLog,
  HandlerOptions,
  HandlerSettings,
  PagerDutyContent,
  PagerDutySettings,
  SlackContent,
  SlackSettings,
  TeamsContent,
  TeamsSettings,
  WebhookContent,
  WebhookSettings,
} from '@hookswitch/destinations/config'

// What a handler, a filter or a template throws, for an event that is not to be tried again, or only later.
export { Rejected, Retryable } from '@hookswitch/destinations/config'
