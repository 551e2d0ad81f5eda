import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { foldCall, type CallStatus } from '../src/index.ts'
import { ended, event, eventOf, StoredCall } from './events-of.ts'

const time = (second: number): string => new Date(Date.UTC(2026, 4, 3, 9) + second * 1000).toISOString()

/** So few words that turns repeat, and beginnings of lists meet. */
const turn = fc
  .tuple(fc.constantFrom('Agent', 'User'), fc.constantFrom('hello', 'yes', 'no', 'maybe', 'I think so'))
  .map(([speaker, text]) => ({ [speaker]: text }))
const turns = (maxLength: number) => fc.array(turn, { maxLength })

type Body = Record<string, unknown>
/** Makes the body of an event from the second in which it happens. */
type Happening = (second: number) => Body

const update = (data: unknown): Happening => {
  return (second) => event('transcription.update', data, time(second))
}

/** What happens in a call in which `said` is said, in any mixture of the forms that senders use. */
function happenings(said: Record<string, string>[]): fc.Arbitrary<Happening> {
  const length = fc.integer({ min: 0, max: said.length })
  return fc.oneof(
    length.map((count) => update({ transcription: said.slice(0, count) })),
    // The last turn is not whole yet.
    length.map((count) => {
      const partial = Object.entries(said[count] ?? {}).map(([speaker, text]) => ({
        [speaker]: text.slice(0, 2),
      }))
      return update({ transcription: [...said.slice(0, count), ...partial] })
    }),
    turns(4).map((some) => update({ transcription: some })),
    turn.map(update),
    fc.constantFrom<Happening>(
      (second) =>
        event('call.started', { params: { a: 'x', b: second }, direction: 'inbound' }, time(second)),
      (second) =>
        event('call.answered', { ringDuration: second, agentName: `agent ${second}` }, time(second)),
      (second) => event('tool.executed', { toolName: 'lookup', duration: second }, time(second)),
      (second) => event('call.analyzed', { outcomeResult: { a: second } }, time(second)),
    ),
    fc
      .tuple(
        turns(4),
        fc.dictionary(fc.constantFrom('a', 'b', '__proto__'), fc.constantFrom(null, '', 0, 'x', '7')),
      )
      .map(([transcription, outcomeResult]): Happening => {
        return (second) => ended({ transcription, outcomeResult }, time(second))
      }),
  )
}

/** The bodies of one call, each in another second. */
const bodies = turns(8)
  .chain((said) => fc.array(happenings(said), { minLength: 1, maxLength: 14 }))
  .map((list) => list.map((happening, second) => happening(second)))

const inAnyOrder = (list: Body[]) => fc.shuffledSubarray(list, { minLength: list.length })

const slicings = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 4 })

/** Folds in these slices, `seq` by arrival, without the repetitions, which accept never lets through. */
function arrive(arrivals: readonly Body[], slicing: readonly number[] = [1]): StoredCall {
  const events = [...new Set(arrivals)].map((body, at) => eventOf(body, at + 1, Date.UTC(2026, 5, 1) + at))
  const call = new StoredCall()
  for (let from = 0, slice = 0; from < events.length; slice += 1) {
    const length = slicing[slice % slicing.length] ?? 1
    call.apply(events.slice(from, from + length))
    from += length
  }
  return call
}

test('the same events give the same record — in any order, repeated, and in any slices', () => {
  const arrivals = bodies.chain((list) =>
    fc.tuple(fc.constant(list), inAnyOrder(list), fc.array(fc.constantFrom(...list), { maxLength: 5 })),
  )
  fc.assert(
    fc.property(arrivals, slicings, slicings, ([list, shuffled, repeated], one, other) => {
      const view = { echo: ['a'] }
      expect(arrive([...repeated, ...shuffled], other).show(view)).toEqual(arrive(list, one).show(view))
    }),
    { numRuns: 1000 },
  )
})

test('it changes neither the head nor the events that it is given', () => {
  fc.assert(
    fc.property(bodies, (list) => {
      const events = list.map((body, at) => eventOf(body, at + 1))
      const { head } = foldCall(null, events.slice(0, 1))
      const before = JSON.stringify([head, events])
      foldCall(head, events)
      expect(JSON.stringify([head, events])).toBe(before)
    }),
  )
})

test('status never goes backwards — a delayed call.started is no new call', () => {
  const rank: Record<CallStatus, number> = { started: 0, answered: 1, ended: 2 }
  fc.assert(
    fc.property(bodies.chain(inAnyOrder), (list) => {
      const call = new StoredCall()
      const ranks = list.map((body, at) => rank[call.apply([eventOf(body, at + 1)]).head.status])
      expect(ranks).toEqual(ranks.toSorted((one, other) => one - other))
    }),
  )
})

test('a live transcript never shrinks, and never grows beyond what was said', () => {
  const lists = turns(10).chain((said) =>
    fc
      .array(fc.integer({ min: 0, max: said.length }))
      .map((lengths) => lengths.map((length) => said.slice(0, length))),
  )
  fc.assert(
    fc.property(lists, (updates) => {
      const call = new StoredCall()
      const lengths = updates.map((transcription, at) => {
        call.apply([eventOf(update({ transcription })(at), at + 1)])
        return call.show().transcript.length
      })
      const longestSoFar = updates.map((_, at) =>
        Math.max(...updates.slice(0, at + 1).map((list) => list.length)),
      )
      expect(lengths).toEqual(longestSoFar)
    }),
  )
})

test('an event of an unknown type leaves a trace and has no effect', () => {
  const known = [
    event('call.started', { params: { a: 1 } }, time(0)),
    ended({ outcomeResult: { a: 1 } }, time(9)),
  ]
  const loud = {
    outcomeResult: { a: 2 },
    transcription: [{ Agent: 'x' }],
    callDuration: 9,
    direction: 'inbound',
  }
  const unknown = { ...event('call.analyzed', loud, time(99)), agentId: 'other' }
  const without = arrive(known).show()
  expect(arrive([...known, unknown]).show()).toEqual({ ...without, eventCount: 3, lastEventAt: time(99) })
})
