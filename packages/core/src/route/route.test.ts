import { describe, expect, test } from 'vitest'
import type { CallHead } from '@hookswitch/events'
import type { DestinationDefinition } from '../deliver/destination.ts'
import { agentSource, overrideSource } from '../publish/published-source.ts'
import type { RoutedDestination } from '../store/store.ts'
import type { LaneSubject } from './lane-key.ts'
import { keptLaneKey, notRouted, routeEvent } from './route.ts'

function destination(key: number, wanted: Partial<DestinationDefinition> = {}): RoutedDestination {
  return {
    key,
    definition: {
      name: `destination-${key}`,
      kind: 'webhook',
      events: null,
      scope: { sources: null, agents: null },
      filter: null,
      template: null,
      lane: 'call',
      onExhausted: 'continue',
      retry: { preset: 'standard' },
      limits: { concurrency: 10, perSecond: null },
      settings: {},
      ...wanted,
    },
  }
}

function subject(who: string | null, head: Partial<CallHead> | null = {}): LaneSubject {
  return {
    event: {
      id: 'evt_1',
      seq: 7,
      source: 'hamsa',
      callId: 'a',
      type: 'call.ended',
      body: Buffer.from(JSON.stringify({ who })),
    },
    head: head === null ? null : ({ callId: 'a', sources: ['hamsa'], agentId: null, ...head } as CallHead),
  }
}

const agent = (value: string): Partial<CallHead> => ({ agentId: { value, at: 0, seq: 0 } })

describe('whether a destination takes an event', () => {
  const event = { type: 'call.ended', source: 'hamsa' }
  const asked = (wanted: Partial<DestinationDefinition>, agentId: string | null = null): string | null =>
    notRouted(destination(1, wanted).definition, event, agentId)

  test('it does where nothing is said against it', () => {
    expect(asked({})).toBeNull()
    expect(asked({ events: ['call.started', 'call.ended'] })).toBeNull()
    expect(asked({ scope: { sources: ['hamsa'], agents: ['x'] } }, 'x')).toBeNull()
  })

  test('it does not for another type, source or agent, and says which', () => {
    expect(asked({ events: ['call.started'] })).toBe('type')
    expect(asked({ events: [] })).toBe('type')
    expect(asked({ scope: { sources: ['other'], agents: null } })).toBe('source')
    expect(asked({ scope: { sources: [], agents: null } })).toBe('source')
    expect(asked({ scope: { sources: null, agents: ['y'] } }, 'x')).toBe('agent')
    expect(asked({ scope: { sources: null, agents: [] } }, 'x')).toBe('agent')
  })

  test('it does not while the agent of the call is not known', () => {
    expect(asked({ scope: { sources: null, agents: ['x'] } })).toBe('agent_unknown')
  })

  test('a name is compared whole and exactly', () => {
    expect(asked({ events: ['call'] })).toBe('type')
    expect(asked({ events: ['CALL.ENDED'] })).toBe('type')
    expect(asked({ scope: { sources: null, agents: ['X'] } }, 'x')).toBe('agent')
  })
})

