import type { AttemptResult } from '@hookswitch/core'
import { z } from 'zod'
import type { DestinationKind, Message } from '../kind.ts'
import { answerObject, judged } from '../message/answer.ts'
import { pictureCall, testPrefix } from '../message/call-picture.ts'
import { contentProblem, isJson, notJson, shownKind } from '../message/content-problem.ts'
import { cutText, utf8Bytes } from '../message/cut-text.ts'
import { plainText } from '../message/plain-text.ts'
import { nothingToClose, postJson } from '../message/post-json.ts'
import { settingsObject } from '../settings-object.ts'
import { callCard, teamsBytesMax, teamsMessage, textCard, type AdaptiveCard } from './teams-card.ts'

const expectedUrl = 'the URL of a Teams workflow, such as https://….api.powerplatform.com/…/triggers/manual/…'

/** A text of a template, UTF-16 units, so that its card fits whatever it is written in. */
const textMax = 7000

const settings = settingsObject({ url: z.url({ protocol: /^https?$/, error: expectedUrl }) })

/** A card in a channel or chat of Microsoft Teams. */
export const teamsKind: DestinationKind<z.output<typeof settings>> = {
  name: 'teams',
  title: 'Microsoft Teams',
  help: [
    'In Teams open the menu of the channel or chat, choose "Workflows", then "Send webhook alerts to a channel" (or "to',
    'a chat"). Name it, pick the team and the channel, and set url to the URL that it shows.',
    'Anyone who has the URL can post: it is a secret. A workflow stops when its owner leaves: add a second owner.',
    'Workflows post as the "Flow bot", which is not let into private channels.',
    'Teams answers before the workflow has run: "delivered" means that it was taken, its run history says the rest.',
    'URLs of the former Office 365 connectors (webhook.office.com) work no more.',
    'Subscribe to call.ended alone, or every event of a call becomes a message.',
  ].join('\n'),
  settings,
  secrets: ['url'],
  template: 'text in the Markdown of Adaptive Cards, or an Adaptive Card, { type: "AdaptiveCard", … }',

  reads: (_settings, hasTemplate) => (hasTemplate ? 'event' : 'call'),

  async check({ url }, { egress }) {
    const problem = isConnector(url) ? connectorEnded : await egress.check(url)
    return problem === null ? null : { setting: 'url', problem }
  },

  open({ url }, { egress, publicUrl }) {
    return {
      async send(message, signal) {
        const { card, problem } = readTeamsContent(message, publicUrl)
        if (card === null) return contentProblem(problem)
        return readAnswer(await postJson({ url, isUrlSecret: true }, teamsMessage(card), egress, signal))
      },
      close: nothingToClose,
    }
  },
}

const connectorEnded =
  'is of an Office 365 connector, which Microsoft has ended; in Teams choose "Workflows" on the channel, ' +
  'then "Send webhook alerts to a channel", and set the URL that it shows'

function isConnector(url: string): boolean {
  const host = URL.parse(url)?.hostname ?? ''
  return host === 'outlook.office.com' || /(?:^|\.)webhook\.office\.com$/.test(host)
}

type ContentReading = { card: AdaptiveCard; problem: null } | { card: null; problem: string }

function readTeamsContent(message: Message, publicUrl: string | null): ContentReading {
  const { content, test } = message
  if (content === undefined) return { card: callCard(pictureCall(message, publicUrl)), problem: null }
  if (typeof content === 'string') {
    const text = cutText(plainText(test ? testPrefix + content : content), textMax)
    return text.trim() === '' ? unusable('an empty text') : { card: textCard(text), problem: null }
  }
  if (!isJson(content)) return unusable(notJson)
  if (!isCard(content)) return unusable(`${shownKind(content)}, expected a text or an Adaptive Card`)
  const card = test ? withTestMark(content) : content
  const bytes = utf8Bytes(JSON.stringify(teamsMessage(card)))
  return bytes > teamsBytesMax
    ? unusable(`a card of ${bytes} bytes, expected at most ${teamsBytesMax}`)
    : { card, problem: null }
}

function unusable(problem: string): ContentReading {
  return { card: null, problem }
}

function isCard(content: unknown): content is AdaptiveCard {
  return (
    typeof content === 'object' && content !== null && 'type' in content && content.type === 'AdaptiveCard'
  )
}

function withTestMark(card: AdaptiveCard): AdaptiveCard {
  const body: unknown[] = Array.isArray(card['body']) ? card['body'] : []
  return { ...card, body: [{ type: 'TextBlock', text: testPrefix.trim(), wrap: true }, ...body] }
}

/** `{"error":{"code":"WorkflowNotFound","message":"…"}}` where something is wrong. */
function readAnswer(result: AttemptResult): AttemptResult {
  if (result.status === 202)
    return { ...result, message: 'the workflow took it; its run history says if it posted' }
  if (result.verdict === 'delivered' || result.status === null) return result
  const error = answerObject(result)['error']
  const code = typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : ''
  const said = /^\w{1,80}$/.test(code)
    ? `the workflow answered "${code}"`
    : `the workflow answered ${result.status}`
  if (result.status === 404)
    return judged(result, 'gone', `${said}: it was deleted; make a new one and set its URL`)
  if (result.verdict === 'auth')
    return judged(result, 'auth', `${said}: copy the workflow's URL again, and set it`)
  return { ...result, message: result.message ?? said }
}
