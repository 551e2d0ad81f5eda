import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { faultNames, faultPresets, readFaults, type Faults } from './faults.ts'
import type { SimulatedCall } from './simulated-call.ts'
import { createSimulation } from './simulation.ts'
import type { SimulationOptions } from './simulation-options.ts'
import { truthOf } from './truth.ts'

const startAt = Date.UTC(2026, 2, 1, 9, 30)

/** Without the megabytes, which would take most of the time. */
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

const only = (faults: Partial<Faults>): Faults => ({ ...faultPresets.none, ...faults })

const textOf = (body: Uint8Array): string => new TextDecoder().decode(body)

/** All that leaves the machine, and when. */
function wireOf(calls: readonly SimulatedCall[]): unknown {
  return calls.map(({ callId, beginsMs, events, sends }) => ({
    callId,
    beginsMs,
    bodies: events.map(({ body }) => textOf(body())),
    sends,
  }))
}

describe('a simulation', () => {
  test('sends the same bytes at the same moments for the same options - what went wrong can be seen again', () => {
    fc.assert(
      fc.property(anyOptions, (options) => {
        const simulation = createSimulation(options)
        const wire = wireOf([...simulation.calls()])
        expect(wireOf([...simulation.calls()])).toEqual(wire)
        expect(wireOf([...createSimulation({ ...options }).calls()])).toEqual(wire)
      }),
      { numRuns: 60 },
    )
  })

  test('begins as it would if it were longer - more calls change none of the first', () => {
    expect(wireOf(callsOf({ calls: 12, faults: smallFaults }).slice(0, 5))).toEqual(
      wireOf(callsOf({ calls: 5, faults: smallFaults })),
    )
  })

  test('has other calls with another seed, and at another time - two runs are not duplicates', () => {
    const ids = [callsOf(), callsOf({ seed: '8' }), callsOf({ startAt: startAt + 1 })].flat()
    expect(new Set(ids.map(({ callId }) => callId)).size).toBe(120)
  })

  test('tells the same stories with the same seed at another time - a demonstration can be relied on', () => {
    const storiesOf = (calls: SimulatedCall[]) =>
      calls.map((call) => ({
        ...truthOf(call, () => true),
        callId: '',
        conversationId: '',
        recordingUrl: '',
      }))
    const withoutTimes = (calls: SimulatedCall[]) =>
      storiesOf(calls).map((story) => ({ ...story, startedAt: 0, answeredAt: 0, endedAt: 0 }))
    expect(withoutTimes(callsOf({ startAt: startAt + 86_400_000 }))).toEqual(withoutTimes(callsOf()))
  })

  test('tells the same calls whatever happens to their events on the way - runs can be compared', () => {
    const bodies = (calls: SimulatedCall[]): string[][] =>
      calls.map(({ events }) => events.map(({ body }) => textOf(body())))
    // At this rate no call begins later because of what is sent twice.
    const rate = 1e9
    const faulty = only({ duplicate: 0.3, reorder: 0.3, drop: 0.3, delay: 0.3, 'wrong-token': 0.3 })
    expect(bodies(callsOf({ rate, faults: faulty }))).toEqual(bodies(callsOf({ rate })))
  })

  test('begins calls as often as the rate asks for, repeats included', () => {
    const calls = callsOf({ calls: 200, rate: 50, faults: smallFaults })
    let requests = 0
    for (const { beginsMs, sends } of calls) {
      expect(beginsMs).toBe(Math.round((requests / 50) * 1_000))
      for (const { copies } of sends) requests += copies
    }
  })

  test.each([1, 4, 1_000])(
    'says no time that is not past at speed %d, and how long a call really was',
    (speed) => {
      const [calls, plain] = [callsOf({ speed }), callsOf()]
      for (const [index, { events, sends, beginsMs }] of calls.entries()) {
        for (const send of sends) {
          expect(events[send.event]?.at).toBeLessThanOrEqual(startAt + send.dueMs + 1)
          expect(send.dueMs).toBeGreaterThanOrEqual(beginsMs)
        }
        const lengthOf = (call: SimulatedCall | undefined): number =>
          (call?.events.at(-1)?.at ?? 0) - (call?.events[0]?.at ?? 0)
        expect(lengthOf(calls[index])).toBe(lengthOf(plain[index]))
      }
    },
  )

  test('is of all four agents in both languages, answered or not', () => {
    const calls = callsOf({ calls: 200 })
    expect(new Set(calls.map(({ agentId }) => agentId)).size).toBe(8)
    expect(new Set(calls.map(({ status }) => status))).toEqual(new Set(['COMPLETED', 'NO_ANSWER', 'FAILED']))
    const types = new Set(calls.flatMap(({ events }) => events.map(({ type }) => type)))
    expect([...types].sort()).toEqual(
      ['call.answered', 'call.ended', 'call.started', 'tool.executed', 'transcription.update'].sort(),
    )
    const outcomes = calls.flatMap(({ events }) => Object.values(events.at(-1)?.says.end?.outcome ?? {}))
    const kinds = new Set(outcomes.map((value) => (value === null ? 'null' : typeof value)))
    expect(kinds).toEqual(new Set(['string', 'number', 'boolean', 'object', 'null']))
    expect(outcomes.some((value) => typeof value === 'string' && /[\u0660-\u0669]/.test(value))).toBe(true)
  })

  test('gives identifiers as strings, as the platform asks', () => {
    for (const { events } of callsOf()) {
      const { params } = events[0]?.says ?? {}
      expect(Object.keys(params ?? {})).not.toEqual([])
      expect(Object.values(params ?? {}).every((value) => typeof value === 'string')).toBe(true)
    }
  })

  test('sends each event once and in its order without faults', () => {
    for (const { events, sends } of callsOf({ dialect: 'mixed' })) {
      expect(sends.map(({ event }) => event)).toEqual([...events.keys()])
      expect(
        sends.every(({ copies, token, bodyMs }) => copies === 1 && token === 'right' && bodyMs === 0),
      ).toBe(true)
    }
  })

  test.each([
    [{ calls: 0 }, 'calls is 0'],
    [{ calls: 1.5 }, 'calls is 1.5'],
    [{ rate: 0 }, 'rate is 0'],
    [{ speed: 0.5 }, 'speed is 0.5'],
    [{ seed: '' }, 'seed is ""'],
    [{ startAt: 7 }, 'startAt is 7'],
    [{ faults: only({ drop: 2 }) }, 'faults.drop is 2'],
  ] as const)('refuses %j', (wrong, message) => {
    expect(() => createSimulation({ seed: '7', startAt, calls: 1, rate: 1, ...wrong })).toThrow(
      expect.objectContaining({ name: 'RangeError', message: expect.stringContaining(message) as string }),
    )
  })
})

