import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  allEvents,
  endServerProcesses,
  startServerProcess,
  until,
  type ServerProcess,
} from '@hookswitch/testkit'
import {
  addAgent,
  drained,
  listed,
  loopbackAllowed,
  publishAll,
  shown,
  startCall,
  wholeCall,
  type PublishedEvent,
} from '@hookswitch/testkit/delivery-receiver'

const secretOfReceiver = 'a-secret-of-the-receiver'

let platform: ServerProcess
let receiver: ServerProcess
let agent: string
let calls: string[]

/** The caller did not answer: nothing is known but that it is over. */
const unanswered: PublishedEvent[] = [{ eventType: 'call.started' }, { eventType: 'call.ended' }]

/** A type of one's own, after the end. */
const analyzed: PublishedEvent = { eventType: 'call.analyzed', data: { score: 0.9 } }

beforeAll(async () => {
  ;[platform, receiver] = await Promise.all([
    startServerProcess({ env: loopbackAllowed }),
    startServerProcess({ env: { WEBHOOK_SECRET: secretOfReceiver } }),
  ])
  const webhook = { url: `${receiver.url}/webhook`, authKey: 'Bearer', authSecret: secretOfReceiver }
  const given = { project: 'project-1', outcomeSchema: { properties: { startDate: { type: 'string' } } } }
  agent = (await addAgent(platform, webhook, given)).id
  const params = { application_id: '0012345', candidate: { name: 'Sara' }, noticePeriod: '2 weeks' }
  calls = [
    await startCall(platform, agent, { params, to: '+12025550143', from: '+12025550100' }),
    await startCall(platform, agent, { params: { application_id: '0067890' }, direction: 'inbound' }),
    await startCall(platform, agent),
  ]
  const scripts = [wholeCall('Sara'), unanswered, [...wholeCall('Omar'), analyzed]]
  await Promise.all(calls.map((callId, index) => publishAll(platform, callId, scripts[index] ?? [])))
  await drained(platform)
  await drained(receiver)
})
afterAll(endServerProcesses)

const ofCall = (server: ServerProcess, callId: string): Promise<Record<string, unknown>> =>
  until('the call', () => shown(server, `/calls/${callId}`))

const agentOf = (): string => `agent:${agent}`

describe('what one server publishes to another', () => {
  test('is a call there with its transcript and tools, and with what was echoed and collected apart', async () => {
    const call = await ofCall(receiver, calls[0] ?? '')
    expect(call).toMatchObject({
      status: 'ended',
      agentId: agent,
      agentName: 'Recruiter',
      projectId: 'project-1',
      sources: ['hamsa'],
      direction: 'outbound',
      userNumber: '+12025550143',
      agentNumber: '+12025550100',
      params: { application_id: '0012345', candidate: { name: 'Sara' }, noticePeriod: '2 weeks' },
      recordingUrl: 'https://recordings.example.com/Sara.mp3',
      transcriptSource: 'final',
      transcriptText: 'Agent: Hello! What salary do you expect, Sara?\nUser: Eighty thousand. متى أبدأ؟',
      tools: [{ name: 'lookup', input: { name: 'Sara' }, output: { found: true }, durationMs: 120 }],
      eventCount: 6,
    })
    // The caller would not say, which is not what the platform was told before the call.
    expect(call['outcome']).toEqual({
      application_id: { state: 'value', value: '0012345', origin: 'echoed' },
      candidate: { state: 'value', value: { name: 'Sara' }, origin: 'echoed' },
      expectedSalary: { state: 'value', value: '80000', origin: 'collected' },
      noticePeriod: { state: 'null', value: null, origin: 'collected' },
    })
  })

  test('is a call with no more than its params where nobody answered', async () => {
    expect(await ofCall(receiver, calls[1] ?? '')).toMatchObject({
      status: 'ended',
      direction: 'inbound',
      conversationId: expect.stringMatching(/^conv_/),
      answeredAt: null,
      recordingUrl: null,
      transcriptSource: 'none',
      outcome: { application_id: { state: 'value', value: '0067890', origin: 'echoed' } },
      eventCount: 2,
    })
  })

  test('is byte for byte the same on both sides, and for each call in the same order', async () => {
    const [sent, received] = await Promise.all([allEvents(platform), allEvents(receiver)])
    expect(sent).toHaveLength(6 + 2 + 7)
    expect(received).toHaveLength(sent.length)
    for (const callId of calls) {
      const [here, there] = await Promise.all([bytesOf(platform, callId), bytesOf(receiver, callId)])
      expect(here.length).toBeGreaterThan(1)
      expect(there).toEqual(here)
    }
    expect(sent.filter(({ source }) => source === agentOf())).toEqual(sent)
    expect(received.filter(({ source }) => source === 'hamsa')).toEqual(received)
    const issues = [...sent, ...received].flatMap((event) => event['issues'])
    expect(issues, 'nothing about them is odd').toEqual([])
  })

  test('is shown by the one that published it as by the one that received it, but for where it came from', async () => {
    for (const callId of calls) {
      const [here, there] = await Promise.all([ofCall(platform, callId), ofCall(receiver, callId)])
      expect(here['sources']).toEqual([agentOf()])
      // Only the platform has the schema of its agent, and knows that a call had no params.
      const { startDate, ...outcome } = here['outcome'] as Record<string, { origin: string }>
      expect(startDate).toEqual({ state: 'absent', value: null, origin: 'collected' })
      if (callId === calls[2]) for (const field of Object.values(outcome)) field.origin = 'unknown'
      expect({ ...here, outcome, sources: [] }).toEqual({ ...there, sources: [] })
    }
    const [here, there] = await Promise.all([listed(platform, '/calls'), listed(receiver, '/calls')])
    expect(here.map((call) => ({ ...call, sources: [] }))).toEqual(
      there.map((call) => ({ ...call, sources: [] })),
    )
    expect(here).toHaveLength(calls.length)
  })

  test('was sent once each, to the webhook of the agent and no other place', async () => {
    const deliveries = await listed(platform, '/deliveries')
    expect(deliveries).toHaveLength(6 + 2 + 7)
    for (const delivery of deliveries) {
      expect(delivery).toMatchObject({ state: 'delivered', attempts: 1, destination: { name: agentOf() } })
    }
    const { webhook } = await shown(platform, `/agents/${agent}`)
    expect(webhook).toMatchObject({
      state: { state: 'active' },
      health: { attempts: 15, successRate: 1, lastFailure: null, failingSince: null },
    })
  })

  test('is in the log of neither, but for what names an event', () => {
    for (const { output } of [platform, receiver]) {
      expect(output()).toContain(`"callId":"${calls[0]}"`)
      for (const word of [secretOfReceiver, '12025550143', '0012345', 'Sara', '80000', 'Eighty thousand']) {
        expect(output()).not.toContain(word)
      }
    }
  })
})

async function bytesOf(server: ServerProcess, callId: string): Promise<string[]> {
  const events = await allEvents(server, `&callId=${callId}`)
  return Promise.all(
    events.map(async ({ id }) => {
      const headers = { authorization: `Bearer ${server.adminToken}` }
      const response = await fetch(`${server.url}/api/v1/events/${String(id)}/raw`, { headers })
      expect(response.status).toBe(200)
      return response.text()
    }),
  )
}
