import type { Message } from '../kind.ts'
import { pictureCall, testPrefix } from '../message/call-picture.ts'
import { isJson, notJson, shownKind } from '../message/content-problem.ts'
import { cutText } from '../message/cut-text.ts'
import { plainText } from '../message/plain-text.ts'
import { slackLimits, summaryMessage, urgentMessage, type SlackMessage } from './slack-message.ts'

export type SlackContentReading =
  { message: SlackMessage; problem: null } | { message: null; problem: string }

/** What to post: what the template returned, else the message that is built in. */
export function readSlackContent(
  message: Message,
  built: 'summary' | 'urgent',
  publicUrl: string | null,
): SlackContentReading {
  const { content } = message
  if (content === undefined) {
    const picture = pictureCall(message, publicUrl)
    return { message: built === 'urgent' ? urgentMessage(picture) : summaryMessage(picture), problem: null }
  }
  if (!isJson(content)) return unusable(notJson)
  const { text, blocks } = typeof content === 'string' ? { text: content } : partsOf(content)
  if (typeof text !== 'string') {
    return unusable(`${shownKind(content)} without a text, expected a text or { text, blocks }`)
  }
  if (text.trim() === '') return unusable('an empty text')
  const shown = cutText(plainText(message.test ? testPrefix + text : text), slackLimits.textMax)
  if (blocks === undefined) return { message: { text: shown }, problem: null }
  if (!Array.isArray(blocks)) return unusable(`blocks that are ${shownKind(blocks)}, expected a list`)
  if (blocks.length > slackLimits.blocksMax) {
    return unusable(`${blocks.length} blocks, expected at most ${slackLimits.blocksMax}`)
  }
  return { message: { text: shown, blocks: message.test ? withTestMark(blocks) : blocks }, problem: null }
}

function partsOf(content: unknown): { text?: unknown; blocks?: unknown } {
  return typeof content === 'object' && content !== null ? content : {}
}

function unusable(problem: string): SlackContentReading {
  return { message: null, problem }
}

/** Of a message with blocks people see nothing else, so the mark is one. */
function withTestMark(blocks: readonly Record<string, unknown>[]): Record<string, unknown>[] {
  const mark = { type: 'context', elements: [{ type: 'mrkdwn', text: testPrefix.trim() }] }
  return [mark, ...blocks.slice(0, slackLimits.blocksMax - 1)]
}
