import { foldCall, readBody, readEnvelope, readFacts, showCall, type CallRecord } from '@hookswitch/events'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { differencesOf } from './compare-call.ts'
import { faultPresets, type Faults } from './faults.ts'
import type { SimulatedCall } from './simulated-call.ts'
import { createSimulation } from './simulation.ts'
import type { SimulationOptions } from './simulation-options.ts'
import { truthOf } from './truth.ts'

const startAt = Date.UTC(2026, 2, 1, 9, 30)

/** Without the megabytes, which would take most of the time; they have a test of their own. */
const smallFaults: Faults = { ...faultPresets.all, 'huge-transcript': 0 }

const anyOptions: fc.Arbitrary<SimulationOptions> = fc.record({
  seed: fc.stringMatching(/^\w{1,8}$/),
  startAt: fc.integer({ min: Date.UTC(2001, 0, 1), max: Date.UTC(2098, 0, 1) }),
  calls: fc.integer({ min: 1, max: 6 }),
  rate: fc.constantFrom(1, 20, 500),
  speed: fc.constantFrom(1, 2.5, 100),
  dialect: fc.constantFrom('v1', 'legacy', 'mixed'),
  transcript: fc.constantFrom('delta', 'cumulative', 'mixed'),
  faults: fc.constantFrom(faultPresets.none, faultPresets.some, smallFaults),
})

function callsOf(options: Partial<SimulationOptions> = {}): SimulatedCall[] {
  return [...createSimulation({ seed: '7', startAt, calls: 40, rate: 20, ...options }).calls()]
}

/** What this project's own receiver makes of the events, in the order in which they came. */
function recordOf(call: SimulatedCall, arrivals: readonly number[]): CallRecord | null {
  if (arrivals.length === 0) return null
  const folded = arrivals.map((index, seq) => {
    const reading = readBody(call.events[index]?.body() ?? new Uint8Array())
    if (!reading.ok) throw new Error(`refused: ${JSON.stringify(reading.issues)}`)
    const envelope = readEnvelope(reading.value)
    if (!envelope.ok) throw new Error(`refused: ${JSON.stringify(envelope.issues)}`)
    const facts = readFacts(envelope.envelope, reading.value)
    // Received when all that it tells of is over.
    const receivedAt = Math.max(...call.events.map(({ at }) => at)) + seq
    return { seq, receivedAt, source: 'hamsa', envelope: envelope.envelope, facts }
  })
  const { head, put } = foldCall(null, folded)
  return showCall(head, put)
}

describe('the truth about a call', () => {
  test('is what a receiver knows, whatever it has been given and in whatever order', () => {
    const anyCalls = anyOptions.chain((options) =>
      fc.record({
        options: fc.constant(options),
        share: fc.constantFrom(1, 0.9, 0.5, 0.1),
        order: fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true })),
      }),
    )
    fc.assert(
      fc.property(anyCalls, ({ options, share, order }) => {
        const next = (): number => order.next().value
        for (const call of createSimulation(options).calls()) {
          const arrivals = [...call.events.keys()]
            .filter(() => next() < share)
            .map((event) => ({ event, place: next() }))
            .sort((one, other) => one.place - other.place)
            .map(({ event }) => event)
          const truth = truthOf(call, (event) => arrivals.includes(event))
          expect(differencesOf(truth, recordOf(call, arrivals))).toEqual([])
        }
      }),
      { numRuns: 300 },
    )
  })

  test('is nothing where no event was taken', () => {
    const [call] = callsOf({ calls: 1 })
    if (call === undefined) throw new Error('there is no call')
    expect(truthOf(call, () => false)).toBeNull()
    expect(differencesOf(null, null)).toEqual([])
    const record = recordOf(call, [0])
    expect(differencesOf(null, record)).toEqual([{ field: '', expected: null, found: 1 }])
    expect(
      differencesOf(
        truthOf(call, () => true),
        null,
      ),
    ).toMatchObject([{ field: '', found: null }])
  })

  test('of a huge transcript is whole - megabytes that an endpoint takes and a record holds whole', () => {
    const faults: Faults = { ...faultPresets.none, 'huge-transcript': 1 }
    const huge = callsOf({ faults }).filter(({ events }) =>
      events.some(({ says }) => says.live !== undefined),
    )
    for (const call of huge.slice(0, 4)) {
      const bytes = call.events.at(-1)?.body().length ?? 0
      expect(bytes).toBeGreaterThan(1_000_000)
      expect(bytes).toBeLessThan(10 * 1024 * 1024)
      const all = [...call.events.keys()]
      expect(
        differencesOf(
          truthOf(call, () => true),
          recordOf(call, all),
        ),
      ).toEqual([])
    }
  })
})

describe('a comparison', () => {
  const call = callsOf({ calls: 40 }).find(({ status, agentId }) => {
    return status === 'COMPLETED' && agentId.startsWith('sim-recruiter')
  })
  if (call === undefined) throw new Error('there is no such call')
  const truth = truthOf(call, () => true)
  const right = recordOf(call, [...call.events.keys()])
  if (right === null) throw new Error('there is no record')

  const fields: [field: string, change: Partial<CallRecord>][] = [
    ['status', { status: 'answered' }],
    ['agentName', { agentName: null }],
    ['conversationId', { conversationId: 'other' }],
    ['userNumber', { userNumber: '+12025550100' }],
    ['params', { params: { ...right.params, application_id: 12345 } }],
    ['startedAt', { startedAt: new Date(startAt + 5_000_000).toISOString() }],
    ['endedAt', { endedAt: null }],
    ['durationSeconds', { durationSeconds: 1 }],
    ['recordingUrl', { recordingUrl: null }],
    ['transcriptSource', { transcriptSource: 'live' }],
    ['transcript.length', { transcript: right.transcript.slice(0, -1) }],
    ['transcript[0]', { transcript: right.transcript.map((turn) => ({ ...turn, speaker: 'User' })) }],
    ['transcriptText', { transcriptText: '' }],
    [
      'outcome.session_id',
      { outcome: { ...right.outcome, session_id: { state: 'null', value: null, origin: 'echoed' } } },
    ],
    [
      'outcome.session_id.origin',
      {
        outcome: {
          ...right.outcome,
          session_id: { ...right.outcome['session_id'], origin: 'collected' } as never,
        },
      },
    ],
    [
      'outcome.extra',
      { outcome: { ...right.outcome, extra: { state: 'value', value: 1, origin: 'collected' } } },
    ],
    ['tools.length', { tools: [] }],
    ['tools[0]', { tools: right.tools.map((tool) => ({ ...tool, durationMs: 1 })) }],
    ['eventCount', { eventCount: 99 }],
    ['truncated', { truncated: true }],
  ]

  test.each(fields)('finds what is wrong with %s', (field, change) => {
    expect(differencesOf(truth, right)).toEqual([])
    expect(differencesOf(truth, { ...right, ...change }).map((difference) => difference.field)).toContain(
      field,
    )
  })

  test('takes a value as it was sent where an outcome schema has made another of it', () => {
    const value = right.outcome['yearsOfExperience']
    if (value?.state !== 'value') throw new Error('there is no such field')
    const coerced = { ...value, value: 7, raw: value.value }
    expect(
      differencesOf(truth, { ...right, outcome: { ...right.outcome, yearsOfExperience: coerced } }),
    ).toEqual([])
  })
})
