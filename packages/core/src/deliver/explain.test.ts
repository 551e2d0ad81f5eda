import { describe, expect, test } from 'vitest'
import type { ListedDelivery, StoredAttempt, StoredLane } from './delivery.ts'
import type { DestinationDefinition, DestinationVersion, Hold, StoredDestination } from './destination.ts'
import { explainEvent, type ExplainedDelivery, type Explanation, type ExplainSubject } from './explain.ts'
import { freshFlow } from './flow.ts'

const now = Date.UTC(2026, 0, 31, 12, 0, 0)
const day = 24 * 60 * 60 * 1000

const event = { id: 'evt_1', seq: 10, type: 'call.started', source: 'hamsa' }

function definition(given: Partial<DestinationDefinition> = {}): DestinationDefinition {
  return {
    name: 'urgent',
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
    ...given,
  }
}

function destination(
  given: Partial<DestinationDefinition> = {},
  hold: Hold | null = null,
): StoredDestination {
  return {
    key: 1,
    id: 'dst_1',
    origin: 'api',
    version: 1,
    definition: definition(given),
    sealedSecrets: null,
    flow: { ...freshFlow, hold },
    createdAt: now - day,
    updatedAt: now - day,
  }
}

function version(given: Partial<DestinationVersion> = {}): DestinationVersion {
  const named = { key: 1, id: 'dst_1', name: given.definition?.name ?? 'urgent' }
  return { ...named, version: 1, fromSeq: 1, at: now - day, definition: definition(), ...given }
}

function delivery(given: Partial<ListedDelivery> = {}): ListedDelivery {
  return {
    key: 7,
    destinationKey: 1,
    eventSeq: event.seq,
    laneKey: 'call:call_1',
    replayKey: null,
    state: 'pending',
    reason: null,
    attempts: 0,
    createdAt: now - 60_000,
    finishedAt: null,
    eventId: event.id,
    eventType: event.type,
    callId: 'call_1',
    lane: null,
    ...given,
  }
}

const attempt: StoredAttempt = {
  deliveryKey: 7,
  number: 3,
  startedAt: now - 1_000,
  durationMs: 120,
  node: 'node',
  verdict: 'retry',
  status: 503,
  cause: null,
  message: null,
  request: null,
  response: null,
}

const head = { key: 3, state: 'running', isHead: true, dueAt: now, claimed: false } as const

function lane(given: Partial<StoredLane> = {}): StoredLane {
  return {
    key: 3,
    destinationKey: 1,
    laneKey: 'call:call_1',
    state: 'running',
    dueAt: now,
    headAttempts: 0,
    parkedAt: null,
    parkedReason: null,
    pending: 2,
    headDeliveryKey: 6,
    ...given,
  }
}

function explain(given: Partial<ExplainSubject>): Explanation[] {
  return explainEvent({
    event,
    folded: true,
    agentId: null,
    versions: [version()],
    deliveries: [],
    destinations: [destination()],
    now,
    ...given,
  })
}

function explainOne(given: Partial<ExplainSubject>): Explanation {
  const [only, ...others] = explain(given)
  expect(others).toEqual([])
  return only as Explanation
}

/** The one delivery of the event. */
function of(
  given: Partial<ListedDelivery>,
  circumstances: Partial<Omit<ExplainedDelivery, 'delivery'>> = {},
): Partial<ExplainSubject> {
  return {
    deliveries: [{ delivery: delivery(given), lastAttempt: null, lane: null, head: null, ...circumstances }],
  }
}

const parkedSince = now - 3_600_000
const another = delivery({ key: 6, eventId: 'evt_0', attempts: 2, lane: head })

