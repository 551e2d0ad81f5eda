import type { AttemptResult } from '@hookswitch/core'
import type { Egress } from '../egress/egress.ts'
import { judged } from '../message/answer.ts'
import { postJson } from '../message/post-json.ts'
import { readSlackError } from './slack-errors.ts'
import type { SlackMessage } from './slack-message.ts'

/** Posts to an incoming webhook, which answers `ok`, or one of Slack's words with a status that is not 200. */
export async function postToWebhook(
  url: string,
  message: SlackMessage,
  egress: Egress,
  signal: AbortSignal,
): Promise<AttemptResult> {
  const body = { ...message, unfurl_links: false, unfurl_media: false }
  const result = await postJson({ url, isUrlSecret: true }, body, egress, signal)
  const word = result.verdict === 'delivered' ? null : slackWord(result.response?.body ?? '')
  if (word === null) return result
  const read = readSlackError(word, 'webhook')
  if (read === null) return { ...result, message: `Slack answered "${word}"` }
  return judged(result, read.verdict, read.message)
}

/** The first word such as `no_service` in an answer, which is that word alone, or JSON with it. */
function slackWord(body: string): string | null {
  return /[a-z]+(?:_[a-z]+)+/.exec(body.slice(0, 200))?.[0] ?? null
}
