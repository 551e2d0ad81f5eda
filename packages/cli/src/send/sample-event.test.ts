import { knownEventTypes, readEnvelope, readFacts } from '@hookswitch/events'
import { webhookEventSchema } from '@hookswitch/events/schemas'
import { describe, expect, test } from 'vitest'
import { sampleEvent } from './sample-event.ts'

const nowMs = Date.UTC(2026, 2, 1, 9, 30)

describe('a sample event', () => {
  test.each(knownEventTypes)('of type %s has the documented shape, and says something', (type) => {
    const event = sampleEvent({ type, agentId: 'agent-123', agentName: 'Recruiter' }, nowMs)
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
    const event = sampleEvent({ type: 'call.parked', callId: 'call_1', agentId: 'a', agentName: 'b' }, nowMs)
    expect(event).toMatchObject({ eventType: 'call.parked', callId: 'call_1', data: { data: {} } })
  })

  test('is in a call of its own - two of them are not duplicates', () => {
    const choice = { type: 'call.ended', agentId: 'a', agentName: 'b' }
    expect(sampleEvent(choice, nowMs)['callId']).not.toBe(sampleEvent(choice, nowMs)['callId'])
  })

  test('takes other data whole - what is tried out is what is sent', () => {
    const choice = { type: 'call.ended', agentId: 'a', agentName: 'b', data: { outcomeResult: {} } }
    expect(sampleEvent(choice, nowMs)['data']).toEqual({ outcomeResult: {} })
  })
})
