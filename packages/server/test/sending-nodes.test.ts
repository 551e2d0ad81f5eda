import { afterEach, describe, expect, test } from 'vitest'
import {
  allEvents,
  endServerProcesses,
  startServerProcess,
  until,
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
} from '@hookswitch/testkit/delivery-receiver'
import { postgresMissing, startPostgres, type Postgres } from '@hookswitch/testkit/postgres'

let receiver: DeliveryReceiver
let postgres: Postgres
afterEach(async () => {
  await endServerProcesses()
  await receiver.close()
  await postgres.stop()
})

const calls = 20

/** Publishers of one call that do not wait for each other. */
const writers = 4
const updatesOfWriter = 5

const missing = postgresMissing()
describe.skipIf(missing !== null)(
  `two nodes on one PostgreSQL publish in the same calls${missing === null ? '' : ` (skipped: ${missing})`}`,
  () => {
    test('a call starts and ends once, its events go out in one order, and a node that is killed in between loses nothing', async () => {
      postgres = await startPostgres()
      receiver = await startDeliveryReceiver()
      const env = { ...loopbackAllowed, DATABASE_URL: postgres.url }
      const nodes = await Promise.all([startServerProcess({ env }), startServerProcess({ env })])
      const [first, other] = nodes as [ServerProcess, ServerProcess]
      const agent = await addAgent(first, { url: `${receiver.url}/agent`, limits: { concurrency: 20 } })
      const acknowledged = new Set<string>()
      const keep = (answer: Record<string, unknown>): void => void acknowledged.add(String(answer['id']))

      // In turn: each event of a call over the node that has not published the one before.
      const inTurn = await startCall(other, agent.id)
      for (const [index, event] of wholeCall('in turn').entries()) {
        keep(await publishForSure(() => nodes[index % 2] as ServerProcess, inTurn, event, `${index}`))
      }

      // At once: whoever publishes asks both nodes for everything, and each asks for the start and the end as well.
      let up = nodes
      const publishAtOnce = async (number: number): Promise<string> => {
        const callId = await startCall(other, agent.id, { params: { application_id: String(number) } })
        const node = (turn: number) => () => up[turn % up.length] as ServerProcess
        const once = async (eventType: string): Promise<void> => {
          const key = `${eventType} ${number}`
          const answers = await Promise.all(
            Array.from({ length: writers }, (_, turn) =>
              publishForSure(node(turn), callId, { eventType }, key),
            ),
          )
          expect(new Set(answers.map(({ id }) => id)), `${eventType}, asked for under one key`).toHaveLength(
            1,
          )
          for (const answer of answers) keep(answer)
        }
        await once('call.started')
        await Promise.all(
          Array.from({ length: writers }, async (_, writer) => {
            for (let update = 0; update < updatesOfWriter; update += 1) {
              const text = `${writer}/${update}`
              const event = { eventType: 'transcription.update', data: { speaker: 'User', text } }
              keep(await publishForSure(node(writer + update), callId, event, text))
            }
          }),
        )
        // The end is asked for under keys of their own: one is taken, and the others are told why not.
        const ends = await Promise.all(
          Array.from({ length: writers }, async (_, turn) => {
            const answer = await until('an answer', async () => {
              const end = { eventType: 'call.ended', data: { outcomeResult: { turn } } }
              const said = await publish(node(turn)(), callId, end, `end ${turn}`).catch(() => null)
              return said !== null && said.status < 500 ? said : null
            })
            if (answer.status < 300) keep(answer.body)
            return answer
          }),
        )
        expect(ends.map(({ status }) => (status < 300 ? 'taken' : status)).sort()).toEqual([
          409,
          409,
          409,
          'taken',
        ])
        for (const { status, body } of ends) {
          if (status === 409)
            expect(body['error']).toBe('call.ended was published already, and a call ends once')
        }
        return callId
      }
      const publishing = Promise.all(Array.from({ length: calls }, (_, number) => publishAtOnce(number)))
      await until(
        'a third of it',
        async () => acknowledged.size > (calls * writers * updatesOfWriter) / 3,
        30_000,
      )
      const from = performance.now()
      up = [other]
      await first.kill()
      const atOnce = await publishing
      await drained(other, 60_000)
      const interruptions = [{ from, to: performance.now() }]

      const events = await allEvents(other)
      expect(new Set(events.map(({ id }) => String(id)))).toEqual(acknowledged)
      expect(acknowledged.size).toBe(wholeCall('').length + calls * (2 + writers * updatesOfWriter))
      const ofCalls = Map.groupBy(events, ({ callId }) => String(callId))
      for (const callId of [inTurn, ...atOnce]) {
        const own = ofCalls.get(callId) ?? []
        expect(own[0]?.['type']).toBe('call.started')
        expect(own.at(-1)?.['type']).toBe('call.ended')
        const times = own.map(({ occurredAt }) => Date.parse(String(occurredAt)))
        expect(times, 'each has a time of its own, later than the one before').toEqual(
          [...new Set(times)].sort((one, two) => one - two),
        )
        expect(await shown(other, `/calls/${callId}`)).toMatchObject({
          status: 'ended',
          eventCount: own.length,
        })
      }
      // What one publisher asked for one after the other is in that order in the log too.
      for (const callId of atOnce) {
        const said = (ofCalls.get(callId) ?? []).flatMap(({ body }) => {
          const { data } = (body as { data: { data: Record<string, unknown> } }).data
          return typeof data['text'] === 'string' ? [data['text']] : []
        })
        for (let writer = 0; writer < writers; writer += 1) {
          expect(said.filter((text) => text.startsWith(`${writer}/`))).toEqual(
            Array.from({ length: updatesOfWriter }, (_, update) => `${writer}/${update}`),
          )
        }
      }
      expect(laneBreaches(receiver.received, { lanes: lanesOf(events), interruptions })).toEqual([])
      expect(await other.stop()).toBe(0)
    }, 120_000)
  },
)