describe('faults', () => {
  const met = (faults: Partial<Faults>): SimulatedCall[] => callsOf({ faults: only(faults), calls: 60 })
  const spoken = (call: SimulatedCall): boolean => call.events.some(({ says }) => says.live !== undefined)
  const endsOf = (call: SimulatedCall) =>
    call.events.flatMap(({ says }) => (says.end === undefined ? [] : [says.end]))

  test('duplicate: every event is sent again after its answer', () => {
    for (const { events, sends } of met({ duplicate: 1 })) {
      expect(sends.map(({ event }) => event).sort((one, other) => one - other)).toEqual(
        [...events.keys()].flatMap((event) => [event, event]),
      )
      expect(sends.every(({ copies }) => copies === 1)).toBe(true)
    }
  })

  test('concurrent-duplicate: every event is sent twice at once', () => {
    for (const { sends } of met({ 'concurrent-duplicate': 1 })) {
      expect(sends.every(({ copies }) => copies === 2)).toBe(true)
    }
  })

  test('reorder: neighbours change places, and none is lost', () => {
    for (const { events, sends } of met({ reorder: 1 })) {
      const order = sends.map(({ event }) => event)
      expect(order.slice(0, 2)).toEqual([1, 0])
      expect([...order].sort((one, other) => one - other)).toEqual([...events.keys()])
      expect(sends.every(({ dueMs }, index) => dueMs >= (sends[index - 1]?.dueMs ?? 0))).toBe(true)
    }
  })

  test('drop: the event is not sent', () => {
    for (const { sends } of met({ drop: 1 })) expect(sends).toEqual([])
  })

  test('delay: it is late, and those after it wait behind it', () => {
    const [plain, late] = [callsOf({ calls: 1 })[0], met({ delay: 1 })[0]]
    const lateness = late?.sends.map(({ dueMs }, index) => dueMs - (plain?.sends[index]?.dueMs ?? 0)) ?? []
    expect(lateness[0]).toBeGreaterThanOrEqual(5_000)
    expect(lateness).toEqual(lateness.toSorted((one, other) => one - other))
  })

  test('wrong-token: a stray request shows a wrong secret, and the event comes nevertheless', () => {
    for (const { events, sends } of met({ 'wrong-token': 1 })) {
      expect(sends.map(({ token }) => token)).toEqual([...events].flatMap(() => ['wrong', 'right']))
    }
  })

  test('slow-body: it takes its time, but less than a platform waits', () => {
    for (const { sends } of met({ 'slow-body': 1 })) {
      expect(sends.every(({ bodyMs }) => bodyMs >= 300 && bodyMs <= 1_500)).toBe(true)
    }
  })

  test('late-recording: the end comes without a recording, and again with it', () => {
    for (const call of met({ 'late-recording': 1 }).filter(({ status }) => status !== 'NO_ANSWER')) {
      expect(endsOf(call).map(({ recordingUrl }) => recordingUrl)).toEqual([
        null,
        expect.stringMatching(/^https:/),
      ])
    }
  })

  test('empty-transcript: the end has no turns, so that the updates are all there is', () => {
    for (const call of met({ 'empty-transcript': 1 }).filter(spoken)) {
      expect(endsOf(call)[0]?.transcript()).toEqual([])
      expect(truthOf(call, () => true)?.transcriptSource).toBe('live')
    }
  })

  test('json-string-outcome: the outcome, or every list and object in it, is JSON in a string', () => {
    const outcomes = met({ 'json-string-outcome': 1 }).map(({ events }) => {
      const body = JSON.parse(textOf(events.at(-1)?.body() ?? new Uint8Array())) as {
        data: { data: { outcomeResult: unknown } }
      }
      return body.data.data.outcomeResult
    })
    expect(new Set(outcomes.map((outcome) => typeof outcome))).toEqual(new Set(['string', 'object']))
    const nested = outcomes.flatMap((outcome) =>
      typeof outcome === 'string' ? [] : Object.values(outcome ?? {}),
    )
    expect(nested.every((value) => value === null || typeof value !== 'object')).toBe(true)
  })

  test('null-fields and absent-fields: some of what was collected is null, or not there', () => {
    const plain = callsOf({ calls: 60 })
    const [nulls, absents] = [met({ 'null-fields': 1 }), met({ 'absent-fields': 1 })]
    for (const [index, call] of plain.entries()) {
      if (call.status !== 'COMPLETED') continue
      const fieldsOf = (one: SimulatedCall | undefined) => one?.events.at(-1)?.says.end?.outcome ?? {}
      const nullsOf = (one: SimulatedCall | undefined): number =>
        Object.values(fieldsOf(one)).filter((value) => value === null).length
      expect(nullsOf(nulls[index])).toBeGreaterThan(0)
      expect(Object.keys(fieldsOf(nulls[index]))).toEqual(Object.keys(fieldsOf(call)))
      expect(JSON.stringify(fieldsOf(absents[index])).length).toBeLessThan(
        JSON.stringify(fieldsOf(call)).length,
      )
    }
  })

  test('second-dialect: the end comes in the other form as well', () => {
    for (const { events } of met({ 'second-dialect': 1 })) {
      expect(events.filter(({ type }) => type === 'call.ended').map(({ dialect }) => dialect)).toEqual([
        'v1',
        'legacy',
      ])
    }
  })

  test('are read from left to right, each over what stands before it', () => {
    expect(readFaults('none')).toEqual(faultPresets.none)
    expect(readFaults('drop=0.1, reorder=.05')).toEqual(only({ drop: 0.1, reorder: 0.05 }))
    expect(readFaults('all,drop=0')).toEqual({ ...faultPresets.all, drop: 0 })
    expect(readFaults('drop=1,some')).toEqual(faultPresets.some)
    expect(Object.keys(faultPresets.all).sort()).toEqual([...faultNames].sort())
  })

  test.each([
    ['dorp=0.1', '"dorp" is no fault, expected none, some, all, or some of duplicate,'],
    ['', '"" is no fault'],
    ['drop', '"drop" has no probability from 0 to 1, expected drop=0.1'],
    ['drop=2', '"drop=2" has no probability'],
    ['drop=', '"drop=" has no probability'],
  ])('%j is refused with what is expected', (text, message) => {
    expect(() => readFaults(text)).toThrow(message)
  })
})
