// What `hookswitch.config.ts` is written with: one function for each kind of destination. Nothing that sends is loaded
// with it, because every work thread loads the config file.
export { webhook } from './webhook/webhook.ts'
export type { WebhookContent, WebhookSettings } from './webhook/webhook.ts'
export { handler } from './handler/handler.ts'
export type {
  HandlerContext,
  HandlerLog,
  HandlerOptions,
  HandlerSettings,
  LogFields,
} from './handler/handler.ts'
export { slack } from './slack/slack.ts'
export type { SlackContent, SlackSettings } from './slack/slack.ts'
export { teams } from './teams/teams.ts'
export type { TeamsContent, TeamsSettings } from './teams/teams.ts'
export { discord } from './discord/discord.ts'
export type { DiscordContent, DiscordSettings } from './discord/discord.ts'
export { email } from './email/email.ts'
export type { EmailContent, EmailSettings } from './email/email.ts'
export { pagerduty } from './pagerduty/pagerduty.ts'
export type { PagerDutyContent, PagerDutySettings, PagerDutySeverity } from './pagerduty/pagerduty.ts'
export type { DeliveryContext, DestinationConfig, DestinationOptions } from './config.ts'

// What a handler, a filter or a template throws.
export { Rejected, Retryable } from '@hookswitch/core/failure'