describe('an event that was published here', () => {
  const endpoint = (key: number, agentId: string): RoutedDestination =>
    destination(key, { scope: { sources: [agentSource(agentId)], agents: [agentId] } })
  const published = (source: string, head: Partial<CallHead> = {}): LaneSubject => {
    const of = subject('ann', head)
    return { ...of, event: { ...of.event, source } }
  }
  const sentTo = (of: LaneSubject, destinations: readonly RoutedDestination[]): number[] =>
    routeEvent(of, destinations).map(({ destinationKey }) => destinationKey)

  test('goes to the webhook of its agent, and to no other agent’s', () => {
    const destinations = [endpoint(1, 'x'), endpoint(2, 'y'), destination(3)]
    expect(sentTo(published(agentSource('x')), destinations)).toEqual([1, 3])
    expect(sentTo(published(agentSource('y')), destinations)).toEqual([2, 3])
    expect(sentTo(published(agentSource('z')), destinations)).toEqual([3])
  })

  test('goes there whatever its call says of its agent - whoever can send events could name another', () => {
    const destinations = [endpoint(1, 'x'), endpoint(2, 'y')]
    expect(sentTo(published(agentSource('x'), agent('y')), destinations)).toEqual([1])
    expect(sentTo(published(agentSource('x')), destinations)).toEqual([1])
  })

  test('is what a webhook of an agent takes alone - received ones that name the agent are not', () => {
    const destinations = [endpoint(1, 'x'), destination(2, { scope: { sources: null, agents: ['x'] } })]
    expect(sentTo(subject('ann', agent('x')), destinations)).toEqual([2])
    expect(sentTo(published(agentSource('x')), destinations)).toEqual([1, 2])
  })

  test('of a call with its own webhook goes to the destination of that host alone', () => {
    const override = destination(1, { scope: { sources: [overrideSource('crm.example')], agents: null } })
    const destinations = [override, endpoint(2, 'x')]
    expect(sentTo(published(overrideSource('crm.example'), agent('x')), destinations)).toEqual([1])
    expect(sentTo(published(overrideSource('other.example'), agent('x')), destinations)).toEqual([])
  })

  test('is routed by the list as it is now - a list that has changed is another', () => {
    const before = [endpoint(1, 'x')]
    expect(sentTo(published(agentSource('y')), before)).toEqual([])
    expect(sentTo(published(agentSource('y')), [...before, endpoint(2, 'y')])).toEqual([2])
  })

  test('is found among several that name one source alone or with others', () => {
    const source = agentSource('x')
    const destinations = [
      destination(1, { scope: { sources: [source, 'hamsa'], agents: null } }),
      endpoint(2, 'x'),
      destination(3, { scope: { sources: [source], agents: null } }),
      destination(4, { scope: { sources: ['hamsa'], agents: null } }),
    ]
    expect(sentTo(published(source), destinations)).toEqual([1, 2, 3])
    expect(sentTo(subject('ann'), destinations)).toEqual([1, 4])
  })
})

describe('the deliveries of an event', () => {
  test('are one for each destination that takes it, in the order in which these are given', () => {
    const made = routeEvent(subject('ann', agent('x')), [
      destination(3, { lane: 'destination' }),
      destination(1, { events: ['other'] }),
      destination(2, { scope: { sources: null, agents: ['x'] } }),
    ])
    expect(made).toEqual([
      { destinationKey: 3, eventSeq: 7, laneKey: 'all', replayKey: null },
      { destinationKey: 2, eventSeq: 7, laneKey: 'call:a', replayKey: null },
    ])
  })

  test('are none where nothing takes it', () => {
    expect(routeEvent(subject('ann'), [])).toEqual([])
    expect(routeEvent(subject('ann'), [destination(1, { events: [] })])).toEqual([])
  })

  test('of a call without a record are routed by its id', () => {
    const rules = [{ path: 'call.userNumber' }, 'call'] as const
    const made = routeEvent(
      subject('ann', null),
      rules.map((lane, index) => destination(index, { lane })),
    )
    expect(made.map(({ laneKey }) => laneKey)).toEqual(['call:a', 'call:a'])
  })
})

describe('the lane that a call was given', () => {
  const byWho = { lane: { path: 'event.body.who' } } as const

  test('is kept, whatever its later events say', () => {
    const first = subject('ann')
    expect(keptLaneKey(1, byWho, first)).toBe('key:ann')
    expect(first.head?.lanes).toEqual({ 1: 'key:ann' })
    expect(keptLaneKey(1, byWho, { ...subject('bob'), head: first.head })).toBe('key:ann')
  })

  test('is kept for each destination by itself', () => {
    const first = subject('ann')
    keptLaneKey(1, byWho, first)
    expect(keptLaneKey(2, byWho, { ...subject('bob'), head: first.head })).toBe('key:bob')
    expect(first.head?.lanes).toEqual({ 1: 'key:ann', 2: 'key:bob' })
  })

  test('is kept too where it is the call itself - it was not known in time', () => {
    const first = subject(null)
    expect(keptLaneKey(1, byWho, first)).toBe('call:a')
    expect(keptLaneKey(1, byWho, { ...subject('ann'), head: first.head })).toBe('call:a')
  })

  test('is not kept where the rule is no path - it is the same each time', () => {
    const first = subject('ann')
    for (const lane of ['call', 'destination', 'none'] as const) keptLaneKey(1, { lane }, first)
    expect(first.head?.lanes).toBeUndefined()
  })

  test('leaves the head that it was read from as it was', () => {
    const lanes = { 1: 'key:ann' }
    const first = subject('bob', { lanes })
    keptLaneKey(2, byWho, first)
    expect(lanes).toEqual({ 1: 'key:ann' })
  })
})
