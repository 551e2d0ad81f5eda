import type { AttemptResult } from '@hookswitch/core'
import { z } from 'zod'
import type { DestinationKind } from '../kind.ts'
import { answerObject, judged } from '../message/answer.ts'
import { pictureCall } from '../message/call-picture.ts'
import { contentProblem, isJson, notJson, shownKind } from '../message/content-problem.ts'
import { cutText, utf8Bytes } from '../message/cut-text.ts'
import { oneLine } from '../message/plain-text.ts'
import { nothingToClose, postJson } from '../message/post-json.ts'
import { settingsObject } from '../settings-object.ts'
import { detailsBytesMax, pagerDutyEvent } from './pagerduty-event.ts'

const defaultUrl = 'https://events.pagerduty.com/v2/enqueue'

const expectedKey = 'an integration key of Events API v2, 32 letters and digits'
const expectedSeverity = 'critical, error, warning or info'
const expectedTypes = 'a list of event types, such as ["call.ended"]'
const expectedUrl = `a URL such as ${defaultUrl}`

const severity = z.enum(['critical', 'error', 'warning', 'info'], expectedSeverity)

const settings = settingsObject({
  routingKey: z.string(expectedKey).regex(/^[A-Za-z0-9]{32}$/, expectedKey),
  severity: severity.default('error'),
  resolveOn: z.array(z.string(expectedTypes).min(1, expectedTypes), expectedTypes).default([]),
  url: z.url({ protocol: /^https?$/, error: expectedUrl }).default(defaultUrl),
})

const expectedContent = 'expected the summary as text, or { summary, severity, action, details }'

const contentParts = z.strictObject({
  summary: z.string().trim().min(1).optional(),
  severity: severity.optional(),
  action: z.enum(['trigger', 'acknowledge', 'resolve']).optional(),
  details: z.record(z.string(), z.unknown()).optional(),
})

/** An alert of a PagerDuty service. */
export const pagerdutyKind: DestinationKind<z.output<typeof settings>> = {
  name: 'pagerduty',
  title: 'PagerDuty',
  help: [
    'In PagerDuty open "Services", the service, "Integrations", "Add an integration", and choose "Events API V2".',
    'Add it, and set routingKey to its "Integration Key".',
    'For an account in the EU set url to https://events.eu.pagerduty.com/v2/enqueue.',
    'An event triggers the alert of its call, one for each call; resolveOn names the event types that resolve it instead.',
    'PagerDuty wakes people: set a filter, such as outcome.priority = "urgent", and subscribe to call.ended.',
    'A test opens an alert of severity info, which somebody has to resolve.',
  ].join('\n'),
  settings,
  secrets: ['routingKey'],
  template:
    'the summary as text, or { summary, severity, action, details }: action is trigger, acknowledge or resolve',

  reads: () => 'call',

  async check({ url }, { egress }) {
    const problem = await egress.check(url)
    return problem === null ? null : { setting: 'url', problem }
  },

  open({ routingKey, severity: severitySet, resolveOn, url }, { name, egress, publicUrl }) {
    return {
      async send(message, signal) {
        const { parts, problem } = readContent(message.content)
        if (parts === null) return contentProblem(problem)
        const byType = resolveOn.includes(message.event.type) ? 'resolve' : 'trigger'
        const event = pagerDutyEvent(pictureCall(message, publicUrl), {
          routingKey,
          destination: name,
          // A sample is to be seen, and is not to wake anybody.
          action: message.test ? 'trigger' : (parts.action ?? byType),
          severity: message.test ? 'info' : (parts.severity ?? severitySet),
          summary: parts.summary ?? null,
          details: parts.details ?? null,
        })
        return readAnswer(
          await postJson({ url, isUrlSecret: false, secrets: [routingKey] }, event, egress, signal),
        )
      },
      close: nothingToClose,
    }
  },
}

type ContentReading =
  { parts: z.infer<typeof contentParts>; problem: null } | { parts: null; problem: string }

function readContent(content: unknown): ContentReading {
  if (content === undefined) return { parts: {}, problem: null }
  if (!isJson(content)) return { parts: null, problem: notJson }
  const parts = contentParts.safeParse(typeof content === 'string' ? { summary: content } : content)
  if (!parts.success) return { parts: null, problem: `${shownKind(content)}, ${expectedContent}` }
  const bytes = utf8Bytes(JSON.stringify(parts.data.details ?? {}))
  return bytes > detailsBytesMax
    ? { parts: null, problem: `details of ${bytes} bytes, expected at most ${detailsBytesMax}` }
    : { parts: parts.data, problem: null }
}

/** `{"status":"invalid event","message":"Event object is invalid","errors":["…"]}` with 400. */
function readAnswer(result: AttemptResult): AttemptResult {
  if (result.status !== 400) return result
  const { message, errors } = answerObject(result)
  const said = [message, ...(Array.isArray(errors) ? errors : [])].filter((one) => typeof one === 'string')
  const text = cutText(oneLine(said.join('; ')), saidMax)
  if (text === '') return result
  return /routing.key/i.test(text)
    ? judged(result, 'auth', `PagerDuty answered "${text}": check the integration key`)
    : judged(result, 'reject', `PagerDuty answered "${text}"`)
}

/** Of what PagerDuty says itself. */
const saidMax = 300
