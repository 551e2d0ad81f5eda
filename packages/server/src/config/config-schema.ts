import { ingestLimits } from '@hookswitch/core'
import { z } from 'zod'
import { addressExpectation, readAddressList } from './address-list.ts'
import { readOutcomeSchema, type OutcomeSchema } from './outcome-schema.ts'
import { readSecret } from './secret-text.ts'
import { signatureKeyProblem } from './signature-key.ts'

/** Marks a message that is the whole problem; every other message is an expectation, and what came is put before it. */
export const saidWhole = 'saidWhole'

function refuse(context: z.core.$RefinementCtx, problem: string, path: PropertyKey[] = []): void {
  context.addIssue({ code: 'custom', message: problem, path, params: { [saidWhole]: true } })
}

/** An object without other keys. The message for another key is the list of the known ones, from which one is suggested. */
function settings<Shape extends z.core.$ZodLooseShape>(
  shape: Shape,
  expectation = 'an object',
): z.ZodObject<Shape, z.core.$strict> {
  const known = Object.keys(shape).join(' ')
  return z.strictObject(shape, { error: ({ code }) => (code === 'unrecognized_keys' ? known : expectation) })
}

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

export const sourceSchema = settings({
  secrets: z.array(secret, 'a list of secrets').default([]),
  auth: z.literal('none', "'none', or nothing where a secret is asked for").optional(),
  ipAllow: ipAllow.default(null),
  standardWebhooks: settings({
    secrets: z.array(signatureKey, 'a list of secrets').min(1, 'at least one secret'),
  }).optional(),
  limits: settings({
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

const agent = settings({
  echo: z
    .array(z.string('the name of a param').min(1, 'the name of a param'), 'a list of names of params')
    .optional(),
  outcome: outcome.optional(),
})

const sourceName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9_-]{0,63}$/, '1 to 64 of a-z 0-9 _ - that begin with a letter or digit')

const agentId = z.string().min(1, 'the id of an agent').max(200, 'the id of an agent, at most 200 characters')

export const configSchema = settings(
  {
    sources: z.record(sourceName, sourceSchema, 'an object: settings by name of the source').default({}),
    agents: z.record(agentId, agent, 'an object: settings by id of the agent').default({}),
  },
  'an object, as defineConfig({ … }) gives it',
)
