import { bullmqProcessor } from '@hookswitch/receiver/bullmq'
import { Worker } from 'bullmq'
import { queue, receiver, redis } from './receiver.ts'

// Its connection waits for a Redis that is away, as workers should.
const worker = new Worker(queue.name, bullmqProcessor(receiver), { connection: redis, concurrency: 10 })
worker.on('error', ({ message }) => console.error('worker:', message))
worker.on('failed', (job, error) => console.error(`failed at attempt ${job?.attemptsMade}: ${error.message}`))

// What is being handled is handled to its end; the rest waits in Redis.
process.once('SIGTERM', () => void worker.close().then(() => queue.close()))
