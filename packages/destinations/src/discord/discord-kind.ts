import type { AttemptResult, Verdict } from '@hookswitch/core'
import { z } from 'zod'
import type { DestinationKind, Message } from '../kind.ts'
import { answerObject, judged } from '../message/answer.ts'
import { pictureCall, testPrefix } from '../message/call-picture.ts'
import { contentProblem, isJson, notJson, shownKind } from '../message/content-problem.ts'
import { cutText } from '../message/cut-text.ts'
import { plainText } from '../message/plain-text.ts'
import { nothingToClose, postJson } from '../message/post-json.ts'
import { settingsObject } from '../settings-object.ts'
import { callMessage, discordLimits } from './discord-message.ts'

const expectedUrl = 'a Discord webhook URL such as https://discord.com/api/webhooks/1234/XXXX'
const expectedThread = 'the id of a thread, digits only'
const expectedName = 'a name of 1 to 80 characters, without "discord" or "clyde" in it'

const settings = settingsObject({
  url: z.url({ protocol: /^https?$/, error: expectedUrl }),
  threadId: z
    .string(expectedThread)
    .regex(/^\d{1,20}$/, expectedThread)
    .exactOptional(),
  // Discord refuses these two in any name.
  username: z
    .string(expectedName)
    .regex(/^(?!.*(?:discord|clyde))\P{Cc}{1,80}$/iu, expectedName)
    .exactOptional(),
})

/** A message to a Discord channel. */
export const discordKind: DestinationKind<z.output<typeof settings>> = {
  name: 'discord',
  title: 'Discord',
  help: [
    'In Discord open the channel\'s settings ("Edit Channel"), "Integrations", "Webhooks", "New Webhook", "Copy Webhook',
    'URL", and set url to it; you need the permission "Manage Webhooks". Anyone who has the URL can post: it is a secret.',
    'For a thread, or a forum channel, set threadId: with "Developer Mode" on (User Settings, Advanced), right-click the',
    'thread and "Copy Thread ID".',
    'Subscribe to call.ended alone, or every event of a call becomes a message.',
  ].join('\n'),
  settings,
  secrets: ['url'],
  template:
    "text in Discord's Markdown, or { content, embeds }; nobody is mentioned unless it has allowed_mentions",

  reads: (_settings, hasTemplate) => (hasTemplate ? 'event' : 'call'),

  async check({ url }, { egress }) {
    const problem = await egress.check(url)
    return problem === null ? null : { setting: 'url', problem }
  },

  open({ url, threadId, username }, { egress, publicUrl }) {
    const target = new URL(url)
    // Without it Discord answers before it has looked at the message.
    target.searchParams.set('wait', 'true')
    if (threadId !== undefined) target.searchParams.set('thread_id', threadId)
    return {
      async send(message, signal) {
        const { parts, problem } = readDiscordContent(message, publicUrl)
        if (parts === null) return contentProblem(problem)
        const body = {
          allowed_mentions: { parse: [] },
          ...(username !== undefined && { username }),
          ...parts,
        }
        return readAnswer(await postJson({ url: target.href, isUrlSecret: true }, body, egress, signal))
      },
      close: nothingToClose,
    }
  },
}

type ContentReading = { parts: Record<string, unknown>; problem: null } | { parts: null; problem: string }

function readDiscordContent(message: Message, publicUrl: string | null): ContentReading {
  const { content: returned, test } = message
  if (returned === undefined) return { parts: callMessage(pictureCall(message, publicUrl)), problem: null }
  if (!isJson(returned)) return unusable(notJson)
  const parts = typeof returned === 'string' ? { content: returned } : returned
  if (typeof parts !== 'object' || parts === null || Array.isArray(parts)) {
    return unusable(`${shownKind(parts)}, expected a text or { content, embeds }`)
  }
  const { content = '', embeds = [], ...rest }: Record<string, unknown> = { ...parts }
  if (typeof content !== 'string') return unusable(`content that is ${shownKind(content)}, expected a text`)
  if (!Array.isArray(embeds)) return unusable(`embeds that are ${shownKind(embeds)}, expected a list`)
  if (embeds.length > discordLimits.embedsMax) {
    return unusable(`${embeds.length} embeds, expected at most ${discordLimits.embedsMax}`)
  }
  if (content.trim() === '' && embeds.length === 0) return unusable('neither a text nor an embed')
  const text = cutText(plainText(test ? testPrefix + content : content), discordLimits.contentMax)
  return { parts: { ...rest, ...(text !== '' && { content: text }), embeds }, problem: null }
}

function unusable(problem: string): ContentReading {
  return { parts: null, problem }
}

/** https://docs.discord.com/developers/topics/opcodes-and-status-codes#json */
const discordErrors: Readonly<Record<number, { verdict: Verdict; advice: string }>> = {
  10_003: { verdict: 'reject', advice: 'there is no such thread in the channel; check threadId' },
  10_015: { verdict: 'gone', advice: 'the webhook was deleted; make a new one and set its URL' },
  50_027: { verdict: 'auth', advice: "copy the webhook's URL again, and set it" },
  50_083: { verdict: 'reject', advice: 'the thread is archived; open it again, or set another threadId' },
  220_001: { verdict: 'reject', advice: 'the channel is a forum; set threadId to one of its threads' },
}

/** `{"message":"Unknown Webhook","code":10015}`, or `{"message":"…","retry_after":0.65,"global":false}` with 429. */
function readAnswer(result: AttemptResult): AttemptResult {
  if (result.verdict === 'delivered' || result.status === null) return result
  const { code, message, retry_after: retryAfter } = answerObject(result)
  if (result.status === 429) {
    // The header counts whole seconds, the body says it exactly.
    const seconds = typeof retryAfter === 'number' && retryAfter >= 0 ? retryAfter : null
    return seconds === null ? result : { ...result, retryAfterMs: Math.ceil(seconds * 1000) }
  }
  if (typeof code !== 'number') return result
  const said = `Discord answered ${code}${typeof message === 'string' ? `, "${cutText(message, messageMax)}"` : ''}`
  const known = discordErrors[code]
  return known === undefined
    ? { ...result, message: said }
    : judged(result, known.verdict, `${said}: ${known.advice}`)
}

/** Of what Discord says itself. */
const messageMax = 100
