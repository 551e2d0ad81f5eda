import type { CallPicture, Fact, OutcomeRow, PictureTurn } from '../message/call-picture.ts'
import { cutText, ellipsis } from '../message/cut-text.ts'
import { escapeDiscord } from '../message/escape-text.ts'
import { countFitting, excerpt, fittingLines, omittedText } from '../message/excerpt.ts'

/** In characters: https://docs.discord.com/developers/resources/message#embed-object-embed-limits */
export const discordLimits = {
  contentMax: 2000,
  embedsMax: 10,
  titleMax: 256,
  descriptionMax: 4096,
  fieldsMax: 25,
  fieldNameMax: 256,
  fieldValueMax: 1024,
  footerMax: 2048,
  /** Of all titles, descriptions, names, values and footers of a message together. */
  embedsTotalMax: 6000,
} as const

/** Of one name and one value here, so that many of them fit into the total. */
const nameMax = 100
const factMax = 120
const outcomeTextMax = 400
/** Of all rows of the outcome; of the tools. The transcript has what is left. */
const outcomeMax = 2000
const toolsMax = 600

/** Discord's own blue, for the bar beside the message. */
const color = 0x5865f2

interface Field {
  name: string
  value: string
  inline?: true
}

/** Every call's summary; what was said comes last, in an embed of its own. */
export function callMessage(picture: CallPicture) {
  const title = cutText(picture.title, discordLimits.titleMax, { write: escapeDiscord })
  const footer = cutText(`Event ${picture.eventId}`, discordLimits.footerMax)
  const fields = [...picture.facts.map(factField), ...outcomeFields(picture.outcome), ...extraFields(picture)]
  const summary = { title, ...(picture.callUrl !== null && { url: picture.callUrl }), color, fields }
  const end = { footer: { text: footer }, timestamp: new Date(picture.at * 1000).toISOString() }
  if (picture.transcript.length === 0) return { embeds: [{ ...summary, ...end }] }

  const used = fields.reduce((sum, field) => sum + costOf(field), title.length + footer.length)
  const left = discordLimits.embedsTotalMax - used - transcriptTitle.length
  const description = transcriptText(picture, Math.min(discordLimits.descriptionMax, left))
  return { embeds: [summary, { title: transcriptTitle, color, description, ...end }] }
}

const transcriptTitle = 'Transcript'

/** Discord shows a time in the reader's own zone. */
function factField({ label, text, at }: Fact): Field {
  const value = at === null ? cutText(text, factMax, { write: escapeDiscord }) : `<t:${at}:f>`
  return { name: label, value, inline: true }
}

/** At most 12 of them: 9 facts, tools, recording and the line about the rest make 25 with them. */
const outcomeFieldsMax = 12

function outcomeFields(rows: readonly OutcomeRow[]): Field[] {
  const fields = rows.map(({ name, text, state }) => {
    const value = cutText(text, outcomeTextMax, { write: escapeDiscord })
    return {
      name: cutText(name, nameMax, { write: escapeDiscord }),
      value: state === 'value' ? value : `*${value}*`,
      ...(text.length < 40 && { inline: true as const }),
    }
  })
  const kept = fields.slice(0, Math.min(countFitting(fields, outcomeMax, costOf), outcomeFieldsMax))
  const omitted = fields.length - kept.length
  return omitted === 0 ? kept : [...kept, { name: ellipsis, value: `${omitted} more` }]
}

function extraFields({ tools, recordingUrl }: CallPicture): Field[] {
  const lines = tools.map((line) => escapeDiscord(line))
  // A bracket in the address would end the link.
  const address = recordingUrl?.replaceAll('(', '%28').replaceAll(')', '%29')
  const link = address === undefined ? null : `[Listen](${address})`
  return [
    ...(lines.length === 0 ? [] : [{ name: 'Tools', value: fittingLines(lines, toolsMax) }]),
    // A longer link does not fit into a field, and a cut one leads nowhere.
    ...(link !== null && link.length <= discordLimits.fieldValueMax
      ? [{ name: 'Recording', value: link }]
      : []),
  ]
}

function transcriptText({ transcript }: CallPicture, max: number): string {
  const lineOf = ({ speaker, text }: PictureTurn) => {
    const said = cutText(text, Math.floor(max / 4), { write: escapeDiscord })
    return `**${escapeDiscord(speaker)}:** ${said}`
  }
  const { first, omitted, last } = excerpt(transcript, max, (turn) => lineOf(turn).length + 1, gapUnits)
  const gap = omitted === 0 ? [] : [`*${omittedText(omitted)}*`]
  return [...first.map(lineOf), ...gap, ...last.map(lineOf)].join('\n')
}

/** `*… 123456 turns left out …*` and its line break. */
const gapUnits = 40

function costOf({ name, value }: Field): number {
  return name.length + value.length
}
