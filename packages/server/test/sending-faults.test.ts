import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  allEvents,
  endServerProcesses,
  startServerProcess,
  until,
  type ServerProcess,
} from '@hookswitch/testkit'
import {
  act,
  addAgent,
  drained,
  laneBreaches,
  lanesOf,
  listed,
  loopbackAllowed,
  publish,
  publishForSure,
  shown,
  startCall,
  startFaultyLink,
  wholeCall,
  type Fault,
  type FaultyLink,
  type Interruption,
  type MadeAgent,
} from '@hookswitch/testkit/delivery-receiver'

/** Another one gives each event other faults, try by try. */
const seed = 20_260_131

const weights: Record<Fault, number> = {
  none: 60,
  delayed: 10,
  twice: 8,
  dropped: 6,
  answerCut: 6,
  answers500: 4,
  answers503: 4,
  // Each holds everything for a second.
  answers429: 0.3,
}

const calls = 100
const publishers = 12
const eventsOfCall = wholeCall('').length
const secretOfReceiver = 'a-secret-of-the-receiver'

let platform: ServerProcess
let receiver: ServerProcess
let link: FaultyLink
let agent: MadeAgent

beforeEach(async () => {
  ;[platform, receiver] = await Promise.all([
    startServerProcess({ env: loopbackAllowed }),
    startServerProcess({ env: { WEBHOOK_SECRET: secretOfReceiver } }),
  ])
  link = await startFaultyLink({ to: () => receiver.url, weights, seed, nameOf: placeOf })
  agent = await addAgent(platform, {
    url: `${link.url}/webhook`,
    authKey: 'Bearer',
    authSecret: secretOfReceiver,
    retry: { delaysSeconds: Array.from({ length: 50 }, () => 0.1) },
    limits: { concurrency: 40 },
  })
})
afterEach(async () => {
  await endServerProcesses()
  await link.close()
})

/** Which event of which call: what stands in its data, so that it is the same in each run. */
function placeOf({ body }: { body: Buffer }): string {
  const { data } = JSON.parse(body.toString()) as { data: { data: { place: string } } }
  return data.data.place
}

async function killPlatform(): Promise<Interruption> {
  const from = performance.now()
  await platform.kill()
  const { folder, url } = platform
  platform = await startServerProcess({ folder, env: { ...loopbackAllowed, PORT: new URL(url).port } })
  return { from, to: performance.now() }
}

async function killReceiver(): Promise<() => Promise<void>> {
  const { folder, url } = receiver
  await receiver.kill()
  return async () => {
    const env = { WEBHOOK_SECRET: secretOfReceiver, PORT: new URL(url).port }
    receiver = await startServerProcess({ folder, env })
  }
}

interface Acknowledged {
  callId: string
  /** Of the event, by its place. */
  id: string
}

/** Publishes calls, several at a time, each event until it is taken. */
class Publishing {
  /** By place: `<call>/<event>`. */
  readonly acknowledged = new Map<string, Acknowledged>()
  readonly #done: Promise<unknown>
  #next = 0

  constructor() {
    this.#done = Promise.all(Array.from({ length: publishers }, () => this.#publishCalls()))
    // Whoever waits for events to be acknowledged says what went wrong; see `done`.
    this.#done.catch(() => {})
  }

  async #publishCalls(): Promise<void> {
    while (this.#next < calls) {
      const number = this.#next
      this.#next += 1
      const given = { params: { application_id: String(number) }, to: '+12025550143' }
      const start = (): Promise<string | null> => startCall(platform, agent.id, given).catch(() => null)
      const callId = await until('a call to be started', start, 60_000)
      for (const [index, { eventType, data }] of wholeCall(`caller ${number}`).entries()) {
        const place = `${number}/${index}`
        const event = { eventType, data: { ...data, place } }
        const answer = await publishForSure(() => platform, callId, event, place)
        this.acknowledged.set(place, { callId, id: String(answer['id']) })
        // Some clients are impatient, and ask again for what they have been told already.
        if (number % 5 > 0) continue
        const again = await publish(platform, callId, event, place).catch(() => null)
        if (again?.status === 200) expect(again.body).toEqual({ ...answer, duplicate: true })
      }
    }
  }

  /** Resolves when this part of all events is acknowledged. */
  async reached(part: number): Promise<void> {
    const count = Math.floor(calls * eventsOfCall * part)
    await Promise.race([
      until(`${count} events to be published`, async () => this.acknowledged.size >= count, 60_000),
      this.#done.then(() => expect(this.acknowledged.size).toBeGreaterThanOrEqual(count)),
    ])
  }

  done(): Promise<unknown> {
    return this.#done
  }
}

