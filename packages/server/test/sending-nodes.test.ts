import { afterEach, describe, expect, test } from 'vitest'
import {
  allEvents,
  endServerProcesses,
  startServerProcess,
  until,
  type Answer,
  type ServerProcess,
} from '@hookswitch/testkit'
import {
  addAgent,
  drained,
  laneBreaches,
  lanesOf,
  loopbackAllowed,
  publish,
  publishForSure,
  shown,
  startCall,
  startDeliveryReceiver,
  wholeCall,
  type DeliveryReceiver,
  type PublishedEvent,
} from '@hookswitch/testkit/delivery-receiver'
import { postgresMissing, startPostgres, type Postgres } from '@hookswitch/testkit/postgres'

let receiver: DeliveryReceiver
let postgres: Postgres
afterEach(async () => {
  await endServerProcesses()
  await receiver.close()
  await postgres.stop()
})

const calls = 12

/** Publishers of one call that do not wait for each other. */
const writers = 4
const updatesOfWriter = 5
const eventsOfCall = 2 + writers * updatesOfWriter

/** Several publishers of the same calls, each over any node that is up. */
class Publishing {
  /** The ids of what was published. */
  readonly acknowledged = new Set<string>()
  /** Those that are asked. */
  nodes: readonly ServerProcess[]

  constructor(nodes: readonly ServerProcess[]) {
    this.nodes = nodes
  }

  #node(turn: number): ServerProcess {
    return this.nodes[turn % this.nodes.length] as ServerProcess
  }

  async publish(callId: string, event: PublishedEvent, turn: number, key: string): Promise<string> {
    const { id } = await publishForSure(() => this.#node(turn), callId, event, key)
    this.acknowledged.add(String(id))
    return String(id)
  }

  /** Each event over the node that has not published the one before. */
  async inTurn(callId: string): Promise<void> {
    for (const [turn, event] of wholeCall('in turn').entries()) {
      await this.publish(callId, event, turn, `event ${turn}`)
    }
  }

  /** All publishers ask for the start and for the end, and each says its own words in between. */
  async atOnce(callId: string): Promise<void> {
    const started = await this.#ofEach((writer) =>
      this.publish(callId, { eventType: 'call.started' }, writer, 'start'),
    )
    expect(new Set(started), 'asked for under one key').toHaveLength(1)
    await this.#ofEach(async (writer) => {
      for (let update = 0; update < updatesOfWriter; update += 1) {
        const text = `${writer}/${update}`
        const event = { eventType: 'transcription.update', data: { speaker: 'User', text } }
        await this.publish(callId, event, writer + update, text)
      }
    })
    const ends = await this.#ofEach((writer) => this.#end(callId, writer))
    const [taken, ...others] = ends.toSorted((one, other) => one.status - other.status)
    expect(taken?.status).toBeLessThan(300)
    this.acknowledged.add(String(taken?.body['id']))
    for (const { status, body } of others) {
      const reason = 'call.ended was published already, and a call ends once'
      expect([status, body['error']]).toEqual([409, reason])
    }
  }

  /** Under a key of its own; whatever it is answered. */
  #end(callId: string, writer: number): Promise<Answer> {
    const event = { eventType: 'call.ended', data: { outcomeResult: { writer } } }
    return until('an answer', async () => {
      const answer = await publish(this.#node(writer), callId, event, `end ${writer}`).catch(() => null)
      return answer !== null && answer.status < 500 ? answer : null
    })
  }

  #ofEach<T>(run: (writer: number) => Promise<T>): Promise<T[]> {
    return Promise.all(Array.from({ length: writers }, (_, writer) => run(writer)))
  }
}

/** One start, one end, each event later than the one before, and what one publisher said in its order. */
function expectInOrder(own: readonly Record<string, unknown>[]): void {
  const types = own.map(({ type }) => type)
  expect([types.indexOf('call.started'), types.lastIndexOf('call.started')]).toEqual([0, 0])
  expect([types.indexOf('call.ended'), types.lastIndexOf('call.ended')]).toEqual(
    Array.from({ length: 2 }, () => own.length - 1),
  )
  const times = own.map(({ occurredAt }) => Date.parse(String(occurredAt)))
  expect(times).toEqual([...new Set(times)].sort((one, other) => one - other))
  const texts = own.flatMap(({ body }) => {
    const { text } = (body as { data: { data: Record<string, unknown> } }).data.data
    return typeof text === 'string' && /^\d\/\d$/.test(text) ? [text] : []
  })
  for (const [writer, said] of Map.groupBy(texts, (text) => text.slice(0, 1))) {
    expect(said).toEqual(Array.from({ length: updatesOfWriter }, (_, update) => `${writer}/${update}`))
  }
}

const missing = postgresMissing()
describe.skipIf(missing !== null)(
  `two nodes on one PostgreSQL publish in the same calls${missing === null ? '' : ` (skipped: ${missing})`}`,
  () => {
    test('each starts and ends once, goes out in one order, and loses nothing when a node is killed in between', async () => {
      postgres = await startPostgres()
      receiver = await startDeliveryReceiver()
      const env = { ...loopbackAllowed, DATABASE_URL: postgres.url }
      const [first, other] = await Promise.all([startServerProcess({ env }), startServerProcess({ env })])
      const agent = await addAgent(first, { url: `${receiver.url}/agent`, limits: { concurrency: 20 } })
      const callIds: string[] = []
      while (callIds.length <= calls) callIds.push(await startCall(other, agent.id))
      const [inTurn = '', ...atOnce] = callIds
      const publishing = new Publishing([first, other])
      await publishing.inTurn(inTurn)

      const done = Promise.all(atOnce.map((callId) => publishing.atOnce(callId)))
      const published = wholeCall('').length + calls * eventsOfCall
      await Promise.race([
        until('a third of it', async () => publishing.acknowledged.size > published / 3, 30_000),
        done,
      ])
      expect(publishing.acknowledged.size, 'the node is killed in the middle').toBeLessThan(published)
      const from = performance.now()
      publishing.nodes = [other]
      await first.kill()
      await done
      await drained(other, 60_000)
      const interruptions = [{ from, to: performance.now() }]

      const events = await allEvents(other)
      expect(new Set(events.map(({ id }) => id))).toEqual(publishing.acknowledged)
      expect(events).toHaveLength(published)
      const ofCalls = Map.groupBy(events, ({ callId }) => String(callId))
      for (const callId of callIds) {
        const own = ofCalls.get(callId) ?? []
        expectInOrder(own)
        expect(await shown(other, `/calls/${callId}`)).toMatchObject({
          status: 'ended',
          eventCount: own.length,
        })
      }
      expect(laneBreaches(receiver.received, { lanes: lanesOf(events), interruptions })).toEqual([])
      expect(await other.stop()).toBe(0)
    }, 120_000)
  },
)
