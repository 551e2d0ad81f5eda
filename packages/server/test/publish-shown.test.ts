import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { endpointUrl, startAgentServer, type AgentServer } from './agent-server.ts'
import { delivers, errorOf } from './delivery-server.ts'

// Calls that were started here, as everything else shows, sends, explains and erases them.

let server: AgentServer
beforeEach(async () => {
  server = await startAgentServer()
})
afterEach(() => server.close())

const outcomeSchema = {
  type: 'object',
  properties: {
    salary: { type: 'number', maximum: 100_000 },
    resolved: { type: 'boolean' },
    tags: { type: 'array' },
    notice: { type: 'string' },
  },
}

async function shown(callId: string): Promise<Record<string, unknown>> {
  await server.fold()
  const { status, body, text } = await server.ask(`/calls/${callId}`)
  expect(status, text).toBe(200)
  return body
}

/** Starts, publishes the beginning and the end of, and shows a call. */
async function ended(params: object, outcomeResult: object): Promise<Record<string, unknown>> {
  const callId = await server.start('recruiter', { params })
  await server.publish(callId, 'call.started')
  const answer = await server.publish(callId, 'call.ended', { outcomeResult })
  expect(answer.status, answer.text).toBe(201)
  return shown(callId)
}

describe('the record of a call that was started here', () => {
  test('is like every other, on the pages of all', async () => {
    await server.agent({ project: 'project-1' })
    const callId = await server.start('recruiter', {
      params: { application_id: '12345' },
      to: '+12025550143',
      from: '+12025550100',
    })
    await server.publish(callId, 'call.started')
    server.advance(4_000)
    await server.publish(callId, 'call.answered')
    await server.publish(callId, 'transcription.update', { speaker: 'Agent', text: 'Hello!' })
    server.advance(60_000)
    await server.publish(callId, 'call.ended', { transcription: [{ Agent: 'Hello!' }, { User: 'Bye.' }] })
    expect(await shown(callId)).toMatchObject({
      callId,
      status: 'ended',
      sources: ['agent:recruiter'],
      agentId: 'recruiter',
      agentName: 'Recruiter',
      projectId: 'project-1',
      conversationId: callId.replace('call_', 'conv_'),
      direction: 'outbound',
      userNumber: '+12025550143',
      agentNumber: '+12025550100',
      params: { application_id: '12345' },
      startedAt: '2026-06-01T00:00:00.000Z',
      ringSeconds: 4,
      durationSeconds: 60.002 - 0.002,
      transcriptText: 'Agent: Hello!\nUser: Bye.',
      outcome: {
        application_id: {
          state: 'value',
          value: '12345',
          origin: 'echoed',
        },
      },
      eventCount: 4,
    })
    const listed = await server.itemsOf('/calls?agentId=recruiter&status=ended')
    expect(listed.map((call) => call['callId'])).toEqual([callId])
    expect(await server.itemsOf('/calls?outcome.application_id=12345')).toHaveLength(1)
  })

  test('knows what was echoed and what was collected, also where both say the same', async () => {
    await server.agent()
    const { outcome } = await ended(
      { application_id: '12345', name: 'Sara', city: 'Riyadh', language: 'ar' },
      { name: 'Sara', city: 'Jeddah', notice: null, language: null },
    )
    expect(outcome).toEqual({
      application_id: { state: 'value', value: '12345', origin: 'echoed' },
      name: { state: 'value', value: 'Sara', origin: 'collected' },
      city: { state: 'value', value: 'Jeddah', origin: 'collected' },
      language: { state: 'null', value: null, origin: 'collected' },
      notice: { state: 'null', value: null, origin: 'collected' },
    })
  })

  test('keeps the names that are params too, however many fields the outcome has', async () => {
    await server.agent()
    const callId = await server.start('recruiter', { params: { application_id: '12345', name: 'Sara' } })
    await server.publish(callId, 'call.started')
    const many = Object.fromEntries(Array.from({ length: 5_000 }, (_, at) => [`field_${at}`, at]))
    await server.publish(callId, 'call.ended', { outcomeResult: { ...many, name: 'Sara' } })
    expect((await server.store.getStartedCall(callId))?.progress.collected).toEqual(['name'])
    expect((await shown(callId))['outcome']).toMatchObject({
      application_id: { origin: 'echoed' },
      name: { origin: 'collected' },
      field_4999: { origin: 'collected' },
    })
  })

  test('knows what was collected also of an outcome that comes before the end', async () => {
    await server.agent()
    const callId = await server.start('recruiter', { params: { application_id: '12345', name: 'Sara' } })
    await server.publish(callId, 'call.started')
    const soFar = { speaker: 'User', text: 'Sarah.', outcomeResult: { name: 'Sarah', salary: 5 } }
    await server.publish(callId, 'transcription.update', soFar)
    expect((await shown(callId))['outcome']).toEqual({
      application_id: { state: 'absent', value: null, origin: 'echoed' },
      name: { state: 'value', value: 'Sarah', origin: 'collected' },
      salary: { state: 'value', value: 5, origin: 'collected' },
    })
    await server.publish(callId, 'call.ended', { outcomeResult: { salary: 6 } })
    const { outcome } = await shown(callId)
    expect(outcome).toMatchObject({
      name: { value: 'Sara', origin: 'echoed' },
      salary: { value: 6, origin: 'collected' },
    })
    // A type of one's own is sent, and says nothing of the record.
    await server.publish(callId, 'call.analyzed', { outcomeResult: { name: 'Other' } })
    expect((await shown(callId))['outcome']).toEqual(outcome)
  })

  test('before its end shows the params as what is still to come', async () => {
    await server.agent({ outcomeSchema })
    const callId = await server.start('recruiter', { params: { application_id: '12345' } })
    await server.publish(callId, 'call.started')
    expect(await shown(callId)).toMatchObject({
      status: 'started',
      outcome: {
        application_id: { state: 'absent', value: null, origin: 'echoed' },
        salary: { state: 'absent', value: null, origin: 'collected' },
      },
    })
  })

  test('is shown by the schema of the agent: coerced, checked, and with what did not come', async () => {
    await server.agent({ outcomeSchema })
    const { outcome } = await ended(
      { application_id: '12345' },
      { salary: '80000', resolved: 'true', tags: '["a"]', more: 'x' },
    )
    expect(outcome).toEqual({
      application_id: { state: 'value', value: '12345', origin: 'echoed' },
      salary: { state: 'value', value: 80_000, raw: '80000', origin: 'collected' },
      resolved: { state: 'value', value: true, raw: 'true', origin: 'collected' },
      tags: { state: 'value', value: ['a'], raw: '["a"]', origin: 'collected' },
      more: { state: 'value', value: 'x', origin: 'collected' },
      notice: { state: 'absent', value: null, origin: 'collected' },
    })
  })

  test('is shown by a schema that is set later, and by none when that is taken away', async () => {
    await server.agent({ outcomeSchema })
    const call = await ended({}, { salary: '200000' })
    expect(call['outcome']).toMatchObject({ salary: { value: 200_000, issue: 'must be <= 100000' } })
    const salary = async () =>
      ((await shown(String(call['callId'])))['outcome'] as Record<string, unknown>)['salary']
    const change = (schema: unknown) => server.send('PATCH', '/agents/recruiter', { outcomeSchema: schema })
    await change({ properties: { salary: { type: 'string' } } })
    expect(await salary()).toEqual({ state: 'value', value: '200000', origin: 'collected' })
    await change({ properties: { salary: { type: 'number' } } })
    expect(await salary()).toMatchObject({ value: 200_000, raw: '200000' })
    await change(null)
    expect(await salary()).toEqual({ state: 'value', value: '200000', origin: 'collected' })
  })

  test('is shown by that of an agent which was made anew under the same id', async () => {
    await server.agent({ outcomeSchema })
    const call = await ended({}, { salary: '5' })
    expect(call['outcome']).toMatchObject({ salary: { value: 5 } })
    await server.deliver(delivers)
    await server.deliver(delivers)
    expect((await server.send('DELETE', '/agents/recruiter')).status).toBe(204)
    expect((await shown(String(call['callId'])))['outcome']).toMatchObject({ salary: { value: '5' } })
    await server.agent({ outcomeSchema: { properties: { salary: { type: 'boolean' } } } })
    expect((await shown(String(call['callId'])))['outcome']).toMatchObject({
      salary: { value: '5', issue: expect.any(String) as string },
    })
  })

  test('a schema of the API applies to received calls of that agent as well', async () => {
    await server.agent({ id: 'agent-1', outcomeSchema: { properties: { salary: { type: 'number' } } } })
    const event = { eventType: 'call.ended', callId: 'call_received', agentId: 'agent-1' }
    await server.append({ ...event, data: { data: { outcomeResult: { salary: '5' } } } })
    expect((await shown('call_received'))['outcome']).toEqual({
      salary: { state: 'value', value: 5, raw: '5', origin: 'unknown' },
    })
  })

  test('the config file says it before what was made over the API', async () => {
    await server.close()
    server = await startAgentServer({
      agents: { front: { outcome: { type: 'object', properties: { n: { type: 'integer' } } } } },
    })
    const callId = await server.start('front', { params: { n: '7' } })
    await server.publish(callId, 'call.started')
    await server.publish(callId, 'call.ended')
    expect((await shown(callId))['outcome']).toEqual({
      n: { state: 'value', value: 7, raw: '7', origin: 'echoed' },
    })
  })
})

