import { callWebhookKind } from './call-webhook/call-webhook-kind.ts'
import { discordKind } from './discord/discord-kind.ts'
import { emailKind } from './email/email-kind.ts'
import { handlerKind } from './handler/handler-kind.ts'
import type { DestinationKind } from './kind.ts'
import { pagerdutyKind } from './pagerduty/pagerduty-kind.ts'
import { slackKind } from './slack/slack-kind.ts'
import { teamsKind } from './teams/teams-kind.ts'
import { webhookKind } from './webhook/webhook-kind.ts'

const kinds: readonly DestinationKind[] = [
  webhookKind,
  handlerKind,
  slackKind,
  teamsKind,
  discordKind,
  emailKind,
  pagerdutyKind,
  callWebhookKind,
]

/** Every kind of destination by its name, in the order in which they are shown; see `internal`. */
export const destinationKinds: ReadonlyMap<string, DestinationKind> = new Map(
  kinds.map((kind) => [kind.name, kind]),
)
