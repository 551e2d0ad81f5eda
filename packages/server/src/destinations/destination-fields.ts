import { lanePathProblem, retryLimits, type DestinationDefinition } from '@hookswitch/core'
import { readEnvelope } from '@hookswitch/events'
import { z } from 'zod'
import { objectOf, refuse } from '../config/object-schema.ts'
import { jsonataBytesMax, jsonataProblem } from '../user-code/jsonata-problem.ts'

/** What every destination is set with, whatever its kind. Every message is an expectation. */

/** As of a source: it stands in paths, in logs and in metrics. */
const namePattern = /^[a-z0-9][a-z0-9_-]{0,63}$/
const name = '1 to 64 of lower case a-z, 0-9, _ and -, beginning with a letter or digit'

/** A list is looked through for each event. */
const eventTypesMax = 100
const scopeNamesMax = 1_000
const scopeNameCharactersMax = 200

/** More sends at once than that are another server's load, and not a receiver's of webhooks. */
const concurrencyMax = 1_000
const perSecondMax = 10_000

const eventType = 'an event type such as call.ended: 1 to 100 characters of printable ASCII'
const scopeName = `a text of 1 to ${scopeNameCharactersMax} characters`
const lane = 'call, destination, none or { "path": "call.userNumber" }'
const preset = 'none, quick, guide or standard'
const delay = `a number of seconds from 0 to ${retryLimits.delaySecondsMax}`
const concurrency = `a whole number from 1 to ${concurrencyMax}`
/** A month: whoever fails for longer is not there any more. */
const failingHoursMax = 720

const perSecond = `a number of sends above 0 and up to ${perSecondMax}, or null for no bound`

const failingHours = `a number of hours above 0 and up to ${failingHoursMax}, or null for never`

/** Read as the ingest reads it: a type that senders also write otherwise is the one that their events get. */
export const eventTypeField = z.string(eventType).transform((text, context) => {
  const reading = readEnvelope({ eventType: text, callId: 'any' })
  if (reading.ok) return reading.envelope.type
  context.addIssue({ code: 'custom', message: eventType, input: text })
  return z.NEVER
})

/** Types that are chosen; null is all. */
export function eventTypesOf(field: z.ZodType<string, string>) {
  return z
    .array(field, 'a list of event types')
    .min(1, 'at least one event type, or nothing for all')
    .max(eventTypesMax, `at most ${eventTypesMax} event types`)
    .transform((types) => [...new Set(types)])
    .nullable()
    .default(null)
}

const events = eventTypesOf(eventTypeField)

function namesOf(what: string) {
  return z
    .array(z.string(scopeName).min(1, scopeName).max(scopeNameCharactersMax, scopeName), `a list of ${what}`)
    .min(1, `at least one of the ${what}, or nothing for all`)
    .max(scopeNamesMax, `at most ${scopeNamesMax} ${what}`)
    .nullable()
    .default(null)
}

const laneRule = z
  .union([z.enum(['call', 'destination', 'none']), z.strictObject({ path: z.string() })], lane)
  .superRefine((rule, context) => {
    const problem = typeof rule === 'string' ? null : lanePathProblem(rule.path)
    if (problem !== null) context.addIssue({ code: 'custom', message: problem, path: ['path'] })
  })
  .default('call')

const retry = objectOf(
  {
    preset: z.enum(['none', 'quick', 'guide', 'standard'], preset).optional(),
    delaysSeconds: z
      .array(
        z.number(delay).min(0, delay).max(retryLimits.delaySecondsMax, delay),
        'a list of the seconds to wait before each further try',
      )
      .max(retryLimits.delaysMax, `at most ${retryLimits.delaysMax} waits`)
      .optional(),
  },
  '{ "preset": "standard" } or { "delaysSeconds": [5, 30] }',
)
  .transform((given, context): DestinationDefinition['retry'] => {
    const policies = [
      ...(given.preset === undefined ? [] : [{ preset: given.preset }]),
      ...(given.delaysSeconds === undefined ? [] : [{ delaysSeconds: given.delaysSeconds }]),
    ]
    const [policy] = policies
    if (policy !== undefined && policies.length === 1) return policy
    context.addIssue({ code: 'custom', message: 'either preset or delaysSeconds in it', input: given })
    return z.NEVER
  })
  .default({ preset: 'standard' })

/** How much it is sent, and how long it may fail. */
const limits = {
  concurrency: z.int(concurrency).min(1, concurrency).max(concurrencyMax, concurrency).default(10),
  perSecond: z.number(perSecond).positive(perSecond).max(perSecondMax, perSecond).nullable().default(null),
}
const failing = z.number(failingHours).positive(failingHours).max(failingHoursMax, failingHours).nullable()

/** Shorter than `standard` tries for, so that nothing is given up before a person knows. */
const failingHoursDefault = 48

/** Of the webhook of an agent: what it shares with every other destination. */
export const endpointFields = {
  retry,
  limits: objectOf({ ...limits, failingHours: failing.default(failingHoursDefault) }).prefault({}),
}

const common = {
  name: z.string(name).regex(namePattern, name),
  kind: z.string('the name of a kind, such as webhook'),
  events,
  scope: objectOf({ sources: namesOf('sources'), agents: namesOf('agents') }).prefault({}),
  lane: laneRule,
  onExhausted: z.enum(['continue', 'park'], 'continue or park').default('continue'),
  retry,
  limits: objectOf({ ...limits, failingHours: failing.exactOptional() }).prefault({}),
  settings: z.record(z.string(), z.unknown(), 'an object of settings').default({}),
}

const codeOfApi = z.string('JSONata as text, or null').superRefine(checkJsonata).nullable().default(null)

/** What `POST /destinations` takes. */
export const apiFields = objectOf({ ...common, filter: codeOfApi, template: codeOfApi })

export type UserFunction = (...args: never[]) => unknown

const codeOfConfig = z
  .unknown()
  .superRefine((code, context) => {
    if (code === null || typeof code === 'function') return
    if (typeof code === 'string') checkJsonata(code, context)
    else context.addIssue({ code: 'custom', message: 'a function, or JSONata as text', input: code })
  })
  .transform((code) => code as string | UserFunction | null)
  .default(null)

/** What an entry of `destinations` in the config file takes. */
export const configFields = objectOf(
  { ...common, filter: codeOfConfig, template: codeOfConfig, run: z.unknown().optional() },
  'a destination, as webhook({ … }) or another of these functions gives it',
)

function checkJsonata(text: string, context: z.core.$RefinementCtx): void {
  const bytes = Buffer.byteLength(text)
  if (bytes > jsonataBytesMax) {
    refuse(context, `has ${bytes} bytes, expected at most ${jsonataBytesMax}`)
    return
  }
  const problem = jsonataProblem(text)
  if (problem === null) return
  refuse(context, `is not JSONata, at line ${problem.line}, column ${problem.column}: ${problem.message}`)
}
