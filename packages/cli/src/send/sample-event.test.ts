import { knownEventTypes, readEnvelope, readFacts } from '@hookswitch/events'
import { webhookEventSchema } from '@hookswitch/events/schemas'
import { describe, expect, test } from 'vitest'
import { sampleEvent, type EventChoice } from './sample-event.ts'

const nowMs = Date.UTC(2026, 2, 1, 9, 30)

function eventOf(choice: EventChoice): Record<string, unknown> {
  return JSON.parse(sampleEvent(choice, nowMs)) as Record<string, unknown>
}

describe('a sample event', () => {
  test.each(knownEventTypes)('of type %s has the documented shape, and says something', (type) => {
    const event = eventOf({ type, agentId: 'agent-123', agentName: 'Recruiter' })
    expect(webhookEventSchema.parse(event)).toEqual(event)
    const reading = readEnvelope(event)
    if (!reading.ok) throw new Error('the envelope is not as it must be')
    expect(reading.envelope).toMatchObject({ type, occurredAt: nowMs, issues: [] })
    const facts = readFacts(reading.envelope, event)
    expect(facts.issues).toEqual([])
    const said = [facts.params, facts.ringSeconds, facts.transcript, facts.tool, facts.outcome]
    expect(said.some((value) => value !== null)).toBe(true)
  })

  test('of another type is sent as well - unknown types are accepted', () => {
    const event = eventOf({ type: 'call.parked', callId: 'call_1', agentId: 'a', agentName: 'b' })
    expect(event).toMatchObject({ eventType: 'call.parked', callId: 'call_1', data: { data: {} } })
  })

  test('is in a call of its own - two of them are not duplicates', () => {
    const choice = { type: 'call.ended', agentId: 'a', agentName: 'b' }
    expect(eventOf(choice)['callId']).not.toBe(eventOf(choice)['callId'])
  })

  test('takes other data whole - what is tried out is what is sent', () => {
    const data = '{"10":1,"2":12345678901234567890}'
    const text = sampleEvent({ type: 'call.ended', agentId: 'a', agentName: 'b', data }, nowMs)
    expect(text).toContain(`,"data":${data}}`)
  })
})
