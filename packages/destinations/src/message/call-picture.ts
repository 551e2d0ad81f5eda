import type { CallRecord, OutcomeField } from '@hookswitch/events'
import type { Message, ShownEvent } from '../kind.ts'
import { cutText, ellipsis } from './cut-text.ts'
import { durationText } from './duration-text.ts'
import { oneLine, plainText } from './plain-text.ts'

/** Stands before the title of a sample that a person asked for. */
export const testPrefix = 'Test from Hookswitch: '

/** What people are told of a call, the same in every kind of message: plain text, not yet escaped for any of them. */
export interface CallPicture {
  /** What happened to whom, on one line: `Call ended: Recruiter, 2 min 5 s`. A sample says so. */
  title: string
  /** The same without what happened: `Recruiter, 2 min 5 s`; empty where neither is known. */
  subject: string
  test: boolean
  callId: string
  eventId: string
  eventType: string
  /** Its name, or its id. */
  agent: string | null
  /** Who, what, when; only what is known. */
  facts: Fact[]
  outcome: OutcomeRow[]
  tools: string[]
  transcript: PictureTurn[]
  /** An http(s) link, or null. */
  recordingUrl: string | null
  /** The call's page; null where nobody said where people reach this server. */
  callUrl: string | null
  /** When the event happened, Unix seconds; when it came, where it does not say. */
  at: number
}

export interface Fact {
  label: string
  text: string
  /** Unix seconds, where the text is a time that some targets can show in the reader's own zone. */
  at: number | null
}

export interface OutcomeRow {
  name: string
  /** What to show, whatever the state is. */
  text: string
  /** `null`: asked for, and the caller did not say. `absent`: expected, and nothing came. */
  state: OutcomeField['state']
}

export interface PictureTurn {
  speaker: string
  text: string
}

/** Bounds of one value; each target has bounds of its own for the whole. UTF-16 units. */
const nameMax = 100
const factMax = 200
const outcomeTextMax = 500
const turnTextMax = 2000
/** How many there may be. A picture of more is no help to anybody; the call's page has them all. */
const outcomeRowsMax = 200
const toolsMax = 50
/** A link with a signature in it takes about half of it. Slack's buttons stop at 3,000, Discord's embeds at 2,048. */
const urlMax = 2000

/** The picture of a message's call, as it is now. */
export function pictureCall(message: Message, publicUrl: string | null): CallPicture {
  const { event, call } = message
  const subject = call === null ? '' : subjectOf(call)
  const title = subject === '' ? happened(event.type) : `${happened(event.type)}: ${subject}`
  return {
    title: message.test ? testPrefix + title : title,
    subject,
    test: message.test,
    callId: event.callId,
    eventId: message.eventId,
    eventType: event.type,
    agent: call === null ? null : agentOf(call),
    facts: call === null ? [] : factsOf(call),
    outcome: call === null ? [] : outcomeRows(call.outcome),
    tools: call === null ? [] : toolLines(call.tools),
    transcript: call === null ? [] : call.transcript.map(pictureTurn),
    recordingUrl: call === null ? null : webUrl(call.recordingUrl),
    callUrl: pageUrl(publicUrl, event.callId),
    at: unixSeconds(event.occurredAt ?? event.receivedAt),
  }
}

/** The page of a call. */
function pageUrl(publicUrl: string | null, callId: string): string | null {
  return publicUrl === null ? null : webUrl(`${publicUrl}/calls/${encodeURIComponent(callId.toWellFormed())}`)
}

function happened(type: ShownEvent['type']): string {
  switch (type) {
    case 'call.started':
      return 'Call started'
    case 'call.answered':
      return 'Call answered'
    case 'transcription.update':
      return 'Transcript updated'
    case 'tool.executed':
      return 'Tool executed'
    case 'call.ended':
      return 'Call ended'
    default:
      return oneLine(type)
  }
}

