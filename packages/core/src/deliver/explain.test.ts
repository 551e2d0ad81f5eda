import { describe, expect, test } from 'vitest'
import {
  day,
  definition,
  destination,
  event,
  explain,
  explainOne,
  now,
  of,
  version,
} from '../../test/explain-samples.ts'
import type { DestinationDefinition } from './destination.ts'
import { explainEvent, type Explanation, type ExplainSubject } from './explain.ts'

describe('an event without a delivery', () => {
  function routedBy(given: Partial<DestinationDefinition>): Partial<ExplainSubject> {
    return { versions: [version({ definition: definition(given) })], destinations: [destination(given)] }
  }

  test.each<[string, Partial<ExplainSubject>, Explanation['state'], string | RegExp]>([
    ['that is not folded yet', { folded: false }, 'not_routed_yet', /^Not routed yet: the event is stored/],
    [
      'of another type',
      routedBy({ events: ['call.ended'] }),
      'not_subscribed',
      'Not sent: urgent takes call.ended only, this is call.started.',
    ],
    [
      'of another type than many',
      routedBy({ events: ['a', 'b', 'c', 'd', 'e', 'f', 'g'] }),
      'not_subscribed',
      'Not sent: urgent takes a, b, c, d, e and 2 more only, this is call.started.',
    ],
    [
      'of another source',
      routedBy({ scope: { sources: ['staging', 'test'], agents: null } }),
      'out_of_scope',
      'Not sent: urgent takes the source staging and test only, this came from hamsa.',
    ],
    [
      'of another agent',
      { ...routedBy({ scope: { sources: null, agents: ['agent-1'] } }), agentId: 'agent-2' },
      'out_of_scope',
      'Not sent: urgent takes calls of agent-1 only, this is a call of agent-2.',
    ],
    [
      'of an agent that is not known',
      routedBy({ scope: { sources: null, agents: ['agent-1'] } }),
      'out_of_scope',
      'Not sent: urgent takes calls of agent-1 only, and the agent of this call is not known.',
    ],
    [
      'of an agent that became known later',
      { ...routedBy({ scope: { sources: null, agents: ['agent-1'] } }), agentId: 'agent-1' },
      'out_of_scope',
      /^Not sent, or no longer on record: urgent takes calls of agent-1 only/,
    ],
    [
      'before the destination was made',
      { versions: [version({ fromSeq: 11, at: now - 5_000 })] },
      'not_there_yet',
      'Not sent: urgent was made after this event (11:59:55Z); a replay sends it.',
    ],
    [
      'while the destination was out of the config file',
      {
        versions: [
          version({ version: 2, fromSeq: 8, definition: null }),
          version({ version: 3, fromSeq: 12, at: now - 5_000 }),
        ],
        destinations: [{ ...destination(), origin: 'config' }],
      },
      'not_there_yet',
      'Not sent: urgent was not in the config file when this event came (11:59:55Z); a replay sends it.',
    ],
    [
      'whose delivery is not on record any more',
      {},
      'not_kept',
      'Routed to urgent and finished; the record of it is older than what is kept.',
    ],
  ])('%s', (_, given, state, sentence) => {
    const explanation = explainOne(given)
    expect(explanation.state).toBe(state)
    if (typeof sentence === 'string') expect(explanation.sentence).toBe(sentence)
    else expect(explanation.sentence).toMatch(sentence)
  })

  test('the settings of that time decide, and it says where those of today are others', () => {
    const {
      state,
      sentence,
      routedBy: by,
    } = explainOne({
      versions: [
        version({ definition: definition({ events: ['call.ended'] }) }),
        version({ version: 2, fromSeq: 11, at: now - 1_000 }),
      ],
    })
    expect(state).toBe('not_subscribed')
    expect(sentence).toBe(
      'Not sent: urgent takes call.ended only, this is call.started. Since then urgent has been changed: it takes such events, and a replay sends it.',
    )
    expect(by).toEqual({ version: 1, at: now - day })
  })

  test('of several changes at one place of the log the last is what it was routed by', () => {
    const { state } = explainOne({
      versions: [
        version({ version: 1, fromSeq: 10 }),
        version({ version: 2, fromSeq: 10, definition: definition({ events: ['call.ended'] }) }),
      ],
    })
    expect(state).toBe('not_subscribed')
  })
})