/** Holds both sides to what was acknowledged. */
async function expectTheSame(
  { acknowledged }: Publishing,
  interruptions: readonly Interruption[],
): Promise<void> {
  await drained(platform, 60_000)
  await link.idle()
  await drained(receiver)
  expect(acknowledged.size).toBe(calls * eventsOfCall)

  const [sent, received] = await Promise.all([allEvents(platform), allEvents(receiver)])
  const there = new Map(sent.map((event) => [event['id'], event]))
  for (const [place, { callId, id }] of acknowledged) expect(there.get(id), place).toMatchObject({ callId })
  expect(sent, 'published once each').toHaveLength(acknowledged.size)
  expect(received, 'received once each').toHaveLength(acknowledged.size)
  expect(received.flatMap((event) => event['issues'])).toEqual([])
  const [sentOf, receivedOf] = [bodiesByCall(sent), bodiesByCall(received)]
  expect(sentOf.size).toBe(calls)
  for (const [callId, bodies] of sentOf) expect(receivedOf.get(callId), callId).toEqual(bodies)

  for (const callId of sentOf.keys()) {
    const [here, other] = await Promise.all([
      shown(platform, `/calls/${callId}`),
      shown(receiver, `/calls/${callId}`),
    ])
    expect(other, callId).toMatchObject({
      status: 'ended',
      eventCount: eventsOfCall,
      transcriptSource: 'final',
      tools: [{ name: 'lookup' }],
      outcome: {
        application_id: { origin: 'echoed' },
        expectedSalary: { value: '80000', origin: 'collected' },
      },
    })
    expect({ ...here, sources: [] }, callId).toEqual({ ...other, sources: [] })
  }

  expect(await listed(platform, '/lanes')).toEqual([])
  for (const state of ['pending', 'dead', 'skipped', 'filtered']) {
    expect(await listed(platform, `/deliveries?state=${state}`), state).toEqual([])
  }
  expect(laneBreaches(link.received(), { lanes: lanesOf(sent), interruptions })).toEqual([])
  for (const fault of Object.keys(weights) as Fault[]) {
    expect(link.faults().get(fault) ?? 0, fault).toBeGreaterThan(0)
  }
}

function bodiesByCall(events: readonly Record<string, unknown>[]): Map<string, unknown[]> {
  const calledBy = Map.groupBy(events, ({ callId }) => String(callId))
  return new Map([...calledBy].map(([callId, own]) => [callId, own.map(({ body }) => body)]))
}

describe(`over a link that drops, cuts, delays, doubles and refuses (seed ${seed})`, () => {
  test('kill -9 of the platform: what it acknowledged is on both sides once, in order, and every call is the same', async () => {
    const publishing = new Publishing()
    const kills: Interruption[] = []
    for (const part of [0.15, 0.45, 0.8]) {
      await publishing.reached(part)
      kills.push(await killPlatform())
    }
    await publishing.done()
    await expectTheSame(publishing, kills)
  }, 180_000)

  test('kill -9 of the receiver: events wait until it is back, and nothing is lost, given up or there twice', async () => {
    const publishing = new Publishing()
    await publishing.reached(0.2)
    let restart = await killReceiver()
    // It is asked less and less while it is away, and what is published meanwhile is kept.
    await until(
      'the breaker',
      async () => {
        const { state } = (await shown(platform, `/destinations/${agent.destinationId}`)) as {
          state: Record<string, unknown>
        }
        return state['reason'] === 'breaker'
      },
      30_000,
    )
    await publishing.reached(0.5)
    await restart()
    await act(platform, `/destinations/${agent.destinationId}/resume`)
    await publishing.reached(0.7)
    restart = await killReceiver()
    await restart()
    await publishing.done()
    await expectTheSame(publishing, [])
  }, 180_000)
})
