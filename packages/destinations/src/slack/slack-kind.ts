import { z } from 'zod'
import type { DestinationKind, KindContext } from '../kind.ts'
import { contentProblem } from '../message/content-problem.ts'
import { nothingToClose } from '../message/post-json.ts'
import { settingsObject } from '../settings-object.ts'
import { readSlackContent } from './slack-content.ts'
import type { SlackMessage } from './slack-message.ts'
import { postByWebApi, slackApiUrl } from './slack-web-api.ts'
import { postToWebhook } from './slack-webhook.ts'

const expectedUrl = 'a Slack webhook URL such as https://hooks.slack.com/services/T000/B000/XXXX'
const expectedToken = 'a bot token, it begins with xoxb-'
const expectedChannel = 'a channel id such as C0123456789, or a name such as #support'
const expectedApiUrl = 'a URL such as https://slack.com/api/'

// `undefined` is a value here: either of the two ways may come from an environment that knows the other.
const settings = settingsObject({
  url: z.url({ protocol: /^https?$/, error: expectedUrl }).optional(),
  token: z
    .string(expectedToken)
    .regex(/^xox[\w.-]+$/, expectedToken)
    .optional(),
  channel: z
    .string(expectedChannel)
    .regex(/^[\w#@.-][^\s\p{Cc}]{0,99}$/u, expectedChannel)
    .optional(),
  message: z.enum(['summary', 'urgent'], 'summary or urgent').default('summary'),
  apiUrl: z.url({ protocol: /^https?$/, error: expectedApiUrl }).exactOptional(),
}).superRefine(({ url, token, channel, apiUrl }, context) => {
  const expect = (setting: string, message: string) =>
    context.addIssue({ code: 'custom', path: [setting], message })
  if (url === undefined && token === undefined) expect('url', `${expectedUrl}, or a token and a channel`)
  if (url !== undefined && token !== undefined) expect('token', 'none where there is a url: one of the two')
  if (token !== undefined && channel === undefined) expect('channel', expectedChannel)
  if (url !== undefined && channel !== undefined)
    expect('channel', 'none with a url: the webhook has its channel')
  if (url !== undefined && apiUrl !== undefined) expect('apiUrl', 'none with a url: it is of the Web API')
})

type Settings = z.output<typeof settings>

/** A message to a Slack channel. */
export const slackKind: DestinationKind<Settings> = {
  name: 'slack',
  title: 'Slack',
  help: [
    'By incoming webhook, for one channel: open https://api.slack.com/apps, choose "Create New App", "From scratch".',
    'Under "Incoming Webhooks" switch them on, "Add New Webhook", choose the channel, and set url to the webhook URL.',
    'By Web API, where the channel is a setting: in the same app, under "OAuth & Permissions", add the bot scope',
    'chat:write, "Install to Workspace", and set token to the "Bot User OAuth Token" (xoxb-…).',
    "Set channel to the channel's id, at the bottom of its details, and write /invite @your-app in the channel.",
    'message is summary (the default), or urgent for calls that somebody must look at now.',
    'Slack takes about one message a second in a channel: limits.perSecond 1 keeps to that.',
    'Subscribe to call.ended alone, or every event of a call becomes a message.',
  ].join('\n'),
  settings,
  secrets: ['url', 'token'],
  template:
    "text in Slack's mrkdwn, or { text, blocks }: text is for notifications then, blocks are the message",

  reads: (_settings, hasTemplate) => (hasTemplate ? 'event' : 'call'),

  async check({ url, apiUrl }, { egress }) {
    const setting = url === undefined ? 'apiUrl' : 'url'
    const problem = await egress.check(url ?? apiUrl ?? slackApiUrl)
    return problem === null ? null : { setting, problem }
  },

  open(set, context) {
    const post = posterOf(set, context)
    return {
      async send(message, signal) {
        const content = readSlackContent(message, set.message, context.publicUrl)
        return content.message === null ? contentProblem(content.problem) : post(content.message, signal)
      },
      close: nothingToClose,
    }
  },
}

function posterOf({ url, token, channel, apiUrl = slackApiUrl }: Settings, { egress, version }: KindContext) {
  if (url !== undefined) {
    return (message: SlackMessage, signal: AbortSignal) => postToWebhook(url, message, egress, signal)
  }
  if (token === undefined || channel === undefined)
    throw new TypeError('neither a url nor a token and a channel')
  return (message: SlackMessage, signal: AbortSignal) =>
    postByWebApi({ token, channel, apiUrl }, message, { egress, version }, signal)
}
