import { createReceiver } from '@hookswitch/receiver'
import { bullmqQueue } from '@hookswitch/receiver/bullmq'
import { Queue } from 'bullmq'

const { hostname: host, port } = new URL(process.env['REDIS_URL'] ?? 'redis://127.0.0.1:6379')
export const redis = { host, port: Number(port) }

// Does not wait for a Redis that is away: the event is answered 503 at once, and the sender sends it again.
export const queue = new Queue('call-events', { connection: { ...redis, enableOfflineQueue: false } })
queue.on('error', ({ message }) => console.error('queue:', message))

/** The server receives with it, and the worker handles with it. */
export const receiver = createReceiver({
  secrets: process.env['WEBHOOK_SECRET'],
  queue: bullmqQueue(queue),
  onError: (error, { phase, event }) => console.error(phase, event?.id, String(error)),
  on: {
    // At least once: use event.key where twice would do harm.
    'call.ended': async ({ event, attempt }) => {
      if (event.callId.startsWith('flaky') && attempt === 1) throw new Error('the database is away')
      console.log(`saved ${event.callId} at attempt ${attempt}`)
    },
  },
})
