import { Queue, Worker } from 'bullmq'
import { bullmqProcessor, bullmqQueue } from '../src/queue/bullmq-queue.ts'
import { sampleQueued } from './queue-sample.ts'

/**
 * A process at one end of a queue.
 * `add <port> <count>` puts that many events into it.
 * `work <port>` takes an event out of it, says so, and never gets done with it.
 */
const [mode, port, count] = process.argv.slice(2) as [string, string, string]
const connection = { host: '127.0.0.1', port: Number(port) }
if (mode === 'add') await add(Number(count))
else work()

async function add(events: number): Promise<void> {
  const queue = new Queue('call-events', { connection })
  const { add: addEvent } = bullmqQueue(queue)
  await Promise.all(Array.from({ length: events }, (_, event) => addEvent(sampleQueued(event))))
  await queue.close()
  say('added')
}

function work(): void {
  const receiver = {
    process: (): Promise<void> => {
      say('taken')
      return new Promise(() => {})
    },
  }
  // Short enough for a test; by default a job is another's 30 to 60 seconds after its worker has died.
  const worker = new Worker('call-events', bullmqProcessor(receiver), {
    connection,
    lockDuration: 1_000,
    stalledInterval: 200,
  })
  worker.on('error', (error) => say(String(error)))
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}