describe('the webhook of an agent', () => {
  test('is sent what its agent publishes, in order, and nothing else', async () => {
    await server.agent()
    await server.agent({ id: 'other', name: 'Other' })
    const callId = await server.called('recruiter', 'call.started', 'call.answered', 'call.ended')
    await server.called('other', 'call.started')
    await server.fold()
    expect(await server.deliveriesOf('agent:recruiter')).toEqual([
      ['call.started', 'pending'],
      ['call.answered', 'pending'],
      ['call.ended', 'pending'],
    ])
    expect(await server.deliveriesOf('agent:other')).toEqual([['call.started', 'pending']])
    // One after the other, in one lane.
    expect(await server.deliver(delivers)).toBe(2)
    expect(await server.itemsOf(`/deliveries?callId=${callId}&state=delivered`)).toHaveLength(1)
  })

  test('takes the types that it is set to', async () => {
    await server.agent({ webhook: { url: endpointUrl, events: ['call.ended'] } })
    await server.called('recruiter', 'call.started', 'call.ended')
    await server.fold()
    expect(await server.deliveriesOf('agent:recruiter')).toEqual([['call.ended', 'pending']])
  })

  test('is not sent what is received, whatever it says of its call and agent', async () => {
    await server.agent()
    const callId = await server.called('recruiter', 'call.started')
    const [forged] = await server.append({
      eventType: 'call.ended',
      callId,
      agentId: 'recruiter',
      agentName: 'Recruiter',
      data: { data: { outcomeResult: { forged: true } } },
    })
    await server.fold()
    expect(await server.deliveriesOf('agent:recruiter')).toEqual([['call.started', 'pending']])
    const { body } = await server.ask(`/events/${String(forged)}/explain?destination=agent:recruiter`)
    expect(body['destinations']).toMatchObject([
      {
        destination: { name: 'agent:recruiter' },
        state: 'out_of_scope',
        sentence: 'Not sent: agent:recruiter takes the source agent:recruiter only, this came from hamsa.',
      },
    ])
    // Nor does it end the call for whoever publishes.
    expect((await server.publish(callId, 'call.ended')).status).toBe(201)
  })

  test('is not kept from its events by received ones that name another agent', async () => {
    await server.agent()
    const callId = await server.start('recruiter')
    const early = {
      eventType: 'call.started',
      callId,
      agentId: 'attacker',
      timestamp: '2026-05-01T00:00:00Z',
    }
    await server.append(early)
    await server.fold()
    await server.publish(callId, 'call.started')
    await server.append({ ...early, eventType: 'call.answered', timestamp: '2026-07-01T00:00:00Z' })
    const { body } = await server.publish(callId, 'call.ended')
    expect((await shown(callId))['sources']).toEqual(['agent:recruiter', 'hamsa'])
    expect(await server.deliveriesOf('agent:recruiter')).toEqual([
      ['call.started', 'pending'],
      ['call.ended', 'pending'],
    ])
    const { body: explained } = await server.ask(`/events/${String(body['id'])}/explain`)
    expect(explained['destinations']).toMatchObject([
      { destination: { name: 'agent:recruiter' }, state: 'behind' },
    ])
  })

  test('and destinations of people are sent what is published like everything else', async () => {
    await server.agent({ webhook: null })
    await server.add('all')
    await server.add('of-the-agent', { scope: { agents: ['recruiter'] } })
    await server.add('of-another', { scope: { agents: ['other'] } })
    await server.add('received', { scope: { sources: ['hamsa'] } })
    const callId = await server.called('recruiter', 'call.started')
    await server.fold()
    const deliveries = await server.itemsOf(`/deliveries?callId=${callId}`)
    expect(deliveries.map(({ destination }) => (destination as { name: string }).name).sort()).toEqual([
      'all',
      'of-the-agent',
    ])
  })

  test('is replayed like any other, with the same event', async () => {
    await server.agent()
    await server.called('recruiter', 'call.started')
    await server.fold()
    await server.deliver(delivers)
    const [delivery] = await server.itemsOf('/deliveries')
    const filter = { eventIds: [delivery?.['eventId']] }
    const { status, body } = await server.send('POST', '/replays', { destination: 'agent:recruiter', filter })
    expect([status, body]).toMatchObject([202, { total: 1 }])
  })
})

