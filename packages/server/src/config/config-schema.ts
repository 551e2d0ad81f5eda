import { ingestLimits } from '@hookswitch/core'
import { z } from 'zod'
import { agentIdField, agentNameField, configWebhookFields, projectField } from '../agents/agent-fields.ts'
import { endpointOf, readEndpointSettings } from '../agents/endpoint.ts'
import { readDestination, type ResolvedDestination } from '../destinations/read-destination.ts'
import { addressExpectation, readAddressList } from './address-list.ts'
import { isObject, objectOf, refuse } from './object-schema.ts'
import { readOutcomeSchema, type OutcomeSchema } from './outcome-schema.ts'
import { readSecret } from './secret-text.ts'
import { signatureKeyProblem } from './signature-key.ts'

/** What a missing variable leaves behind is the commonest mistake, so it is said by name. */
function refuseNothing(given: unknown, context: z.core.$RefinementCtx): given is undefined {
  if (given !== undefined) return false
  refuse(context, 'is undefined, expected a secret; is a variable of the environment not set?')
  return true
}

const secret = z
  .string('a secret')
  .optional()
  .transform((text, context) => {
    if (refuseNothing(text, context)) return ''
    const reading = readSecret(text)
    if (reading.ok) return reading.secret
    refuse(context, `${reading.problem}, expected a secret`)
    return ''
  })

const signatureKey = z
  .string('a secret such as whsec_…')
  .optional()
  .transform((text, context) => {
    if (refuseNothing(text, context)) return ''
    const problem = signatureKeyProblem(text.trim())
    if (problem !== null) refuse(context, problem)
    return text.trim()
  })

const ipAllow = z.array(z.string(addressExpectation)).transform((entries, context) => {
  const { list, refused } = readAddressList(entries.map((entry) => entry.trim()))
  for (const entry of refused) refuse(context, `has "${entry}", expected ${addressExpectation}`)
  return entries.length === 0 ? null : list
})

export const sourceSchema = objectOf({
  secrets: z.array(secret, 'a list of secrets').default([]),
  auth: z.literal('none', "'none', or nothing where a secret is asked for").optional(),
  ipAllow: ipAllow.default(null),
  standardWebhooks: objectOf({
    secrets: z.array(signatureKey, 'a list of secrets').min(1, 'at least one secret'),
  }).optional(),
  limits: objectOf({
    bodyBytesMax: z
      .int(`a whole number of bytes from 1 to ${ingestLimits.bodyBytesMax}`)
      .min(1, `a whole number of bytes from 1 to ${ingestLimits.bodyBytesMax}`)
      .max(ingestLimits.bodyBytesMax, `a whole number of bytes from 1 to ${ingestLimits.bodyBytesMax}`)
      .default(ingestLimits.bodyBytesMax),
  }).prefault({}),
}).superRefine(({ auth, secrets }, context) => {
  if (auth === 'none' && secrets.length > 0) {
    refuse(
      context,
      "is 'none' beside secrets, expected one of the two: with it no secret is ever asked for",
      ['auth'],
    )
  }
})

const outcome = z.unknown().transform((given, context): OutcomeSchema | null => {
  const reading = readOutcomeSchema(given)
  if (reading.ok) return reading.outcome
  refuse(context, reading.problem)
  return null
})

const webhook = z.unknown().transform((given, context) => {
  const fields = configWebhookFields.safeParse(given, { reportInput: true })
  const settings = readEndpointSettings(given)
  // Of what is no object at all, the fields have said so.
  const ofKind = isObject(given) ? (settings.error?.issues ?? []) : []
  for (const issue of [...(fields.error?.issues ?? []), ...ofKind]) {
    context.issues.push(issue as z.core.$ZodRawIssue)
  }
  return fields.success && settings.success ? { ...fields.data, settings: settings.data } : undefined
})

const agent = objectOf({
  name: agentNameField.optional(),
  project: projectField.optional(),
  webhook: webhook.optional(),
  echo: z
    .array(z.string('the name of a param').min(1, 'the name of a param'), 'a list of names of params')
    .optional(),
  outcome: outcome.optional(),
})

const sourceName = z
  .string()
  .regex(
    /^[a-z0-9][a-z0-9_-]{0,63}$/,
    '1 to 64 of lower case a-z, 0-9, _ and -, beginning with a letter or digit',
  )

/** Each with its webhook, which is named after it. */
const agents = z
  .record(agentIdField, agent, 'an object: settings by id of the agent')
  .transform((given) =>
    Object.fromEntries(
      Object.entries(given).map(([id, { webhook: own, ...others }]) => [
        id,
        { ...others, endpoint: own === undefined ? null : endpointOf(id, own, own.settings) },
      ]),
    ),
  )

/** Each of them is looked at for every event. */
export const destinationsMax = 1_000

const destinations = z
  .array(
    z.unknown().transform((given, context): ResolvedDestination => {
      const reading = readDestination(given, 'config')
      if (reading.ok) return reading.destination
      for (const issue of reading.issues) context.issues.push(issue as z.core.$ZodRawIssue)
      return z.NEVER
    }),
    'a list of destinations',
  )
  .max(destinationsMax, `at most ${destinationsMax} destinations`)
  .superRefine((list, context) => {
    const places = new Map<string, number>()
    for (const [at, { definition }] of list.entries()) {
      const first = places.get(definition.name)
      if (first === undefined) places.set(definition.name, at)
      else {
        const problem = `is "${definition.name}", the name of destinations[${first}], expected one of its own`
        refuse(context, problem, [at, 'name'])
      }
    }
  })

/** Longer than anybody keeps anything, and short enough that its milliseconds are exact. */
const daysMax = 36_500
const days = `a number of days above 0 and up to ${daysMax}, or null for good`
const kept = z.number(days).positive(days).max(daysMax, days).nullable()

export const retentionSchema = objectOf({
  attemptsDays: kept.default(30),
  transcriptsDays: kept.default(null),
  recordsDays: kept.default(null),
  eventsDays: kept.default(null),
}).superRefine(({ recordsDays, eventsDays }, context) => {
  if (recordsDays === null || recordsDays <= 0 || (eventsDays !== null && eventsDays <= recordsDays)) return
  refuse(
    context,
    `is ${recordsDays} and shorter than eventsDays (${eventsDays ?? 'null, for good'}), expected at least as long: by the record the events of a person are found when they are to be erased`,
    ['recordsDays'],
  )
})

export const configSchema = objectOf(
  {
    sources: z.record(sourceName, sourceSchema, 'an object: settings by name of the source').default({}),
    agents: agents.prefault({}),
    destinations: destinations.default([]),
    retention: retentionSchema.prefault({}),
  },
  'an object, as defineConfig({ … }) gives it',
)
