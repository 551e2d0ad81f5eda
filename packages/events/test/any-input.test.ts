import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  bodyNestingMax,
  canonicalContent,
  coerceOutcome,
  knownEventTypes,
  readBody,
  readEnvelope,
  readFacts,
} from '../src/index.ts'
import { eventOf, StoredCall } from './events-of.ts'

/** Names that mean something to the readers, so that arbitrary JSON hits them. */
const names = fc.oneof(
  fc.constantFrom(
    'eventType',
    'event_type',
    'callId',
    'caller_info',
    'call_id',
    'data',
    'timestamp',
    'metadata',
  ),
  fc.constantFrom(
    'transcription',
    'Agent',
    'user',
    'role',
    'content',
    'text',
    'outcomeResult',
    'params',
    'tool',
  ),
  fc.constantFrom(
    'duration',
    'callStartedAt',
    'direction',
    'from',
    'to',
    'recording_url',
    '__proto__',
    'constructor',
  ),
  fc.string({ unit: 'binary' }),
)
const leaves = fc.oneof(
  fc.constantFrom(
    ...knownEventTypes,
    'call_end',
    'inbound',
    '2024-01-15T14:35:00Z',
    '1760000000',
    '{"a":[1]}',
    '',
  ),
  fc.string({ unit: 'binary' }),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.integer({ min: 1_500_000_000, max: 1_900_000_000 }),
  fc.boolean(),
  fc.constant(null),
)
const { json } = fc.letrec<{ json: unknown; object: unknown }>((tie) => ({
  json: fc.oneof({ depthSize: 'small' }, leaves, fc.array(tie('json')), tie('object')),
  object: fc.array(fc.tuple(names, tie('json'))).map(parsedObject),
}))

/** Through JSON.parse, which makes `__proto__` a name like any other, as a body does. */
function parsedObject(members: [string, unknown][]): unknown {
  return JSON.parse(
    `{${members.map((member) => member.map((part) => JSON.stringify(part)).join(':')).join()}}`,
  )
}

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)

describe('any input', () => {
  test('bytes are read or refused with a reason — a body is whatever a stranger sends', () => {
    const isAnswered = (bytes: Uint8Array): boolean => {
      const reading = readBody(bytes)
      return reading.ok || reading.issues.length > 0
    }
    expect(
      fc.check(fc.property(fc.uint8Array({ maxLength: 64 }), isAnswered), { numRuns: 1000 }).failed,
    ).toBe(false)
  })

  test('an envelope is read or refused with reasons, and facts have few issues — never an exception', () => {
    const isAnswered = (value: unknown): boolean => {
      const reading = readBody(bytesOf(JSON.stringify(value)))
      const envelope = reading.ok ? readEnvelope(reading.value) : reading
      if (!envelope.ok) return envelope.issues.length > 0
      return reading.ok && readFacts(envelope.envelope, reading.value).issues.length <= 20
    }
    expect(fc.check(fc.property(json, isAnswered), { numRuns: 500 })).toMatchObject({ failed: false })
  })

  test('folding and showing survives the way through a store — the state of a call is JSON', () => {
    fc.assert(
      fc.property(json, fc.constantFrom(...knownEventTypes), (value, type) => {
        const body = { ...(value as Record<string, unknown>), eventType: type, callId: 'call_1' }
        const call = new StoredCall()
        const change = call.apply([eventOf(body)])
        expect(JSON.parse(JSON.stringify(change))).toEqual(change)
        call.show({ echo: ['a'], outcome: { properties: { constructor: { type: 'number' } } } })
      }),
      { numRuns: 500 },
    )
  })

  test('nesting is refused beyond its limit and not before', () => {
    const nested = (levels: number): string => '{"a":'.repeat(levels - 1) + '{}' + '}'.repeat(levels - 1)
    expect(readBody(bytesOf(nested(bodyNestingMax))).ok).toBe(true)
    expect(readBody(bytesOf(nested(bodyNestingMax).replace('{}', '{"b":1,"c":"[{[{"}'))).ok).toBe(true)
    expect(readBody(bytesOf(`{"a":[],"b":${nested(bodyNestingMax - 1)}}`)).ok).toBe(true)
    expect(readBody(bytesOf(nested(bodyNestingMax + 1)))).toEqual({
      ok: false,
      issues: [{ path: '', message: 'is nested deeper than 64 levels' }],
    })
    expect(readBody(bytesOf(`{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`)).ok).toBe(false)
    expect(readBody(bytesOf('['.repeat(1_000_000))).ok).toBe(false)
  })

  test('coercing by any schema never throws, and keeps null and the names', () => {
    const types = fc.constantFrom('string', 'number', 'integer', 'boolean', 'array', 'object', 'null', 'odd')
    const schema = fc.record(
      {
        type: fc.oneof(types, fc.array(types), json),
        enum: fc.array(fc.jsonValue()),
        items: json,
        properties: json,
      },
      { requiredKeys: [] },
    )
    fc.assert(
      fc.property(
        fc.dictionary(names, fc.jsonValue()),
        fc.dictionary(names, schema),
        (outcome, properties) => {
          const coerced = coerceOutcome(outcome, { properties })
          expect(Object.keys(coerced)).toEqual(Object.keys(outcome))
          const nulls = Object.keys(outcome).filter((field) => outcome[field] === null)
          expect(nulls.map((field) => coerced[field])).toEqual(nulls.map(() => ({ value: null })))
        },
      ),
    )
  })
})

