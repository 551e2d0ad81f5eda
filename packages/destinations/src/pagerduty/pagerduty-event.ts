import { createHash } from 'node:crypto'
import { testPrefix, type CallPicture, type PictureTurn } from '../message/call-picture.ts'
import { cutText, jsonUnits } from '../message/cut-text.ts'
import { countFitting, excerpt, omittedText } from '../message/excerpt.ts'
import { oneLine } from '../message/plain-text.ts'
import type { PagerDutySeverity } from './pagerduty.ts'

/** In characters: https://developer.pagerduty.com/docs/events-api-v2/trigger-events */
const pagerDutyLimits = { summaryMax: 1024, dedupKeyMax: 255 } as const

export type PagerDutyAction = 'trigger' | 'acknowledge' | 'resolve'

/** In JSON. An event may have 512 KB; what is read on a telephone at night is a small part of that. */
const outcomeMax = 8000
const transcriptMax = 8000
const turnMax = 1000
/** Of details that a template made, bytes as UTF-8. */
export const detailsBytesMax = 256 * 1024

export interface PagerDutyEvent {
  routing_key: string
  event_action: PagerDutyAction
  dedup_key: string
  payload?: Record<string, unknown>
  links?: { href: string; text: string }[]
  client?: string
  client_url?: string
}

export interface EventParts {
  routingKey: string
  /** The destination's name: the same call has an alert of its own at each. */
  destination: string
  action: PagerDutyAction
  severity: PagerDutySeverity
  /** Null: what the call's picture says. */
  summary: string | null
  details: Record<string, unknown> | null
}

/** An event for the alert of a call. Only a trigger carries what is shown. */
export function pagerDutyEvent(picture: CallPicture, parts: EventParts): PagerDutyEvent {
  const { routingKey, destination, action, severity, details } = parts
  const base = {
    routing_key: routingKey,
    event_action: action,
    dedup_key: dedupKey(destination, picture),
  }
  if (action !== 'trigger') return base

  const { callUrl, recordingUrl } = picture
  const links = [
    ...(callUrl === null ? [] : [{ href: callUrl, text: 'View Details' }]),
    ...(recordingUrl === null ? [] : [{ href: recordingUrl, text: 'Recording' }]),
  ]
  return {
    ...base,
    payload: {
      summary: summaryOf(picture, parts.summary),
      source: picture.agent ?? 'hookswitch',
      severity,
      timestamp: new Date(picture.at * 1000).toISOString(),
      component: destination,
      class: picture.eventType,
      custom_details: details ?? callDetails(picture),
    },
    ...(links.length > 0 && { links }),
    client: 'Hookswitch',
    ...(callUrl !== null && { client_url: callUrl }),
  }
}

/** The same for all events of a call, so that they are one alert; a sample is not to touch a call's. */
function dedupKey(destination: string, { callId, test }: CallPicture): string {
  const key = `hookswitch:${destination}:${test ? 'test' : callId}`
  if (key.length <= pagerDutyLimits.dedupKeyMax) return key
  return `hookswitch:${destination}:${createHash('sha256').update(callId).digest('hex')}`
}

/** The title of the incident, and all that a telephone reads out: with what the call is about, not only whose it is. */
function summaryOf({ title, test, outcome }: CallPicture, given: string | null): string {
  if (given !== null) return cutText(`${test ? testPrefix : ''}${oneLine(given)}`, pagerDutyLimits.summaryMax)
  const about = outcome
    .filter(({ state }) => state === 'value')
    .slice(0, summaryRows)
    .map(({ name, text }) => `${name}: ${cutText(oneLine(text), summaryRowMax)}`)
  return cutText(about.length === 0 ? title : `${title} (${about.join(', ')})`, pagerDutyLimits.summaryMax)
}

const summaryRows = 3
const summaryRowMax = 80

/** PagerDuty shows these as a table, in this order. */
function callDetails(picture: CallPicture): Record<string, unknown> {
  const { facts, outcome, tools, transcript, eventId } = picture
  const rows = outcome.slice(
    0,
    countFitting(outcome, outcomeMax, ({ name, text }) => jsonUnits(name) + jsonUnits(text)),
  )
  const { first, omitted, last } = excerpt(
    transcript,
    transcriptMax,
    (turn) => jsonUnits(turnLine(turn)) + 2,
    40,
  )
  const said = [
    ...first.map(turnLine),
    ...(omitted === 0 ? [] : [omittedText(omitted)]),
    ...last.map(turnLine),
  ]
  return {
    ...Object.fromEntries(facts.map(({ label, text }) => [label, text])),
    ...(rows.length > 0 && { Outcome: Object.fromEntries(rows.map(({ name, text }) => [name, text])) }),
    ...(rows.length < outcome.length && { 'Outcome left out': `${outcome.length - rows.length} more` }),
    ...(tools.length > 0 && { Tools: tools }),
    ...(said.length > 0 && { Transcript: said.join('\n') }),
    Event: eventId,
  }
}

function turnLine({ speaker, text }: PictureTurn): string {
  return `${speaker}: ${cutText(text, turnMax)}`
}