function agentOf({ agentName, agentId }: CallRecord): string | null {
  const agent = shortLine(agentName ?? agentId ?? '', nameMax)
  return agent === '' ? null : agent
}

function subjectOf(call: CallRecord): string {
  const duration = call.durationSeconds === null ? null : durationText(call.durationSeconds)
  return [agentOf(call), duration].filter((part) => part !== null).join(', ')
}

function factsOf(call: CallRecord): Fact[] {
  const facts: Fact[] = []
  const add = (label: string, value: string | null, at: number | null = null) => {
    const text = value === null ? '' : shortLine(value, factMax)
    if (text !== '') facts.push({ label, text, at })
  }
  add('Call ID', call.callId)
  add('Duration', call.durationSeconds === null ? null : durationText(call.durationSeconds))
  add('Agent', agentOf(call))
  add('User', call.userNumber)
  const startedAt = call.startedAt ?? call.answeredAt
  if (startedAt !== null) add('Started', timeText(startedAt), unixSeconds(startedAt))
  add('Status', call.status)
  add('Direction', call.direction)
  add('Channel', call.channel)
  add('Agent number', call.agentNumber)
  return facts
}

function outcomeRows(outcome: CallRecord['outcome']): OutcomeRow[] {
  const fields = Object.entries(outcome)
  const rows: OutcomeRow[] = fields.slice(0, outcomeRowsMax).map(([name, field]) => ({
    name: shortLine(name, nameMax),
    text: outcomeText(field),
    state: field.state,
  }))
  const omitted = fields.length - rows.length
  return omitted === 0 ? rows : [...rows, { name: ellipsis, text: `${omitted} more`, state: 'value' }]
}

function outcomeText(field: OutcomeField): string {
  if (field.state === 'null') return 'not said'
  if (field.state === 'absent') return 'did not come'
  return cutText(shownValue(field.value), outcomeTextMax)
}

function shownValue(value: unknown): string {
  if (typeof value === 'string') {
    const text = plainText(value).trim()
    return text === '' ? '(empty)' : text
  }
  if (typeof value === 'boolean') return value ? 'yes' : 'no'
  return JSON.stringify(value) ?? ''
}

/** The latest of them. */
function toolLines(tools: CallRecord['tools']): string[] {
  const omitted = tools.length - toolsMax
  const lines = tools.slice(-toolsMax).map(toolLine)
  return omitted > 0 ? [`${ellipsis} ${omitted} earlier`, ...lines] : lines
}

function toolLine({ name, success, error, durationMs }: CallRecord['tools'][number]): string {
  const took = durationMs === null ? '' : ` (${durationText(durationMs / 1000)})`
  const failed = success === false || error !== null
  const ended = failed ? `: failed${error === null ? '' : `, ${error}`}` : success === true ? ': ok' : ''
  return shortLine(`${name}${ended}${took}`, factMax)
}

function pictureTurn({ speaker, text }: CallRecord['transcript'][number]): PictureTurn {
  return { speaker: shortLine(speaker, nameMax), text: shortLine(text, turnTextMax) }
}

/** On one line and cut, without reading on in a text that is far too long. */
function shortLine(text: string, max: number): string {
  const read = text.slice(0, 4 * max)
  const line = oneLine(read)
  return cutText(read.length < text.length ? line + ellipsis : line, max)
}

/** A link that people may be sent to, or none: anything but http(s) could be run, and a cut one leads nowhere. */
function webUrl(text: string | null): string | null {
  const url = text === null ? null : URL.parse(text)
  return url !== null && /^https?:$/.test(url.protocol) && url.href.length <= urlMax ? url.href : null
}

/** `2026-11-22 03:12:45 UTC` */
function timeText(iso: string): string {
  return `${iso.slice(0, 10)} ${iso.slice(11, 19)} UTC`
}

function unixSeconds(iso: string): number {
  return Math.floor(Date.parse(iso) / 1000)
}