describe('erasing', () => {
  const person = {
    params: { application_id: '12345', name: 'Sara' },
    to: '+12025550143',
    from: '+12025550100',
  }
  const erase = (selection: unknown) => server.send('POST', '/erase', selection)

  test.each<[string, (callId: string) => unknown]>([
    ['its id', (callId) => ({ callId })],
    ['a param', () => ({ param: { name: 'application_id', value: '12345' } })],
    ['the number of its user', () => ({ phone: '+1 (202) 555-0143' })],
  ])(
    'by %s forgets the call, begun or not, and nothing is published in it any more',
    async (_, selection) => {
      await server.agent()
      const other = await server.start('recruiter', {
        params: { application_id: '67890' },
        to: '+12025550199',
      })
      for (const types of [[], ['call.started'], ['call.started', 'call.ended']]) {
        const callId = await server.start('recruiter', person)
        for (const type of types) await server.publish(callId, type, {}, type)
        await server.fold()
        const { status, body, text } = await erase(selection(callId))
        expect(status, text).toBe(200)
        expect(body).toMatchObject({ calls: 1, events: types.length, deliveries: types.length })
        expect(await server.store.getStartedCall(callId)).toBeNull()
        expect(errorOf(await server.publish(callId, 'call.ended', {}, 'call.ended'))).toEqual([
          404,
          'not_found',
          'No call that was started here has this callId',
        ])
        expect((await server.ask(`/calls/${callId}`)).status).toBe(404)
      }
      expect((await server.publish(other, 'call.started')).status).toBe(201)
      expect((await server.ask('/audit')).text).not.toMatch(/12345|2025550143|Sara/)
    },
  )

  test('of an inbound call goes by the number that called, and never by the agent’s own', async () => {
    await server.agent()
    const outbound = await server.start('recruiter', person)
    const inbound = await server.start('recruiter', { ...person, direction: 'inbound' })
    // The number of the agent in the one is that of the user in the other.
    expect((await erase({ phone: person.from })).body).toMatchObject({ calls: 1 })
    expect((await server.publish(inbound, 'call.started')).status).toBe(404)
    expect((await server.publish(outbound, 'call.started')).status).toBe(201)
  })
})
