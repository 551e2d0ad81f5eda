// The handlers that the platform's guide shows its readers, as the endpoints of agents of a real server.
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  endServerProcesses,
  python,
  pythonHas,
  startReceiverProgram,
  startServerProcess,
  until,
  type ReceiverProgram,
  type ServerProcess,
} from '@hookswitch/testkit'
import {
  addAgent,
  ask,
  drained,
  listed,
  loopbackAllowed,
  publish,
  shown,
  startCall,
  wholeCall,
} from '@hookswitch/testkit/delivery-receiver'

let server: ServerProcess
beforeAll(async () => {
  server = await startServerProcess({ env: loopbackAllowed })
})
afterAll(endServerProcesses)

const params = { application_id: '0012345', user_id: 'user-789', session_id: 'sess-abc-def' }
const recording = 'https://recordings.example.com/Sara.mp3'
const transcript = 'Agent: Hello! What salary do you expect, Sara?\nUser: Eighty thousand. متى أبدأ؟'

const handlers = [
  {
    name: 'Express',
    command: process.execPath,
    file: 'guide-express.js',
    reports: { started: 'handleCallStarted', update: 'handleTranscription', ended: 'database.calls.update' },
    extracted: (conversationId: string, completedAt: string) => ({
      where: { applicationId: '0012345' },
      data: {
        conversationId,
        recordingUrl: recording,
        transcript,
        expectedSalary: '80000',
        noticePeriod: null,
        completedAt,
      },
    }),
  },
  {
    name: 'Flask',
    command: python,
    file: 'guide-flask.py',
    reports: { started: 'handle_call_started', update: 'handle_transcription', ended: 'update_database' },
    extracted: (conversationId: string, completedAt: string) => ({
      application_id: '0012345',
      conversation_id: conversationId,
      recording_url: recording,
      transcript,
      expected_salary: '80000',
      notice_period: null,
      completed_at: completedAt,
    }),
  },
]

describe.each(handlers)("the guide's $name handler", ({ name, command, file, reports, extracted }) => {
  const isAbsent = name === 'Flask' && !pythonHas('flask')
  const why = isAbsent ? ` (skipped: ${python} has no Flask, install python3-flask)` : ''
  const fixture = fileURLToPath(new URL(`../../sender/test/fixtures/${file}`, import.meta.url))
  // As the guide has it: the whole header is compared, so the word before the secret is part of what is set there.
  const env = { WEBHOOK_SECRET: 'Bearer a-secret-of-the-endpoint' }

  async function withReceiver(run: (receiver: ReceiverProgram) => Promise<void>): Promise<void> {
    const receiver = await startReceiverProgram(command, fixture, env)
    try {
      await run(receiver)
    } finally {
      await receiver.end()
    }
  }

  test.skipIf(isAbsent)(`takes each of the five types, and finds its fields${why}`, () =>
    withReceiver(async (receiver) => {
      const agent = await addAgent(server, {
        url: `${receiver.url}/webhook`,
        authKey: 'Bearer',
        authSecret: 'a-secret-of-the-endpoint',
      })
      const callId = await startCall(server, agent.id, { params, to: '+12025550143' })
      const times: string[] = []
      for (const event of wholeCall('Sara')) {
        const { status, body } = await publish(server, callId, event)
        expect(status).toBe(201)
        times.push(String(body['timestamp']))
      }
      const conversationId = callId.replace('call_', 'conv_')
      expect(await receiver.reported(reports.ended, 1)).toEqual([
        extracted(conversationId, String(times.at(-1))),
      ])
      const about = { callId, agentId: agent.id, agentName: 'Recruiter' }
      expect(await receiver.reported(reports.started, 1)).toEqual([
        {
          eventType: 'call.started',
          timestamp: times[0],
          ...about,
          data: {
            timestamp: times[0],
            data: { conversationId, direction: 'outbound', userNumber: '+12025550143', params },
          },
        },
      ])
      expect(await receiver.reported(reports.update, 2)).toMatchObject(
        [2, 3].map((place) => ({
          ...about,
          timestamp: times[place],
          data: { data: wholeCall('Sara')[place]?.data },
        })),
      )
      const types = [...receiver.output().matchAll(/^Event: (.*)$/gm)].map(([, type]) => type)
      expect(types).toEqual(wholeCall('Sara').map(({ eventType }) => eventType))
      expect(receiver.output()).not.toContain('Webhook error')
      await drained(server)
      const deliveries = await listed(server, `/deliveries?callId=${callId}`)
      expect(deliveries).toHaveLength(times.length)
      for (const delivery of deliveries) expect(delivery).toMatchObject({ state: 'delivered', attempts: 1 })
    }),
  )

  test.skipIf(isAbsent)(`says 401 to another word before the secret, and the sentence says why${why}`, () =>
    withReceiver(async (receiver) => {
      const agent = await addAgent(server, {
        url: `${receiver.url}/webhook`,
        authKey: 'Token',
        authSecret: 'a-secret-of-the-endpoint',
      })
      const path = `/agents/${agent.id}`
      const tested = await ask(server, 'POST', `${path}/test`, { events: ['call.ended'] })
      expect(tested.body).toMatchObject({ ok: false, results: [{ attempt: { status: 401 } }] })
      const [{ sentence }] = tested.body['results'] as [{ sentence: string }]
      expect(sentence).toContain(
        '401: the secrets differ, or your endpoint compares the whole header; it received `Authorization: Token …`',
      )
      const callId = await startCall(server, agent.id)
      await publish(server, callId, { eventType: 'call.started' })
      await until('the hold', async () => {
        const { webhook } = (await shown(server, path)) as { webhook: { state: Record<string, unknown> } }
        return webhook.state['reason'] === 'auth'
      })
      await ask(server, 'PATCH', path, { webhook: { authKey: 'Bearer' } })
      expect(await receiver.reported(reports.started, 1)).toMatchObject([{ callId }])
      const good = await ask(server, 'POST', `${path}/test`, {})
      expect(good.body).toMatchObject({ ok: true })
      expect(good.body['results']).toHaveLength(5)
    }),
  )
})
