import type { CallPicture, OutcomeRow, PictureTurn } from '../message/call-picture.ts'
import { cutText, ellipsis, utf8Bytes } from '../message/cut-text.ts'
import { countFitting, excerpt, omittedText } from '../message/excerpt.ts'

export type AdaptiveCard = { type: 'AdaptiveCard' } & Record<string, unknown>

/**
 * Of the whole message, in bytes of UTF-8. Teams takes 28 KB and counts what it wraps the card in; others who post
 * to it cut at 21 to 27 KB.
 * https://learn.microsoft.com/en-us/microsoftteams/limits-specifications-teams
 */
export const teamsBytesMax = 24 * 1024

/** Of one turn, UTF-16 units, so that a speech does not push out the rest. */
const turnMax = 1000
/** What a heading, or the line about what was left out, takes. */
const lineBytes = 200

/**
 * Every call's summary as a card. All that people said or an agent collected stands in text runs, which know no
 * Markdown and no mentions: nothing in it can format, link or call anybody.
 * When there is too much, the transcript goes first, then tools, then rows of the outcome.
 */
export function callCard(picture: CallPicture): AdaptiveCard {
  const head = [
    line([run(picture.title, { size: 'Large', weight: 'Bolder' })]),
    ...picture.facts.map(factLine),
  ]
  const foot = [line([run(`Event ${picture.eventId}`, { isSubtle: true, size: 'Small' })])]
  let left = teamsBytesMax - bytesOf(teamsMessage(card([...head, ...foot], picture)))

  const outcome = fitting('Outcome', picture.outcome.map(outcomeLine), left)
  left -= bytesOf(outcome)
  const tools = fitting('Tools', picture.tools.map(toolLine), left)
  left -= bytesOf(tools)
  const transcript = transcriptLines(picture.transcript, left)
  return card([...head, ...outcome, ...tools, ...transcript, ...foot], picture)
}

/** A card of one text, in the Markdown that Adaptive Cards know. */
export function textCard(text: string): AdaptiveCard {
  return card([{ type: 'TextBlock', text, wrap: true }], { callUrl: null, recordingUrl: null })
}

/** What the workflow's trigger takes. */
export function teamsMessage(content: AdaptiveCard) {
  const contentType = 'application/vnd.microsoft.card.adaptive'
  return { type: 'message', attachments: [{ contentType, contentUrl: null, content }] }
}

function card(
  body: unknown[],
  { callUrl, recordingUrl }: Pick<CallPicture, 'callUrl' | 'recordingUrl'>,
): AdaptiveCard {
  const links = [
    { title: 'View Details', url: callUrl },
    { title: 'Recording', url: recordingUrl },
  ]
  return {
    type: 'AdaptiveCard',
    $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
    version: '1.4',
    // Otherwise a card is as narrow as on a telephone, also where there is room.
    msteams: { width: 'Full' },
    body,
    actions: links.filter(({ url }) => url !== null).map((link) => ({ type: 'Action.OpenUrl', ...link })),
  }
}

/** Under a heading, the lines that fit, and how many more there are. */
function fitting(title: string, lines: Line[], bytesMax: number): Line[] {
  const room = bytesMax - 2 * lineBytes
  if (lines.length === 0 || room < 0) return []
  const kept = lines.slice(0, countFitting(lines, room, costOf))
  const omitted = lines.length - kept.length
  return [heading(title), ...kept, ...(omitted === 0 ? [] : [remark(`${ellipsis} ${omitted} more`)])]
}

function transcriptLines(turns: readonly PictureTurn[], bytesMax: number): Line[] {
  const room = bytesMax - lineBytes
  if (turns.length === 0 || room < lineBytes) return []
  const { first, omitted, last } = excerpt(turns, room, (turn) => costOf(turnLine(turn)), lineBytes)
  const gap = omitted === 0 ? [] : [remark(omittedText(omitted))]
  return [heading('Transcript'), ...first.map(turnLine), ...gap, ...last.map(turnLine)]
}

interface Line {
  type: 'RichTextBlock'
  spacing: string
  inlines: unknown[]
}

function line(inlines: unknown[]): Line {
  return { type: 'RichTextBlock', spacing: 'Small', inlines }
}

function run(text: string, style: Record<string, unknown> = {}) {
  return { type: 'TextRun', text, ...style }
}

function labelled(label: string, text: string, style: Record<string, unknown> = {}): Line {
  return line([run(`${label}: `, { weight: 'Bolder' }), run(text, style)])
}

function factLine({ label, text }: CallPicture['facts'][number]): Line {
  return labelled(label, text)
}

function outcomeLine({ name, text, state }: OutcomeRow): Line {
  return labelled(name, text, state === 'value' ? {} : { italic: true, isSubtle: true })
}

function toolLine(text: string): Line {
  return line([run(text)])
}

function turnLine({ speaker, text }: PictureTurn): Line {
  return labelled(speaker, cutText(text, turnMax))
}

function heading(text: string): Line & Record<string, unknown> {
  return { ...line([run(text, { weight: 'Bolder', color: 'Accent' })]), separator: true, spacing: 'Medium' }
}

function remark(text: string): Line {
  return line([run(text, { italic: true, isSubtle: true })])
}

/** With the comma that follows. */
function costOf(item: Line): number {
  return bytesOf(item) + 1
}

function bytesOf(value: unknown): number {
  return utf8Bytes(JSON.stringify(value))
}
