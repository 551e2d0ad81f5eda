// The handlers that the platform's guide shows its readers, pushed by the sender.
import { join } from 'node:path'
import { python, pythonHas, startReceiverProgram, type ReceiverProgram } from '@hookswitch/testkit'
import { afterEach, describe, expect, test } from 'vitest'
import { buildEvent, createSender, type SenderOptions, type SendResult } from '../src/index.ts'
import { recording, sampleCall } from './sample-call.ts'

const receivers: ReceiverProgram[] = []

afterEach(async () => {
  for (const receiver of receivers.splice(0)) await receiver.end()
})

async function receiverOf(
  command: string,
  file: string,
  env?: Record<string, string>,
): Promise<ReceiverProgram> {
  const receiver = await startReceiverProgram(command, join(import.meta.dirname, 'fixtures', file), env)
  receivers.push(receiver)
  return receiver
}

async function sendAll(
  receiver: ReceiverProgram,
  events: ReturnType<typeof sampleCall>,
  options: Partial<SenderOptions> = {},
): Promise<SendResult[]> {
  const sender = createSender({ url: `${receiver.url}/webhook`, allowHttp: true, retry: 'none', ...options })
  const results = await Promise.all(events.map((event) => sender.send(event)))
  await sender.close()
  return results
}

/** As the guide has it: the whole header is compared, so the word before the secret is part of what is set. */
const expected = 'Bearer a-secret-of-the-endpoint'
const credentials = { authKey: 'Bearer', authSecret: 'a-secret-of-the-endpoint' }

const transcript = 'Agent: مرحبا! How can I help you?\nUser: I need assistance.'
const [started, , update] = sampleCall()

/** A call that nobody answered: nothing is known of its end. */
const unanswered = sampleCall('call_2')
  .filter(({ eventType }) => /started|ended/.test(eventType))
  .map(({ data: _data, ...event }) => event)

const handlers = [
  {
    name: 'Express',
    command: process.execPath,
    file: 'guide-express.js',
    reports: { started: 'handleCallStarted', update: 'handleTranscription', ended: 'database.calls.update' },
    extracted: {
      where: { applicationId: '12345' },
      data: {
        conversationId: 'conv-123-abc',
        recordingUrl: recording,
        transcript,
        expectedSalary: '80000',
        noticePeriod: null,
        numberOfSpeakers: 2,
        completedAt: '2026-01-31T12:00:04.000Z',
      },
    },
    nothingKnown: {
      where: { applicationId: '12345' },
      data: {
        conversationId: 'conv-123-abc',
        recordingUrl: null,
        transcript: '',
        completedAt: '2026-01-31T12:00:04.000Z',
      },
    },
  },
  {
    name: 'Flask',
    command: python,
    file: 'guide-flask.py',
    reports: { started: 'handle_call_started', update: 'handle_transcription', ended: 'update_database' },
    extracted: {
      application_id: '12345',
      conversation_id: 'conv-123-abc',
      recording_url: recording,
      transcript,
      expected_salary: '80000',
      notice_period: null,
      completed_at: '2026-01-31T12:00:04.000Z',
    },
    nothingKnown: {
      application_id: '12345',
      conversation_id: 'conv-123-abc',
      recording_url: null,
      transcript: '',
      expected_salary: null,
      notice_period: null,
      completed_at: '2026-01-31T12:00:04.000Z',
    },
  },
]

describe.each(handlers)(
  "the guide's $name handler",
  ({ name, command, file, reports, extracted, nothingKnown }) => {
    const isAbsent = name === 'Flask' && !pythonHas('flask')
    const why = isAbsent ? ` (${python} has no Flask: install python3-flask)` : ''
    const start = (): Promise<ReceiverProgram> => receiverOf(command, file, { WEBHOOK_SECRET: expected })

    test.skipIf(isAbsent)(
      `takes each of the five types, and finds its fields where the guide says they are${why}`,
      async () => {
        const receiver = await start()
        const results = await sendAll(receiver, sampleCall(), credentials)
        for (const result of results) expect(result).toMatchObject({ ok: true, status: 200, attempts: 1 })
        expect(await receiver.reported(reports.ended, 1)).toEqual([extracted])
        expect(await receiver.reported(reports.started, 1)).toEqual([started && buildEvent(started).event])
        expect(await receiver.reported(reports.update, 1)).toEqual([update && buildEvent(update).event])
        const types = [...receiver.output().matchAll(/^Event: (.*)$/gm)].map(([, type]) => type)
        expect(types).toEqual(sampleCall().map(({ eventType }) => eventType))
        expect(receiver.output()).not.toContain('Webhook error')
      },
    )

    test.skipIf(isAbsent)(
      `does not fall over a call that nobody answered - the four documented keys are there${why}`,
      async () => {
        const receiver = await start()
        await sendAll(receiver, unanswered, credentials)
        expect(await receiver.reported(reports.ended, 1)).toEqual([nothingKnown])
        expect(receiver.output()).not.toContain('Webhook error')
      },
    )

    test.skipIf(isAbsent)(
      `says 401 to the bare secret, once, and the result says what it received${why}`,
      async () => {
        const receiver = await start()
        const options = { authSecret: 'another-secret', retry: 'quick' } as const
        expect(await sendAll(receiver, sampleCall().slice(0, 1), options)).toEqual([
          {
            ok: false,
            id: expect.stringMatching(/^evt_/),
            attempts: 1,
            status: 401,
            cause: 'auth',
            message: expect.stringContaining('the Authorization that it received, "…"'),
          },
        ])
      },
    )
  },
)

test("the guide's idempotency sample handles each event once - a repeat has the time of the first", async () => {
  const receiver = await receiverOf(process.execPath, 'guide-idempotency.cjs')
  const answers: unknown[] = []
  const sender = createSender({
    url: `${receiver.url}/webhook`,
    allowHttp: true,
    async fetch(...request) {
      const response = await fetch(...request)
      answers.push(await response.clone().json())
      return response
    },
  })
  const ids = new Set<string>()
  for (const event of sampleCall()) {
    for (const sent of [event, buildEvent(event)]) ids.add((await sender.send(sent)).id)
  }
  await sender.close()
  expect(answers).toEqual(
    sampleCall().flatMap(() => [{ received: true }, { received: true, duplicate: true }]),
  )
  expect(await receiver.reported('processEvent', 5)).toEqual(
    sampleCall().map((event) => buildEvent(event).event),
  )
  expect([...ids], 'a repeat has the id of the first').toHaveLength(5)
})