describe('a delivery that was made', () => {
  test.each<[string, Partial<ExplainSubject>, Explanation['state'], string]>([
    [
      'delivered at once',
      of({ state: 'delivered', attempts: 1, finishedAt: now }, { lastAttempt: { ...attempt, status: 200 } }),
      'delivered',
      'Delivered at 12:00:00Z (200 after 120 ms).',
    ],
    [
      'delivered on another day, at the third try, by a handler',
      of(
        { state: 'delivered', attempts: 3, finishedAt: now - day },
        { lastAttempt: { ...attempt, status: null, durationMs: 12_300 } },
      ),
      'delivered',
      'Delivered at 2026-01-30 12:00:00Z, by try 3 (after 12 s).',
    ],
    [
      'delivered by a replay, when its attempts are not kept any more',
      of({ state: 'delivered', attempts: 1, finishedAt: now, replayKey: 4 }),
      'delivered',
      'Delivered at 12:00:00Z. This was replay rpl_4.',
    ],
    [
      'filtered',
      of({ state: 'filtered', reason: 'the filter said no', finishedAt: now }),
      'filtered',
      'Not sent: the filter of urgent said no at 12:00:00Z. A replay asks it again.',
    ],
    [
      'dead',
      of({ state: 'dead', reason: 'given up after 3 tries: answered 503', finishedAt: now, attempts: 3 }),
      'dead',
      'Dead since 12:00:00Z: given up after 3 tries: answered 503. It is sent again when somebody retries it.',
    ],
    [
      'skipped',
      of({ state: 'skipped', reason: 'skipped by amal: test data.', finishedAt: now }),
      'skipped',
      'Skipped at 12:00:00Z: skipped by amal: test data.',
    ],
    ['that is due', of({ lane: head }), 'pending', 'Waiting for its turn: its first try is due now.'],
    [
      'that is being sent',
      of({ attempts: 2, lane: { ...head, claimed: true } }),
      'retrying',
      'Being sent now (try 3).',
    ],
    [
      'that failed',
      of({ attempts: 3, lane: { ...head, dueAt: now + 5_000 } }, { lastAttempt: attempt }),
      'retrying',
      'Waiting: 3 tries have failed (last: 503 after 120 ms), the next is at 12:00:05Z.',
    ],
    [
      'that failed without an answer',
      of(
        { attempts: 1, lane: { ...head, dueAt: now + day } },
        { lastAttempt: { ...attempt, status: null, cause: 'timeout', durationMs: 5_000 } },
      ),
      'retrying',
      'Waiting: 1 try has failed (last: no answer after 5000 ms), the next is at 2026-02-01 12:00:00Z.',
    ],
    [
      'that failed with words',
      of(
        { attempts: 2, lane: head },
        { lastAttempt: { ...attempt, status: 200, cause: 'protocol', message: 'Slack answered "no_text".' } },
      ),
      'retrying',
      'Waiting: 2 tries have failed (last: 200, Slack answered "no_text", after 120 ms), the next is due now.',
    ],
    [
      'in a parked lane',
      of(
        { attempts: 1, lane: { ...head, state: 'parked' } },
        {
          lane: lane({ state: 'parked', parkedAt: parkedSince, parkedReason: 'refused: answered 400' }),
          lastAttempt: attempt,
        },
      ),
      'parked',
      'Waiting: its lane has been parked since 11:00:00Z: refused: answered 400. It goes on when somebody resumes the lane or skips this event.',
    ],
    [
      'behind one that is parked',
      of(
        { lane: { ...head, state: 'parked', isHead: false } },
        {
          lane: lane({ state: 'parked', parkedAt: parkedSince, parkedReason: 'refused: answered 400' }),
          head: another,
        },
      ),
      'behind',
      'Waiting behind evt_0 in the same lane, which has been parked since 11:00:00Z: refused: answered 400. It goes on when somebody resumes the lane or skips that event.',
    ],
    [
      'behind one that fails',
      of(
        { lane: { ...head, isHead: false } },
        { lane: lane({ headAttempts: 2, dueAt: now + 60_000 }), head: another },
      ),
      'behind',
      'Waiting behind evt_0 in the same lane, of which 2 tries have failed; its next is at 12:01:00Z.',
    ],
    [
      'behind one that is being sent',
      of(
        { lane: { ...head, isHead: false, claimed: true } },
        { lane: lane(), head: { ...another, lane: { ...head, claimed: true } } },
      ),
      'behind',
      'Waiting behind evt_0 in the same lane, which is being sent now.',
    ],
    [
      'behind one whose turn comes first',
      of({ lane: { ...head, isHead: false } }, { lane: lane(), head: { ...another, attempts: 0 } }),
      'behind',
      'Waiting behind evt_0 in the same lane, which comes first.',
    ],
    [
      'behind one that is gone by now',
      of({ lane: { ...head, isHead: false } }),
      'behind',
      'Waiting behind another event in the same lane.',
    ],
  ])('%s', (_, given, state, sentence) => {
    expect(explainOne(given)).toMatchObject({ state, sentence, destination: { id: 'dst_1', name: 'urgent' } })
  })

  test('the latest decides - it may have been replayed after it was dead', () => {
    const [routed] = of({ key: 7, state: 'dead' }).deliveries ?? []
    const [replayed] = of({ key: 9, state: 'delivered', replayKey: 2 }).deliveries ?? []
    const { state, delivery: latest } = explainOne({
      deliveries: [replayed, routed].filter((one) => one !== undefined),
    })
    expect([state, latest?.delivery.key]).toEqual(['delivered', 9])
  })

  test('a next attempt is told only where nothing else comes first', () => {
    const waiting = of({ attempts: 1, lane: { ...head, dueAt: now + 5_000 } })
    expect(explainOne(waiting).nextAttemptAt).toBe(now + 5_000)
    const hold = { reason: 'paused', since: now, until: null, detail: null } as const
    expect(explainOne({ ...waiting, destinations: [destination({}, hold)] }).nextAttemptAt).toBeNull()
    expect(explainOne(of({ lane: { ...head, isHead: false } })).nextAttemptAt).toBeNull()
  })
})

