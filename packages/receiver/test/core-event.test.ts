import { echoed, outcomeState, transcriptText, type ReceivedEvent } from '@hookswitch/receiver'
import { expect, expectTypeOf, test } from 'vitest'
import { ended, listening, request } from './core-requests.ts'

async function received(body: unknown): Promise<ReceivedEvent> {
  const events: ReceivedEvent[] = []
  await listening({ on: { '*': ({ event }) => void events.push(event) } }).fetch(request(body))
  const [event] = events
  if (event === undefined) throw new Error('nothing was handled')
  return event
}

const head = { eventType: 'call.ended', callId: 'call_1' }
const withOutcome = (outcomeResult: unknown): Promise<ReceivedEvent> =>
  received({ ...head, data: { data: { outcomeResult } } })

test('the transcript as text has a line for each turn, with its speaker - the guide loses one or the other', async () => {
  expect(transcriptText(await received(ended()))).toBe('Agent: Hello!\nUser: Hi.')
  const odd = [
    { User: 'Hi.', metadata: { gender: 'f', created_at: 1_760_000_012 } },
    { agent: 'Yes?' },
    {},
    null,
  ]
  expect(transcriptText(await received({ ...head, data: { transcription: odd } }))).toBe(
    'User: Hi.\nAgent: Yes?',
  )
  const update = {
    eventType: 'transcription.update',
    callId: 'c',
    data: { data: { speaker: 'User', text: 'No.' } },
  }
  expect(transcriptText(await received(update))).toBe('User: No.')
  expect(transcriptText(await received(head))).toBe('')
})

test('a field of the outcome is a value, null, or absent - and "", 0 and false are values', async () => {
  const event = await withOutcome({ zero: 0, empty: '', no: false, nothing: null })
  const states = ['zero', 'empty', 'no', 'nothing', 'other', 'constructor', '__proto__'].map((field) =>
    outcomeState(event, field),
  )
  expect(states).toEqual(['value', 'value', 'value', 'null', 'absent', 'absent', 'absent'])
  expect(outcomeState(await received(head), 'any')).toBe('absent')
})

test('identifiers come back as they were sent, and those that did not are named', async () => {
  const event = await withOutcome({ application_id: '12345', user_id: 7, session_id: null })
  const found = echoed(event, ['application_id', 'user_id', 'session_id', 'tenant_id', 'constructor'])
  expect(found).toEqual({
    values: { application_id: '12345', user_id: 7 },
    missing: ['session_id', 'tenant_id', 'constructor'],
  })
  expectTypeOf(found.values.application_id).toEqualTypeOf<unknown>()
  expectTypeOf(found.missing).toEqualTypeOf<
    ('application_id' | 'user_id' | 'session_id' | 'tenant_id' | 'constructor')[]
  >()
})

test('when a call starts they are among its params', async () => {
  const started = {
    eventType: 'call.started',
    callId: 'c',
    data: { data: { params: { application_id: '12345' } } },
  }
  expect(echoed(await received(started), ['application_id'])).toEqual({
    values: { application_id: '12345' },
    missing: [],
  })
})

test('an event that went through somebody else’s queue as JSON is read as well', async () => {
  const event = JSON.parse(JSON.stringify(await received(ended()))) as ReceivedEvent
  expect(event).toEqual(await received(ended()).then((other) => ({ ...other, receivedAt: event.receivedAt })))
  expect(transcriptText(event)).toBe('Agent: Hello!\nUser: Hi.')
  expect(echoed(event, ['application_id']).values).toEqual({ application_id: '12345' })
})
