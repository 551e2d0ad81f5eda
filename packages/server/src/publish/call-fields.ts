import { bodyNestingMax } from '@hookswitch/events'
import { z } from 'zod'
import { shownKind } from '../config/issue-sentence.ts'
import { isNestedDeeper, jsonObject, objectOf, refuse } from '../config/object-schema.ts'
import { publishedTypesField } from './published-type.ts'

/** What a call is started with. Every message is an expectation. */

const paramsMax = 100
const paramNameCharactersMax = 100
const paramsBytesMax = 32 * 1024

const paramName = `a name of 1 to ${paramNameCharactersMax} characters without control characters`
const identifier = 'a text: an identifier is compared as text where it comes back'

/** `userId`, but not `paid`; `application_id`, `id`, `UUID`. */
const camelIdentifierName = /[a-z0-9](?:Id|ID|Uuid|UUID|Guid|GUID)$/
const wordIdentifierName = /(?:^|[_\-.\s])(?:id|uuid|guid)$/i

function isIdentifierName(name: string): boolean {
  return wordIdentifierName.test(name) || camelIdentifierName.test(name)
}

/**
 * What comes back in the outcome at the end of the call. Identifiers are texts, because a number loses digits and is
 * not equal to the text of it; other values may be anything that JSON holds exactly.
 */
const paramsField = jsonObject('an object: values by name of the param').superRefine((params, context) => {
  // What is too deep cannot be measured.
  if (!refuseNotExact(params, context)) return
  const entries = Object.entries(params)
  if (entries.length > paramsMax) {
    return refuse(context, `has ${entries.length} params, expected at most ${paramsMax}`)
  }
  const bytes = Buffer.byteLength(JSON.stringify(params))
  if (bytes > paramsBytesMax) {
    return refuse(context, `has ${bytes} bytes of JSON, expected at most ${paramsBytesMax}`)
  }
  for (const [name, value] of entries) {
    if (name === '' || name.length > paramNameCharactersMax || /\p{Cc}/u.test(name)) {
      refuse(context, `is not a valid name, expected ${paramName}`, [name.slice(0, paramNameCharactersMax)])
    }
    if (isIdentifierName(name) && typeof value !== 'string') {
      refuse(context, `is ${shownKind(value)}, expected ${identifier}`, [name])
    }
  }
})

/** Refuses what would not come out of JSON as it came in; false where it is so deep that nobody should look further. */
export function refuseNotExact(data: unknown, context: z.core.$RefinementCtx): boolean {
  if (isNestedDeeper(data, bodyNestingMax)) {
    refuse(context, `is nested deeper than ${bodyNestingMax} levels`)
    return false
  }
  const path = inexactPath(data)
  if (path !== null) {
    refuse(context, 'is a number beyond 2^53, whose last digits are lost, expected it as a text', path)
  }
  return true
}

/**
 * Where the first number stands that is beyond 2^53, which loses its last digits in JSON; whoever has such an
 * identifier sends it as a text. One is enough to refuse, and a body may hold millions. The path is put together on
 * the way back, so that the others cost nothing.
 */
function inexactPath(value: unknown): PropertyKey[] | null {
  if (typeof value === 'number') return Number.isInteger(value) && !Number.isSafeInteger(value) ? [] : null
  if (typeof value !== 'object' || value === null) return null
  if (Array.isArray(value)) {
    for (let at = 0; at < value.length; at += 1) {
      const path = inexactPath(value[at])
      if (path !== null) return [at, ...path]
    }
    return null
  }
  for (const name of Object.keys(value)) {
    const path = inexactPath((value as Record<string, unknown>)[name])
    if (path !== null) return [name, ...path]
  }
  return null
}

/** E.164, or the address of an extension or a trunk. */
const numberPattern = /^(?:\+[1-9]\d{3,14}|sips?:[\x21-\x7e]{1,200})$/
const number = 'a phone number such as +12025550143, or an address such as sip:agent@example.com'

const numberField = z.string(number).regex(numberPattern, number).nullable().default(null)

const direction = 'outbound or inbound'

/** The call's own webhook. */
const overrideField = objectOf({
  url: z.unknown().optional(),
  authKey: z.unknown().optional(),
  authSecret: z.unknown().optional(),
  events: publishedTypesField,
})

/** What `POST /agents/{agentId}/calls` takes. */
export const callFields = {
  params: paramsField.default({}),
  to: numberField,
  from: numberField,
  direction: z.enum(['outbound', 'inbound'], direction).default('outbound'),
  webhook: overrideField.nullable().default(null),
}
