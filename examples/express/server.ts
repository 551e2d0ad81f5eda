import { createReceiver, echoed, Rejected } from '@hookswitch/receiver'
import { expressReceiver } from '@hookswitch/receiver/express'
import express from 'express'
import { dedupe, updateCall } from './database.ts'

const receiver = createReceiver({
  secrets: process.env['WEBHOOK_SECRET'],
  dedupe,
  onError: (error, { phase, event }) => console.error(phase, event?.id, error),
  on: {
    'call.started': ({ event }) => console.log('Started:', event.callId),
    'transcription.update': ({ event }) => console.log('Said something:', event.callId),
    'call.ended': ({ event, call, outcome }) => {
      // Your identifiers, which come back. Without the first there is no row to write, however often this is tried.
      const { values, missing } = echoed(event, ['application_id', 'user_id', 'session_id'])
      if (missing.includes('application_id')) throw new Rejected(`${missing.join(', ')} did not come back`)
      console.log('Ended:', event.callId, values)

      updateCall(String(values.application_id), {
        conversationId: call.conversationId,
        recordingUrl: call.recordingUrl,
        transcript: call.transcriptText,
        expectedSalary: outcome?.['expectedSalary'],
        noticePeriod: outcome?.['noticePeriod'],
        numberOfSpeakers: outcome?.['number_of_speakers'],
        completedAt: call.endedAt,
      })
    },
  },
})

const app = express()
app.post('/webhook', expressReceiver(receiver))
app.use(express.json()) // For the rest of the app.
app.listen(Number(process.env['PORT'] ?? 3000), '127.0.0.1')
