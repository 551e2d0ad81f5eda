import { createReceiver, echoed, memoryDedupe } from '@hookswitch/receiver'
import { nextRoute } from '@hookswitch/receiver/next'

const receiver = createReceiver({
  secrets: process.env['WEBHOOK_SECRET'],
  dedupe: memoryDedupe(),
  onError: (error, { phase, event }) => console.error(phase, event?.id, error),
  on: {
    'call.ended': ({ event, call }) => {
      const { values } = echoed(event, ['application_id'])
      console.log(
        `${event.callId} of application ${String(values.application_id)}: ${call.transcript.length} turns`,
      )
    },
  },
})

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = nextRoute(receiver)
