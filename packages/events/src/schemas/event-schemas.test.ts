import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { knownEventTypes } from '../event.ts'
import { readEnvelope } from '../wire/envelope.ts'
import { webhookEventSchema, type WebhookEvent } from './event-schemas.ts'

const folder = new URL('../../fixtures/accepted/', import.meta.url)
const fixtures = readdirSync(folder).map(
  (file) =>
    [file, JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as Record<string, unknown>] as const,
)

/** Accepted by the receiver, and not the documented shape: the readers take more than the schema. */
const undocumented = new Set([
  'call-id-number.json',
  'data-is-text.json',
  'legacy-call-end.json',
  'legacy-seconds-only.json',
  'nonsense-everywhere.json',
  'outcome-as-json-text.json',
  'times-with-offset.json',
  'tool-nested.json',
  'unknown-type.json',
  'wrong-types.json',
])

const isDocumented = ([file]: readonly [string, unknown]): boolean => !undocumented.has(file)

test.each(fixtures.filter(isDocumented))(
  '%s is the documented shape, and nothing of it is stripped',
  (file, body) => {
    // zod leaves out `__proto__`, wherever it stands.
    const shown = file === 'prototype-names.json' ? withoutPrototypeNames(body) : body
    expect(webhookEventSchema.parse(body)).toEqual(shown)
    expect(readEnvelope(body).ok).toBe(true)
  },
)

test.each(fixtures.filter((fixture) => !isDocumented(fixture)))(
  '%s is not, and is received all the same',
  (_file, body) => {
    expect(webhookEventSchema.safeParse(body).success).toBe(false)
    expect(readEnvelope(body).ok).toBe(true)
  },
)

function withoutPrototypeNames(body: unknown): unknown {
  return JSON.parse(JSON.stringify(body), (name: string, value: unknown) =>
    name === '__proto__' ? undefined : value,
  )
}

test('each of the five types has its schema, and what fits a schema can be received', () => {
  for (const eventType of knownEventTypes) {
    const body = { eventType, callId: 'call_1' } satisfies WebhookEvent
    expect(webhookEventSchema.parse(body)).toEqual(body)
    expect(readEnvelope(body)).toMatchObject({ ok: true, envelope: { type: eventType } })
  }
})

test.each([{}, { eventType: 'call.ended' }, { callId: 'c' }, { eventType: 'call.ended', callId: '' }])(
  'what the receiver refuses does not fit: %j',
  (body) => {
    expect(webhookEventSchema.safeParse(body).success).toBe(false)
    expect(readEnvelope(body).ok).toBe(false)
  },
)