describe('a destination that is held', () => {
  const since = now - 60_000
  test.each<[Omit<Hold, 'since'>, string]>([
    [
      { reason: 'paused', until: null, detail: 'maintenance until noon.' },
      'because somebody paused it (maintenance until noon); it goes on when somebody resumes it.',
    ],
    [
      { reason: 'breaker', until: now + 10_000, detail: null },
      'because too many deliveries in a row have failed; it is tried again at 12:00:10Z.',
    ],
    [
      { reason: 'retry_after', until: now + 5_000, detail: null },
      'because it asked to be left alone; it is tried again at 12:00:05Z.',
    ],
    [
      { reason: 'auth', until: null, detail: 'answered 401' },
      'because it refused our credentials (answered 401); it goes on when somebody resumes it or changes its settings.',
    ],
    [
      { reason: 'failing', until: null, detail: 'nothing has succeeded since 2026-01-29T12:00:00Z' },
      'because it has failed for too long (nothing has succeeded since 2026-01-29T12:00:00Z); it goes on when somebody resumes it or changes its settings.',
    ],
    [
      { reason: 'removed', until: null, detail: 'it is not in the config file any more' },
      'because it was removed (it is not in the config file any more); it goes on only if the config file has it again.',
    ],
  ])('%j', (hold, words) => {
    const explanation = explainOne({
      ...of({ attempts: 2, lane: head }, { lastAttempt: attempt }),
      destinations: [destination({}, { ...hold, since })],
    })
    expect(explanation.state).toBe('held')
    expect(explanation.sentence).toBe(
      `Waiting: urgent has been held since 11:59:00Z, ${words} Before that 2 tries have failed (last: 503 after 120 ms).`,
    )
    expect(explanation.hold).toEqual({ ...hold, since })
  })

  test('a hold whose time is over holds nothing', () => {
    const over = destination({}, { reason: 'breaker', since, until: now, detail: null })
    expect(explainOne({ ...of({ lane: head }), destinations: [over] }).state).toBe('pending')
  })
})

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
