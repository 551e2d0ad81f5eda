import { testPrefix, type CallPicture, type Fact, type PictureTurn } from '../message/call-picture.ts'
import { cutText, jsonUnits } from '../message/cut-text.ts'
import { escapeMrkdwn } from '../message/escape-text.ts'
import { excerpt, fittingLines, omittedText } from '../message/excerpt.ts'

/** What `chat.postMessage` and incoming webhooks take alike. */
export interface SlackMessage {
  /** What notifications and screen readers say; the message itself where there are no blocks. */
  text: string
  blocks?: readonly Record<string, unknown>[]
}

/**
 * Slack's bounds, in characters: https://docs.slack.dev/reference/block-kit/blocks and, for the text,
 * https://docs.slack.dev/reference/methods/chat.postMessage
 */
export const slackLimits = {
  textMax: 40_000,
  blocksMax: 50,
  headerMax: 150,
  sectionMax: 3000,
  fieldsMax: 10,
  fieldMax: 2000,
  /**
   * Of all blocks together, as JSON. Slack does not document it and answers `msg_blocks_too_long` from some 13,200
   * characters on, seen also below 12,000 characters of text (slackapi/bolt-js#2509, #2867).
   */
  blocksTotalMax: 11_000,
} as const

/** In JSON: whatever is said, these and the buttons leave room for a transcript within `blocksTotalMax`. */
const fieldTextMax = 150
const outcomeMax = 2400
const toolsMax = 800
const transcriptMax = 2800
/** Of a call that cannot wait: what fits on a telephone. Of its facts the first ones, that say who and when. */
const urgentTranscriptMax = 1200
const urgentFactsMax = 6
/** The rest of a section with a transcript, in JSON. */
const sectionFrameMax = 100

/** The guide's sentence for a call that cannot wait. */
const urgentTitle = '🚨 Urgent call requires attention'

/** Every call's summary: who, what came of it, and what was said. */
export function summaryMessage(picture: CallPicture): SlackMessage {
  return callMessage(picture, picture.title, picture.title, transcriptMax)
}

/** The message for a call that somebody must look at now. */
export function urgentMessage(picture: CallPicture): SlackMessage {
  const header = picture.test ? testPrefix + urgentTitle : urgentTitle
  const text = picture.subject === '' ? header : `${header}: ${picture.subject}`
  const facts = picture.facts.slice(0, urgentFactsMax)
  return callMessage({ ...picture, facts }, header, text, urgentTranscriptMax)
}

function callMessage(
  picture: CallPicture,
  header: string,
  text: string,
  transcriptMost: number,
): SlackMessage {
  const above = [
    { type: 'header', text: plain(cutText(header, slackLimits.headerMax)) },
    ...factsSection(picture),
    ...outcomeSection(picture),
    ...toolsSection(picture),
  ]
  const below = [...buttons(picture), { type: 'context', elements: [mrkdwn(`Event \`${picture.eventId}\``)] }]
  const left = slackLimits.blocksTotalMax - JSON.stringify([...above, ...below]).length - sectionFrameMax
  return {
    text: cutText(text, slackLimits.textMax, { write: escapeMrkdwn }),
    blocks: [...above, ...transcriptSection(picture, Math.min(transcriptMost, left)), ...below],
  }
}

function factsSection({ facts }: CallPicture) {
  if (facts.length === 0) return []
  const fields = facts
    .slice(0, slackLimits.fieldsMax)
    .map((fact) => mrkdwn(`*${escapeMrkdwn(fact.label)}*\n${factText(fact)}`))
  return [{ type: 'section', fields }]
}

/** Slack shows a time in the reader's own zone; the text is for where it cannot. */
function factText({ text, at }: Fact): string {
  const shown = cutText(text, fieldTextMax, { write: escapeMrkdwn, size: jsonUnits })
  return at === null ? shown : `<!date^${at}^{date_short_pretty} {time_secs}|${shown}>`
}

function outcomeSection({ outcome }: CallPicture) {
  const lines = outcome.map(({ name, text, state }) => {
    const value = escapeMrkdwn(text.replaceAll('\n', ' '))
    return `• *${escapeMrkdwn(name)}:* ${state === 'value' ? value : `_${value}_`}`
  })
  return section('Outcome', fittingLines(lines, outcomeMax, jsonUnits))
}

function toolsSection({ tools }: CallPicture) {
  const lines = tools.map((line) => `• ${escapeMrkdwn(line)}`)
  return section('Tools', fittingLines(lines, toolsMax, jsonUnits))
}

function transcriptSection({ transcript }: CallPicture, max: number) {
  // A turn takes a quarter at most, so that the excerpt has some from both ends.
  const lineOf = ({ speaker, text }: PictureTurn) => {
    const said = cutText(text, Math.floor(max / 4), { write: escapeMrkdwn, size: jsonUnits })
    return `*${escapeMrkdwn(speaker)}:* ${said}`
  }
  const { first, omitted, last } = excerpt(transcript, max, (turn) => jsonUnits(lineOf(turn)) + 2, gapUnits)
  const gap = omitted === 0 ? [] : [`_${omittedText(omitted)}_`]
  return section('Transcript', [...first.map(lineOf), ...gap, ...last.map(lineOf)].join('\n'))
}

function section(title: string, text: string) {
  return text === '' ? [] : [{ type: 'section', text: mrkdwn(`*${title}*\n${text}`) }]
}

/** `_… 123456 turns left out …_` and its line break. */
const gapUnits = 40

function buttons({ callUrl, recordingUrl }: CallPicture) {
  const elements = [
    ...(callUrl === null ? [] : [{ ...button('View Details', callUrl), style: 'primary' }]),
    ...(recordingUrl === null ? [] : [button('Recording', recordingUrl)]),
  ]
  return elements.length === 0 ? [] : [{ type: 'actions', elements }]
}

function button(label: string, url: string) {
  return { type: 'button', text: plain(label), url }
}

function plain(text: string) {
  return { type: 'plain_text', text, emoji: true }
}

function mrkdwn(text: string) {
  return { type: 'mrkdwn', text }
}
