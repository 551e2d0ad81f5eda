import type { CallPicture, PictureTurn } from '../message/call-picture.ts'
import { utf8Bytes } from '../message/cut-text.ts'
import { escapeHtml } from '../message/escape-text.ts'
import { excerpt, omittedText } from '../message/excerpt.ts'

/**
 * Of the transcript in either form, bytes of UTF-8. Gmail shows about 100 KB of a message and hides the rest behind
 * a link; the table around the turns comes on top of this.
 */
const transcriptBytesMax = 48 * 1024
/** What stands around a turn in the larger of the forms, and the line about what was left out. */
const turnFrameBytes = 80

/** Every call's summary with its transcript, as plain text and as HTML. */
export function callMail(picture: CallPicture): { text: string; html: string } {
  const { first, omitted, last } = excerpt(
    picture.transcript,
    transcriptBytesMax,
    ({ speaker, text }) => utf8Bytes(escapeHtml(speaker + text)) + turnFrameBytes,
    turnFrameBytes,
  )
  const turns: Turns = { first, gap: omitted === 0 ? null : omittedText(omitted), last }
  return { text: textOf(picture, turns), html: htmlOf(picture, turns) }
}

interface Turns {
  first: PictureTurn[]
  gap: string | null
  last: PictureTurn[]
}

function textOf(picture: CallPicture, { first, gap, last }: Turns): string {
  const turnLine = ({ speaker, text }: PictureTurn) => `${speaker}: ${text}`
  const sections = [
    [picture.title],
    links(picture).map(({ label, url }) => `${label}: ${url}`),
    picture.facts.map(({ label, text }) => `${label}: ${text}`),
    titled('Outcome', picture.outcome.map(outcomeText)),
    titled('Tools', picture.tools),
    titled('Transcript', [...first.map(turnLine), ...(gap === null ? [] : [gap]), ...last.map(turnLine)]),
    [footer(picture)],
  ]
  return sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n')
}

function titled(title: string, lines: string[]): string[] {
  return lines.length === 0 ? [] : [title, ...lines]
}

function outcomeText({ name, text, state }: CallPicture['outcome'][number]): string {
  return `${name}: ${state === 'value' ? text : `(${text})`}`
}

function links({ callUrl, recordingUrl }: CallPicture): { label: string; url: string }[] {
  return [
    ...(callUrl === null ? [] : [{ label: 'View details', url: callUrl }]),
    ...(recordingUrl === null ? [] : [{ label: 'Recording', url: recordingUrl }]),
  ]
}

function footer({ eventId }: CallPicture): string {
  return `Event ${eventId}`
}

/** Styles stand at the elements, since many mail programs drop all others. */
const bodyStyle = 'font:14px/1.5 system-ui,sans-serif'
const nameStyle = 'padding:2px 12px 2px 0;color:#6e7781;vertical-align:top;white-space:nowrap'
const valueStyle = 'padding:2px 0;vertical-align:top'
const quietStyle = 'color:#6e7781'

function htmlOf(picture: CallPicture, { first, gap, last }: Turns): string {
  const turnRow = ({ speaker, text }: PictureTurn) => row(speaker, escapeHtml(text))
  const anchors = links(picture).map(({ label, url }) => `<a href="${escapeHtml(url)}">${label}</a>`)
  const outcome = picture.outcome.map(({ name, text, state }) =>
    row(name, state === 'value' ? escapeHtml(text).replaceAll('\n', '<br>') : quiet(text)),
  )
  const transcript = [
    ...first.map(turnRow),
    ...(gap === null ? [] : [`<tr><td colspan="2">${quiet(gap)}</td></tr>`]),
    ...last.map(turnRow),
  ]
  return [
    '<!doctype html>',
    `<html><head><meta charset="utf-8"></head><body style="${bodyStyle}">`,
    `<h2 dir="auto" style="margin:0 0 8px;font-size:18px">${escapeHtml(picture.title)}</h2>`,
    anchors.length === 0 ? '' : `<p>${anchors.join(' &middot; ')}</p>`,
    table(
      null,
      picture.facts.map(({ label, text }) => row(label, escapeHtml(text))),
    ),
    table('Outcome', outcome),
    table(
      'Tools',
      picture.tools.map((line) => `<tr><td dir="auto">${escapeHtml(line)}</td></tr>`),
    ),
    table('Transcript', transcript),
    `<p>${quiet(footer(picture))}</p>`,
    '</body></html>',
  ]
    .filter((part) => part !== '')
    .join('\n')
}

function table(title: string | null, rows: string[]): string {
  if (rows.length === 0) return ''
  const heading = title === null ? '' : `<h3 style="margin:16px 0 4px;font-size:15px">${title}</h3>\n`
  return `${heading}<table style="border-collapse:collapse">\n${rows.join('\n')}\n</table>`
}

/** The value takes the direction of its own script, so that Arabic stands as it is read. */
function row(name: string, valueHtml: string): string {
  return `<tr><td dir="auto" style="${nameStyle}">${escapeHtml(name)}</td><td dir="auto" style="${valueStyle}">${valueHtml}</td></tr>`
}

function quiet(text: string): string {
  return `<i style="${quietStyle}">${escapeHtml(text)}</i>`
}
