import type { Verdict } from '@hookswitch/core'

/** What a word of Slack's means for the delivery, and what a person can do about it. */
interface SlackError {
  verdict: Verdict
  advice: string
}

const newWebhook = 'the incoming webhook was removed, or its app was; make a new one and set its URL'
const newToken = 'the token is not valid any more; reinstall the app and set its new bot token'
const notMade = 'Slack cannot read this message; if a template made it, mend the template'
const tooLong = 'the message is too long; have the template return less'
const tryLater = 'Slack could not do it now'
const askAdmin = 'the workspace does not allow it; ask one of its admins'

/**
 * The words of incoming webhooks (https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks) and of
 * `chat.postMessage` (https://docs.slack.dev/reference/methods/chat.postMessage). Where the whole destination is
 * meant (webhook, token, workspace) it is held; a channel that one may be invited to, and a message that does not
 * fit, cost only this delivery.
 */
const slackErrors: Readonly<Record<string, SlackError>> = {
  // What the destination posts to is not there any more.
  no_service: { verdict: 'gone', advice: newWebhook },
  no_service_id: { verdict: 'gone', advice: newWebhook },
  no_active_hooks: { verdict: 'gone', advice: newWebhook },
  no_team: { verdict: 'gone', advice: 'the workspace is not there any more' },
  team_disabled: { verdict: 'gone', advice: 'the workspace is not there any more' },
  team_not_found: { verdict: 'gone', advice: 'the workspace is not there any more' },

  // Slack does not let this sender in.
  invalid_token: { verdict: 'auth', advice: newWebhook },
  action_prohibited: { verdict: 'auth', advice: askAdmin },
  posting_to_general_channel_denied: { verdict: 'auth', advice: askAdmin },
  ekm_access_denied: { verdict: 'auth', advice: askAdmin },
  access_denied: { verdict: 'auth', advice: askAdmin },
  team_access_not_granted: { verdict: 'auth', advice: askAdmin },
  invalid_auth: { verdict: 'auth', advice: newToken },
  not_authed: { verdict: 'auth', advice: newToken },
  token_revoked: { verdict: 'auth', advice: newToken },
  token_expired: { verdict: 'auth', advice: newToken },
  account_inactive: { verdict: 'auth', advice: newToken },
  org_login_required: { verdict: 'auth', advice: askAdmin },
  missing_scope: { verdict: 'auth', advice: 'give the app the scope chat:write, and reinstall it' },
  no_permission: { verdict: 'auth', advice: 'give the app the scope chat:write, and reinstall it' },
  not_allowed_token_type: { verdict: 'auth', advice: 'set the bot token of the app, it begins with xoxb-' },

  channel_not_found: {
    verdict: 'reject',
    advice: 'there is no such channel for this app; check it, and invite the app to it if it is private',
  },
  is_archived: { verdict: 'reject', advice: 'unarchive the channel, or choose another one' },
  not_in_channel: { verdict: 'reject', advice: 'invite the app to the channel: /invite @its-name' },
  restricted_action: {
    verdict: 'reject',
    advice: 'only some members may post to the channel; let the app do so',
  },
  user_not_found: { verdict: 'reject', advice: 'there is no such person to send to' },

  invalid_payload: { verdict: 'reject', advice: notMade },
  invalid_blocks: { verdict: 'reject', advice: notMade },
  invalid_blocks_format: { verdict: 'reject', advice: notMade },
  no_text: { verdict: 'reject', advice: notMade },
  msg_blocks_too_long: { verdict: 'reject', advice: tooLong },
  msg_too_long: { verdict: 'reject', advice: tooLong },
  too_many_attachments: { verdict: 'reject', advice: tooLong },

  rollup_error: { verdict: 'retry', advice: tryLater },
  fatal_error: { verdict: 'retry', advice: tryLater },
  internal_error: { verdict: 'retry', advice: tryLater },
  service_unavailable: { verdict: 'retry', advice: tryLater },
  request_timeout: { verdict: 'retry', advice: tryLater },
  team_added_to_org: { verdict: 'retry', advice: 'the workspace is being moved' },
  message_limit_exceeded: { verdict: 'retry', advice: tryLater },
  rate_limited: { verdict: 'retry', advice: 'too many messages for this channel' },
  ratelimited: { verdict: 'retry', advice: 'too many messages for this channel' },
}

/** An incoming webhook is for one channel, so what happened to that happened to the destination. */
const webhookErrors: Readonly<Record<string, SlackError>> = {
  channel_not_found: {
    verdict: 'gone',
    advice: 'its channel is not there any more; make a webhook for another',
  },
  channel_is_archived: { verdict: 'gone', advice: 'unarchive the channel, or make a webhook for another' },
}

/**
 * What came of a try that Slack answered with one of its words; null for one that is not known.
 *
 * @param detail what Slack says besides, such as which block is wrong.
 */
export function readSlackError(
  word: string,
  by: 'webhook' | 'api',
  detail: string | null = null,
): { verdict: Verdict; message: string } | null {
  const known = by === 'webhook' ? { ...slackErrors, ...webhookErrors } : slackErrors
  const error = Object.hasOwn(known, word) ? known[word] : undefined
  if (error === undefined) return null
  const said = detail === null ? `"${word}"` : `"${word}" (${detail})`
  return { verdict: error.verdict, message: `Slack answered ${said}: ${error.advice}` }
}