describe('canonical content', () => {
  const contentOf = (text: string): string | null =>
    canonicalContent(JSON.parse(text) as Record<string, unknown>, text)

  /** From so few values that equal ones, and ones that only look equal, often meet. */
  const few = fc.constantFrom<unknown>(0, '0', 'a', '', null, 'null', [], {}, '{}', ['a', 'b'], ['a,b'], {
    a: 'b',
  })
  const fields = fc.constantFrom('a', 'b', 'ab', '10', '9', '__proto__')
  const alike = fc.dictionary(fields, fc.oneof(few, fc.array(few)))

  const reversed = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(reversed)
    if (typeof value !== 'object' || value === null) return value
    return parsedObject(
      Object.entries(value)
        .map(([name, member]): [string, unknown] => [name, reversed(member)])
        .toReversed(),
    )
  }

  test('the order of keys and whitespace do not matter', () => {
    fc.assert(
      fc.property(alike, (value) => {
        const content = contentOf(JSON.stringify(value))
        expect(content).not.toBeNull()
        expect(contentOf(JSON.stringify(reversed(value), null, 2))).toBe(content)
      }),
    )
  })

  test('different values have different content — what is stored once must be the same event', () => {
    fc.assert(
      fc.property(alike, alike, (one, other) => {
        expect(contentOf(JSON.stringify(one)) === contentOf(JSON.stringify(other))).toBe(isSame(one, other))
      }),
      { numRuns: 1000 },
    )
  })

  test('it is the same value — reading it back loses nothing', () => {
    fc.assert(
      fc.property(fc.dictionary(names, json, { maxKeys: 5 }), (value) => {
        const text = JSON.stringify(value)
        const content = contentOf(text)
        fc.pre(content !== null)
        expect(isSame(JSON.parse(content ?? ''), JSON.parse(text))).toBe(true)
      }),
    )
  })

  /** Equality of JSON values, written without looking at how the content is made. */
  function isSame(one: unknown, other: unknown): boolean {
    if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null)
      return one === other
    if (Array.isArray(one) !== Array.isArray(other)) return false
    const members = Object.keys(one)
    return (
      members.length === Object.keys(other).length &&
      members.every(
        (name) => Object.hasOwn(other, name) && isSame(memberOf(one, name), memberOf(other, name)),
      )
    )
  }

  const memberOf = (value: object, name: string): unknown =>
    Object.getOwnPropertyDescriptor(value, name)?.value
})
