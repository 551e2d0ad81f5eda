// The same app with the receiver in the place of the guide's handlers, doing the same with each event. With the argument
// `dedupe` it handles each event once.
import { createReceiver, memoryDedupe, transcriptText } from '@hookswitch/receiver'
import { expressReceiver } from '@hookswitch/receiver/express'
import express from 'express'
import { start } from './start.ts'

const database = { calls: { update: async (_update: object): Promise<void> => {} } }

const receiver = createReceiver({
  secrets: process.env['WEBHOOK_SECRET'],
  ...(process.argv.includes('dedupe') ? { dedupe: memoryDedupe() } : {}),
  on: {
    'call.started': async () => {},
    'transcription.update': async () => {},
    'call.ended': async ({ event, outcome }) => {
      const { conversationId, conversationRecording } = event.data
      await database.calls.update({
        where: { applicationId: outcome?.['application_id'] },
        data: {
          conversationId,
          recordingUrl: conversationRecording,
          transcript: transcriptText(event),
          expectedSalary: outcome?.['expectedSalary'],
          noticePeriod: outcome?.['noticePeriod'],
          numberOfSpeakers: outcome?.['number_of_speakers'],
          completedAt: event.occurredAt,
        },
      })
    },
  },
})

const app = express()
app.post('/webhook', expressReceiver(receiver))
start(app)
