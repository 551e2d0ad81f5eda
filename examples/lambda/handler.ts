import { createReceiver, echoed } from '@hookswitch/receiver'
import { lambdaHandler } from '@hookswitch/receiver/lambda'
import { redisDedupe } from '@hookswitch/receiver/redis'
import { createClient } from 'redis'

// One of these functions knows nothing of the others, so what was handled is remembered in Redis. A Redis that is away
// is answered 503, and the event comes again.
const redis = createClient({
  url: process.env['REDIS_URL'] ?? 'redis://127.0.0.1:6379',
  disableOfflineQueue: true,
})
redis.on('error', ({ message }: Error) => console.error('redis:', message))
await redis.connect()

const receiver = createReceiver({
  secrets: process.env['WEBHOOK_SECRET'],
  dedupe: redisDedupe(redis),
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

export const handler = lambdaHandler(receiver)
