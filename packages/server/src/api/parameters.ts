import { z } from '@hono/zod-openapi'
import { decodeCallCursor, decodeEventCursor, decodeKeyCursor, type KeyedList } from './cursors.ts'

type Documentation = NonNullable<Parameters<z.ZodString['openapi']>[1]>

/** A parameter of the URL: text that `read` understands, or undefined. `expectation` goes on after "expected". */
function parameter<T>(
  expectation: string,
  read: (text: string) => T | undefined,
  documentation: Documentation,
) {
  return z
    .string(expectation)
    .transform((text, context): T => {
      const value = read(text)
      if (value !== undefined) return value
      context.addIssue({ code: 'custom', message: expectation })
      return z.NEVER
    })
    .openapi(documentation)
}

/** An object of parameters that knows no others; see `invalidRequest` for the message. */
export function parameters<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  return z.strictObject(shape, Object.keys(shape).join(' '))
}

const limitMax = 200
const limitDefault = 50

export const limit = parameter(
  `a whole number from 1 to ${limitMax}`,
  (text) => wholeNumber(text, 1, limitMax),
  {
    type: 'integer',
    minimum: 1,
    maximum: limitMax,
    default: limitDefault,
    description: 'Items of one page.',
  },
)
  .optional()
  .transform((given) => given ?? limitDefault)

function cursor<T>(decode: (text: string) => T | undefined) {
  return parameter('a nextCursor of this list', decode, {
    type: 'string',
    description: 'The nextCursor of the page before, with the same filters.',
  }).optional()
}

export const callCursor = cursor(decodeCallCursor)

export const eventCursor = cursor(decodeEventCursor)

export function keyCursor(list: KeyedList) {
  return cursor((text) => decodeKeyCursor(list, text))
}

export const afterSeq = parameter(
  'the seq of an event, or 0',
  (text) => wholeNumber(text, 0, Number.MAX_SAFE_INTEGER),
  {
    type: 'integer',
    minimum: 0,
    description: 'Only events after this place in the log; 0 begins at the oldest.',
    example: 1042,
  },
).optional()

/** A filter by exact text. */
export function textFilter(description: string, example: string) {
  return z.string('one text').min(1, 'a text that is not empty').optional().openapi({ description, example })
}

export function time(description: string) {
  return parameter(timeExpectation, readTime, {
    type: 'string',
    description: `${description} ISO 8601 with a zone, or Unix milliseconds.`,
    example: '2026-01-31T12:00:00Z',
  }).optional()
}

/** A time in a body, where milliseconds are a number. */
export function bodyTime(description: string) {
  return z
    .preprocess(
      (given) => (typeof given === 'number' ? String(given) : given),
      parameter(timeExpectation, readTime, {}),
    )
    .optional()
    .openapi({
      type: ['string', 'integer'],
      description: `${description} ISO 8601 with a zone, or Unix milliseconds.`,
      example: '2026-01-31T12:00:00Z',
    })
}

const timeExpectation =
  'a time in ISO 8601 with a zone, such as 2026-01-31T12:00:00Z, or in Unix milliseconds'

/** The last moment that a Date can hold. */
const timeMax = 8_640_000_000_000_000

function wholeNumber(text: string, min: number, max: number): number | undefined {
  const number = /^\d{1,16}$/.test(text) ? Number(text) : NaN
  return number >= min && number <= max ? number : undefined
}

const isoPattern = /^(\d{4}-\d\d-\d\d)(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d))?$/i

/** Undefined where the text is no time, or one whose meaning depends on where it is read. A date is its UTC midnight. */
export function readTime(text: string): number | undefined {
  if (/^\d+$/.test(text)) return wholeNumber(text, 0, timeMax)
  // The plus sign of a zone is a space where it stands unescaped in a query.
  const iso = text.replace(/ (\d\d:\d\d)$/, '+$1')
  const date = isoPattern.exec(iso)?.[1]
  const ms = date === undefined || !isDay(date) ? NaN : Date.parse(iso)
  return Number.isNaN(ms) ? undefined : ms
}

/** The 30th of February would otherwise be a day in March. */
function isDay(date: string): boolean {
  const midnight = Date.parse(date)
  return !Number.isNaN(midnight) && new Date(midnight).toISOString().startsWith(date)
}
