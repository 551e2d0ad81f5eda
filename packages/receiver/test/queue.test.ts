import { runInNewContext } from 'node:vm'
import { Queue, QueueEvents, Worker, type Job, type WorkerOptions } from 'bullmq'
import { Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { until } from '@hookswitch/testkit'
import { redisMissing, startRedis, type RedisServer } from '@hookswitch/testkit/redis'
import { createReceiver, Rejected, type QueuedEvent, type Receiver } from '@hookswitch/receiver'
import {
  bullmqProcessor,
  bullmqQueue,
  type BullmqQueue,
  type BullmqQueueOptions,
} from '@hookswitch/receiver/bullmq'
import { redisDedupe } from '@hookswitch/receiver/redis'
import { endPrograms, startProgram } from './child-program.ts'
import { sampleQueued } from './queue-sample.ts'

const missing = redisMissing()
const closers: (() => Promise<unknown> | void)[] = []

/** What a worker was told of one attempt. */
interface Attempt {
  event: QueuedEvent
  attempt: number | undefined
}

describe.skipIf(missing !== null)(
  `a queue of BullMQ${missing === null ? '' : ` (skipped: ${missing})`}`,
  () => {
    let redis: RedisServer
    beforeAll(async () => {
      redis = await startRedis()
    })
    afterAll(() => redis.stop())

    let queue: Queue<QueuedEvent>
    beforeEach(() => {
      queue = openQueue()
    })
    afterEach(async () => {
      await endPrograms()
      for (const close of closers.splice(0).toReversed()) await close()
      // Each test finds it empty, whatever it is called.
      const client = new Redis(redis.url)
      await client.flushall()
      client.disconnect()
    })

    function openQueue(connection: { enableOfflineQueue?: boolean } = {}): Queue<QueuedEvent> {
      const opened = new Queue<QueuedEvent>('call-events', {
        connection: { host: '127.0.0.1', port: redis.port, ...connection },
      })
      // It says that it cannot reach Redis, which some tests are about.
      opened.on('error', () => {})
      closers.push(() => opened.close())
      return opened
    }

    function openWorker(receiver: Pick<Receiver, 'process'>, options: Partial<WorkerOptions> = {}): Worker {
      const worker = new Worker('call-events', bullmqProcessor(receiver), {
        connection: { host: '127.0.0.1', port: redis.port },
        ...options,
      })
      worker.on('error', () => {})
      closers.push(() => worker.close(true))
      return worker
    }

    /** A receiver whose handlers do as they are told. */
    function recorder(handle: (attempt: Attempt) => void = () => {}): {
      attempts: Attempt[]
      process: Receiver['process']
    } {
      const attempts: Attempt[] = []
      return {
        attempts,
        async process(event, options) {
          attempts.push({ event, attempt: options?.attempt })
          handle({ event, attempt: options?.attempt })
        },
      }
    }

    async function onlyJob(): Promise<Job<QueuedEvent>> {
      const jobs = await queue.getJobs()
      expect(jobs).toHaveLength(1)
      return jobs[0] as Job<QueuedEvent>
    }

    function ended(state: 'completed' | 'failed'): Promise<Job<QueuedEvent>> {
      return until(`a job that has ${state}`, async () => {
        const job = (await queue.getJobs([state]))[0]
        return job !== undefined && job
      })
    }

    test('two processes that get the same events put each of them into the queue once', async () => {
      const count = 100
      const adders = ['one', 'two'].map(() =>
        startProgram('queue-program.ts', ['add', String(redis.port), String(count)]),
      )
      for (const adder of adders) expect(await adder.line()).toBe('added')
      const receiver = recorder()
      openWorker(receiver, { concurrency: 10 })
      await until(
        'all jobs to be done',
        async () => (await queue.getJobCounts('completed'))['completed'] === count,
      )
      const sent = Array.from({ length: count }, (_, event) => sampleQueued(event))
      const byTime = (a: QueuedEvent, b: QueuedEvent): number => a.receivedAt.localeCompare(b.receivedAt)
      expect(receiver.attempts.map(({ event }) => event).sort(byTime)).toEqual(sent)
      // Nor does a repeat of what is done and still kept make a second job.
      await bullmqQueue(queue).add(sampleQueued(0))
      expect(await queue.getJobCountByTypes('waiting', 'active', 'delayed', 'completed')).toBe(count)
    })

    test('a job says what the guide has, and what is kept of it is bounded', async () => {
      await bullmqQueue(queue).add(sampleQueued(1))
      const job = await onlyJob()
      expect(job.name).toBe('event')
      expect(job.data).toEqual(sampleQueued(1))
      expect(job.opts).toMatchObject({
        attempts: 3,
        backoff: { type: 'exponential', delay: 2_000 },
        removeOnComplete: { age: 86_400, count: 1_000 },
        removeOnFail: { age: 604_800, count: 10_000 },
      })
    })

    test('every key makes an id that BullMQ takes, and one of its own', async () => {
      const keys = [
        '1',
        '0',
        '0:1',
        'a:b:c',
        'a:b',
        '',
        ' ',
        'مكالمة',
        'x'.repeat(1_000),
        '\ud800',
        '\udc00',
        'a\n"\'\0',
      ]
      for (const key of keys) await bullmqQueue(queue).add({ ...sampleQueued(1), key })
      const jobs = await queue.getJobs()
      expect(jobs).toHaveLength(keys.length)
    })

    test('what fails is tried again after a while that doubles, as often as was said, and is then kept as failed', async () => {
      const receiver = recorder(({ attempt }) => {
        throw new Error(`the CRM is away (${attempt})`)
      })
      await bullmqQueue(queue, { name: 'call', attempts: 4, backoffMs: 10 }).add(sampleQueued(1))
      const events = new QueueEvents('call-events', { connection: { host: '127.0.0.1', port: redis.port } })
      closers.push(() => events.close())
      await events.waitUntilReady()
      const dues: number[] = []
      events.on('delayed', ({ delay }) => dues.push(delay))
      const beganAt = Date.now()
      openWorker(receiver)
      const job = await ended('failed')
      expect(receiver.attempts).toEqual([1, 2, 3, 4].map((attempt) => ({ event: sampleQueued(1), attempt })))
      expect(job.name).toBe('call')
      expect(job.failedReason).toBe('the CRM is away (4)')
      // When each next attempt is due, by the clock: 10, 20 and 40 ms after the one before.
      await until('all waits to be told', async () => dues.length === 3)
      for (const [index, due] of dues.entries()) {
        expect(due - (dues[index - 1] ?? beganAt)).toBeGreaterThanOrEqual(10 * 2 ** index)
      }
    })

    test('what succeeds at last is done', async () => {
      const receiver = recorder(({ attempt }) => {
        if (attempt === 1) throw new Error('not yet')
      })
      await bullmqQueue(queue, { backoffMs: 0 }).add(sampleQueued(1))
      openWorker(receiver)
      await ended('completed')
      expect(receiver.attempts.map(({ attempt }) => attempt)).toEqual([1, 2])
    })

    test('what a handler has rejected is not tried again, and says where', async () => {
      const receiver = recorder(function findApplication() {
        throw new Rejected('there is no application 12345')
      })
      await bullmqQueue(queue, { backoffMs: 0 }).add(sampleQueued(1))
      openWorker(receiver)
      const job = await ended('failed')
      expect(receiver.attempts.map(({ attempt }) => attempt)).toEqual([1])
      expect(job.failedReason).toBe('there is no application 12345')
      expect(job.stacktrace?.[0]).toContain('findApplication')
    })

    test('what was rejected is known by its name - it may come from another copy of the class, or another realm', async () => {
      const receiver = recorder(() => {
        throw runInNewContext(
          `Object.assign(new Error('there is no application 12345'), { name: 'Rejected' })`,
        )
      })
      await bullmqQueue(queue, { backoffMs: 0 }).add(sampleQueued(1))
      openWorker(receiver)
      expect((await ended('failed')).failedReason).toBe('there is no application 12345')
      expect(receiver.attempts.map(({ attempt }) => attempt)).toEqual([1])
    })

    test('an event that comes again after it has failed for good is tried as a new one - its sender was told that it is queued', async () => {
      let isAway = true
      const receiver = recorder(() => {
        if (isAway) throw new Error('the CRM is away')
      })
      const { add } = bullmqQueue(queue, { attempts: 2, backoffMs: 0 })
      await add(sampleQueued(1))
      openWorker(receiver)
      await ended('failed')
      await add(sampleQueued(1))
      await until('both attempts of the second time', async () => receiver.attempts.length === 4)
      await ended('failed')
      isAway = false
      await add(sampleQueued(1))
      await ended('completed')
      await onlyJob()
      expect(receiver.attempts).toEqual(
        [1, 2, 1, 2, 1].map((attempt) => ({ event: sampleQueued(1), attempt })),
      )
    })

    test('one that has failed and comes again at several servers at once is tried once', async () => {
      let isAway = true
      const receiver = recorder(() => {
        if (isAway) throw new Error('the CRM is away')
      })
      const adders = [queue, openQueue(), openQueue()].map((own) => bullmqQueue(own, { attempts: 1 }))
      const events = Array.from({ length: 20 }, (_, event) => sampleQueued(event))
      const addAll = (): Promise<unknown> =>
        Promise.all(events.flatMap((event) => adders.map(({ add }) => add(event))))
      await addAll()
      const first = openWorker(receiver, { concurrency: 10 })
      const failed = async (): Promise<number> => queue.getJobCountByTypes('failed')
      await until('all to have failed', async () => (await failed()) === events.length)
      await first.close()
      isAway = false
      await addAll()
      expect(await queue.getJobCountByTypes('waiting', 'failed')).toBe(events.length)
      openWorker(receiver, { concurrency: 10 })
      await until(
        'all to be done',
        async () => (await queue.getJobCountByTypes('completed')) === events.length,
      )
      expect(receiver.attempts).toHaveLength(2 * events.length)
    })

    test('a failed one that cannot be put back is not taken for queued', async () => {
      const unreachable: BullmqQueue = {
        add: async () => ({
          isFailed: async () => true,
          retry: () => Promise.reject(new Error('Redis is read-only')),
        }),
      }
      await expect(bullmqQueue(unreachable).add(sampleQueued(1))).rejects.toThrow('Redis is read-only')
    })

    test('a worker that is killed while it handles an event loses it to another one', async () => {
      await bullmqQueue(queue).add(sampleQueued(1))
      const killed = startProgram('queue-program.ts', ['work', String(redis.port)])
      expect(await killed.line()).toBe('taken')
      await killed.kill()
      const receiver = recorder()
      openWorker(receiver, { stalledInterval: 200 })
      await ended('completed')
      expect(receiver.attempts).toEqual([{ event: sampleQueued(1), attempt: 1 }])
    })

    test('a worker that is told to give a job up aborts the signal of its handler', async () => {
      await bullmqQueue(queue, { attempts: 1 }).add(sampleQueued(1))
      let taken = false
      const worker = openWorker({
        process: (_event, { signal } = {}) =>
          new Promise((_resolve, reject) => {
            taken = true
            signal?.addEventListener('abort', () => reject(new Error('given up')))
          }),
      })
      await until('the handler to run', async () => taken)
      const job = await onlyJob()
      expect(worker.cancelJob(String(job.id))).toBe(true)
      expect((await ended('failed')).failedReason).toBe('given up')
    })

    test('while Redis is away a queue that does not wait rejects at once, and takes events again when it is back', async () => {
      const hasty = openQueue({ enableOfflineQueue: false })
      await hasty.waitUntilReady()
      const { add } = bullmqQueue(hasty)
      await add(sampleQueued(1))
      await redis.down('crash')
      try {
        await expect(add(sampleQueued(2))).rejects.toThrow(Error)
      } finally {
        await redis.up()
      }
      await until('Redis to be reached again', () =>
        add(sampleQueued(3))
          .then(() => true)
          .catch(() => false),
      )
      const receiver = recorder()
      openWorker(receiver)
      await until('both to be handled', async () => receiver.attempts.length === 2)
      expect(receiver.attempts.map(({ event }) => event.id).sort()).toEqual(['evt_1', 'evt_3'])
    })

    describe('with a receiver', () => {
      const secret = 'secret-of-the-tests'

      function post(receiver: Receiver, event: number): Promise<Response> {
        return receiver.fetch(
          new Request('http://127.0.0.1/webhook', {
            method: 'POST',
            headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json' },
            body: sampleQueued(event).body,
          }),
        )
      }

      test('an event is answered when the queue has it, and handled by the worker, once', async () => {
        const client = new Redis(redis.url)
        closers.push(() => client.disconnect())
        const handled = new Map<string, unknown>()
        const receiver = createReceiver({
          secrets: secret,
          queue: bullmqQueue(queue),
          dedupe: redisDedupe(client),
          on: {
            'call.ended': ({ event, attempt }) => {
              handled.set(event.callId, [event.data, attempt])
            },
          },
        })
        const answers = await Promise.all([1, 2, 3].map((event) => post(receiver, event)))
        expect(answers.map(({ status }) => status)).toEqual([200, 200, 200])
        expect(handled.size).toBe(0)
        expect(await (await post(receiver, 1)).json()).toMatchObject({ received: true, duplicate: true })
        const worker = openWorker(receiver)
        await until(
          'all to be handled',
          async () => (await queue.getJobCounts('completed'))['completed'] === 3,
        )
        expect(Object.fromEntries(handled)).toEqual({
          call_1: [{ event: 1 }, 1],
          call_2: [{ event: 2 }, 1],
          call_3: [{ event: 3 }, 1],
        })
        await worker.close()
      })

      test('two servers without a dedupe that get the same event at once make one job of it', async () => {
        const handled: string[] = []
        const servers = [queue, openQueue()].map((own) =>
          createReceiver({
            secrets: secret,
            queue: bullmqQueue(own),
            on: {
              'call.ended': ({ event }) => {
                handled.push(event.callId)
              },
            },
          }),
        )
        const answers = await Promise.all(servers.map((server) => post(server, 1)))
        expect(answers.map(({ status }) => status)).toEqual([200, 200])
        await onlyJob()
        if (servers[0] !== undefined) openWorker(servers[0])
        await ended('completed')
        expect(handled).toEqual(['call_1'])
      })

      test('a queue that waits for Redis is given up at the deadline: 503, and the repeat is one job', async () => {
        await queue.waitUntilReady()
        const troubles: string[] = []
        const receiver = createReceiver({
          secrets: secret,
          queue: bullmqQueue(queue),
          deadlineMs: 200,
          on: { '*': () => {} },
          onError: (_error, { phase }) => troubles.push(phase),
        })
        await redis.down('crash')
        try {
          const answer = await post(receiver, 1)
          expect(answer.status).toBe(503)
          expect(answer.headers.get('retry-after')).toMatch(/^\d+$/)
          expect(troubles).toEqual(['queue'])
        } finally {
          await redis.up()
        }
        await until('the repeat to be taken', async () => (await post(receiver, 1)).status === 200)
        await until('what had waited to be there too', async () => (await queue.getJobs()).length > 0)
        await onlyJob()
      })
    })
  },
)

test('a wrong option is refused with what came and what is expected', () => {
  const queue: BullmqQueue = { add: () => Promise.reject(new Error('not asked')) }
  const wrong: [() => unknown, string][] = [
    [
      () => bullmqQueue({} as BullmqQueue),
      'bullmqQueue: the queue is object without add; expected a Queue of BullMQ',
    ],
    [
      () => bullmqQueue(undefined as unknown as BullmqQueue),
      'bullmqQueue: the queue is undefined without add; expected a Queue of BullMQ',
    ],
    [() => bullmqQueue(queue, { name: '' }), 'bullmqQueue: name is ""; expected a string that is not empty'],
    [() => bullmqQueue(queue, { attempts: 0 }), 'bullmqQueue: attempts is 0; expected a whole number from 1'],
    [
      () => bullmqQueue(queue, { attempts: 1.5 }),
      'bullmqQueue: attempts is 1.5; expected a whole number from 1',
    ],
    [
      () => bullmqQueue(queue, { backoffMs: -1 }),
      'bullmqQueue: backoffMs is -1; expected a whole number from 0',
    ],
    [() => bullmqQueue(queue, { attempt: 5 } as BullmqQueueOptions), 'bullmqQueue has no option attempt'],
  ]
  for (const [make, message] of wrong) expect(make).toThrow(new TypeError(message))
})
