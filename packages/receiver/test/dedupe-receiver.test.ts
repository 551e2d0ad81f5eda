import path from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { createReceiver, type ReceivedEvent, type Receiver } from '@hookswitch/receiver'
import { endServerProcesses, temporaryFolder } from '@hookswitch/testkit'
import { postgresMissing, startPostgres } from '@hookswitch/testkit/postgres'
import { redisMissing, startRedis } from '@hookswitch/testkit/redis'
import { openStore, type StoreKind } from './dedupe-stores.ts'
import { sampleQueued } from './queue-sample.ts'

const closers: (() => Promise<void> | void)[] = []

afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

interface Server {
  url: string
  stop(): Promise<void>
}

const stores: { kind: StoreKind; missing: string | null; start(): Promise<Server> }[] = [
  { kind: 'ioredis', missing: redisMissing(), start: startRedis },
  { kind: 'node-redis', missing: redisMissing(), start: startRedis },
  { kind: 'pg', missing: postgresMissing(), start: startPostgres },
  {
    kind: 'node:sqlite',
    missing: null,
    start: async () => ({
      url: path.join(await temporaryFolder(), 'dedupe.sqlite'),
      stop: endServerProcesses,
    }),
  },
]

function send(receiver: Receiver, event: number): Promise<Response> {
  return receiver.fetch(
    new Request('http://127.0.0.1/webhook', {
      method: 'POST',
      headers: { authorization: 'Bearer secret-of-the-tests' },
      body: sampleQueued(event).body,
    }),
  )
}

/** As a sender does that tries again until it is answered 200; says what it was answered. */
async function deliver(receivers: Receiver[], event: number): Promise<number[]> {
  const statuses: number[] = []
  for (let attempt = 0; attempt < 1_000; attempt += 1) {
    const receiver = receivers[attempt % receivers.length]
    if (receiver === undefined) throw new Error('there is no receiver')
    const { status } = await send(receiver, event)
    statuses.push(status)
    if (status === 200) return statuses
  }
  throw new Error(`event ${event} was never answered 200: ${statuses.slice(-5).join()}`)
}

for (const { kind, missing, start } of stores) {
  const title = `two receivers that share what is done by ${kind}`
  describe.skipIf(missing !== null)(missing === null ? title : `${title} (skipped: ${missing})`, () => {
    let server: Server
    beforeAll(async () => {
      server = await start()
    })
    afterAll(() => server.stop())

    async function openReceiver(handle: (event: ReceivedEvent) => Promise<void> | void): Promise<Receiver> {
      const { dedupe, close } = await openStore(kind, server.url)
      closers.push(close)
      return createReceiver({
        secrets: 'secret-of-the-tests',
        dedupe,
        on: { 'call.ended': ({ event }) => handle(event) },
        onError: (error, { phase }) => {
          if (phase !== 'handler') troubles.push(error)
        },
      })
    }
    const troubles: unknown[] = []

    test('handle each event once, though each is sent to both at once and every third one fails at first', async () => {
      const handled: string[] = []
      const failed = new Set<string>()
      const handle = ({ callId, data }: ReceivedEvent): void => {
        if (Number(data['event']) % 3 === 0 && !failed.has(callId)) {
          failed.add(callId)
          throw new Error('the CRM is away')
        }
        handled.push(callId)
      }
      const [one, other] = [await openReceiver(handle), await openReceiver(handle)]
      const events = Array.from({ length: 60 }, (_, event) => event)
      const statuses = await Promise.all(
        events.flatMap((event) => [deliver([one, other], event), deliver([other, one], event)]),
      )
      expect(handled.sort()).toEqual(events.map((event) => `call_${event}`).sort())
      expect(statuses.flat().filter((status) => status === 500)).toHaveLength(20)
      expect(troubles).toEqual([])
      const repeats = await Promise.all(
        events.map((event) => send(one, event).then((answer) => answer.json())),
      )
      for (const repeat of repeats) expect(repeat).toMatchObject({ received: true, duplicate: true })
    })

    test('one answers 503 to what the other is handling, and 200 when that is done', async () => {
      const begun = Promise.withResolvers<void>()
      const end = Promise.withResolvers<void>()
      const handling = await openReceiver(() => {
        begun.resolve()
        return end.promise
      })
      const idle = await openReceiver(() => {
        throw new Error('it is not handled here')
      })
      const first = send(handling, 100)
      await begun.promise
      const busy = await send(idle, 100)
      expect(busy.status).toBe(503)
      expect(Number(busy.headers.get('retry-after'))).toBeGreaterThan(0)
      end.resolve()
      expect((await first).status).toBe(200)
      expect(await (await send(idle, 100)).json()).toMatchObject({ received: true, duplicate: true })
      expect(troubles).toEqual([])
    })
  })
}
