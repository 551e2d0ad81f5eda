import { expect, test } from 'vitest'
import { foldCall, knownEventTypes, readEnvelope, readFacts, showCall } from '../packages/events/src/index.ts'
import { webhookEventSchema } from '../packages/events/src/schemas/index.ts'
import { readPage } from './page-reader.ts'
import { payloadsPage, published, writePayloads } from './payloads.ts'

test('payloads.md is what schemas, fixtures and sender come to - run scripts/payloads.ts after a change', async () => {
  expect(readPage(payloadsPage)).toBe(await writePayloads())
})

test('every field of the page says what it rests on, and what it is for', () => {
  const rows = readPage(payloadsPage).match(/^\| `[^`]+` .*$/gm) ?? []
  expect(rows.length).toBeGreaterThan(25)
  for (const row of rows) {
    const cells = row.split('|').map((cell) => cell.trim())
    expect(cells.at(-3), row).toMatch(/^(documented|seen|chosen)$/)
    expect(cells.at(-2), row).not.toBe('')
  }
})

test('what is sent fits the schema, is read without an issue, and makes the call that the page tells of', () => {
  const events = knownEventTypes.map((type, at) => {
    const body = published(type)
    expect(webhookEventSchema.parse(body), type).toEqual(body)
    const reading = readEnvelope(body)
    if (!reading.ok) throw new Error(`${type} is refused`)
    const { envelope } = reading
    const facts = readFacts(envelope, body)
    expect([...envelope.issues, ...facts.issues], type).toEqual([])
    return { seq: at + 1, receivedAt: 0, source: 'agent:agent-123', envelope, facts }
  })
  const { head, put } = foldCall(null, events)
  expect(showCall(head, put)).toMatchObject({
    status: 'ended',
    direction: 'outbound',
    userNumber: '+12025550143',
    ringSeconds: 5,
    durationSeconds: 120,
    outcome: {
      application_id: { state: 'value', origin: 'echoed' },
      expectedSalary: { state: 'value', origin: 'collected' },
      noticePeriod: { state: 'null', origin: 'collected' },
    },
  })
})
