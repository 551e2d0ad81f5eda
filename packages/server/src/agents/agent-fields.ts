import { z } from 'zod'
import { isNestedDeeper, jsonObject, objectOf, refuse } from '../config/object-schema.ts'
import { readOutcomeSchema } from '../config/outcome-schema.ts'
import { endpointFields } from '../destinations/destination-fields.ts'
import { publishedTypesField } from '../publish/published-type.ts'

/** What an agent is set with. Every message is an expectation. */

const idCharactersMax = 200
const nameCharactersMax = 200

const agentIdExpectation = `a text of 1 to ${idCharactersMax} characters without control characters`
const name = `a text of 1 to ${nameCharactersMax} characters without control characters`
const project = `${name}, or null`

/** It stands in the events, in paths and in the log. */
function plainText(expectation: string, charactersMax: number) {
  return z
    .string(expectation)
    .trim()
    .min(1, expectation)
    .max(charactersMax, expectation)
    .refine((text) => !/\p{Cc}/u.test(text) && text.isWellFormed(), expectation)
}

/** In a path these two mean something else. */
export const agentIdField = plainText(agentIdExpectation, idCharactersMax).refine(
  (id) => id !== '.' && id !== '..',
  'another id than . and .., which a path cannot hold',
)
export const agentNameField = plainText(name, nameCharactersMax)
export const projectField = plainText(project, nameCharactersMax).nullable()

/** The settings that the webhook kind reads itself, with its own messages. */
const ofKind = {
  url: z.unknown().optional(),
  authKey: z.unknown().optional(),
  authSecret: z.unknown().optional(),
}

const signing = 'v1 (HMAC-SHA256), v1a (ed25519), or null for none'
const enabled = 'true or false'

/** Stored with the agent, read with every call that is shown. */
const outcomeSchemaBytesMax = 32 * 1024

const outcomeSchemaNestingMax = 64

const outcomeSchema = jsonObject('a JSON Schema, or null')
  .superRefine((schema, context) => {
    if (isNestedDeeper(schema, outcomeSchemaNestingMax)) {
      return refuse(context, `is nested deeper than ${outcomeSchemaNestingMax} levels`)
    }
    const bytes = Buffer.byteLength(JSON.stringify(schema))
    if (bytes > outcomeSchemaBytesMax) {
      return refuse(context, `has ${bytes} bytes, expected at most ${outcomeSchemaBytesMax}`)
    }
    const reading = readOutcomeSchema(schema)
    if (!reading.ok) refuse(context, reading.problem)
  })
  .nullable()

export const apiWebhookFields = objectOf({
  ...ofKind,
  events: publishedTypesField,
  ...endpointFields,
  signing: z.enum(['v1', 'v1a'], signing).nullable().optional(),
  enabled: z.boolean(enabled).default(true),
})

/** What `POST /agents` takes. */
export const apiAgentFields = objectOf({
  id: agentIdField.optional(),
  name: agentNameField,
  project: projectField.default(null),
  webhook: apiWebhookFields.nullable().default(null),
  outcomeSchema: outcomeSchema.default(null),
})

/** What an agent of the config file has as its webhook. */
export const configWebhookFields = objectOf({
  ...ofKind,
  events: publishedTypesField,
  ...endpointFields,
  signingSecrets: z.unknown().optional(),
})