test('a destination that was removed since is explained by its last name, and says so', () => {
  const { destination: named, sentence } = explainOne({
    ...of({ state: 'delivered', finishedAt: now - 5_000 }),
    versions: [version(), version({ version: 2, fromSeq: 20, at: now - 1_000, definition: null })],
    destinations: [],
  })
  expect(named).toEqual({ id: 'dst_1', name: 'urgent' })
  expect(sentence).toBe('Delivered at 11:59:55Z. urgent was removed at 11:59:59Z.')
})

test('a destination that was gone before the event is not mentioned, folded or not', () => {
  const gone = version({ key: 2, id: 'dst_2', version: 4, fromSeq: 8, definition: null })
  for (const folded of [true, false]) {
    const explanations = explain({ versions: [version(), gone], folded })
    expect(explanations.map(({ destination: { id } }) => id)).toEqual(['dst_1'])
  }
})

test('one that came back after the event and was removed then has the name that it had last', () => {
  const { destination: named, sentence } = explainOne({
    versions: [
      version({ version: 2, fromSeq: 8, definition: null }),
      version({ version: 3, fromSeq: 12, at: now - 5_000 }),
      version({ version: 5, fromSeq: 20, at: now - 1_000, name: 'renamed', definition: null }),
    ],
    destinations: [],
  })
  expect(named).toEqual({ id: 'dst_1', name: 'renamed' })
  expect(sentence).toBe(
    'Not sent: renamed was not in the config file when this event came (11:59:55Z); a replay sends it. renamed was removed at 11:59:59Z.',
  )
})

test.each(['api', 'agent'] as const)(
  'one of origin %s that was being removed when the event came says so',
  (origin) => {
    const removed = destination({}, { reason: 'removed', since: now, until: null, detail: null })
    const { state, sentence } = explainOne({
      versions: [version({ version: 2, fromSeq: 8, definition: null })],
      destinations: [{ ...removed, origin }],
    })
    expect(state).toBe('not_there_yet')
    expect(sentence).toBe('Not sent: urgent was being removed when this event came.')
  },
)

test('every destination has one answer, in the order in which they were made', () => {
  const second = { ...destination({ name: 'second' }), key: 2, id: 'dst_2' }
  const explanations = explain({
    ...of({ destinationKey: 2, state: 'delivered' }),
    destinations: [second, destination({ events: ['call.ended'] })],
    versions: [
      version({ key: 2, id: 'dst_2' }),
      version({ definition: definition({ events: ['call.ended'] }) }),
    ],
  })
  expect(explanations.map(({ destination: { name }, state }) => [name, state])).toEqual([
    ['urgent', 'not_subscribed'],
    ['second', 'delivered'],
  ])
})

describe('the webhooks of other agents', () => {
  const scope = { sources: ['agent:x'], agents: ['x'] }
  const published = { ...event, source: 'agent:y' }
  const subject: ExplainSubject = {
    event,
    folded: true,
    agentId: 'x',
    versions: [version({ definition: definition({ scope }) })],
    deliveries: [],
    destinations: [destination({ scope })],
    now,
  }

  test('are left out, also of a received event that names the agent - there may be hundreds', () => {
    expect(explainEvent(subject)).toEqual([])
    expect(explainEvent({ ...subject, event: published })).toEqual([])
    expect(explainEvent({ ...subject, event: { ...event, source: 'agent:x' } })).toHaveLength(1)
  })

  test('are explained when they are asked for', () => {
    const [explanation] = explainEvent({ ...subject, event: published, destinationKey: 1 })
    expect(explanation).toMatchObject({
      state: 'out_of_scope',
      sentence: 'Not sent: urgent takes the source agent:x only, this came from agent:y.',
    })
  })
})
